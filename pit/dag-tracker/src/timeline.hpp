// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "story.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace symphony::tracker {

/// What a timeline shows one by one, however large the run; the rest is drawn as a crowd, lane by lane.
struct TimelineLimits {
    std::size_t rows_max = 120;
    std::size_t rows_crowded = 48;  ///< when there are more steps than `rows_max`
    std::size_t lanes_max = 24;
    std::size_t critical_max = 12;  ///< steps of the critical path that are listed
};

struct TimelineRow {
    std::uint32_t step = 0;
    std::vector<std::uint32_t> stints;  ///< of the step, by part; never empty
};

/// The steps of one plugin.
struct TimelineLane {
    std::string title;
    std::string note;
    std::vector<TimelineRow> rows;     ///< by first start
    std::vector<std::uint32_t> crowd;  ///< stints of the steps that have no row
    std::size_t crowd_steps = 0;
};

/// The arrangement of a run's steps: the same for pictures, pages and terminals.
struct Timeline {
    std::vector<TimelineLane> lanes;  ///< by first start
    std::vector<bool> critical;       ///< by stint
    std::vector<CriticalStep> listed; ///< the slowest of the critical path, in its order
    std::size_t critical_left_out = 0;
    std::int64_t critical_busy_ns = 0;  ///< of all of it, waiting left out
    std::int64_t critical_wait_ns = 0;
};

Timeline arrange(const Story& story, const TimelineLimits& limits = {});

/// Time on a line. Where the run stood still for long the line is cut.
class TimeScale {
public:
    struct Cut {
        double from = 0, to = 0;     ///< on the line
        std::int64_t still_ns = 0;
    };
    struct Tick {
        double at = 0;
        std::string label;
    };
    TimeScale(const Story& story, double from, double to);

    double at(std::int64_t ns) const noexcept;
    const std::vector<Cut>& cuts() const noexcept { return cuts_; }
    struct Segment {
        std::int64_t start_ns = 0, end_ns = 0;
        double from = 0, to = 0;     ///< on the line
    };
    /// Of which the line is made, with cuts between them; never empty.
    const std::vector<Segment>& segments() const noexcept { return segments_; }
    /// Round moments, at most `count_max` or so. Behind a cut they count from it, and have a plus sign.
    std::vector<Tick> ticks(std::size_t count_max) const;

private:
    std::vector<Segment> segments_;
    std::vector<Cut> cuts_;
    std::int64_t drawn_ns_ = 1;
};

/// "1,234,567".
std::string count_text(std::uint64_t count);
/// "3 steps", "1 step".
std::string count_text(std::uint64_t count, std::string_view one, std::string_view many);
/// "2 h 13 min", "4.1 s", "0".
std::string span_text(std::int64_t ns);
/// What there is to say about a stint, a few lines.
std::string tell_stint(const Story& story, const Stint& stint);
/// "12 done, 1 failed"; steps that left no record are "not on record".
std::string tell_counts(const Story& story);
/// Local time, "2026-11-27 11:08:12".
std::string moment_text(std::int64_t ms);

/// A run as a picture: SVG, light or dark as its reader's screen. At most some 200 KB.
std::string timeline_svg(const Story& story);
/// The same as part of a page, which has what stands around it.
std::string timeline_figure(const Story& story, const Timeline& timeline);
/// The scale of both, in pixels of the picture.
TimeScale timeline_scale(const Story& story);
/// A page with the picture, the critical path, the problems and the steps. It loads nothing.
std::string timeline_html(const Story& story);
/// For a terminal. @param columns  Of it; 0 counts as 100.
std::string timeline_text(const Story& story, std::size_t columns, bool color);
/// For programs.
Value timeline_json(const Story& story);

} // namespace symphony::tracker
