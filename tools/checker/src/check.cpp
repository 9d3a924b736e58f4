// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "case.hpp"
#include "plugin_source.hpp"
#include "process.hpp"
#include "static_rules.hpp"

#include <symphony/manifests/data.hpp>

#include <algorithm>

namespace symphony::checker {
namespace {

/// Each case's own numbers, whichever others are tried.
std::uint64_t seed_of(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ seed; // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

class Judge {
public:
    Judge(const std::filesystem::path& folder, const CheckOptions& options) : folder_(folder), options_(options) {}

    Verdict run() {
        verdict_.seed = options_.seed;
        verdict_.level = options_.level;
        const auto file = host::read_manifest_file(folder_.string(), manifests::Strictness::load);
        verdict_.plugin = file.parsed.name.empty() ? folder_.string() : file.parsed.name + (file.parsed.version.empty() ? "" : " " + file.parsed.version);
        if (options_.on_part) options_.on_part("static");
        Outcome outcome = check_static(folder_);
        take(outcome);
        for (const CaseEntry& entry : cases()) {
            if (!options_.run_code) break;
            const bool wanted = tried(entry.name) || (entry.ground && any_later(entry));
            if (!wanted) continue;
            if (outcome.stopped) {
                verdict_.not_tried.push_back("everything from \"" + std::string(entry.name) + "\" on, which has no ground");
                break;
            }
            if (options_.on_part) options_.on_part(entry.name);
            outcome = run_case(entry, folder_, seed_of(options_.seed, entry.name), options_.limit);
            if (const bool whole = outcome.findings.empty() || outcome.findings.back().rule != entry.crash_rule; whole && !outcome.output.empty()) {
                outcome.findings.push_back({"silence", "during \"" + std::string(entry.name) + "\" it writes: " + to_valid_utf8(outcome.output.substr(0, 120)), {}});
            } else if (!outcome.output.empty()) {
                outcome.findings.back().message += "; its last words: " + to_valid_utf8(outcome.output.substr(0, 400));
            }
            take(outcome);
        }
        for (const Rule& rule : rules()) verdict_.rules_tried += held_to(rule) && (options_.run_code || rule.part == "static") ? 1u : 0u;
        return std::move(verdict_);
    }

private:
    bool held_to(const Rule& rule) const {
        if (!options_.only.empty()) return std::find(options_.only.begin(), options_.only.end(), rule.id) != options_.only.end();
        return rule.level <= options_.level;
    }
    bool tried(std::string_view part) const {
        return std::any_of(rules().begin(), rules().end(), [&](const Rule& rule) { return rule.part == part && held_to(rule); });
    }
    bool any_later(const CaseEntry& entry) const {
        return std::any_of(cases().begin(), cases().end(), [&](const CaseEntry& other) { return &other > &entry && tried(other.name); });
    }
    void take(const Outcome& outcome) {
        for (const Finding& finding : outcome.findings) {
            const Rule* const rule = find_rule(finding.rule);
            if (rule == nullptr || !held_to(*rule)) continue;
            auto& list = rule->advisory ? verdict_.advice : verdict_.broken;
            if (std::find(list.begin(), list.end(), finding) == list.end()) list.push_back(finding);
        }
        for (const auto& why : outcome.not_tried) {
            if (std::find(verdict_.not_tried.begin(), verdict_.not_tried.end(), why) == verdict_.not_tried.end()) verdict_.not_tried.push_back(why);
        }
    }

    const std::filesystem::path& folder_;
    const CheckOptions& options_;
    Verdict verdict_;
};

std::string line_of(const Finding& finding, std::string_view severity, const std::string& folder) {
    const Rule* const rule = find_rule(finding.rule);
    std::string out = folder + ": " + std::string(severity) + ": " + finding.message + " [" + finding.rule + "]\n";
    const std::string hint = finding.hint.empty() ? std::string(rule->remedy) : finding.hint;
    if (!hint.empty()) out += "hint: " + hint + "\n";
    return out;
}

manifests::Data data_of(const Finding& finding, std::string_view severity) {
    using manifests::Data;
    const Rule* const rule = find_rule(finding.rule);
    return Data(Data::Map{{"severity", severity}, {"reason", finding.rule}, {"level", std::int64_t{rule->level}}, {"message", finding.message},
                          {"hint", finding.hint.empty() ? std::string(rule->remedy) : finding.hint}, {"owes", rule->sentence}});
}

} // namespace

Verdict check(const std::filesystem::path& folder, const CheckOptions& options) { return Judge(folder, options).run(); }

std::string text_of(const Verdict& verdict, const std::filesystem::path& folder) {
    std::string out;
    for (const Finding& finding : verdict.broken) out += line_of(finding, "error", folder.string());
    for (const Finding& finding : verdict.advice) out += line_of(finding, "warning", folder.string());
    for (const auto& why : verdict.not_tried) out += folder.string() + ": not tried: " + why + "\n";
    std::vector<std::string_view> broken;
    for (const Finding& finding : verdict.broken) {
        if (std::find(broken.begin(), broken.end(), finding.rule) == broken.end()) broken.push_back(finding.rule);
    }
    out += folder.string() + ": " + (verdict.ok() ? "ok" : std::to_string(broken.size()) + " rules broken") + ", " + verdict.plugin + ", " +
           std::to_string(verdict.rules_tried) + " rules of level " + std::to_string(verdict.level) + ", seed " + std::to_string(verdict.seed) + "\n";
    return out;
}

std::string json_of(const Verdict& verdict, const std::filesystem::path& folder) {
    using manifests::Data;
    Data::List findings, not_tried;
    for (const Finding& finding : verdict.broken) findings.push_back(data_of(finding, "error"));
    for (const Finding& finding : verdict.advice) findings.push_back(data_of(finding, "warning"));
    for (const auto& why : verdict.not_tried) not_tried.emplace_back(why);
    return manifests::to_json(Data(Data::Map{{"path", to_valid_utf8(folder.string())}, {"plugin", verdict.plugin}, {"ok", verdict.ok()},
        {"level", std::int64_t{verdict.level}},
                                             {"seed", std::to_string(verdict.seed)}, {"rules", static_cast<std::int64_t>(verdict.rules_tried)},
                                             {"diagnostics", std::move(findings)}, {"not_tried", std::move(not_tried)}}));
}

} // namespace symphony::checker
