// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <algorithm>
#include <utility>

namespace symphony::packaging {

Engine::Index Engine::add_package(std::uint32_t releases) {
    packages_.push_back({States::all(releases + 1), {}, {}, 0, false, false});
    return static_cast<Index>(packages_.size() - 1);
}

Engine::Index Engine::keep(std::span<const Term> terms, Index fact, std::span<const Index> causes) {
    clauses_.push_back({static_cast<std::uint32_t>(terms_.size()), static_cast<std::uint32_t>(terms.size()),
                        static_cast<std::uint32_t>(causes_.size()), static_cast<std::uint32_t>(causes.size()), fact});
    terms_.insert(terms_.end(), terms.begin(), terms.end());
    causes_.insert(causes_.end(), causes.begin(), causes.end());
    return static_cast<Index>(clauses_.size() - 1);
}

void Engine::watch(Index clause) {
    for (const auto& term : terms_of(clause)) packages_[term.package].clauses.push_back(clause);
    fresh_.push_back(clause);
}

Engine::Index Engine::add_clause(std::span<const Term> terms, Index fact) {
    std::vector<Term> joined;
    for (const auto& term : terms) {
        const auto same = std::find_if(joined.begin(), joined.end(), [&](const Term& other) { return other.package == term.package; });
        if (same == joined.end()) joined.push_back(term);
        else same->states &= term.states;
    }
    for (const auto& term : joined) {
        if (term.states.empty()) return none;
    }
    std::erase_if(joined, [](const Term& term) { return term.states.full(); });
    const auto clause = keep(joined, fact, {});
    watch(clause);
    return clause;
}

Engine::Outcome Engine::propagate() {
    const auto more = [&] { return !fresh_.empty() || !queue_.empty(); };
    while (more()) {
        Index broken = none;
        if (!fresh_.empty()) {
            const auto clause = fresh_.back();
            fresh_.pop_back();
            (void)look_at(clause, broken);
        } else {
            const auto package = queue_.back();
            queue_.pop_back();
            packages_[package].queued = false;
            // The newest first: what was learned says more than what it was learned from.
            const auto& clauses = packages_[package].clauses;
            for (auto at = clauses.size(); at-- > 0 && look_at(clauses[at], broken);) {}
        }
        if (broken != none && !learn(broken)) return Outcome::impossible;
        if (steps_ > limits_.steps_max || terms_.size() > limits_.terms_max) return Outcome::too_long;
        if (steps_ >= next_poll_) {
            next_poll_ = steps_ + 4096;
            if (limits_.cancelled && limits_.cancelled()) return Outcome::cancelled;
        }
    }
    return Outcome::quiet;
}

/// Unit propagation of one clause. @return False when it is broken.
bool Engine::look_at(Index clause, Index& broken) {
    ++steps_;
    const Term* open = nullptr;
    for (const auto& term : terms_of(clause)) {
        const auto& now = packages_[term.package].states;
        if (!now.meets(term.states)) return true; // cannot hold any more
        if (now.inside(term.states)) continue;
        if (open != nullptr) return true;
        open = &term;
    }
    if (open == nullptr) {
        broken = clause;
        return false;
    }
    assign(open->package, packages_[open->package].states & ~open->states, clause);
    return true;
}

void Engine::assign(Index package, States states, Index cause) {
    auto& of = packages_[package];
    of.steps.push_back(static_cast<Index>(trail_.size()));
    of.states = states;
    trail_.push_back({package, level_, cause, std::move(states)});
    if (!of.queued) {
        of.queued = true;
        queue_.push_back(package);
    }
    if (!of.decided) push_open(package);
}

void Engine::push_open(Index package) {
    const auto& of = packages_[package];
    if (!of.states.has(0)) open_.emplace(of.trouble, UINT32_MAX - of.states.count(), UINT32_MAX - package);
}

Engine::Index Engine::next_open() {
    while (!open_.empty()) {
        const auto package = UINT32_MAX - std::get<2>(open_.top());
        const auto count = UINT32_MAX - std::get<1>(open_.top());
        open_.pop();
        const auto& of = packages_[package];
        // An entry of another count is old: the change of the count has pushed a new one.
        if (!of.decided && !of.states.has(0) && of.states.count() == count) return package;
    }
    return none;
}

bool Engine::forbids(Index clause, Index package, std::uint32_t state) const {
    const auto terms = terms_of(clause);
    return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
        return term.package == package ? term.states.has(state) : packages_[term.package].states.inside(term.states);
    });
}

void Engine::decide(Index package, std::uint32_t state) {
    ++level_;
    packages_[package].decided = true;
    assign(package, States::only(packages_[package].states.size(), state), none);
}

// ---- learning

Engine::Index Engine::first_step_inside(Index package, const States& states) const {
    const auto& steps = packages_[package].steps;
    const auto at = std::partition_point(steps.begin(), steps.end(), [&](Index step) { return !trail_[step].states.inside(states); });
    return at == steps.end() ? none : *at;
}

/// The step that made all terms hold, and the level at which all but its own part held already.
Engine::Satisfier Engine::satisfier(const std::vector<Term>& terms) const {
    Satisfier found;
    for (Index i = 0; i < terms.size(); ++i) {
        const auto step = first_step_inside(terms[i].package, terms[i].states);
        if (found.step == none || step > found.step) {
            if (found.step != none) found.level_before = std::max(found.level_before, trail_[found.step].level);
            found.step = step;
            found.term = i;
        } else {
            found.level_before = std::max(found.level_before, trail_[step].level);
        }
    }
    const auto& last = trail_[found.step];
    if (last.cause == none) return found;
    // A conclusion may need what was known of the package before to make the term hold.
    for (const auto& term : terms_of(last.cause)) {
        if (term.package != last.package) continue;
        const auto enough = terms[found.term].states | term.states;
        if (enough.full()) continue;
        const auto before = first_step_inside(last.package, enough);
        found.level_before = std::max(found.level_before, trail_[before].level);
    }
    return found;
}

/// Resolution: what follows from both when they disagree about one package.
void Engine::join(std::vector<Term>& terms, std::span<const Term> other, Index about) {
    for (const auto& term : other) {
        const auto same = std::find_if(terms.begin(), terms.end(), [&](const Term& mine) { return mine.package == term.package; });
        if (same == terms.end()) {
            terms.push_back(term);
        } else if (term.package == about) {
            same->states |= term.states;
        } else {
            same->states &= term.states;
        }
    }
    std::erase_if(terms, [](const Term& term) { return term.states.full(); });
}

/// Goes from a broken clause to one that says what was wrong with the last decisions, takes them back, and keeps it.
/// @return False when nothing is left to take back.
bool Engine::learn(Index broken) {
    const auto span = terms_of(broken);
    std::vector<Term> terms(span.begin(), span.end());
    std::vector<Index> causes{broken};
    while (!terms.empty()) {
        ++steps_;
        const auto found = satisfier(terms);
        const auto& last = trail_[found.step];
        if (last.cause == none || found.level_before < last.level) {
            back_to(found.level_before);
            break;
        }
        join(terms, terms_of(last.cause), last.package);
        causes.push_back(last.cause);
    }
    auto clause = broken;
    if (causes.size() > 1) clause = keep(terms, none, causes);
    if (terms.empty()) {
        failure_ = clause;
        return false;
    }
    for (const auto& term : terms) ++packages_[term.package].trouble;
    if (causes.size() > 1) watch(clause);
    else fresh_.push_back(clause);
    return true;
}

void Engine::back_to(std::uint32_t level) {
    while (!trail_.empty() && trail_.back().level > level) {
        auto& of = packages_[trail_.back().package];
        of.decided = of.decided && trail_.back().cause != none;
        of.steps.pop_back();
        of.states = of.steps.empty() ? States::all(of.states.size()) : trail_[of.steps.back()].states;
        const auto package = trail_.back().package;
        trail_.pop_back();
        if (!of.decided) push_open(package);
    }
    level_ = level;
    for (const auto package : queue_) packages_[package].queued = false;
    queue_.clear(); // what changed at the levels that stay was looked at before they were left
}

} // namespace symphony::packaging
