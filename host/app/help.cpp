// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <algorithm>

namespace symphony::app {
namespace {

constexpr std::size_t line_width = 92;

// Fills paragraphs to the width. Lines that begin with a blank, and lists, stay as their author wrote them.
std::string wrapped(std::string_view text, std::size_t blanks) {
    std::string result, paragraph;
    const auto flush = [&] {
        std::string_view rest = paragraph;
        while (!rest.empty()) {
            auto cut = rest.size();
            if (rest.size() + blanks > line_width) {
                const auto blank = rest.rfind(' ', line_width - blanks);
                if (blank != std::string_view::npos && blank > 0) cut = blank;
            }
            result += std::string(blanks, ' ') + std::string(rest.substr(0, cut)) + '\n';
            rest.remove_prefix(std::min(rest.size(), cut + 1));
        }
        paragraph.clear();
    };
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        at = end + 1;
        const bool kept = line.empty() || line[0] == ' ' || line.starts_with("- ");
        if (kept) flush();
        if (line.empty()) {
            result += '\n';
        } else {
            paragraph += (paragraph.empty() ? "" : " ") + std::string(line);
        }
        if (!line.empty() && line[0] == ' ') flush();
    }
    flush();
    return result;
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::size_t widest = 0;
    for (const auto& [left, right] : rows) widest = std::max(widest, std::min<std::size_t>(left.size(), 28));
    std::string text;
    for (const auto& [left, right] : rows) {
        text += "  " + left;
        if (left.size() > widest) {
            text += "\n" + std::string(widest + 4, ' ');
        } else {
            text.append(widest - left.size() + 2, ' ');
        }
        auto body = wrapped(right, widest + 4);
        body.erase(0, std::min(body.size(), widest + 4));
        text += body.empty() ? "\n" : body;
    }
    return text;
}

std::vector<std::pair<std::string, std::string>> flag_rows(const std::vector<manifests::Flag>& flags) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& flag : flags) {
        auto left = flag.short_name.empty() ? "    --" + flag.name : "-" + flag.short_name + ", --" + flag.name;
        if (!flag.value.empty()) left += " " + flag.value;
        auto right = flag.help;
        if (!flag.default_value.empty()) right += " (default: " + flag.default_value + ")";
        if (flag.repeat) right += " (may be repeated)";
        rows.emplace_back(std::move(left), std::move(right));
    }
    return rows;
}

} // namespace

std::string help_text(const manifests::Command& command, bool long_form, bool color) {
    std::string text;
    if (!command.summary.empty()) text += command.summary + "\n\n";
    text += bold("Usage:", color) + " " + usage_line(command) + "\n";
    if (!command.arguments.empty()) {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const auto& argument : command.arguments) rows.emplace_back(argument.name, argument.help);
        text += "\n" + bold("Arguments:", color) + "\n" + two_columns(rows);
    }
    if (!command.flags.empty()) text += "\n" + bold("Flags:", color) + "\n" + two_columns(flag_rows(command.flags));
    if (!long_form) return text + "\nsymphony " + command.name + " --help tells more\n";
    if (!command.help.empty()) text += "\n" + wrapped(command.help, 0);
    text += "\n" + bold("Flags of every command:", color) + "\n" + two_columns(flag_rows(host_flags()));
    if (!command.examples.empty()) {
        text += "\n" + bold("Examples:", color) + "\n";
        for (const auto& example : command.examples) text += "  " + example + "\n";
    }
    text += "\nExit status: 0 done, 1 work failed, 2 wrong usage, 3 a plugin was refused\n";
    return text;
}

std::string group_text(const std::string& word, const std::vector<std::pair<std::string, std::string>>& members, bool color) {
    return bold("Usage:", color) + " symphony " + word + " COMMAND [...]\n\n" + bold("Commands:", color) + "\n" + two_columns(members) +
           "\nsymphony " + members.front().first + " --help tells more about a command\n";
}

std::string overview(App& app, bool long_form) {
    const bool color = app.console.out_color();
    std::string text = "symphony runs workflows of plugins\n\n" + bold("Usage:", color) + " symphony COMMAND [...]\n";
    std::vector<std::pair<std::string, std::string>> own;
    for (const auto& command : host_commands()) own.emplace_back(command.name, command.summary);
    const auto offered = app.plugin_commands();
    if (!offered.empty()) text += "\n" + bold("Commands of the plugins:", color) + "\n" + two_columns(offered);
    text += "\n" + bold("Commands of the host:", color) + "\n" + two_columns(own);
    if (long_form) {
        text += "\n" + bold("Flags of every command:", color) + "\n" + two_columns(flag_rows(host_flags()));
        text += "\nPlugins are looked for in each --plugins DIR, in SYMPHONY_PLUGIN_PATH, beside the program and in the user's "
                "data folder.\nSettings: --set PLUGIN.KEY=VALUE, SYMPHONY_SET__PLUGIN__KEY, .symphony/config.toml, "
                "~/.config/symphony/config.toml.\nExit status: 0 done, 1 work failed, 2 wrong usage, 3 a plugin was refused\n";
    } else {
        text += "\nsymphony COMMAND --help tells more about a command\n";
    }
    return text;
}

} // namespace symphony::app
