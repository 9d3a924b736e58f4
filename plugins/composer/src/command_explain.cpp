// SPDX-License-Identifier: Apache-2.0
// symphony compose explain: why each plugin is in, what it may, and what all of it can reach.
#include "composer.hpp"
#include "reports.hpp"
#include "workshop.hpp"

#include <algorithm>

namespace symphony::composer {
namespace {

/// Who in the lock needs it.
std::vector<std::string> needed_by(const packaging::Lock& lock, const std::string& id) {
    std::vector<std::string> out;
    for (const auto& package : lock.packages) {
        for (const auto& need : package.dependencies) {
            if (need.substr(0, need.find(' ')) == id) out.push_back(package.id);
        }
    }
    return out;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

class Explainer {
public:
    Explainer(const CommandLine& line, const Composition& all) : line_(line), all_(all) {}

    Data plugin(const Input& input) const {
        const auto* wanted = all_.distribution.find(input.id());
        const auto needs = needed_by(all_.lock, input.id());
        std::string why;
        if (wanted != nullptr) why = all_.file + ":" + std::to_string(wanted->place.line) + " asks for it" + (wanted->path.empty() ? " (" + wanted->range.text() + ")" : "");
        if (!needs.empty()) why += (why.empty() ? "" : "; ") + joined(needs) + (needs.size() == 1 ? " needs it" : " need it");
        const auto rights = rights_of(all_, input);
        line_.out(input.id() + " " + input.info.version());
        line_.out("  why     " + why);
        line_.out("  from    " + std::string(name_of(input.origin)) + ": " + input.where + (input.signer.empty() ? input.origin == Input::Origin::core ? "" : ", signed by nobody" : ", signed with " + input.signer));
        line_.out("  runs    " + std::string(composer::place_of(all_, input)));
        Data::List allowed, denied;
        for (const auto& asked : rights.allowed) {
            line_.out("  may     " + in_words(asked.right) + " (" + asked.right.text() + ")" + (asked.optional ? ", works without" : ""));
            allowed.emplace_back(asked.right.text());
        }
        for (const auto& asked : rights.denied) {
            line_.out("  denied  " + in_words(asked.right) + " (" + asked.right.text() + "), works without");
            denied.emplace_back(asked.right.text());
        }
        return Data::Map{{"id", input.id()}, {"version", input.info.version()}, {"why", why}, {"asked_at", static_cast<std::int64_t>(wanted == nullptr ? 0 : wanted->place.line)}, {"needed_by", list_of(needs)}, {"origin", name_of(input.origin)},
                         {"where", input.where}, {"signer", input.signer.empty() ? Data() : Data(input.signer)}, {"placement", composer::place_of(all_, input)}, {"may", std::move(allowed)}, {"denied", std::move(denied)}, {"bytes", static_cast<std::int64_t>(input.info.files.payload_bytes())}};
    }

private:
    static Data list_of(const std::vector<std::string>& texts) {
        Data::List out;
        for (const auto& text : texts) out.emplace_back(text);
        return out;
    }

    const CommandLine& line_;
    const Composition& all_;
};

/// By id, or by the only name.
Result<const Input*> input_of(const Composition& all, const std::string& typed) {
    std::vector<const Input*> found;
    for (const auto* input : all.inputs) {
        if (input->id() == typed) return input;
        if (input->info.manifest.name() == typed) found.push_back(input);
    }
    if (found.size() == 1) return found.front();
    return Error(Code::not_found, "unknown-plugin", "plugin \"" + shown(typed) + "\" is not in the distribution", "symphony compose explain " + all.file + " lists all");
}

} // namespace

Result<std::int32_t> command_explain(CommandLine& line) {
    Workshop shop(line, line.text("file"), line.lock_mode());
    SYMPHONY_TRY(shop.prepare());
    if (!shop.problems().empty()) return line.report(shop.problems());
    const auto& all = shop.composition();
    const Explainer explainer(line, all);
    Data::List plugins;
    if (const auto typed = line.text("plugin"); !typed.empty()) {
        plugins.push_back(explainer.plugin(*SYMPHONY_TRY(input_of(all, typed))));
        line.answer(to_json(Data::Map{{"ok", true}, {"plugins", std::move(plugins)}}));
        return 0;
    }
    for (const auto* input : all.inputs) plugins.push_back(explainer.plugin(*input));
    Data::List libraries, base;
    std::string names;
    for (const auto& library : shop.host().locked.libraries) {
        libraries.emplace_back(Data::Map{{"name", library.name}, {"package", library.package}, {"version", library.version}, {"bytes", static_cast<std::int64_t>(library.size_bytes)}});
        names += (names.empty() ? "" : ", ") + library.name + (library.package.empty() ? "" : " (" + library.package + ")");
    }
    for (const auto& [name, version] : shop.host().base) base.emplace_back(name + " " + version);
    line.out((all.distribution.libraries == Libraries::bundled ? "brings the libraries " : "needs the libraries ") + names);
    line.out(capabilities_text(all));
    line.answer(to_json(Data::Map{{"ok", true}, {"distribution", all.distribution.name}, {"version", all.distribution.version.text()}, {"plugins", std::move(plugins)}, {"libraries", std::move(libraries)}, {"base", std::move(base)}, {"capabilities", capabilities_data(all)}}));
    return 0;
}

} // namespace symphony::composer
