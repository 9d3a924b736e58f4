// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

namespace symphony::app {
namespace {

using manifests::Data;

std::string ports_of(const host::Entry& entry) {
    std::string ports;
    for (const auto& item : entry.provides) ports += (ports.empty() ? "" : ", ") + std::string(item.port);
    return ports.empty() ? "-" : ports;
}

Data plugin_data(App& app, const PluginView& view, const host::Entry& entry) {
    const auto clean = [](std::string_view text) { return Data(host::printable(text)); };
    Data::List provides, commands;
    for (const auto& item : entry.provides) provides.push_back(clean(item.port));
    for (const auto& item : entry.commands) commands.push_back(clean(item.name));
    Data::Map map{{"id", clean(entry.id)}, {"name", clean(entry.name)}, {"version", clean(entry.version)},
                  {"type", clean(entry.type)}, {"description", clean(entry.description)}, {"state", view.state},
                  {"provides", Data(std::move(provides))}, {"commands", Data(std::move(commands))},
                  {"folder", clean(app.catalog().folder(view.ref))}, {"found", name_of(app.catalog().root(view.ref).origin)}};
    if (const auto place = view.error ? std::nullopt : app.placement(view.ref)) {
        map.emplace_back("placement", place->isolated ? "isolated" : "in-process");
    }
    if (view.error) map.emplace_back("error", error_data(*view.error));
    return Data(std::move(map));
}

std::string why(App& app, const PluginView& view, const host::Entry& entry) {
    auto text = "in " + app.catalog().folder(view.ref) + " (" + std::string(name_of(app.catalog().root(view.ref).origin)) + ")\n";
    if (view.error) {
        text += view.error->message() + " [" + std::string(view.error->reason()) + "]\n";
        if (!view.error->hint().empty()) text += "hint: " + view.error->hint() + "\n";
    }
    if (const auto place = view.error ? std::nullopt : app.placement(view.ref)) {
        text += std::string(place->isolated ? "runs isolated: " : "runs in the host's process: ") + place->why + "\n";
    }
    for (const auto& finding : entry.findings) {
        if (finding.fatal && &finding == &entry.findings.front()) continue; // the error says it
        text += std::string(finding.fatal ? "error: " : "warning: ") + std::string(finding.message);
        text += " (manifest.toml:" + std::to_string(finding.line) + ") [" + std::string(finding.reason) + "]\n";
    }
    return text;
}

} // namespace

Result<int> list(App& app, const Typed& typed) {
    const auto views = app.views();
    std::size_t refused = 0;
    host::Entry entry;
    if (app.options.json) {
        Data::List plugins, roots;
        for (const auto& view : views) {
            app.catalog().read(view.ref, entry);
            plugins.push_back(plugin_data(app, view, entry));
        }
        for (const auto& root : app.catalog().roots()) {
            roots.push_back(Data(Data::Map{{"folder", host::printable(root.root.path)}, {"found", name_of(root.root.origin)},
                                           {"present", root.present}, {"plugins", std::int64_t{root.plugins}},
                                           {"read", std::int64_t{root.read}}, {"cached", root.cached}}));
        }
        app.console.json(Data(Data::Map{{"plugins", Data(std::move(plugins))}, {"folders", Data(std::move(roots))}}));
        return done;
    }
    const auto name = [](const host::Entry& of) { return host::printable(of.name == of.id ? of.id : std::string(of.name) + " (" + std::string(of.id) + ")"); };
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> reasons;
    for (const auto& view : views) {
        app.catalog().read(view.ref, entry);
        const auto or_dash = [](std::string_view text) { return text.empty() ? std::string("-") : host::printable(text); };
        rows.push_back({name(entry), or_dash(entry.version), or_dash(entry.type), view.state, host::printable(ports_of(entry))});
        if (typed.has("why")) reasons.push_back(why(app, view, entry));
        refused += view.error.has_value();
    }
    if (rows.empty()) {
        app.console.err("no plugins in:\n");
    } else {
        const auto text = table({"NAME", "VERSION", "TYPE", "STATE", "PROVIDES"}, rows, app.console.out_color());
        std::string out;
        std::size_t line = 0;
        for (std::size_t at = 0; at < text.size(); ++line) {
            const auto end = text.find('\n', at) + 1;
            out += text.substr(at, end - at);
            at = end;
            if (line > 0 && !reasons.empty()) {
                std::string_view rest = reasons[line - 1];
                while (!rest.empty()) {
                    const auto stop = rest.find('\n');
                    out += "    " + host::printable(rest.substr(0, stop)) + "\n";
                    rest.remove_prefix(stop + 1);
                }
            }
        }
        app.console.out(out);
    }
    if (rows.empty() || typed.has("why")) {
        std::string folders = rows.empty() ? "" : "searched:\n";
        for (const auto& root : app.catalog().roots()) {
            folders += "  " + host::printable(root.root.path) + " (" + std::string(name_of(root.root.origin)) + "): ";
            folders += !root.present ? "not there" : std::to_string(root.plugins) + (root.plugins == 1 ? " plugin, " : " plugins, ") + std::to_string(root.read) +
                                                          " manifests read, the rest from the cache";
            folders += "\n";
        }
        app.console.err(folders);
    }
    if (refused > 0 && !typed.has("why")) {
        app.console.err(std::to_string(refused) + (refused == 1 ? " plugin cannot" : " plugins cannot") +
                        " be used: symphony list --why says why\n");
    }
    return done;
}

} // namespace symphony::app
