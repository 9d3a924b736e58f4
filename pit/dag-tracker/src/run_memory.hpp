// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_cache.hpp"
#include "run.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace symphony::tracker {

/// Which calls of one run are looked up in the cache, and which answers go into it.
class RunMemory final : public CallMemory {
public:
    struct Options {
        std::shared_ptr<CallCache> cache;              ///< null: it is switched off or cannot be used
        Recall why_not = Recall::run_says_no;          ///< when it is null; `run_says_no` is also about answers of this run
        std::string run;                               ///< for people: who made an answer; may be ""
        std::uint64_t bytes_in_run_max = 256u << 20;   ///< of answers that are kept for this run alone
    };
    RunMemory(std::shared_ptr<const Plan> plan, Options options);

    std::shared_ptr<const StepFacts> begin(Id node, ValueView base) const override;
    bool looks_up(Id node) const noexcept override;
    void recall(Id node, std::uint32_t element, const StepFacts& step, ValueView item, std::function<void(Recalled)> then) noexcept override;
    void answered(Id node, std::uint32_t element, const CallNote& note, const Value& answer) noexcept override;

private:
    /// What comes of the node's wish: `always` or `within_run` when calls are looked up, else why they are not.
    struct Way {
        CachePolicy policy = CachePolicy::never;
        Recall why_not = Recall::unknown;
    };
    Way way(Id node) const noexcept;
    CallCache::Place place(Id node, std::uint32_t element) const;
    Recalled in_run(CallFacts facts) const;

    const std::shared_ptr<const Plan> plan_;
    const Options options_;
    mutable std::mutex mutex_;
    std::map<Digest, Value> in_run_;
    std::uint64_t bytes_in_run_ = 0;
};

/// The facts of a call of a node: of its only one, or of the element `item`.
CallFacts facts_of(const Workflow& workflow, Id node, const StepFacts& step, ValueView item);
std::shared_ptr<const StepFacts> step_facts(const Plan& plan, Id node, ValueView base);

} // namespace symphony::tracker
