// SPDX-License-Identifier: Apache-2.0
#pragma once

// The manifest format, once. `describe(visitor, section)` names every key of a section with the member it fills and the
// rule it obeys. The parser, its hints, the printer and the JSON Schema are four visitors of this one table, so a key
// that is added here is parsed, suggested, printed and documented.
//
// A visitor has: text, texts, boolean, integer, choice, parsed, maybe (an optional `parsed`), data, data_list, table,
// tables (a list of tables), map (named entries), slots (names with types), grants, rest (all other keys).

#include "rules.hpp"

namespace symphony::manifests {

/// A key of a section.
struct Key {
    std::string_view name;
    std::string_view about;
    bool required = false;
    Place* place = nullptr; ///< receives where the value is written
};

/// Whether a map keeps the order of the file, or is sorted because the order says nothing.
enum class Order : std::uint8_t { written, sorted };

/// The key that a bare text stands for, where an entry may be a text instead of a table.
template <class T> constexpr std::string_view shorthand = {};
template <> inline constexpr std::string_view shorthand<Dependency> = "version";
template <> inline constexpr std::string_view shorthand<Capability> = "value";

template <class V>
void describe(V& v, Extension& to) {
    v.text({"id", "Globally unique; the name when left out", false, &to.id_place}, to.id, rule::id);
    v.text({"name", "Short name that people type", true, &to.name_place}, to.name, rule::name);
    v.parsed({"version", "Version of the plugin, SemVer 2.0.0", true, &to.version_place}, to.version, codec::version);
    v.choice({"type", "What kind of extension it is", true}, to.type);
    v.text({"author", "Who made it"}, to.author, rule::any);
    v.text({"description", "One sentence on what it does"}, to.description, rule::any);
    v.text({"license", "SPDX license expression"}, to.license, rule::any);
    v.text({"homepage", "Where to read more"}, to.homepage, rule::web_address);
    v.texts({"replaces", "Ids that this plugin takes the place of"}, to.replaces, rule::id);
}

template <class V>
void describe(V& v, Abi& to) {
    AbiVersion version{to.major, to.minor};
    v.parsed({"version", "Major and the oldest minor of the binary interface that it needs", false, &to.version_place},
             version, codec::abi);
    to.major = version.major;
    to.minor = version.minor;
    v.choice({"placement", "Where it may run; asking for less isolation has no effect"}, to.placement);
    v.choice({"minimum_grade", "Runs isolated, and only where the sandbox reaches this grade"}, to.minimum_grade);
    v.choice({"threads", "How it may be called; the descriptor's flags must agree"}, to.threads);
    v.choice({"reload", "Whether its library may be unmapped; only the validator writes \"verified\""}, to.reload);
}

template <class V>
void describe(V& v, Provide& to) {
    v.integer({"priority", "Which provider is preferred: the highest"}, to.priority, 0, 1000, 50);
    v.boolean({"exclusive", "No other provider of this port may be active"}, to.exclusive);
    v.rest("For the users of the port", to.data);
}

template <class V>
void describe(V& v, Require& to) {
    v.boolean({"optional", "It works without"}, to.optional);
    v.choice({"cardinality", "One provider or every one"}, to.cardinality);
    v.text({"provider", "Id of the only provider it accepts"}, to.provider, rule::id);
}

template <class V>
void describe(V& v, Dependency& to) {
    v.parsed({"version", "Versions that it works with, as Cargo writes them", true}, to.range, codec::range);
    v.boolean({"optional", "It works without"}, to.optional);
}

template <class V>
void describe(V& v, Operation& to) {
    v.text({"name", "How workflows call it", true}, to.name, rule::word);
    v.text({"summary", "One line for people"}, to.summary, rule::any);
    v.slots({"inputs", "Name and type of each input"}, to.inputs);
    v.slots({"outputs", "Name and type of each output"}, to.outputs);
    v.boolean({"pure", "Same input, same output, nothing else happens: may be cached"}, to.pure);
}

template <class V>
void describe(V& v, Capability& to) {
    v.text({"value", "What it may reach", true}, to.value, rule_of(to.kind));
    v.text({"reason", "Why; shown to the person who grants it"}, to.reason, rule::any);
    v.boolean({"optional", "It works without"}, to.optional);
}

template <class V>
void describe(V& v, Resources& to) {
    v.maybe({"memory_limit", "Memory"}, to.memory_limit_bytes, codec::size);
    v.maybe({"cpu_limit", "Processor time; 100% is one core"}, to.cpu_limit_percent, codec::percent);
    v.boolean({"gpu_required", "It cannot work without a graphics processor"}, to.gpu_required);
    v.integer({"threads", "Most threads it starts"}, to.threads, 1, 4096);
    v.maybe({"start_timeout", "Time to become active; 20 s when it is not there"}, to.start_timeout_ms, codec::duration);
    v.integer({"open_files", "Most files open at once"}, to.open_files, 1, 1'000'000);
    v.maybe({"file_size", "Largest file it writes"}, to.file_size_bytes, codec::size);
    v.maybe({"output_volume", "Most it prints and logs in one call"}, to.output_volume_bytes, codec::size);
}

template <class V>
void describe(V& v, ConfigKey& to) {
    v.choice({"type", "Type of the value", true}, to.type);
    v.data({"default", "Value when nobody gives one", false, &to.default_place}, to.default_value);
    v.data({"min", "Least value, or least length", false, &to.min_place}, to.min);
    v.data({"max", "Greatest value, or greatest length", false, &to.max_place}, to.max);
    v.text({"description", "One line for people"}, to.description, rule::any);
    v.boolean({"required", "It does not start without"}, to.required);
    v.boolean({"secret", "Never printed, logged or stored"}, to.secret);
    v.data_list({"choices", "The only values allowed", false, &to.choices_place}, to.choices);
}

template <class V>
void describe(V& v, Activation& to) {
    std::vector<std::string> on;
    if (to.startup) on.emplace_back("startup");
    for (const auto& port : to.ports) on.push_back("port:" + port);
    v.texts({"on", "What wakes it; nothing: the first use of one of its ports"}, on, rule::activation);
    to.startup = false;
    to.ports.clear();
    for (const auto& event : on) {
        if (event == "startup") {
            to.startup = true;
        } else {
            to.ports.push_back(event.substr(5));
        }
    }
}

template <class V>
void describe(V& v, Argument& to) {
    v.text({"name", "Name in the usage line", true}, to.name, rule::word);
    v.text({"help", "One line for people"}, to.help, rule::any);
    v.boolean({"required", "The command cannot do without"}, to.required);
    v.boolean({"repeat", "May be given several times; the last argument only"}, to.repeat);
    v.text({"complete", "What completion offers: file, directory, workflow, plugin"}, to.complete, rule::word);
    v.choice({"selects", "The typed path is granted for this run"}, to.selects);
}

template <class V>
void describe(V& v, Flag& to) {
    v.text({"name", "Long name, without dashes in front", true}, to.name, rule::flag);
    v.text({"short", "One letter"}, to.short_name, rule::short_flag);
    v.text({"value", "Placeholder of its value; left out: a switch"}, to.value, rule::any);
    v.boolean({"repeat", "May be given several times"}, to.repeat);
    v.text({"help", "One line for people"}, to.help, rule::any);
    v.text({"default", "Value when it is not given"}, to.default_value, rule::any);
    v.text({"complete", "What completion offers: file, directory, workflow, plugin"}, to.complete, rule::word);
    v.choice({"selects", "The typed path is granted for this run"}, to.selects);
}

template <class V>
void describe(V& v, Command& to) {
    v.text({"name", "The words that people type", true}, to.name, rule::command);
    v.text({"summary", "One line for the list of commands"}, to.summary, rule::any);
    v.text({"help", "The long help"}, to.help, rule::any);
    v.texts({"examples", "Whole command lines"}, to.examples, rule::any);
    v.tables({"arguments", "What follows the command, in order"}, to.arguments);
    v.tables({"flags", "What begins with dashes"}, to.flags);
    v.choice({"adds_to", "The host's command that also asks this one; its name is that one's with a word in front"}, to.adds_to);
    v.boolean({"follow", "While it runs, plugins that are installed, changed or removed are taken over"}, to.follow);
}

template <class V>
void describe(V& v, Artifact& to) {
    v.text({"triple", "Platform it is built for", true}, to.triple, rule::triple);
    v.text({"path", "The library, beside the manifest", true, &to.path_place}, to.path, rule::library_path);
    v.integer({"size", "Bytes", true}, to.size_bytes, 1, INT64_MAX);
    v.text({"sha256", "Digest of the library", true, &to.sha256_place}, to.sha256, rule::sha256);
}

template <class V>
void describe(V& v, PackageContent& to) {
    v.texts({"include", "Files and folders beside the manifest that its package holds as well"}, to.include, rule::library_path);
}

/// `[capabilities]` is a view of the manifest's list: one key per kind.
struct Capabilities {
    std::vector<Capability>& all;
};

template <class V>
void describe(V& v, Capabilities& to) {
    v.grants({"model_access", "Models it uses"}, to.all, CapabilityKind::model_access);
    v.grants({"network_access", "Hosts it talks to"}, to.all, CapabilityKind::network_access);
    v.grants({"file_access", "Files it reads and writes, below named roots"}, to.all, CapabilityKind::file_access);
    v.grants({"process_exec", "Programs it starts"}, to.all, CapabilityKind::process_exec);
    v.grants({"system_access", "Rights on the machine"}, to.all, CapabilityKind::system_access);
    v.grants({"ipc_access", "Channels it sends to and listens on"}, to.all, CapabilityKind::ipc_access);
}

template <class V>
void describe(V& v, Manifest& to) {
    v.table({"extension", "Who it is", true, &to.extension.place}, to.extension);
    v.table({"abi", "What it needs of the host's binary interface", false, &to.abi.place}, to.abi);
    v.map({"provides", "Ports that it offers"}, to.provides, &Provide::port, rule::port, Order::sorted);
    v.tables({"operation", "What it offers to workflows"}, to.operations);
    v.map({"requires", "Ports that it uses"}, to.needs, &Require::port, rule::port, Order::sorted);
    v.map({"dependencies", "Plugins that it needs; symphony-core is the range of host versions"}, to.dependencies,
          &Dependency::id, rule::id, Order::sorted);
    Capabilities capabilities{to.capabilities};
    v.table({"capabilities", "Permissions that it asks for"}, capabilities);
    v.table({"resources", "Budgets that it asks for", false, &to.resources.place}, to.resources);
    v.map({"configuration", "Settings that people may change"}, to.configuration, &ConfigKey::name, rule::word,
          Order::written);
    v.table({"activation", "What wakes it", false, &to.activation.place}, to.activation);
    v.tables({"command", "What a person may type"}, to.commands);
    v.table({"package", "What else goes into its package", false, &to.package.place}, to.package);
    v.tables({"artifact", "Its library, one per platform; written by the build"}, to.artifacts);
}

} // namespace symphony::manifests
