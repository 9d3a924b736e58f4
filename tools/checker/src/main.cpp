// SPDX-License-Identifier: Apache-2.0
// symphony-checker: holds a plugin to the contract. Each case runs in a process of its own, which is this program again.
#include "check.hpp"
#include "process.hpp"

#include <symphony/manifests/data.hpp>
#include <symphony/result.hpp>

#include <charconv>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using namespace symphony;
using namespace symphony::checker;

constexpr int status_ok = 0, status_broken = 1, status_usage = 2;
constexpr std::uint64_t limit_s_max = 3600;

constexpr const char* help = R"(symphony-checker holds plugins to the rules of the contract. It runs their code, in processes of their own but with your rights.

usage: symphony-checker FOLDER... [--level N] [--only RULE]... [--seed N] [--timeout S] [--static] [--json]
       symphony-checker --rules [--json] | --page

  FOLDER          a built plugin: the folder with manifest.toml and the library
  --level N       1 to 10, default 5, which registries ask for; higher levels include the lower ones
  --only RULE     this rule alone, and what it builds on; may be given several times
  --seed N        the random numbers of a former run, as its last line tells them; --reproduce is the same
  --timeout S     longest time of one case in seconds, 1 to 3600, default 45
  --static        run no code of the plugin
  --json          one JSON object for each plugin, on a line of its own
  --rules         list the rules; --page as the table of rules.md

Exit status: 0 every rule is held; 1 some rule is not; 2 wrong usage.
)";

struct Words {
    CheckOptions options;
    std::vector<std::filesystem::path> folders;
    bool json = false, rules = false, page = false, help = false;
};

Error usage(std::string message) { return {Code::invalid_argument, "usage", std::move(message), "symphony-checker --help"}; }

Result<std::uint64_t> number(std::string_view flag, std::string_view text, std::uint64_t min, std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size() || value < min || value > max) {
        return usage(std::string(flag) + ": \"" + std::string(text) + "\" is no number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return value;
}

Result<Words> parse(const std::vector<std::string_view>& words) {
    Words out;
    std::random_device device;
    out.options.seed = device();
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (!word.starts_with("-")) {
            out.folders.emplace_back(word);
            continue;
        }
        if (word == "--help" || word == "-h") { out.help = true; continue; }
        if (word == "--json") { out.json = true; continue; }
        if (word == "--rules") { out.rules = true; continue; }
        if (word == "--page") { out.page = true; continue; }
        if (word == "--static") { out.options.run_code = false; continue; }
        const bool known = word == "--level" || word == "--only" || word == "--seed" || word == "--reproduce" || word == "--timeout";
        if (!known) return usage("there is no flag \"" + std::string(word) + "\"");
        if (++i == words.size()) return usage(std::string(word) + " needs a value");
        if (word == "--level") {
            out.options.level = static_cast<std::uint32_t>(SYMPHONY_TRY(number(word, words[i], 1, level_max)));
        } else if (word == "--timeout") {
            out.options.limit = std::chrono::seconds(SYMPHONY_TRY(number(word, words[i], 1, limit_s_max)));
        } else if (word == "--only") {
            if (find_rule(words[i]) == nullptr) {
                return Error(Code::not_found, "unknown-rule", "there is no rule \"" + std::string(words[i]) + "\"", "symphony-checker --rules");
            }
            out.options.only.emplace_back(words[i]);
        } else {
            out.options.seed = SYMPHONY_TRY(number(word, words[i], 0, ~std::uint64_t{0}));
        }
    }
    if (out.folders.empty() && !out.help && !out.rules && !out.page) return usage("name a plugin's folder");
    for (auto& folder : out.folders) {
        std::error_code failed;
        if (folder.filename() == "manifest.toml") folder = folder.has_parent_path() ? folder.parent_path() : std::filesystem::path(".");
        if (!std::filesystem::exists(folder / "manifest.toml", failed)) {
            return Error(Code::not_found, "no-manifest", folder.string() + " has no manifest.toml",
                "name the folder that the build made, such as build/plugins/NAME");
        }
    }
    return out;
}

void list_rules(bool json) {
    using manifests::Data;
    Data::List list;
    for (const Rule& rule : rules()) {
        if (json) {
            list.push_back(Data(Data::Map{{"rule", rule.id}, {"level", std::int64_t{rule.level}}, {"advisory", rule.advisory}, {"runs_code", rule.part != "static"},
                                          {"owes", rule.sentence}, {"remedy", rule.remedy}}));
        } else {
            std::printf("%-24s level %2u%s  %s\n", std::string(rule.id).c_str(), rule.level, rule.advisory ? ", advice" : "        ",
                std::string(rule.sentence).c_str());
        }
    }
    if (json) std::puts(manifests::to_json(Data(std::move(list))).c_str());
}

int run(Words words) {
    const bool tell = !words.json && ::isatty(STDERR_FILENO) == 1;
    bool ok = true;
    for (const auto& folder : words.folders) {
        if (tell) words.options.on_part = [&](std::string_view part) { std::fprintf(stderr, "\r\033[K%s: %s", folder.c_str(), std::string(part).c_str()); };
        const Verdict verdict = check(folder, words.options);
        if (tell) std::fputs("\r\033[K", stderr);
        std::fputs(words.json ? (json_of(verdict, folder) + "\n").c_str() : text_of(verdict, folder).c_str(), stdout);
        std::fflush(stdout);
        ok = ok && verdict.ok();
    }
    return ok ? status_ok : status_broken;
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() == 5 && arguments[0] == case_word) {
        const auto seed = number("seed", arguments[2], 0, ~std::uint64_t{0}), limit = number("limit", arguments[3], 1, limit_s_max);
        if (seed && limit) case_main(arguments[1], arguments[4], *seed, std::chrono::seconds(*limit));
    }
    auto words = parse(arguments);
    if (!words) {
        std::fprintf(stderr, "error: %s\nhint: %s\n", words.error().message().c_str(), words.error().hint().c_str());
        return status_usage;
    }
    if (words->help) std::fputs(help, stdout);
    else if (words->page) std::fputs(rules_page().c_str(), stdout);
    else if (words->rules) list_rules(words->json);
    else return run(std::move(*words));
    return status_ok;
}
