// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// What is shown of a run while it runs: a line for the whole and one for each step under way, with rates. One thread.
class LiveTree {
public:
    static constexpr std::size_t rows_max = 8;     ///< steps that are shown
    static constexpr std::size_t bytes_max = 1000; ///< of the text; a longer one would be cut on its way to another process

    /// @param plan  Outlives it. @param now_ns  Monotonic, as that of events.
    LiveTree(const Plan& plan, std::uint64_t now_ns);

    void take(const RunEvent& event);
    /// Of the whole run, steps under way with their parts.
    std::uint32_t permille() const noexcept;
    /// Lines without control characters, the last without an end.
    std::string text(std::uint64_t now_ns) const;

private:
    /// How fast something goes, by how far it had come some seconds ago.
    class Rate {
    public:
        void take(double so_far, std::uint64_t now_ns);
        /// In a second; 0 while it is not known.
        double per_second(double so_far, std::uint64_t now_ns) const;

    private:
        struct Mark {
            std::uint64_t at_ns = 0;
            double so_far = 0;
        };
        Mark before_, latest_;
    };
    struct Step {
        std::uint64_t since_ns = 0;
        std::uint32_t permille = 0;
        std::uint64_t done = 0, all = 0;  // elements
        std::string note;
        Rate rate;
    };
    std::string head(std::uint64_t now_ns) const;
    std::string line(Id node, const Step& step, std::uint64_t now_ns) const;

    const Plan& plan_;
    const std::uint64_t started_ns_;
    std::map<Id, Step> under_way_;
    std::uint32_t done_ = 0, failed_ = 0;
    Rate rate_;
};

} // namespace symphony::tracker
