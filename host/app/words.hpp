// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::app {

/// What every command understands. Values are those of the last or, where it repeats, all mentions.
struct HostOptions {
    bool help = false;
    bool help_long = false;
    bool json = false;
    bool safe_mode = false;
    bool paranoid = false;
    bool no_color = false;
    std::vector<std::string> plugins;
    std::vector<std::string> set;
    bool isolate_all = false;
    std::vector<std::string> isolate;    // ids or short names
    std::vector<std::string> in_process; // the same, or "all"
    std::string workspace;
    std::string log_level = "warn";
    std::string log_file;
};

/// One command's words, checked against its description. Only what was typed, or has a default, is there.
struct Typed {
    std::map<std::string, std::vector<std::string>> values; // argument or flag name -> texts; a switch has none
    bool has(const std::string& name) const { return values.contains(name); }
    std::string one(const std::string& name) const;
};

/// The flags in front of and behind every command: the only source for parsing, help and completion.
const std::vector<manifests::Flag>& host_flags();

/// The command's own words among what was typed: where they may begin, and how many follow each other.
struct CommandWords {
    std::vector<std::string> words; // at most three, without flags between them
    std::vector<std::size_t> places;
};
CommandWords command_words(const std::vector<std::string>& typed);

/// Reads the words (without the command's own) by its description. Wrong usage is reason "usage".
Result<Typed> read_words(const manifests::Command& command, const std::vector<std::string>& words, HostOptions& options);

/// Reads only the host's flags: they count before the command is known, and --json also when the rest is wrong.
HostOptions scan_host_flags(const std::vector<std::string>& words);

/// "symphony run WORKFLOW [--input NAME=VALUE]..."
std::string usage_line(const manifests::Command& command);

/// "did you mean X" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

Error usage_error(std::string message, std::string hint);

} // namespace symphony::app
