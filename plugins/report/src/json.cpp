// SPDX-License-Identifier: Apache-2.0
#include "json.hpp"

#include <symphony/json.hpp>

namespace report {

using symphony::Result;

namespace {

nlohmann::json summary(const Facts& facts) {
    nlohmann::json out = {{"files", facts.files.size()},   {"bytes", facts.total_bytes},      {"texts", facts.texts},
                          {"pages", facts.pages.size()},   {"terms", facts.terms.size()},     {"matches", facts.match_count},
                          {"errors", facts.count(Severity::error)}, {"warnings", facts.count(Severity::warning)}, {"notes", facts.count(Severity::note)}};
    if (facts.total_words) out["words"] = *facts.total_words;
    if (facts.distinct) out["distinct_terms"] = *facts.distinct;
    if (const auto confidence = facts.mean_confidence()) out["confidence"] = *confidence;
    return out;
}

nlohmann::json files(const Facts& facts) {
    nlohmann::json out = nlohmann::json::array();
    for (const File& file : facts.files) {
        nlohmann::json entry = {{"path", file.path}, {"kind", file.kind}, {"size", file.size}, {"outcome", file.outcome}};
        if (!file.mime.empty()) entry["mime"] = file.mime;
        if (file.lines) entry["lines"] = *file.lines;
        if (file.words) entry["words"] = *file.words;
        out.push_back(std::move(entry));
    }
    return out;
}

nlohmann::json patterns(const Facts& facts) {
    nlohmann::json out = nlohmann::json::array();
    for (const Pattern& pattern : facts.patterns) {
        nlohmann::json matches = nlohmann::json::array();
        for (const Match& match : pattern.matches) {
            nlohmann::json entry = {{"path", match.path}, {"line", match.line}, {"column", match.column}, {"excerpt", match.excerpt}};
            if (match.length > 0) {
                entry["begin"] = match.begin;
                entry["length"] = match.length;
            }
            matches.push_back(std::move(entry));
        }
        out.push_back({{"pattern", pattern.pattern}, {"count", pattern.count}, {"matches", std::move(matches)}});
    }
    return out;
}

nlohmann::json problems(const Facts& facts) {
    nlohmann::json out = nlohmann::json::array();
    for (const Problem& problem : facts.problems) {
        nlohmann::json entry = {{"severity", name_of(problem.severity)}, {"path", problem.path}, {"reason", problem.reason}, {"message", problem.message}, {"remedy", problem.remedy}};
        if (!problem.node.empty()) entry["step"] = problem.node;
        out.push_back(std::move(entry));
    }
    return out;
}

} // namespace

Result<std::string> to_json(const Facts& facts) {
    nlohmann::json out = {{"format", 1}, {"title", facts.title}, {"summary", summary(facts)}, {"files", files(facts)}, {"patterns", patterns(facts)}, {"problems", problems(facts)}};
    if (!facts.folder.empty()) out["folder"] = facts.folder;
    if (!facts.generated.empty()) out["generated"] = facts.generated;
    nlohmann::json& pages = out["pages"] = nlohmann::json::array();
    for (const Page& page : facts.pages) pages.push_back(SYMPHONY_TRY(symphony::to_json(page.value)));
    nlohmann::json& terms = out["terms"] = nlohmann::json::array();
    for (const Term& term : facts.terms) terms.push_back({{"term", term.term}, {"count", term.count}, {"files", term.files}});
    nlohmann::json& skipped = out["skipped"] = nlohmann::json::object();
    for (const Skipped& entry : facts.skipped) skipped[std::string(entry.what)] = entry.count;
    nlohmann::json& timings = out["timings"] = nlohmann::json::array();
    for (const Timing& timing : facts.timings) timings.push_back({{"name", timing.name}, {"milliseconds", timing.milliseconds}});
    return out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace report
