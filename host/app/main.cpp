// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"
#include "seal.hpp"

#include <cstdlib>
#include <exception>
#include <filesystem>

#include <unistd.h>

namespace symphony::app {
namespace {

using Handler = Result<int> (*)(App&, const Typed&);

Handler handler_of(std::string_view name) {
    if (name == "list") return list;
    if (name == "show") return show;
    if (name == "check") return check;
    if (name == "doctor") return doctor;
    if (name == "version") return version;
    if (name == "completion") return completion;
    if (name == "permission list") return permission_list;
    if (name == "permission grant") return permission_grant;
    if (name == "permission revoke") return permission_revoke;
    if (name == "permission audit") return permission_audit;
    if (name == "permission explain") return permission_explain;
    return nullptr;
}

const manifests::Command* host_command(std::string_view name) {
    for (const auto& command : host_commands()) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

std::string joined(const std::vector<std::string>& words, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : " ") + words[i];
    return text;
}

using Names = std::vector<std::pair<std::string, std::string>>; // with their summaries

/// The commands of one group, such as "permission list" and so on of "permission".
Names group(App& app, const std::string& word) {
    Names members;
    const auto add = [&](const std::string& name, const std::string& summary) {
        if (name.starts_with(word + " ")) members.emplace_back(name, summary);
    };
    for (const auto& command : host_commands()) add(command.name, command.summary);
    for (const auto& [name, summary] : app.plugin_commands()) add(name, summary);
    return members;
}

Error unknown_command(App& app, const std::vector<std::string>& words) {
    std::vector<std::string> known;
    for (const auto& command : host_commands()) known.push_back(command.name);
    for (const auto& [name, summary] : app.plugin_commands()) known.push_back(name);
    std::string members; // "runs" alone: say what there is
    for (const auto& [name, summary] : group(app, words.front())) members += (members.empty() ? "" : ", ") + name;
    if (!members.empty() && words.size() > 1) {
        const auto near = did_you_mean(words[0] + " " + words[1], known);
        if (!near.empty()) return usage_error("there is no command \"" + words[0] + " " + words[1] + "\"", near);
    }
    if (!members.empty()) return usage_error("symphony " + words.front() + ": which one?", members);
    auto hint = did_you_mean(words.front(), known);
    if (hint.empty()) hint = "symphony help lists the commands";
    return usage_error("there is no command \"" + words.front() + "\"", hint);
}

/// The longest command that the words begin with.
struct Chosen {
    const manifests::Command* own = nullptr;
    std::optional<App::PluginCommand> plugin;
    std::size_t count = 0;
};

Result<Chosen> choose(App& app, const std::vector<std::string>& words) {
    for (auto count = words.size(); count > 0; --count) {
        const auto name = joined(words, count);
        Chosen chosen;
        chosen.count = count;
        chosen.own = host_command(name);
        if (chosen.own != nullptr) return chosen;
        // Asks the disk again only for the last resort, one word.
        if (count > 1 && !app.catalog().first(host::Catalog::Table::command, name)) continue;
        auto found = app.find_command(name);
        if (found) {
            chosen.plugin = *std::move(found);
            return chosen;
        }
        if (found.error().code() != Code::not_found) return std::move(found).error();
    }
    return unknown_command(app, words);
}

Result<int> help(App& app, std::vector<std::string> words, bool long_form) {
    if (words.empty()) {
        app.console.out(overview(app, long_form));
        return done;
    }
    const auto chosen = choose(app, words);
    if (!chosen) {
        const auto members = words.size() == 1 ? group(app, words.front()) : Names();
        if (members.empty()) return chosen.error();
        app.console.out(group_text(words.front(), members, app.console.out_color()));
        return done;
    }
    const auto& command = chosen->own != nullptr ? *chosen->own : chosen->plugin->command;
    app.console.out(help_text(command, long_form, app.console.out_color()));
    return done;
}

Result<int> run(App& app, std::vector<std::string> words) {
    if (!words.empty() && words.front() == "__complete") {
        SYMPHONY_TRY(app.prepare());
        return complete(app, {words.begin() + 1, words.end()});
    }
    if (words.size() == 1 && words.front() == "--version") words.front() = "version"; // what people try first
    const auto own_words = command_words(words);
    if (own_words.words.empty()) {
        // No command: only the host's flags can be meant. An empty description finds the unknown ones.
        manifests::Command nothing;
        nothing.name = "COMMAND";
        auto typed = read_words(nothing, words, app.options);
        SYMPHONY_TRY(app.prepare());
        if (!typed) return std::move(typed).error();
        if (app.options.help) return help(app, {}, app.options.help_long);
        return usage_error("which command?", "symphony help lists them");
    }
    if (own_words.words.front() == "help") {
        SYMPHONY_TRY(app.prepare());
        std::vector<std::string> topic(own_words.words.begin() + 1, own_words.words.end());
        return help(app, topic, true);
    }
    const auto rest_of = [&](std::size_t count) { // what is left of the words without the command's own
        auto rest = words;
        for (auto i = count; i > 0; --i) rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(own_words.places[i - 1]));
        return rest;
    };
    std::size_t own_count = std::min<std::size_t>(own_words.words.size(), 2); // "permission grant" before "permission"
    const auto* own = host_command(joined(own_words.words, own_count));
    if (own == nullptr) own = host_command(joined(own_words.words, own_count = 1));
    if (own != nullptr) { // needs no catalog to be understood, and wrong flags are told before it is opened
        auto typed = SYMPHONY_TRY(read_words(*own, rest_of(own_count), app.options));
        if (app.options.help) {
            app.console.out(help_text(*own, app.options.help_long, app.console.out_color()));
            return done;
        }
        const bool needs_nothing = own->name == "version" || own->name == "completion"; // but a program that is what it was composed as
        SYMPHONY_TRY(needs_nothing ? host::check_seal(app.paths.prefix, app.paths.cache) : app.prepare());
        return handler_of(own->name)(app, typed);
    }
    SYMPHONY_TRY(app.prepare());
    if (app.options.help && own_words.words.size() == 1 && !group(app, own_words.words.front()).empty()) return help(app, own_words.words, true);
    const auto chosen = SYMPHONY_TRY(choose(app, own_words.words));
    app.set_default_plugin(chosen.plugin->plugin);
    const auto& command = chosen.plugin->command;
    auto typed = SYMPHONY_TRY(read_words(command, rest_of(chosen.count), app.options));
    if (app.options.help) {
        app.console.out(help_text(command, app.options.help_long, app.console.out_color()));
        return done;
    }
    return call_plugin(app, *chosen.plugin, typed);
}

int main_of(int count, char** texts) {
    Console console;
    std::vector<std::string> words(texts + (count > 0 ? 1 : 0), texts + count);
    auto options = scan_host_flags(words); // so that --json counts for errors, too
    console.use_color(!options.no_color);
    std::error_code error;
    const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto environment = host::Environment::of_process();
    int status = failed;
    {
        App app(console, options, environment, host::Paths::find(environment, executable));
        Result<int> result = done;
        try {
            result = run(app, words);
        } catch (const std::bad_alloc&) {
            result = Error(Code::exhausted, "out of memory");
        } catch (const std::exception& problem) {
            result = Error(Code::internal, problem.what());
        }
        if (result) {
            status = *result;
        } else {
            status = status_of(result.error());
            console.end_progress();
            if (options.json) console.json(manifests::Data(manifests::Data::Map{{"error", error_data(result.error())}}));
            console.error(result.error());
        }
    }
    if (!console.finish() && (status == done || status == wrong_usage)) status = failed;
    return status;
}

} // namespace
} // namespace symphony::app

int main(int count, char** texts) { return symphony::app::main_of(count, texts); }
