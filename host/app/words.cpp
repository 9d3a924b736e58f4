// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <symphony/manifests/parse.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

namespace symphony::app {
namespace {

using manifests::Command;
using manifests::Flag;

const Flag* find_flag(const std::vector<Flag>& flags, std::string_view name) {
    const auto found = std::find_if(flags.begin(), flags.end(), [name](const Flag& flag) { return flag.name == name; });
    return found == flags.end() ? nullptr : &*found;
}

bool takes_next_word(const std::string& word) {
    if (!word.starts_with("--") || word.find('=') != std::string::npos) return false;
    const auto* flag = find_flag(host_flags(), std::string_view(word).substr(2));
    return flag != nullptr && !flag->value.empty();
}

Flag host_flag(std::string name, std::string value, bool repeat, std::string help, std::string short_name = {},
               std::string complete = {}) {
    Flag flag;
    flag.name = std::move(name);
    flag.value = std::move(value);
    flag.repeat = repeat;
    flag.help = std::move(help);
    flag.short_name = std::move(short_name);
    flag.complete = std::move(complete);
    return flag;
}

/// The list behind a flag that repeats.
std::vector<std::string>* list_of(HostOptions& options, std::string_view name) {
    if (name == "plugins") return &options.plugins;
    if (name == "set") return &options.set;
    if (name == "isolate") return &options.isolate;
    if (name == "in-process") return &options.in_process;
    return nullptr;
}

void set_option(HostOptions& options, const std::string& name, const std::vector<std::string>& texts) {
    if (auto* list = list_of(options, name)) list->insert(list->end(), texts.begin(), texts.end());
    if (name == "isolate-all") options.isolate_all = true;
    if (name == "json") options.json = true;
    if (name == "safe-mode") options.safe_mode = true;
    if (name == "paranoid") options.paranoid = true;
    if (name == "no-color") options.no_color = true;
    if (name == "help") options.help = true;
    if (name == "workspace") options.workspace = texts.back();
    if (name == "log-level") options.log_level = texts.back();
    if (name == "log-file") options.log_file = texts.back();
}

Error unknown_flag(const Command& command, const std::string& word) {
    std::vector<std::string> known;
    for (const auto* flags : {&command.flags, &host_flags()}) {
        for (const auto& flag : *flags) known.push_back("--" + flag.name);
    }
    const auto name = word.substr(0, word.find('='));
    auto hint = did_you_mean(name, known);
    if (hint.empty()) hint = "symphony " + command.name + " --help lists the flags";
    return usage_error("symphony " + command.name + ": unknown flag " + name, hint);
}

} // namespace

std::string Typed::one(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() || found->second.empty() ? std::string() : found->second.back();
}

const std::vector<Flag>& host_flags() {
    static const std::vector<Flag> flags{
        host_flag("json", "", false, "print JSON on standard output, errors too"),
        host_flag("plugins", "DIR", true, "look for plugins in DIR first", "", "directory"),
        host_flag("safe-mode", "", false, "only the distribution's plugins, no settings of user or project"),
        host_flag("isolate-all", "", false, "run every plugin in a sandboxed process of its own"),
        host_flag("isolate", "PLUGIN", true, "run PLUGIN in a sandboxed process, though it is trusted", "", "plugin"),
        host_flag("in-process", "PLUGIN", true, "run PLUGIN in the host's own process, though nobody vouches for it; \"all\": every plugin", "", "plugin"),
        host_flag("paranoid", "", false, "find the plugin that writes to memory that it was only lent; slow"),
        host_flag("workspace", "DIR", false, "the project folder that plugins may be granted; default: the current one", "",
                  "directory"),
        host_flag("set", "PLUGIN.KEY=VALUE", true, "a setting for this run, above every file"),
        host_flag("log-level", "LEVEL", false, "trace, debug, info, warn, error or off; default: warn"),
        host_flag("log-file", "FILE", false, "append the log to FILE as well", "", "file"),
        host_flag("no-color", "", false, "no colours"),
        host_flag("help", "", false, "the whole help; -h is the short one", "h"),
    };
    return flags;
}

Error usage_error(std::string message, std::string hint) {
    return Error(Code::invalid_argument, "usage", std::move(message), std::move(hint));
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    const auto near = manifests::nearest(word, {known.begin(), known.end()});
    return near.empty() ? std::string() : "did you mean " + std::string(near) + "?";
}

CommandWords command_words(const std::vector<std::string>& typed) {
    CommandWords found;
    for (std::size_t i = 0; i < typed.size() && found.words.size() < 3; ++i) {
        const auto& word = typed[i];
        if (word == "--") break;
        if (word.size() > 1 && word[0] == '-') {
            if (!found.words.empty()) break; // a command's own words stand together
            if (takes_next_word(word)) ++i;
            continue;
        }
        found.words.push_back(word);
        found.places.push_back(i);
    }
    return found;
}

HostOptions scan_host_flags(const std::vector<std::string>& words) {
    HostOptions options;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const auto equals = words[i].find('=');
        const auto* flag = words[i] == "-h" ? find_flag(host_flags(), "help")
                           : words[i].starts_with("--") ? find_flag(host_flags(), words[i].substr(2, equals == std::string::npos ? equals : equals - 2))
                                                        : nullptr;
        if (flag == nullptr) continue;
        if (flag->name == "help") options.help_long = words[i] != "-h";
        const bool next = takes_next_word(words[i]);
        if (next && i + 1 == words.size()) break;
        set_option(options, flag->name, {next ? words[++i] : equals == std::string::npos ? "" : words[i].substr(equals + 1)});
    }
    return options;
}

Result<Typed> read_words(const Command& command, const std::vector<std::string>& words, HostOptions& options) {
    CLI::App parser;
    parser.set_help_flag();
    parser.allow_extras();
    struct Sink {
        std::string name;
        const Flag* flag;
        CLI::Option* option;
        std::unique_ptr<std::vector<std::string>> texts;
    };
    std::vector<Sink> sinks;
    const auto add = [&](const Flag& flag) {
        // A command's own flag wins over the host's of the same name or letter.
        const auto taken = [&](auto same) { return std::any_of(sinks.begin(), sinks.end(), [&](const Sink& sink) { return same(*sink.flag); }); };
        if (taken([&](const Flag& other) { return other.name == flag.name; })) return;
        const bool letter = !flag.short_name.empty() && !taken([&](const Flag& other) { return other.short_name == flag.short_name; });
        const auto names = (letter ? "-" + flag.short_name + "," : std::string()) + "--" + flag.name;
        Sink sink{flag.name, &flag, nullptr, std::make_unique<std::vector<std::string>>()};
        if (flag.value.empty()) {
            sink.option = parser.add_flag(names);
        } else {
            sink.option = parser.add_option(names, *sink.texts);
            // One value each time, so that words behind it stay arguments.
            sink.option->expected(1)->type_size(1)->allow_extra_args(false);
            sink.option->multi_option_policy(flag.repeat ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
        }
        sinks.push_back(std::move(sink));
    };
    for (const auto& flag : command.flags) add(flag);
    for (const auto& flag : host_flags()) add(flag);
    std::vector<std::string> free;
    try {
        // CLI11 takes the words from the back, and everything behind "--" is an argument whatever it looks like.
        const auto dashes = std::find(words.begin(), words.end(), "--");
        std::vector<std::string> before(std::make_reverse_iterator(dashes), std::make_reverse_iterator(words.begin()));
        parser.parse(before);
        free = parser.remaining();
        for (const auto& word : free) {
            if (word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9')) return unknown_flag(command, word);
        }
        if (dashes != words.end()) free.insert(free.end(), dashes + 1, words.end());
    } catch (const CLI::ParseError& error) {
        return usage_error("symphony " + command.name + ": " + error.what(), "symphony " + command.name + " --help");
    }
    Typed typed;
    for (const auto& sink : sinks) {
        const bool given = sink.option->count() > 0;
        const bool host = sink.flag >= host_flags().data() && sink.flag < host_flags().data() + host_flags().size();
        if (!host) {
            if (given) typed.values[sink.name] = *sink.texts;
            else if (!sink.flag->default_value.empty()) typed.values[sink.name] = {sink.flag->default_value};
        } else if (given) {
            if (auto* list = list_of(options, sink.name)) list->clear(); // scan_host_flags() found them before
            set_option(options, sink.name, *sink.texts);
        }
    }
    std::size_t next = 0;
    for (const auto& argument : command.arguments) {
        while (next < free.size()) {
            typed.values[argument.name].push_back(free[next++]);
            if (!argument.repeat) break;
        }
        if (argument.required && !typed.has(argument.name) && !options.help) {
            return usage_error("symphony " + command.name + ": needs " + argument.name, usage_line(command));
        }
    }
    if (next < free.size() && !options.help) {
        return usage_error("symphony " + command.name + ": does not understand \"" + free[next] + "\"", usage_line(command));
    }
    return typed;
}

std::string usage_line(const Command& command) {
    std::string line = "symphony " + command.name;
    for (const auto& argument : command.arguments) {
        std::string name;
        for (const char c : argument.name) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (argument.repeat) name += "...";
        line += argument.required ? " " + name : " [" + name + "]";
    }
    for (const auto& flag : command.flags) {
        line += " [--" + flag.name + (flag.value.empty() ? "" : " " + flag.value) + (flag.repeat ? "]..." : "]");
    }
    return line;
}

} // namespace symphony::app
