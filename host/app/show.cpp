// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include "library.hpp"

#include <symphony/manifests/print.hpp>
#include <symphony/manifests/rights.hpp>
#include <symphony/manifests/units.hpp>
#include <symphony/sandbox/machine.hpp>

#include <algorithm>

namespace symphony::app {
namespace fs = std::filesystem;
namespace {

using manifests::Data;
using manifests::Manifest;

/// What granting it would mean, for people.
std::string words_of(const manifests::Capability& capability) {
    const auto right = manifests::Right::parse(capability.kind, capability.value);
    return right ? in_words(*right) : capability.value;
}

struct Facts {
    host::ManifestFile file;
    host::Entry entry;
    PluginView view;
    std::string folder;
    std::optional<Error> library_error; // of the digest and note check
    std::string note;                   // "ABI 1.0 (built 1.0), SDK 1.0.0"
    std::string sha256;
    std::vector<std::string> needed;    // libraries of the system
};

Facts gather(App& app, host::Catalog::Ref ref) {
    Facts facts{{}, app.catalog().entry(ref), app.view(ref), app.catalog().folder(ref), {}, {}, {}, {}};
    facts.file = host::read_manifest_file(facts.folder, manifests::Strictness::load);
    if (!facts.file.parsed.manifest) return facts;
    auto image = host::VerifiedImage::open(*facts.file.parsed.manifest, facts.folder, SYMPHONY_TRIPLE);
    if (image) {
        const auto& note = image->note();
        facts.sha256 = image->sha256();
        facts.note = "ABI " + std::to_string(note.abi_major) + "." + std::to_string(note.abi_required) + ", built with " +
                     std::to_string(note.abi_major) + "." + std::to_string(note.abi_built) + ", SDK " +
                     host::printable(read_bounded(note.sdk));
        facts.needed = image->needed();
    } else {
        facts.library_error = image.error();
    }
    return facts;
}

std::string sandbox_text(App& app) {
    const auto grade = sandbox::Machine::probe().grade;
    return "grade " + std::string(name_of(grade)) + " here: " + std::string(describe(grade)) + "; at least " +
           std::string(name_of(app.isolation_options({}).minimum)) + " is asked for";
}

Data shown(const manifests::EffectiveSetting& setting) {
    return setting.secret && !setting.value.is_null() ? Data("(secret)") : setting.value;
}

// Durations and sizes as people write them.
std::string in_units(const manifests::EffectiveSetting& setting, const std::vector<manifests::ConfigKey>& keys) {
    const auto* number = setting.value.as<std::int64_t>();
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& item) { return item.name == setting.key; });
    if (number != nullptr && *number >= 0 && !setting.secret && key != keys.end()) {
        if (key->type == manifests::ConfigType::duration) return manifests::duration_text(static_cast<std::uint64_t>(*number));
        if (key->type == manifests::ConfigType::size) return manifests::size_text(static_cast<std::uint64_t>(*number));
    }
    return setting.value.is_null() ? "(not set)" : manifests::to_toml(shown(setting));
}

Data to_json_data(App& app, const Facts& facts) {
    Data::Map map{{"state", facts.view.state}, {"folder", host::printable(facts.folder)}};
    if (const auto place = app.placement(facts.view.ref)) {
        map.emplace_back("placement", place->isolated ? "isolated" : "in-process");
        map.emplace_back("placement_reason", host::printable(place->why));
        if (place->isolated) map.emplace_back("grade", name_of(sandbox::Machine::probe().grade));
    }
    if (facts.view.error) map.emplace_back("error", error_data(*facts.view.error));
    Data::List findings;
    for (const auto& item : facts.file.parsed.diagnostics) findings.push_back(Data(host::printable(manifests::format(item))));
    map.emplace_back("findings", Data(std::move(findings)));
    if (const auto& manifest = facts.file.parsed.manifest) {
        map.emplace_back("manifest", manifests::to_data(*manifest));
        Data::Map library{{"ok", !facts.library_error}, {"sha256", facts.sha256}, {"note", facts.note}};
        if (facts.library_error) library.emplace_back("error", error_data(*facts.library_error));
        Data::List needed;
        for (const auto& name : facts.needed) needed.push_back(Data(host::printable(name)));
        library.emplace_back("needed", Data(std::move(needed)));
        map.emplace_back("library", Data(std::move(library)));
        Data::List permissions;
        for (const auto& item : manifest->capabilities) {
            permissions.push_back(Data(Data::Map{{"kind", name_of(item.kind)}, {"value", host::printable(item.value)},
                                                 {"meaning", host::printable(words_of(item))},
                                                 {"reason", host::printable(item.reason)}, {"optional", item.optional}}));
        }
        map.emplace_back("permissions", Data(std::move(permissions)));
        const auto config = app.config().effective(*manifest);
        Data::List settings, problems;
        for (const auto& item : config.settings) {
            settings.push_back(Data(Data::Map{{"key", item.key}, {"value", shown(item)}, {"origin", host::printable(item.origin)},
                                              {"secret", item.secret}}));
        }
        for (const auto& item : config.diagnostics) problems.push_back(Data(host::printable(manifests::format(item))));
        map.emplace_back("configuration", Data(std::move(settings)));
        map.emplace_back("configuration_problems", Data(std::move(problems)));
    }
    return Data(std::move(map));
}

class Page {
public:
    explicit Page(bool color) : color_(color) {}
    void row(const std::string& key, std::string_view value) {
        if (value.empty()) return;
        text += key + std::string(key.size() < 14 ? 14 - key.size() : 1, ' ') + host::printable(value) + "\n";
    }
    void title(std::string_view name) { text += "\n" + bold(name, color_) + "\n"; }
    void line(std::string_view value) { text += "  " + host::printable(value) + "\n"; }
    std::string text;

private:
    bool color_;
};

void describe(App& app, const Manifest& manifest, Page& page) {
    if (!manifest.provides.empty()) {
        page.title("Provides");
        for (const auto& item : manifest.provides) {
            page.line(item.port + ", priority " + std::to_string(item.priority) + (item.exclusive ? ", exclusive" : ""));
        }
    }
    if (!manifest.operations.empty()) {
        page.title("Operations");
        for (const auto& item : manifest.operations) {
            std::string line = item.name + "(";
            for (const auto& slot : item.inputs) line += (line.ends_with('(') ? "" : ", ") + slot.name + ": " + slot.type.text();
            line += ") -> (";
            for (const auto& slot : item.outputs) line += (line.ends_with('(') ? "" : ", ") + slot.name + ": " + slot.type.text();
            page.line(line + ")" + (item.summary.empty() ? "" : "  " + item.summary));
        }
    }
    if (!manifest.needs.empty() || !manifest.dependencies.empty() || manifest.host) {
        page.title("Needs");
        if (manifest.host) page.line("symphony-core " + manifest.host->range.text());
        for (const auto& item : manifest.dependencies) page.line("plugin " + item.id + " " + item.range.text() + (item.optional ? ", optional" : ""));
        for (const auto& item : manifest.needs) {
            page.line("port " + item.port + (item.provider.empty() ? "" : " of " + item.provider) + (item.optional ? ", optional" : ""));
        }
    }
    page.title("Permissions it asks for");
    if (manifest.capabilities.empty()) page.line("none");
    for (const auto& item : manifest.capabilities) {
        page.line(words_of(item) + (item.optional ? " (optional)" : "") + (item.reason.empty() ? "" : ": " + item.reason));
    }
    const auto& resources = manifest.resources;
    std::vector<std::string> budgets;
    if (resources.memory_limit_bytes) budgets.push_back("memory " + manifests::size_text(*resources.memory_limit_bytes));
    if (resources.cpu_limit_percent) budgets.push_back("cpu " + std::to_string(*resources.cpu_limit_percent) + "% of one core");
    if (resources.threads) budgets.push_back(std::to_string(*resources.threads) + " threads");
    if (resources.start_timeout_ms) budgets.push_back("starts within " + manifests::duration_text(*resources.start_timeout_ms));
    if (resources.open_files) budgets.push_back(std::to_string(*resources.open_files) + " open files");
    if (resources.gpu_required) budgets.push_back("a GPU");
    if (!budgets.empty()) {
        page.title("Resources");
        for (const auto& item : budgets) page.line(item);
    }
    page.title("Configuration");
    const auto config = app.config().effective(manifest);
    const auto keys = manifests::config_keys(manifest);
    for (const auto& item : config.settings) page.line(item.key + " = " + in_units(item, keys) + "   from " + item.origin);
    for (const auto& item : config.diagnostics) page.line(manifests::format(item));
    if (!manifest.commands.empty()) {
        page.title("Commands");
        for (const auto& item : manifest.commands) page.line(item.name + "  " + item.summary);
    }
}

/// What others know of a plugin that is not here: where it can be had.
Result<int> show_elsewhere(App& app, const Typed& typed, Error not_here) {
    const auto additions = additions_to(app, manifests::AddsTo::show, typed);
    const bool known = std::any_of(additions.begin(), additions.end(), [](const Addition& one) { return !one.error && !one.output.empty(); });
    for (const auto& one : additions) {
        // Whoever looked and found none knows better what to do than we.
        if (one.error && !known && one.error->code() == Code::not_found && one.error->reason() == "unknown-plugin") not_here = *one.error;
        else if (one.error && one.error->code() != Code::not_found) app.console.warning(one.name + ": " + one.error->message());
    }
    if (!known) return not_here;
    if (app.options.json) {
        app.console.out(json_with(Data(Data::Map{{"state", "not-here"}}), additions));
        return done;
    }
    for (const auto& one : additions) {
        if (!one.error) app.console.out(one.output);
    }
    return done;
}

} // namespace

Result<int> show(App& app, const Typed& typed) {
    const auto ref = app.find_plugin(typed.one("plugin"));
    if (!ref && ref.error().code() != Code::not_found) return ref.error();
    if (!ref) return show_elsewhere(app, typed, ref.error());
    const auto facts = gather(app, *ref);
    Typed by_id;
    by_id.values["plugin"] = {std::string(facts.entry.id)};
    if (app.options.json) {
        const auto data = to_json_data(app, facts); // before plugins are called, which may change what there is
        app.console.out(json_with(data, additions_to(app, manifests::AddsTo::show, by_id)));
        return done;
    }
    Page page(app.console.out_color());
    const auto& manifest = facts.file.parsed.manifest;
    page.text = bold(host::printable(facts.entry.name) + " " + host::printable(facts.entry.version), app.console.out_color()) + "\n";
    if (manifest) page.row("", manifest->extension.description);
    page.row("id", facts.entry.id);
    page.row("state", facts.view.state);
    if (facts.view.error) {
        page.row("reason", facts.view.error->message() + " [" + std::string(facts.view.error->reason()) + "]");
        page.row("hint", facts.view.error->hint());
    }
    if (const auto place = app.placement(*ref)) {
        page.row("runs", (place->isolated ? "isolated: " : "in the host's process: ") + place->why);
        if (place->isolated) page.row("sandbox", sandbox_text(app));
    }
    page.row("folder", facts.folder + " (" + std::string(name_of(app.catalog().root(*ref).origin)) + ")");
    if (manifest) {
        page.row("type", facts.entry.type);
        page.row("author", manifest->extension.author);
        page.row("license", manifest->extension.license);
        page.row("homepage", manifest->extension.homepage);
        const bool told = facts.library_error && facts.view.error && facts.library_error->reason() == facts.view.error->reason();
        if (!told) page.row("library", facts.library_error ? facts.library_error->message() + " [" + std::string(facts.library_error->reason()) + "]"
                                                : "sha256 " + facts.sha256 + " as the manifest says");
        page.row("note", facts.note);
        std::string needed;
        for (const auto& name : facts.needed) needed += (needed.empty() ? "" : ", ") + name;
        page.row("needs", needed);
        page.row("abi", std::to_string(manifest->abi.major) + "." + std::to_string(manifest->abi.minor) + ", " +
                            std::string(name_of(manifest->abi.threads)) + ", placement " + std::string(name_of(manifest->abi.placement)) +
                            (manifest->abi.minimum_grade == manifests::MinimumGrade::none ? "" : ", at least grade " + std::string(name_of(manifest->abi.minimum_grade))));
        describe(app, *manifest, page);
    }
    if (!facts.file.parsed.diagnostics.empty()) {
        page.title("Findings in the manifest");
        for (const auto& item : facts.file.parsed.diagnostics) page.line(manifests::format(item));
    }
    const auto versions = app.catalog().find(host::Catalog::Table::id, facts.entry.id);
    if (versions.size() > 1) {
        page.title("Folders with this id");
        for (const auto other : versions) {
            page.line(std::string(app.catalog().entry(other).version) + "  " + app.view(other).state + "  " + app.catalog().folder(other));
        }
    }
    for (const auto& one : additions_to(app, manifests::AddsTo::show, by_id)) {
        if (one.error || one.output.empty()) continue;
        page.title("As " + one.name + " knows it");
        page.text += indented(one.output, 2);
    }
    app.console.out(page.text);
    return done;
}

} // namespace symphony::app
