// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <algorithm>
#include <set>

namespace symphony::app {
namespace {

constexpr std::string_view bash_script = R"(_symphony() {
    local IFS=$'\n' word
    COMPREPLY=()
    while read -r word; do
        case $word in
            :file) COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")); compopt -o filenames ;;
            :directory) COMPREPLY+=($(compgen -d -- "${COMP_WORDS[COMP_CWORD]}")); compopt -o filenames ;;
            *) COMPREPLY+=("${word%%$'\t'*}") ;;
        esac
    done < <(symphony __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _symphony symphony
)";

constexpr std::string_view zsh_script = R"(#compdef symphony
_symphony() {
    local -a lines candidates
    local line
    lines=("${(@f)$(symphony __complete "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
    for line in $lines; do
        case $line in
            :file) _files ;;
            :directory) _files -/ ;;
            ?*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( $#candidates )) && _describe symphony candidates
}
compdef _symphony symphony
)";

using Candidates = std::vector<std::pair<std::string, std::string>>; // word, what it is

void offer_values(App& app, const std::string& kind, Candidates& to) {
    if (kind == "file" || kind == "directory") to.emplace_back(":" + kind, "");
    if (kind == "shell") to.insert(to.end(), {{"bash", ""}, {"zsh", ""}});
    if (kind == "plugin") {
        for (const auto ref : app.catalog().all()) {
            const auto entry = app.catalog().entry(ref);
            to.emplace_back(entry.name, entry.description);
        }
    }
    if (kind == "command") {
        for (const auto& command : host_commands()) to.emplace_back(command.name, command.summary);
        for (const auto& command : app.plugin_commands()) to.push_back(command);
    }
    if (kind == "workflow") {
        for (const auto& name : host::shipped_workflows(app.paths)) to.emplace_back(name, "workflow");
        to.emplace_back(":file", "");
    }
}

} // namespace

Result<int> completion(App& app, const Typed& typed) {
    const auto shell = typed.one("shell");
    if (shell != "bash" && shell != "zsh") {
        return usage_error("there is no completion for \"" + shell + "\"", "symphony completion bash, or zsh");
    }
    app.console.out(shell == "bash" ? bash_script : zsh_script);
    return done;
}

int complete(App& app, const std::vector<std::string>& words) {
    const auto last = words.empty() ? std::string() : words.back();
    std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
    // The longest command that the words before the last one begin with.
    const auto found = command_words(before);
    std::optional<manifests::Command> command;
    std::size_t used = 0;
    for (auto count = found.words.size(); count > 0 && !command; --count) {
        std::string name;
        for (std::size_t i = 0; i < count; ++i) name += (i == 0 ? "" : " ") + found.words[i];
        for (const auto& own : host_commands()) {
            if (own.name == name) command = own;
        }
        if (!command && app.catalog().first(host::Catalog::Table::command, name)) {
            if (auto theirs = app.find_command(name)) command = theirs->command;
        }
        used = count;
    }
    Candidates candidates;
    auto flags = command ? command->flags : std::vector<manifests::Flag>{};
    flags.insert(flags.end(), host_flags().begin(), host_flags().end());
    const auto flag_of = [&flags](const std::string& word) -> const manifests::Flag* {
        for (const auto& flag : flags) {
            if (word == "--" + flag.name || (!flag.short_name.empty() && word == "-" + flag.short_name)) return &flag;
        }
        return nullptr;
    };
    const auto* open_flag = before.empty() ? nullptr : flag_of(before.back());
    if (open_flag != nullptr && !open_flag->value.empty()) {
        offer_values(app, open_flag->complete.empty() ? "file" : open_flag->complete, candidates);
    } else if (last.starts_with("-")) {
        for (const auto& flag : flags) candidates.emplace_back("--" + flag.name, flag.help);
    } else if (!command) {
        Candidates all;
        offer_values(app, "command", all);
        std::string prefix; // "runs " of "runs list"
        for (const auto& word : found.words) prefix += word + " ";
        std::set<std::string> seen;
        for (auto& [name, summary] : all) {
            if (!name.starts_with(prefix)) continue;
            auto word = name.substr(prefix.size());
            const auto blank = word.find(' ');
            if (blank != std::string::npos) summary.clear();
            word.resize(std::min(blank, word.size()));
            if (seen.insert(word).second) candidates.emplace_back(word, summary);
        }
    } else if (!command->arguments.empty()) {
        const auto typed = found.words.size() - used; // arguments that are there already
        const auto& arguments = command->arguments;
        if (typed < arguments.size() || arguments.back().repeat) {
            offer_values(app, arguments[std::min(typed, arguments.size() - 1)].complete, candidates);
        }
    }
    std::string out;
    for (const auto& [word, about] : candidates) {
        if (word.starts_with(":") || word.starts_with(last)) out += host::printable(word) + "\t" + host::printable(about) + "\n";
    }
    for (const auto* special : {":file", ":directory"}) { // no tab behind these
        const auto at = out.find(std::string(special) + "\t");
        if (at != std::string::npos) out.erase(at + std::string_view(special).size(), 1);
    }
    app.console.out(out);
    return done;
}

} // namespace symphony::app
