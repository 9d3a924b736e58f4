// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "story.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// Figures of recorded runs in Prometheus' text format, version 0.0.4.
///
/// Everything is counted from what is on record, so that figures become smaller when runs are forgotten: counts are gauges. Labels are bounded:
/// beyond `labels_max` plugins or workflows all others together are "other".
class Metrics {
public:
    static constexpr std::size_t labels_max = 64;

    /// The newest run first: the labels of the first ones are those that are kept.
    void add(const Story& story);
    /// A run whose record is damaged.
    void add_damaged() noexcept { ++damaged_; }
    std::string text() const;

private:
    struct Histogram {
        std::vector<std::uint64_t> counts;  // of each bucket alone; the last is beyond all bounds
        std::uint64_t count = 0;
        double sum_s = 0;
        void observe(std::int64_t ns);
    };
    struct OfPlugin {
        std::map<std::string_view, std::uint64_t> steps;  // by state
        std::uint64_t calls = 0, retries = 0, problems = 0, elements = 0;
        Histogram duration, wait;
    };
    struct OfWorkflow {
        std::map<std::string_view, std::uint64_t> runs;  // by state
        Histogram duration;
    };
    std::map<std::string, OfPlugin> plugins_;
    std::map<std::string, OfWorkflow> workflows_;
    std::uint64_t damaged_ = 0;
};

/// A label's value between its quotes.
std::string metrics_label(std::string_view value);

} // namespace symphony::tracker
