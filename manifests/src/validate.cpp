// SPDX-License-Identifier: Apache-2.0
#include "validate.hpp"

#include "config_value.hpp"
#include "text.hpp"

#include <symphony/manifests/config.hpp>

#include <algorithm>
#include <set>

namespace symphony::manifests {
namespace {

/// Reports every element whose key an earlier one has.
template <class T, class KeyOf>
void find_duplicates(const std::vector<T>& all, std::string_view what, KeyOf key_of, Reporter& reporter) {
    if (all.size() < 2) return;
    std::set<std::string_view> seen;
    for (const auto& one : all) {
        const std::string_view key = key_of(one);
        if (!key.empty() && !seen.insert(key).second) {
            reporter.error(one.place, "duplicate", std::string(what) + " " + shown(key) + " is given twice");
        }
    }
}

void check_extension(const Extension& extension, Reporter& reporter) {
    std::set<std::string_view> seen;
    for (const auto& id : extension.replaces) {
        if (id == extension.id) {
            reporter.error(extension.place, "contradiction", "[extension] replaces: the plugin cannot replace itself");
        } else if (!seen.insert(id).second) {
            reporter.error(extension.place, "duplicate", "[extension] replaces: " + shown(id) + " is given twice");
        }
    }
}

void check_ports(const Manifest& manifest, Reporter& reporter) {
    for (const auto& need : manifest.needs) {
        if (!need.provider.empty() && need.cardinality == Cardinality::many) {
            reporter.error(need.place, "contradiction",
                           "[requires] " + shown(need.port) + ": one provider is named, but cardinality is \"many\"");
        }
        if (!need.provider.empty() && need.provider == manifest.id()) {
            reporter.error(need.place, "contradiction",
                           "[requires] " + shown(need.port) + ": the plugin cannot be its own provider");
        }
    }
    for (const auto& dependency : manifest.dependencies) {
        if (dependency.id == manifest.id() || dependency.id == manifest.name()) {
            reporter.error(dependency.place, "contradiction", "[dependencies]: the plugin cannot depend on itself");
        }
    }
    std::set<std::string_view> seen;
    for (const auto& port : manifest.activation.ports) {
        if (!seen.insert(port).second) {
            reporter.error(manifest.activation.place, "duplicate", "[activation] on: \"port:" + port + "\" is given twice");
        } else if (manifest.find_provide(port) == nullptr) {
            reporter.error(manifest.activation.place, "not-provided",
                           "[activation] on: the plugin does not provide " + shown(port),
                           "add \"" + port + "\" = {} to [provides], or take it from [activation]");
        }
    }
}

void check_operations(const Manifest& manifest, Reporter& reporter) {
    find_duplicates(manifest.operations, "operation", [](const Operation& one) { return std::string_view(one.name); }, reporter);
    const auto offers = [&](std::string_view port) {
        return std::any_of(manifest.provides.begin(), manifest.provides.end(),
                           [&](const Provide& one) { return std::string_view(one.port).starts_with(port); });
    };
    if (!manifest.operations.empty() && !offers("operator/") && !offers("instrument/")) {
        reporter.error(manifest.operations.front().place, "missing-port",
                       "operations need the port \"operator/1\" or \"instrument/1\", and [provides] has neither",
                       "add \"operator/1\" = {} to [provides]");
    }
    if (!manifest.commands.empty() && !offers("command/")) {
        reporter.error(manifest.commands.front().place, "missing-port",
                       "commands need the port \"command/1\", and [provides] does not have it",
                       "add \"command/1\" = {} to [provides]");
    }
}

constexpr std::size_t capabilities_max = 256; // a person has to read them

void check_capabilities(const Manifest& manifest, Reporter& reporter) {
    if (manifest.capabilities.size() > capabilities_max) {
        reporter.error(manifest.capabilities[capabilities_max].place, "too-many",
                       "[capabilities] has more than " + std::to_string(capabilities_max) + " permissions");
    }
    std::set<std::pair<CapabilityKind, std::string_view>> seen;
    for (const auto& one : manifest.capabilities) {
        if (!seen.emplace(one.kind, one.value).second) {
            reporter.error(one.place, "duplicate",
                           "[capabilities] " + std::string(name_of(one.kind)) + ": " + shown(one.value) + " is given twice");
        }
    }
}

/// Brings one value into its inner form, or says why not.
void settle(const ConfigKey& key, std::string_view field, Data& value, Place place, Reporter& reporter,
            Result<Data> (*convert)(const ConfigKey&, const Data&)) {
    if (value.is_null()) return;
    auto settled = convert(key, value);
    if (settled) {
        value = *std::move(settled);
        return;
    }
    reporter.error(place, "wrong-type", "[configuration] " + key.name + "." + std::string(field) + ": " + settled.error().message(),
                   settled.error().hint());
    value = Data();
}

void check_config_key(ConfigKey& key, Strictness strictness, Reporter& reporter) {
    const std::string label = "[configuration] " + key.name;
    for (const auto& common : common_config_keys()) {
        if (common.name == key.name && common.type != key.type) {
            reporter.error(key.place, "contradiction",
                           label + ": every plugin has this key, and its type is \"" + std::string(name_of(common.type)) + "\"");
        }
    }
    settle(key, "min", key.min, key.min_place, reporter, normalise_bound);
    settle(key, "max", key.max, key.max_place, reporter, normalise_bound);
    if (key.type == ConfigType::boolean && !(key.min.is_null() && key.max.is_null())) {
        reporter.error(key.place, "contradiction", label + ": a boolean has neither min nor max");
        return;
    }
    const auto as_number = [](const Data& data) {
        const auto* integer = data.as<std::int64_t>();
        return integer != nullptr ? static_cast<double>(*integer) : data.as<double>() != nullptr ? *data.as<double>() : 0.0;
    };
    if (!key.min.is_null() && !key.max.is_null() && as_number(key.min) > as_number(key.max)) {
        reporter.error(key.place, "contradiction", label + ": min " + to_toml(key.min) + " is greater than max " + to_toml(key.max));
        return;
    }
    ConfigKey bounds = key;
    bounds.choices.clear();
    std::set<std::string> seen;
    for (auto& choice : key.choices) {
        settle(key, "choices", choice, key.choices_place, reporter, normalise);
        if (choice.is_null()) continue;
        if (const auto fits = check_limits(bounds, choice); !fits) {
            reporter.error(key.choices_place, "out-of-range", label + ".choices: " + fits.error().message());
        }
        if (!seen.insert(to_json(choice)).second) {
            reporter.error(key.choices_place, "duplicate", label + ".choices: " + to_toml(choice) + " is given twice");
        }
    }
    settle(key, "default", key.default_value, key.default_place, reporter, normalise);
    if (key.default_value.is_null()) return;
    if (key.secret && key.default_value != Data("")) {
        reporter.error(key.default_place, "secret-default",
                       label + ".default: a secret that stands in a manifest is none", "take the default away");
    } else if (const auto fits = check_limits(key, key.default_value); !fits) {
        reporter.error(key.default_place, "out-of-range", label + ".default: " + fits.error().message());
    }
    if (key.required && strictness == Strictness::lint) {
        reporter.warning(key.place, "contradiction", label + ": required has no effect beside a default",
                         "take one of the two away");
    }
}

// What the host understands with every command, and the words it keeps.
constexpr std::string_view host_flags[] = {"json", "plugins", "safe-mode", "paranoid", "workspace", "set", "log-level", "log-file",
                                           "no-color", "help"};
constexpr std::string_view host_commands[] = {"list", "show", "check", "doctor", "version", "permission", "help", "completion"};

void check_command(const Command& command, Reporter& reporter) {
    const std::string label = "[[command]] " + command.name;
    const auto first_word = std::string_view(command.name).substr(0, command.name.find(' '));
    if (std::find(std::begin(host_commands), std::end(host_commands), first_word) != std::end(host_commands)) {
        reporter.error(command.place, "reserved-name", label + ": \"" + std::string(first_word) + "\" is a command of the host");
    }
    if (command.adds_to != AddsTo::nothing) {
        const std::string tail = " " + std::string(name_of(command.adds_to));
        if (!command.name.ends_with(tail)) {
            reporter.error(command.place, "contradiction", label + ": adds to " + tail.substr(1) + " and is not called so", "call it " + std::string(first_word) + tail);
        }
    }
    find_duplicates(command.arguments, label + ": argument", [](const Argument& one) { return std::string_view(one.name); }, reporter);
    find_duplicates(command.flags, label + ": flag", [](const Flag& one) { return std::string_view(one.name); }, reporter);
    find_duplicates(command.flags, label + ": short flag", [](const Flag& one) { return std::string_view(one.short_name); }, reporter);
    bool optional_before = false;
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
        const auto& argument = command.arguments[i];
        if (argument.required && optional_before) {
            reporter.error(argument.place, "contradiction",
                           label + ": required argument " + shown(argument.name) + " stands behind one that may be left out");
        }
        optional_before = optional_before || !argument.required;
        if (argument.repeat && i + 1 != command.arguments.size()) {
            reporter.error(argument.place, "contradiction",
                           label + ": only the last argument may repeat, " + shown(argument.name) + " is not");
        }
    }
    for (const auto& flag : command.flags) {
        const bool reserved = std::find(std::begin(host_flags), std::end(host_flags), flag.name) != std::end(host_flags);
        if (reserved || flag.short_name == "h") {
            reporter.error(flag.place, "reserved-name",
                           label + ": the host understands " + (reserved ? "--" + flag.name : std::string("-h")) + " with every command");
        }
        if (flag.value.empty() && (!flag.default_value.empty() || flag.selects != Selects::nothing)) {
            reporter.error(flag.place, "contradiction",
                           label + ": --" + flag.name + " is a switch, so it has neither default nor selects",
                           "name its value, such as value = \"FILE\"");
        }
    }
}

void advise(const Manifest& manifest, Reporter& reporter) {
    const auto& extension = manifest.extension;
    const bool there = extension.place.line != 0; // else its absence is said already
    if (there && extension.description.empty()) {
        reporter.warning(extension.place, "advice", "[extension]: no description", "say in one sentence what the plugin does");
    }
    if (there && extension.license.empty()) {
        reporter.warning(extension.place, "advice", "[extension]: no license", "name it, such as license = \"Apache-2.0\"");
    }
    for (const auto& operation : manifest.operations) {
        if (operation.outputs.empty() || operation.summary.empty()) {
            reporter.warning(operation.place, "advice", "[[operation]] " + operation.name + ": no " +
                             (operation.outputs.empty() ? "outputs, so no workflow can use what it finds" : "summary"));
        }
    }
    for (const auto& command : manifest.commands) {
        if (command.summary.empty()) {
            reporter.warning(command.place, "advice", "[[command]] " + command.name + ": no summary");
        }
    }
    if (manifest.activation.startup) {
        reporter.warning(manifest.activation.place, "advice", "[activation] on: \"startup\" slows every start of the host",
                         "plugins are loaded when one of their ports is first used");
    }
}

} // namespace

void validate(Manifest& manifest, Strictness strictness, Reporter& reporter) {
    check_extension(manifest.extension, reporter);
    check_ports(manifest, reporter);
    check_operations(manifest, reporter);
    check_capabilities(manifest, reporter);
    for (auto& key : manifest.configuration) check_config_key(key, strictness, reporter);
    find_duplicates(manifest.commands, "command", [](const Command& one) { return std::string_view(one.name); }, reporter);
    for (const auto& command : manifest.commands) check_command(command, reporter);
    find_duplicates(manifest.artifacts, "an artifact for", [](const Artifact& one) { return std::string_view(one.triple); }, reporter);
    if (strictness == Strictness::lint) advise(manifest, reporter);
}

} // namespace symphony::manifests
