// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_facts.hpp"
#include "model.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace symphony::tracker {

/// Why a call was made, or was not. The numbers are those of the journal.
enum class Recall : std::uint8_t {
    unknown = 0,   ///< nobody asked
    hit,           ///< answered from memory
    hit_in_run,    ///< the same call had been answered in this run
    first,         ///< no earlier call of the step is remembered
    differs,       ///< one is, and it was another call: CallNote::difference
    expired,       ///< the answer was older than the node's `ttl`
    lost,          ///< the answer is damaged, or its artifact is gone
    not_pure,      ///< the manifest does not say that the operation is pure
    node_says_no,  ///< `cache = "never"`
    run_says_no,   ///< --no-cache, or the setting `cache`
    unavailable,   ///< the memory cannot be used
    recorded,      ///< a replay answered from the record
};
inline constexpr Recall recall_last = Recall::recorded;
std::string_view name_of(Recall recall) noexcept;
constexpr bool is_hit(Recall recall) noexcept { return recall == Recall::hit || recall == Recall::hit_in_run || recall == Recall::recorded; }

/// One attempt of a call.
struct Attempt {
    std::uint32_t number = 0;       ///< from 1; 0: no call was made
    std::int64_t started_ms = 0;    ///< since 1970
    std::uint64_t waited_ns = 0;    ///< for its turn, from when its step was ready or its backoff over
    std::uint64_t took_ns = 0;
    std::uint64_t token = 0;        ///< the fencing token: greater for every later attempt of the run, in whatever part of it
    friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// What is known of a call when it is made.
struct CallNote {
    Recall recall = Recall::unknown;
    std::optional<Difference> difference;  ///< of `differs`
    std::string run;             ///< that made the earlier answer, or the nearest; may be ""
    std::int64_t made_ms = 0;    ///< since 1970: when that was
    CallFacts facts;             ///< of a note from the journal its inputs alone: inputs_of()
    Attempt attempt;             ///< the last one
};
/// "hit", "never run before", "input \"text\" differs".
std::string words_of(const CallNote& note);

/// What a call is known by before it is made, and what it answered then, if that is to be its answer.
struct Recalled {
    CallNote note;
    std::optional<Result<Value>> answer;
};

/// Remembers what calls of operations have answered.
class CallMemory {
public:
    CallMemory() = default;
    CallMemory(const CallMemory&) = delete;
    CallMemory& operator=(const CallMemory&) = delete;
    virtual ~CallMemory() = default;

    /// What the calls of a step have in common. @param base  The map of inputs that all of them are given. [any]
    virtual std::shared_ptr<const StepFacts> begin(Id node, ValueView base) const = 0;
    /// Whether a call of the step may be answered without being made. Otherwise recall() calls `then` before it returns. [any]
    virtual bool looks_up(Id node) const noexcept = 0;
    /// @param item  Of an `each` step, borrowed until the return.
    /// @param then  Called once, here or on another thread. [any]
    virtual void recall(Id node, std::uint32_t element, const StepFacts& step, ValueView item, std::function<void(Recalled)> then) noexcept = 0;
    /// A call that was made has answered, and the answer is what its manifest promises. [any]
    virtual void answered(Id node, std::uint32_t element, const CallNote& note, const Value& answer) noexcept = 0;
};

} // namespace symphony::tracker
