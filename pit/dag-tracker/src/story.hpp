// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// How a stint went, as far as the journal knows.
enum class StintState : std::uint8_t { done, skipped, failed, cancelled, interrupted, running };
inline constexpr std::size_t stint_states = 6;
std::string_view name_of(StintState state) noexcept;

/// What one part of a run did at one step: all its calls, retries and elements.
struct Stint {
    std::uint32_t step = 0;          ///< index into Story::steps
    std::uint32_t part = 1;          ///< of the run
    StintState state = StintState::running;
    std::uint32_t calls = 0;
    std::uint32_t attempts = 0;      ///< of the call that took the most
    std::uint32_t recalled = 0;      ///< calls that were answered from memory
    std::uint32_t elements_begun = 0;
    std::int64_t start_ns = 0;       ///< since the run began; its inputs were there
    std::int64_t end_ns = 0;
    std::uint64_t output_bytes = 0;
    std::vector<std::uint32_t> answered_ms;  ///< when each element answered, since the run began
    std::vector<Problem> problems;
    std::int64_t took_ns() const noexcept { return end_ns - start_ns; }
};

struct StoryStep {
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    std::string name;
    std::string plugin;      ///< its id, or as the workflow names it; "" for control nodes
    std::string version;     ///< "" when it is not on record
    std::string operation;
    std::string_view kind;   ///< "operator", "instrument", "branch", ...; "" when the workflow cannot be read any more
    bool each = false;
    std::vector<std::uint32_t> needs;  ///< steps with a stint that it waited for; of a control node between, the one that ended last
    std::uint32_t last = none;         ///< its last stint, index into Story::stints
};

/// A run that was begun, or one resumption of it.
struct StoryPart {
    std::uint32_t part = 1;
    std::int64_t start_ns = 0;
    std::int64_t end_ns = 0;
};

/// A step of the critical path: nothing else kept it from starting earlier.
struct CriticalStep {
    std::uint32_t stint = 0;
    std::int64_t wait_ns = 0;  ///< between the end of the one before, or the run's begin, and its start; without the time that the run stood still
};

/// A recorded run as those tell it who draw, trace or count it.
///
/// The journal has the ends of steps in milliseconds and how long they took in nanoseconds. Starts follow from them, moved by less than a
/// millisecond where a step would otherwise begin before what it waited for.
struct Story {
    RunSummary run;
    std::string name;                    ///< of the workflow, for people
    std::vector<StoryStep> steps;        ///< all of the workflow in topological order, then those that it does not have any more
    std::vector<Stint> stints;           ///< by start
    std::vector<StoryPart> parts;        ///< those that left a row
    std::vector<CriticalStep> critical;  ///< from first to last
    std::int64_t span_ns = 0;            ///< from its begin to its last word
    std::uint64_t edges = 0;

    std::int64_t busy_ns() const noexcept;  ///< `span_ns` without the time that the run stood still
    /// How long a stint's inputs were there before it began, in its part of the run; nothing where that is not on record. A time in which it
    /// waited for its plugin belongs to the stint.
    std::optional<std::int64_t> wait_ns(const Stint& stint) const noexcept;
    /// How many stints are in each state, counted once for each step: its last.
    std::vector<std::uint32_t> counts() const;
};

/// Puts a story together from the rows of a run.
class StoryBuilder {
public:
    StoryBuilder();
    ~StoryBuilder();
    StoryBuilder(const StoryBuilder&) = delete;
    StoryBuilder& operator=(const StoryBuilder&) = delete;

    void add(const ToldRow& row);
    /// @param now_ms  Since 1970: until when a run that has not ended has come.
    Story finish(const RunDetail& run, const Limits& limits, std::int64_t now_ms);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// @return What Journal::told() says. [blocks]
Result<Story> read_story(const Journal& journal, std::string_view id, const Limits& limits, std::int64_t now_ms);

/// Milliseconds since 1970.
std::int64_t wall_now_ms() noexcept;

} // namespace symphony::tracker
