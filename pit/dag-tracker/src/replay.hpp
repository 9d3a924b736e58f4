// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace symphony::tracker {

/// Where a replay is not what was recorded.
struct Divergence {
    Id node = no_id;
    std::uint32_t element = no_id;  ///< of an `each` node
    std::string what;               ///< `input "text"`, `output "text"`, "call"
    std::string words;              ///< one line for people
};

/// Answers calls of instruments, and of operations that are not pure, with what they answered in a recorded run: nothing outside is done a second
/// time. Calls of pure operations are made, and what goes in and comes out is compared with the record.
class Replay final : public CallMemory {
public:
    /// @param record  With its outputs.
    Replay(std::shared_ptr<const Plan> plan, const RunRecord& record);

    std::shared_ptr<const StepFacts> begin(Id node, ValueView base) const override;
    bool looks_up(Id node) const noexcept override;
    void recall(Id node, std::uint32_t element, const StepFacts& step, ValueView item, std::function<void(Recalled)> then) noexcept override;
    void answered(Id node, std::uint32_t element, const CallNote& note, const Value& answer) noexcept override;

    /// In the order of the workflow: the first is where it began. At most divergences_max. [any]
    std::vector<Divergence> divergences() const;
    std::size_t divergences_found() const;
    static constexpr std::size_t divergences_max = 1000;

private:
    const CallRow* recorded(Id node, std::uint32_t element) const;
    Recalled answer(Id node, std::uint32_t element, CallFacts facts);
    void diverged(Id node, std::uint32_t element, std::string what, std::string words);

    const std::shared_ptr<const Plan> plan_;
    std::map<std::pair<Id, std::uint32_t>, CallRow> calls_;
    mutable std::mutex mutex_;
    std::vector<Divergence> divergences_;
};

} // namespace symphony::tracker
