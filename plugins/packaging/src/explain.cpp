// SPDX-License-Identifier: Apache-2.0
#include "explain.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace symphony::packaging {
namespace {

using Index = Engine::Index;

/// Numbers of the clauses that a failure stands on and that were learned from nothing else; and the learned ones, each behind its causes.
struct Origin {
    std::vector<Index> facts, learned;
};

Origin origin_of(const Engine& engine) {
    Origin out;
    std::vector<Index> open{engine.failure()};
    std::vector<Index> seen;
    while (!open.empty()) {
        const auto clause = open.back();
        open.pop_back();
        seen.push_back(clause);
        if (engine.learned(clause)) {
            const auto causes = engine.causes_of(clause);
            open.insert(open.end(), causes.begin(), causes.end());
        }
        if (open.size() > 4 * seen.size() + 1024) { // the same ones again and again
            std::sort(open.begin(), open.end());
            open.erase(std::unique(open.begin(), open.end()), open.end());
        }
    }
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (const auto clause : seen) (engine.learned(clause) ? out.learned : out.facts).push_back(clause);
    return out;
}

/// Some clauses of a solver, tried alone.
class Trial {
public:
    Trial(const Engine& from, const std::vector<Index>& clauses) : engine_(Engine::Limits{}) {
        for (Index i = 0; i < clauses.size(); ++i) {
            std::vector<Engine::Term> terms;
            for (const auto& term : from.terms_of(clauses[i])) terms.push_back({package(term), term.states});
            engine_.add_clause(terms, i);
        }
        for (;;) {
            const auto outcome = engine_.propagate();
            impossible_ = outcome == Engine::Outcome::impossible;
            if (outcome != Engine::Outcome::quiet) return;
            const auto open = engine_.next_open();
            if (open == Engine::none) return;
            std::uint32_t last = 0;
            engine_.states(open).each([&](std::uint32_t state) { last = state; });
            engine_.decide(open, last);
        }
    }
    bool impossible() const noexcept { return impossible_; }
    const Engine& engine() const noexcept { return engine_; }
    /// Of the solver, for a package of the trial.
    Index original(Index package) const { return originals_[package]; }
    /// Those of the given clauses that the failure stands on, in their order.
    std::vector<Index> used(const std::vector<Index>& clauses) const {
        std::vector<Index> out;
        for (const auto clause : origin_of(engine_).facts) out.push_back(engine_.fact_of(clause));
        std::sort(out.begin(), out.end());
        for (auto& number : out) number = clauses[number];
        return out;
    }

private:
    Index package(const Engine::Term& term) {
        const auto [at, added] = numbers_.try_emplace(term.package, Engine::none);
        if (added) {
            at->second = engine_.add_package(term.states.size() - 1);
            originals_.push_back(term.package);
        }
        return at->second;
    }

    Engine engine_;
    std::unordered_map<Index, Index> numbers_;
    std::vector<Index> originals_;
    bool impossible_ = false;
};

/// Leaves out one clause after the other and keeps those without which there is no contradiction (deletion-based minimal unsatisfiable
/// subset, with refinement: what a failure did not need goes at once).
std::vector<Index> cut_down(const Engine& engine, std::vector<Index> clauses, std::uint64_t steps_max, bool& minimal) {
    std::uint64_t steps = 0;
    for (std::size_t at = 0; at < clauses.size();) {
        if (steps > steps_max) {
            minimal = false;
            break;
        }
        auto rest = clauses;
        rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
        const Trial trial(engine, rest);
        steps += trial.engine().steps() + rest.size();
        if (trial.impossible()) {
            clauses = trial.used(rest);
        } else {
            ++at;
        }
    }
    return clauses;
}

/// "1.0.0, 1.2.0 to 1.4.1 and 3 more", or "every version".
std::string versions_text(std::span<const Release> releases, const States& states) {
    constexpr std::size_t runs_max = 4;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
    std::uint32_t count = 0;
    states.each([&](std::uint32_t state) {
        if (state == 0) return;
        ++count;
        if (!runs.empty() && runs.back().second + 1 == state) runs.back().second = state;
        else runs.emplace_back(state, state);
    });
    if (count == releases.size() && count > 0) return "every version";
    std::string out;
    std::uint32_t told = 0;
    for (std::size_t i = 0; i < runs.size() && i < runs_max; ++i) {
        const auto [first, last] = runs[i];
        if (i > 0) out += ", ";
        out += releases[first - 1].version.text();
        if (last > first) out += " to " + releases[last - 1].version.text();
        told += last - first + 1;
    }
    if (told < count) out += " and " + std::to_string(count - told) + " more";
    return out;
}

/// What there is instead, when nothing is in the range.
std::string alternatives(const Solver& solver, Index package, const manifests::Range& range) {
    const auto all = solver.releases(package);
    if (all.empty()) return "which nobody has";
    if (std::any_of(all.begin(), all.end(), [&](const Release& release) { return range.contains(release.version); })) return {};
    return "of which there is no version, only " + all.front().version.text() +
           (all.size() > 1 ? (all.size() > 2 ? " to " : " and ") + all.back().version.text() : std::string());
}

class Story {
public:
    explicit Story(const Solver& solver) : solver_(solver) {}

    std::uint32_t tell(Index number) {
        const auto [at, added] = numbers_.try_emplace(number, static_cast<std::uint32_t>(out_.facts.size()));
        if (added) out_.facts.push_back(fact(solver_.fact(number)));
        return at->second;
    }

    Conflict::Fact fact(const Solver::Fact& from) const {
        Conflict::Fact out;
        out.kind = from.kind;
        out.id = solver_.id(from.package);
        if (from.kind != Conflict::Kind::wanted) out.versions = versions_text(solver_.releases(from.package), from.versions);
        if (from.other != Engine::none) out.other = solver_.id(from.other);
        if (from.range != nullptr) out.range = from.range->text();
        out.note = from.note;
        switch (from.kind) {
        case Conflict::Kind::wanted:
            out.place = from.wanted->place;
            out.note = alternatives(solver_, from.package, *from.range);
            break;
        case Conflict::Kind::needs: out.note = alternatives(solver_, from.other, *from.range); break;
        case Conflict::Kind::host: {
            const auto& host = solver_.request().host;
            out.other_versions = std::to_string(host.major) + "." + std::to_string(host.minor);
            break;
        }
        case Conflict::Kind::exclusive_port:
            out.other_versions = versions_text(solver_.releases(from.other), from.other_versions);
            break;
        default: break;
        }
        return out;
    }

    Conflict take() { return std::move(out_); }
    std::vector<Conflict::Step>& steps() { return out_.steps; }

private:
    const Solver& solver_;
    std::unordered_map<Index, std::uint32_t> numbers_;
    Conflict out_;
};

/// The learned clauses of a trial as steps, each behind those that it uses.
void tell_steps(Story& story, const Solver& solver, const Trial& trial, const std::vector<Index>& clauses) {
    const auto& engine = trial.engine();
    const auto fact_number = [&](Index clause) { return solver.engine().fact_of(clauses[engine.fact_of(clause)]); };
    std::unordered_map<Index, std::uint32_t> numbers;
    auto learned = origin_of(engine).learned;
    if (learned.empty()) learned.push_back(engine.failure()); // one fact that cannot be
    for (const auto clause : learned) {
        Conflict::Step step;
        const auto causes = engine.learned(clause) ? engine.causes_of(clause) : std::span<const Index>(&clause, 1);
        // Resolution goes from the contradiction back to what was first; people read the other way round.
        for (auto cause = causes.rbegin(); cause != causes.rend(); ++cause) {
            const bool is_step = numbers.contains(*cause);
            auto& list = is_step ? step.steps : step.facts;
            const auto number = is_step ? numbers[*cause] : story.tell(fact_number(*cause));
            if (std::find(list.begin(), list.end(), number) == list.end()) list.push_back(number);
        }
        for (const auto& term : engine.terms_of(clause)) {
            const auto package = trial.original(term.package);
            const bool must = term.states.has(0);
            step.claims.push_back({std::string(solver.id(package)), versions_text(solver.releases(package), must ? ~term.states : term.states), must});
        }
        numbers.emplace(clause, static_cast<std::uint32_t>(story.steps().size()));
        story.steps().push_back(std::move(step));
    }
}

} // namespace

Conflict explain(const Solver& solver, std::uint64_t steps_max) {
    bool minimal = true;
    auto clauses = origin_of(solver.engine()).facts;
    // Long explanations shrink most by being found anew from their own facts alone.
    if (const Trial trial(solver.engine(), clauses); trial.impossible()) clauses = trial.used(clauses);
    clauses = cut_down(solver.engine(), std::move(clauses), steps_max, minimal);
    const Trial trial(solver.engine(), clauses);
    Story story(solver);
    tell_steps(story, solver, trial, clauses);
    auto out = story.take();
    out.minimal = minimal;
    return out;
}

Conflict explain_port(const Solver& solver, const Solver::Fact& missing) {
    Story story(solver);
    Conflict out;
    out.facts.push_back(story.fact(missing));
    out.steps.push_back({{0}, {}, {}});
    return out;
}

} // namespace symphony::packaging
