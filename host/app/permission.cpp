// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <symphony/manifests/units.hpp>
#include <symphony/permissions/permissions.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace symphony::app {
namespace fs = std::filesystem;
namespace {

using manifests::Data;
using manifests::Right;
using permissions::Grant;
using permissions::Permissions;
using permissions::Scope;
using permissions::Subject;
using permissions::Verdict;
using permissions::Wish;

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Local time, to the second.
std::string time_text(std::int64_t ms) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    char text[32] = "?";
    if (::localtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return text;
}

/// "2026-12-01", "2026-12-01 18:30" or "2026-12-01T18:30", local time; a day alone is its end.
std::optional<std::int64_t> read_time(const std::string& text, bool end_of_day) {
    for (const auto* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
        std::tm parts{};
        const char* rest = ::strptime(text.c_str(), format, &parts);
        if (rest == nullptr || *rest != '\0') continue;
        const int day = parts.tm_mday, month = parts.tm_mon;
        if (std::string_view(format) == "%Y-%m-%d" && end_of_day) parts.tm_hour = 23, parts.tm_min = 59, parts.tm_sec = 59;
        parts.tm_isdst = -1;
        const auto seconds = std::mktime(&parts);
        if (seconds == -1 || parts.tm_mday != day || parts.tm_mon != month) return std::nullopt; // 31 February
        return static_cast<std::int64_t>(seconds) * 1000;
    }
    return std::nullopt;
}

/// A plugin and what its newest version asks for: that is the one a person agrees to, also while it is held back.
struct Asked {
    Subject subject;
    std::string title; ///< "word-count 1.0.0"
};

Subject subject_of(App& app, const manifests::Manifest& manifest, const std::string& folder) {
    Subject made;
    made.plugin = manifest.id();
    made.name = manifest.name();
    made.version = manifest.extension.version.text();
    if (const auto* artifact = manifest.find_artifact(SYMPHONY_TRIPLE)) made.digest = artifact->sha256;
    app.placement_policy().trust.identify(made);
    made.request = permissions::Request::of(manifest, (fs::path(folder) / "manifest.toml").string());
    return made;
}

Result<Asked> find_asked(App& app, const std::string& typed) {
    const auto ref = SYMPHONY_TRY(app.find_plugin(typed));
    std::optional<manifests::Manifest> newest;
    std::string folder;
    std::vector<manifests::Diagnostic> findings;
    auto all = app.catalog().find(host::Catalog::Table::id, app.catalog().entry(ref).id);
    if (all.empty()) all.push_back(ref);
    for (const auto one : all) {
        auto file = host::read_manifest_file(app.catalog().folder(one), manifests::Strictness::load);
        if (!file.parsed.manifest) {
            findings = std::move(file.parsed.diagnostics);
            continue;
        }
        if (newest && !(newest->extension.version < file.parsed.manifest->extension.version)) continue;
        newest = std::move(file.parsed.manifest);
        folder = app.catalog().folder(one);
    }
    if (!newest) {
        return Error(Code::refused, findings.empty() ? "bad-manifest" : findings.front().reason,
                     "plugin \"" + typed + "\": its manifest cannot be read", "symphony check " + app.catalog().folder(ref) + " says why");
    }
    Asked asked{subject_of(app, *newest, folder), newest->name() + " " + newest->extension.version.text()};
    return asked;
}

/// @param writes  What is changed is recorded, and needs a place to be kept.
std::unique_ptr<Permissions> open(App& app, bool writes) {
    std::error_code error;
    Permissions::Options made;
    // Whoever only looks makes no files.
    if (writes || fs::exists(app.paths.state / "permissions.sqlite", error)) made.state_dir = app.paths.state;
    made.policy = app.policy();
    made.keep_audit = writes;
    made.watch = false;
    const bool quiet = made.state_dir.empty();
    auto opened = std::make_unique<Permissions>(std::move(made));
    for (const auto& warning : quiet ? opened->policy().warnings() : opened->warnings()) app.log().warn(warning);
    return opened;
}

/// What was typed as a right: its text, or as the manifest writes it.
Result<Right> read_right(const Subject& subject, const std::string& typed) {
    auto right = Right::parse(typed);
    if (right) return right;
    std::vector<std::string> known;
    const Right* as_written = nullptr;
    for (const Wish& wish : subject.request->wishes()) {
        if (wish.value == typed) {
            if (as_written != nullptr && !(*as_written == wish.right)) {
                return usage_error("\"" + typed + "\" may mean " + as_written->text() + " or " + wish.right.text(), "say which");
            }
            as_written = &wish.right;
        }
        known.push_back(wish.right.text());
        known.push_back(wish.value);
    }
    if (as_written != nullptr) return *as_written;
    auto hint = did_you_mean(typed, known);
    if (hint.empty()) hint = right.error().hint();
    return usage_error(right.error().message(), std::move(hint));
}

std::string scope_text(const Grant& grant) {
    switch (grant.scope) {
    case Scope::once: return "once";
    case Scope::run: return grant.run.empty() ? "the next run" : "this run";
    case Scope::until: return "until " + time_text(grant.expires_ms);
    case Scope::always: break;
    }
    return "always";
}

Data to_data(const Grant& grant) {
    return Data(Data::Map{{"id", grant.id}, {"plugin", grant.plugin}, {"publisher", grant.publisher}, {"right", grant.right.text()},
                          {"scope", name_of(grant.scope)}, {"expires_ms", grant.expires_ms}, {"origin", grant.origin},
                          {"granted_ms", grant.granted_ms}, {"set_digest", grant.set_digest}});
}

std::string place_text(const Subject& subject, const Wish& wish) {
    return subject.request->file() + ":" + std::to_string(wish.place.line);
}

Data to_data(const Permissions& permissions, const Subject& subject, const Wish& wish) {
    const auto made = permissions.explain(subject, wish.right);
    return Data(Data::Map{{"plugin", subject.plugin}, {"name", subject.name}, {"version", subject.version}, {"right", wish.right.text()},
                          {"kind", manifests::name_of(wish.right.kind())}, {"meaning", host::printable(in_words(wish.right))},
                          {"reason", host::printable(wish.reason)}, {"risk", manifests::name_of(risk_of(wish.right))}, {"optional", wish.optional},
                          {"file", host::printable(subject.request->file())}, {"line", std::int64_t{wish.place.line}},
                          {"allowed", made.allowed}, {"needs_grant", made.needs_prompt}, {"asked_enough", made.asked_enough}, {"rule", host::printable(made.rule)},
                          {"why", host::printable(made.why)}, {"hint", host::printable(made.hint)}});
}

std::string_view answer_of(const permissions::Decision& made) { return made.allowed ? "allowed" : made.needs_prompt && !made.asked_enough ? "asks first" : "denied"; }

std::string rule_text(const permissions::Decision& made) { return host::printable(made.rule); }

} // namespace

Result<int> permission_list(App& app, const Typed& typed) {
    std::vector<Asked> plugins;
    std::vector<std::string> ids;
    if (typed.has("plugin")) {
        plugins.push_back(SYMPHONY_TRY(find_asked(app, typed.one("plugin"))));
    } else {
        for (const auto& view : app.views()) {
            if (view.state == "superseded") continue;
            const auto folder = app.catalog().folder(view.ref);
            auto file = host::read_manifest_file(folder, manifests::Strictness::load);
            if (!file.parsed.manifest) continue;
            ids.push_back(file.parsed.manifest->id());
            plugins.push_back({subject_of(app, *file.parsed.manifest, folder), file.parsed.manifest->name() + " " + file.parsed.manifest->extension.version.text()});
        }
    }
    const auto permissions = open(app, false);
    const auto contents = SYMPHONY_TRY(permissions->contents());
    std::vector<Grant> grants, leftovers; // of plugins that are shown, and of plugins that are gone
    for (const auto& grant : contents.grants) {
        const bool shown = std::any_of(plugins.begin(), plugins.end(), [&](const Asked& one) { return one.subject.plugin == grant.plugin; });
        if (shown) grants.push_back(grant);
        else if (!typed.has("plugin") && std::find(ids.begin(), ids.end(), grant.plugin) == ids.end()) leftovers.push_back(grant);
    }
    const auto& policy = permissions->policy();
    if (app.options.json) {
        Data::List all, rows, gone;
        for (const auto& one : plugins) {
            for (const Wish& wish : one.subject.request->wishes()) all.push_back(to_data(*permissions, one.subject, wish));
        }
        for (const auto& grant : grants) rows.push_back(to_data(grant));
        for (const auto& grant : leftovers) gone.push_back(to_data(grant));
        app.console.json(Data(Data::Map{{"preset", name_of(policy.preset())}, {"preset_locked", policy.preset_locked()},
                                        {"permissions", Data(std::move(all))}, {"grants", Data(std::move(rows))}, {"leftovers", Data(std::move(gone))}}));
        return done;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : plugins) {
        for (const Wish& wish : one.subject.request->wishes()) {
            const auto made = permissions->explain(one.subject, wish.right);
            rows.push_back({host::printable(one.subject.name), host::printable(wish.right.text()), std::string(answer_of(made)), rule_text(made),
                            std::string(manifests::name_of(risk_of(wish.right))), host::printable(in_words(wish.right))});
        }
    }
    if (rows.empty()) app.console.err(typed.has("plugin") ? "it asks for nothing\n" : "no plugin asks for anything\n");
    else app.console.out(table({"PLUGIN", "RIGHT", "ANSWER", "BY", "RISK", "MEANING"}, rows, app.console.out_color()));
    const auto print = [&](std::string_view title, const std::vector<Grant>& of) {
        if (of.empty()) return;
        std::vector<std::vector<std::string>> lines;
        for (const auto& grant : of) {
            lines.push_back({std::to_string(grant.id), host::printable(grant.plugin), host::printable(grant.right.text()), scope_text(grant),
                             time_text(grant.granted_ms), host::printable(grant.origin)});
        }
        app.console.out("\n" + bold(title, app.console.out_color()) + "\n" + table({"GRANT", "PLUGIN", "RIGHT", "FOR", "SINCE", "BY"}, lines, false));
    };
    print("Granted", grants);
    print("Granted to plugins that are gone", leftovers);
    app.console.out("\npolicy: preset " + std::string(name_of(policy.preset())) + (policy.preset_locked() ? ", locked by the administrators" : "") + "\n");
    return done;
}

Result<int> permission_grant(App& app, const Typed& typed) {
    const auto asked = SYMPHONY_TRY(find_asked(app, typed.one("plugin")));
    const auto& subject = asked.subject;
    const bool all = typed.has("all");
    if (all == typed.has("right")) {
        std::string wishes;
        for (const Wish& wish : subject.request->wishes()) wishes += (wishes.empty() ? "" : ", ") + wish.right.text();
        return usage_error(all ? "a right and --all are two things" : "symphony permission grant: which right?",
                           wishes.empty() ? "it asks for nothing" : "it asks for " + wishes + "; --all is all of it");
    }
    Scope scope = Scope::always;
    std::int64_t until = 0;
    std::string how = typed.has("for") ? typed.one("for") : "always";
    if (typed.has("until")) {
        if (typed.has("for")) return usage_error("--for and --until are two answers to one question", "give one of them");
        how = "until " + typed.one("until");
    }
    if (how == "once") scope = Scope::once;
    else if (how == "run") scope = Scope::run;
    else if (how != "always") {
        scope = Scope::until;
        if (how.starts_with("until ") || how.starts_with("until=")) {
            const auto time = read_time(how.substr(6), true);
            if (!time) return usage_error("\"" + how.substr(6) + "\" is no time", "such as 2026-12-31 or \"2026-12-31 18:00\"");
            until = *time;
        } else if (const auto ms = manifests::parse_duration(how)) {
            if (*ms == 0 || *ms > 3650ull * 24 * 3600 * 1000) return usage_error("--for " + how + ": from a millisecond to ten years", "--for always has no end");
            until = now_ms() + static_cast<std::int64_t>(*ms);
        } else {
            auto hint = did_you_mean(how, {"once", "run", "always", "until"});
            if (hint.empty()) hint = "once, run, always, a duration such as 1h, or --until 2026-12-31";
            return usage_error("--for \"" + how + "\" is not understood", hint);
        }
        if (until <= now_ms()) return usage_error("that time is over: " + time_text(until), "name one that is to come");
    }
    std::vector<Right> rights;
    if (all) rights = subject.request->rights().rights();
    else rights.push_back(SYMPHONY_TRY(read_right(subject, typed.one("right"))));
    const auto permissions = open(app, true);
    if (app.paths.state.empty() || !permissions->persistent()) {
        return Error(Code::io, "not-kept", "a grant cannot be kept: there is no state folder that can be written", "set HOME or XDG_STATE_HOME; symphony doctor tells more");
    }
    Data::List granted, refused;
    std::string text;
    std::optional<Error> first;
    for (const auto& right : rights) {
        // What needs no grant gets none, so that it does not outlive the rule that gives it.
        const auto before = permissions->policy().judge(subject, right);
        if (all && before.kind == Verdict::Kind::allowed) continue;
        if (const auto given = permissions->grant(subject, right, scope, until); !given) {
            if (!first) first = given.error();
            refused.push_back(Data(Data::Map{{"right", right.text()}, {"error", error_data(given.error())}}));
            continue;
        }
        granted.push_back(Data(right.text()));
        text += "plugin \"" + subject.name + "\" may " + in_words(right) + " (" + std::string(name_of(risk_of(right))) + " risk): ";
        text += (scope == Scope::until ? "until " + time_text(until) : scope == Scope::once ? "one time" : scope == Scope::run ? "for the next run" : "always") + "\n";
    }
    if (all) {
        SYMPHONY_TRY(permissions->agree(subject, "command"));
        text += "agreed to all that " + asked.title + " asks for\n";
    }
    if (first && !all) {
        if (first->reason() != "not-requested") return *first;
        std::vector<std::string> known;
        for (const Wish& wish : subject.request->wishes()) known.push_back(wish.right.text());
        const auto near = did_you_mean(rights.front().text(), known);
        return near.empty() ? *first : Error(*first).with_hint(near);
    }
    if (app.options.json) {
        app.console.json(Data(Data::Map{{"plugin", subject.plugin}, {"version", subject.version}, {"granted", Data(std::move(granted))}, {"agreed", all},
                                        {"scope", name_of(scope)}, {"expires_ms", until}, {"refused", Data(std::move(refused))}}));
    } else {
        app.console.out(text);
        if (first) app.console.error(*first);
    }
    return first ? failed : done;
}

Result<int> permission_revoke(App& app, const Typed& typed) {
    const bool all = typed.has("all");
    if (all == typed.has("right")) return usage_error(all ? "a right and --all are two things" : "symphony permission revoke: which right?", "--all takes everything back");
    const auto permissions = open(app, true);
    Subject subject;
    if (auto asked = find_asked(app, typed.one("plugin"))) {
        subject = asked->subject;
    } else { // one that is gone may have left grants behind
        const auto contents = SYMPHONY_TRY(permissions->contents());
        const auto left = std::find_if(contents.grants.begin(), contents.grants.end(), [&](const Grant& grant) { return grant.plugin == typed.one("plugin"); });
        if (left == contents.grants.end()) return std::move(asked).error();
        subject.plugin = subject.name = left->plugin;
        subject.publisher = left->publisher;
        subject.request = permissions::Request::of({}, "");
    }
    std::optional<Right> right;
    if (!all) right = SYMPHONY_TRY(read_right(subject, typed.one("right")));
    const int count = SYMPHONY_TRY(permissions->revoke(subject, right ? &*right : nullptr));
    if (count == 0 && right) {
        const auto made = permissions->explain(subject, *right);
        std::string hint = "symphony permission list " + subject.name;
        if (made.allowed && made.rule.starts_with("grant")) {
            const auto contents = SYMPHONY_TRY(permissions->contents());
            for (const auto& grant : contents.grants) {
                if (grant.plugin == subject.plugin && grant.right.covers(*right)) hint = "it is part of what is granted: symphony permission revoke " + subject.name + " '" + grant.right.text() + "'";
            }
        }
        return Error(Code::not_found, "no-grant", "plugin \"" + subject.name + "\": " + right->text() + " is not granted", hint);
    }
    if (app.options.json) {
        app.console.json(Data(Data::Map{{"plugin", subject.plugin}, {"right", right ? Data(right->text()) : Data()}, {"revoked", std::int64_t{count}}}));
    } else {
        app.console.out(std::to_string(count) + (count == 1 ? " grant" : " grants") + " of plugin \"" + host::printable(subject.name) + "\" taken back" +
                        (all ? ", and what was agreed to for it" : "") + "\n");
    }
    return done;
}

Result<int> permission_explain(App& app, const Typed& typed) {
    const auto asked = SYMPHONY_TRY(find_asked(app, typed.one("plugin")));
    const auto& subject = asked.subject;
    const auto right = SYMPHONY_TRY(read_right(subject, typed.one("right")));
    const auto permissions = open(app, false);
    const auto& policy = permissions->policy();
    const auto made = permissions->explain(subject, right);
    const auto verdict = policy.judge(subject, right);
    const Wish* wish = subject.request->find(right);
    const bool requested = subject.request->rights().covers(right);
    const auto contents = SYMPHONY_TRY(permissions->contents());
    const Grant* grant = nullptr;
    for (const auto& one : contents.grants) {
        if (one.plugin == subject.plugin && one.publisher == subject.publisher && one.right.covers(right)) {
            // Of several the one that decides, which is what the answer names.
            if (grant == nullptr || made.rule.ends_with(":" + std::to_string(one.id))) grant = &one;
        }
    }
    if (app.options.json) {
        const std::string_view word = verdict.kind == Verdict::Kind::denied ? "denied" : verdict.kind == Verdict::Kind::allowed ? "allowed" : "open";
        app.console.json(Data(Data::Map{
            {"plugin", subject.plugin}, {"version", subject.version}, {"right", right.text()}, {"meaning", host::printable(in_words(right))},
            {"risk", name_of(risk_of(right))}, {"requested", requested}, {"wish", wish != nullptr ? to_data(*permissions, subject, *wish) : Data()},
            {"policy", Data(Data::Map{{"verdict", word}, {"rule", host::printable(policy.rule_id(verdict))}, {"why", host::printable(policy.why(verdict, subject, right))}})},
            {"grant", grant != nullptr ? to_data(*grant) : Data()}, {"trusted", subject.trusted}, {"allowed", made.allowed},
            {"rule", host::printable(made.rule)}, {"why", host::printable(made.why)}, {"hint", host::printable(made.hint)}}));
        return done;
    }
    std::string text;
    const auto row = [&](std::string_view name, const std::string& value) { text += std::string(name) + std::string(10 - name.size(), ' ') + host::printable(value) + "\n"; };
    row("plugin", asked.title + " (" + subject.plugin + ", " + (subject.publisher == permissions::unsigned_publisher ? "nobody signed it" : subject.publisher) +
                      (subject.trusted ? ", trusted by this distribution)" : ")"));
    row("right", right.text() + ": " + in_words(right) + ", " + std::string(name_of(risk_of(right))) + " risk");
    if (wish != nullptr) {
        row("asked", "yes, as " + wish->right.text() + " in " + std::string(wish->key) + " (" + place_text(subject, *wish) + ")" + (wish->optional ? ", optional" : "") +
                         (wish->reason.empty() ? "" : ", because \"" + wish->reason + "\""));
    } else {
        row("asked", requested ? "yes, by several lines of " + subject.request->file() : "no (" + subject.request->file() + ")");
    }
    row("policy", policy.why(verdict, subject, right));
    row("granted", grant != nullptr ? "yes, grant " + std::to_string(grant->id) + ": " + grant->right.text() + ", " + scope_text(*grant) + ", by " + grant->origin + ", " + time_text(grant->granted_ms)
                                    : "no");
    row("answer", made.allowed ? "allowed, by " + made.rule : made.asked_enough   ? "denied; you said no, and are not asked any more"
                    : made.needs_prompt ? "denied; asked for first where a person can answer"
                                        : "denied");
    if (!made.hint.empty()) row("change", made.hint);
    app.console.out(text);
    return done;
}

Result<int> permission_audit(App& app, const Typed& typed) {
    using permissions::Audit;
    using permissions::Happening;
    Audit::Filter filter;
    if (typed.has("plugin")) {
        filter.plugin = typed.one("plugin");
        if (const auto ref = app.find_plugin(filter.plugin)) filter.plugin = app.catalog().entry(*ref).id; // else an id of one that is gone
    }
    if (typed.has("kind")) {
        std::vector<std::string> known;
        for (int i = 0; i <= static_cast<int>(Happening::lost); ++i) {
            known.emplace_back(name_of(static_cast<Happening>(i)));
            if (known.back() == typed.one("kind")) filter.kind = static_cast<Happening>(i);
        }
        if (!filter.kind) {
            auto hint = did_you_mean(typed.one("kind"), known);
            if (hint.empty()) hint = "decision, grant, revoke, consent, violation, refused or lost";
            return usage_error("there is no kind \"" + typed.one("kind") + "\"", hint);
        }
    }
    if (typed.has("since")) {
        const auto text = typed.one("since");
        if (const auto ago = manifests::parse_duration(text)) filter.since_ms = now_ms() - static_cast<std::int64_t>(std::min<std::uint64_t>(*ago, static_cast<std::uint64_t>(now_ms())));
        else if (const auto time = read_time(text, false)) filter.since_ms = *time;
        else return usage_error("--since \"" + text + "\" is not understood", "a time such as 2026-12-31, or how long ago, such as 1h or 7d");
    }
    const bool exported = typed.has("export");
    filter.last_max = exported || app.options.json || typed.has("verify") ? 0 : 50;
    if (typed.has("last")) {
        const auto text = typed.one("last");
        if (text.empty() || text.size() > 6 || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return usage_error("--last \"" + text + "\" is no number", "such as --last 20");
        }
        filter.last_max = static_cast<std::size_t>(std::stoul(text));
    }
    std::error_code error;
    const bool there = !app.paths.state.empty() && fs::exists(app.paths.state / "audit.sqlite", error);
    const bool was_there = !app.paths.state.empty() && fs::exists(app.paths.state / "audit.key", error);
    if (!there) {
        if (typed.has("verify") && was_there) {
            return Error(Code::data_corrupt, "audit-damaged", "the audit log was taken away: its key is there, and " + (app.paths.state / "audit.sqlite").string() + " is not",
                         "restore it from a backup");
        }
        if (app.options.json) app.console.json(Data(Data::Map{{"rows", Data(Data::List{})}, {"damage", "none"}}));
        else if (!exported) app.console.err("nothing is recorded yet\n");
        return done;
    }
    const Audit audit({.state_dir = app.paths.state, .bytes_max = app.policy().audit_bytes_max()});
    for (const auto& warning : audit.warnings()) app.log().warn(warning);
    if (typed.has("verify")) {
        const auto found = SYMPHONY_TRY(audit.verify());
        const bool whole = found.damage == permissions::Verification::Damage::none;
        if (app.options.json) {
            app.console.json(Data(Data::Map{{"damage", name_of(found.damage)}, {"rows", found.rows}, {"dropped", found.dropped}, {"row", found.row}, {"text", found.text}}));
        } else if (whole) {
            app.console.out("the audit log is whole: " + std::to_string(found.rows) + (found.rows == 1 ? " row" : " rows") +
                            (found.dropped > 0 ? "; rows 1 to " + std::to_string(found.dropped) + " were let go, the log keeps " + std::to_string(app.policy().audit_bytes_max() >> 20) + " MiB\n" : "\n"));
        }
        if (whole) return done;
        if (app.options.json) return failed;
        return Error(Code::data_corrupt, "audit-damaged", (app.paths.state / "audit.sqlite").string() + ": " + found.text + " (" + std::string(name_of(found.damage)) + ")",
                     "rows before " + std::to_string(std::max<std::int64_t>(found.row, 1)) + " are good; keep the file for whoever looks into it");
    }
    std::string lines;
    std::vector<std::vector<std::string>> rows;
    const auto flush = [&] {
        app.console.out(lines);
        lines.clear();
    };
    bool first = true;
    if (app.options.json && !exported) lines = "{\"rows\": [";
    SYMPHONY_TRY(audit.each(filter, [&](const permissions::Row& row) {
        if (exported || app.options.json) {
            if (!exported) lines += first ? "\n" : ",\n";
            first = false;
            lines += "{\"number\": " + std::to_string(row.number) + ", \"previous\": \"" + row.previous + "\", \"hash\": \"" + row.hash + "\", \"record\": " + canonical(row.record) + "}";
            if (exported) lines += "\n";
            if (lines.size() > 256 * 1024) flush();
            return !app.console.broken();
        }
        const auto& record = row.record;
        rows.push_back({std::to_string(row.number), time_text(record.time_ms), host::printable(record.plugin), std::string(name_of(record.kind)),
                        record.kind == Happening::revoke ? "revoked" : record.allowed ? "allowed" : "denied", host::printable(record.object), std::to_string(record.count), host::printable(record.rule),
                        host::printable(record.layer)});
        return true;
    }));
    if (exported || app.options.json) {
        if (!exported) lines += "]}\n";
        flush();
        return done;
    }
    if (rows.empty()) app.console.err("nothing of that kind is recorded\n");
    else app.console.out(table({"ROW", "TIME", "PLUGIN", "KIND", "DECISION", "OBJECT", "COUNT", "RULE", "LAYER"}, rows, app.console.out_color()));
    return done;
}

} // namespace symphony::app
