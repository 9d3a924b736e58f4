// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "markup.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace symphony::tracker {
namespace {

// Pixels of the picture.
constexpr int width = 1240;
constexpr int margin = 32;
constexpr int names_x = 64;      // of the steps' names
constexpr int chart_x = 268;
constexpr int chart_end = width - margin - 236;
constexpr int words_x = chart_end + 18;  // of how long and how many
constexpr int head_height = 132;
constexpr int axis_height = 34;
constexpr int lane_head = 32;
constexpr int row_height = 26;
constexpr int bar_height = 16;
constexpr int crowd_height = 52;
constexpr int lane_gap = 12;
constexpr int legend_height = 56;
constexpr int listed_height = 24;
constexpr int bar_least = 3;
constexpr std::size_t crowd_columns = 180;
constexpr std::size_t answer_columns = 96;
constexpr double text_pixel = 6.2;  // of a character of 11 px, on average

// Colours are written out for each class: not every reader of SVG knows variables. What is dark comes last.
constexpr std::string_view style =
    "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1c2430}.paper{fill:#ffffff}.title{font-size:21px;font-weight:650}"
    ".sub{font-size:12.5px;fill:#5b6675}.big{font-size:17px;font-weight:600}.note{font-size:11px;fill:#5b6675}.id{font-size:12.5px}.key{font-weight:650}"
    ".lane{font-size:12.5px;font-weight:650}tspan{font-weight:400}.took{font-size:11.5px}.panel{fill:#f6f8fa;stroke:#e3e8ee}.grid{stroke:#dfe5ec}.edge{stroke:#aeb8c4}"
    ".bar{stroke-width:1.4}.done{fill:#d5efe1;stroke:#2f9160}.failed{fill:#fbdcdc;stroke:#c4373d}.skipped{fill:#eceff3;stroke:#7d8896}"
    ".cancelled{fill:#fdf0d9;stroke:#b5760d;stroke-dasharray:5 3}.interrupted{fill:#efe9f8;stroke:#7f56c2;stroke-dasharray:2 3}"
    ".running{fill:#dcebfc;stroke:#2f74bd}.critical{stroke:#1c2430;stroke-width:2.2}.path{fill:none;stroke:#1c2430;stroke-width:1.6}.spot{fill:#1c2430}"
    ".answers{fill:#2f9160;fill-opacity:.55}.crowd{fill:#d5efe1;stroke:#2f9160;stroke-width:1.2}.cut{fill:#e9edf2}.tear{fill:none;stroke:#8a95a5;stroke-width:1.3}"
    ".share{fill:#c9d1db}.hatch{stroke:#c4373d;stroke-opacity:.45;stroke-width:2}"
    ".i-done{fill:#2f9160}.i-failed{fill:#c4373d}.i-skipped{fill:#7d8896}.i-cancelled{fill:#b5760d}.i-interrupted{fill:#7f56c2}.i-running{fill:#2f74bd}"
    ".mark{fill:none;stroke:#ffffff;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}"
    "@media (prefers-color-scheme:dark){text{fill:#e8edf4}.paper{fill:#12161c}.sub,.note{fill:#9aa6b5}.panel{fill:#191f27;stroke:#28303b}.grid{stroke:#28303b}.edge{stroke:#566273}"
    ".done{fill:#143d2a;stroke:#52bf8a}.failed{fill:#4a1b1f;stroke:#f0767a}.skipped{fill:#242b35;stroke:#8692a2}.cancelled{fill:#43310f;stroke:#e0a33c}"
    ".interrupted{fill:#2f2345;stroke:#b08ae8}.running{fill:#15304d;stroke:#5ea4ee}.critical{stroke:#f2f6fb}.path{stroke:#f2f6fb}.spot{fill:#f2f6fb}.answers{fill:#52bf8a}"
    ".crowd{fill:#143d2a;stroke:#52bf8a}.cut{fill:#232b36}.tear{stroke:#6c7888}.share{fill:#3a4553}.hatch{stroke:#f0767a}.i-done{fill:#52bf8a}.i-failed{fill:#f0767a}"
    ".i-skipped{fill:#8692a2}.i-cancelled{fill:#e0a33c}.i-interrupted{fill:#b08ae8}.i-running{fill:#5ea4ee}.mark{stroke:#12161c}}";

/// A sign for each state, 14 by 14: its shape says what its colour says.
std::string_view sign_of(StintState state) noexcept {
    switch (state) {
    case StintState::done: return "<circle class=\"i-done\" cx=\"7\" cy=\"7\" r=\"7\"/><path class=\"mark\" d=\"M3.8,7.3 L6.2,9.6 L10.3,4.7\"/>";
    case StintState::failed: return "<path class=\"i-failed\" d=\"M4.2,0 H9.8 L14,4.2 V9.8 L9.8,14 H4.2 L0,9.8 V4.2 Z\"/><path class=\"mark\" d=\"M4.5,4.5 L9.5,9.5 M9.5,4.5 L4.5,9.5\"/>";
    case StintState::skipped: return "<circle class=\"i-skipped\" cx=\"7\" cy=\"7\" r=\"7\"/><path class=\"mark\" d=\"M3.6,4.4 L6.4,7 L3.6,9.6 M7.6,4.4 L10.4,7 L7.6,9.6\"/>";
    case StintState::cancelled: return "<rect class=\"i-cancelled\" width=\"14\" height=\"14\" rx=\"3\"/><path class=\"mark\" d=\"M4.5,4.5 H9.5 V9.5 H4.5 Z\"/>";
    case StintState::interrupted: return "<path class=\"i-interrupted\" d=\"M7,0 L14,7 L7,14 L0,7 Z\"/><path class=\"mark\" d=\"M5.4,5 V9 M8.6,5 V9\"/>";
    case StintState::running: return "<circle class=\"i-running\" cx=\"7\" cy=\"7\" r=\"7\"/><path class=\"mark\" d=\"M5.4,4.2 L10,7 L5.4,9.8 Z\"/>";
    }
    return "";
}

StintState sign_of_run(RunState state) noexcept {
    switch (state) {
    case RunState::completed: return StintState::done;
    case RunState::failed: return StintState::failed;
    case RunState::cancelled: return StintState::cancelled;
    case RunState::interrupted: return StintState::interrupted;
    case RunState::running:
    case RunState::closing:
    case RunState::waiting:
    case RunState::paused: break;
    }
    return StintState::running;
}

std::string px(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    std::string out(text);
    if (out.ends_with(".0")) out.resize(out.size() - 2);
    return out;
}
double width_of(std::string_view text, double pixel = text_pixel) noexcept { return static_cast<double>(characters(text)) * pixel; }

class Picture {
public:
    Picture(const Story& story, const Timeline& timeline, bool whole) : story_(story), timeline_(timeline), whole_(whole), scale_(timeline_scale(story)) {}

    std::string draw() {
        axis_y_ = whole_ ? head_height : 6;
        int y = axis_y_ + axis_height;
        for (const auto& lane : timeline_.lanes) y += height_of(lane) + lane_gap;
        lanes_end_ = y;
        const int listed = whole_ ? listed_y_of(y) : 0;
        const int height = y + legend_height + listed;
        open(height);
        if (whole_) head();
        panels();
        axis();
        bars();
        path();
        legend(lanes_end_ + 22);
        if (whole_) critical_list(lanes_end_ + legend_height);
        out_ += "</svg>\n";
        return std::move(out_);
    }

private:
    static int height_of(const TimelineLane& lane) {
        return lane_head + static_cast<int>(lane.rows.size()) * row_height + (lane.crowd.empty() ? 0 : crowd_height) + 8;
    }
    int listed_y_of(int) const {
        if (timeline_.listed.empty()) return 0;
        return 44 + static_cast<int>(timeline_.listed.size() + (timeline_.critical_left_out > 0 ? 1 : 0)) * listed_height + margin / 2;
    }

    // ---- pieces ----

    void open(int height) {
        out_ += "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) + "\" width=\"" + std::to_string(width) +
                "\" height=\"" + std::to_string(height) + "\" role=\"img\" aria-labelledby=\"timeline-title timeline-text\">\n";
        out_ += "<title id=\"timeline-title\">Timeline of run " + escaped(story_.run.id) + " of " + escaped(story_.name) + "</title>\n";
        out_ += "<desc id=\"timeline-text\">" + escaped(describe()) + "</desc>\n<style>" + std::string(style) + "</style>\n<defs>";
        for (std::size_t i = 0; i < stint_states; ++i) {
            const auto state = static_cast<StintState>(i);
            out_ += "<g id=\"sign-" + std::string(name_of(state)) + "\">" + std::string(sign_of(state)) + "</g>";
        }
        out_ += "<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0,0 V7\"/></pattern></defs>\n";
        out_ += "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n";
    }
    std::string describe() const {
        std::string text = "The run is " + std::string(name_of(story_.run.state)) + " after " + span_text(story_.busy_ns()) + ": " + tell_counts(story_) + ".";
        if (!timeline_.listed.empty()) {
            text += " Critical path:";
            for (const auto& step : timeline_.listed) text += " " + step_of(step.stint).name + " (" + span_text(story_.stints[step.stint].took_ns()) + ")";
            if (timeline_.critical_left_out > 0) text += " and " + count_text(timeline_.critical_left_out) + " more steps";
            text += ".";
        }
        return text;
    }

    const StoryStep& step_of(std::uint32_t stint) const { return story_.steps[story_.stints[stint].step]; }

    void text(double x, double y, std::string_view kind, std::string_view content, std::string_view anchor = {}) {
        out_ += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" class=\"" + std::string(kind) + "\"";
        if (!anchor.empty()) out_ += " text-anchor=\"" + std::string(anchor) + "\"";
        out_ += ">" + escaped(content) + "</text>\n";
    }
    void sign(double x, double y, StintState state) {
        out_ += "<use href=\"#sign-" + std::string(name_of(state)) + "\" x=\"" + px(x) + "\" y=\"" + px(y) + "\"/>";
    }
    void rect(double x, double y, double wide, double high, std::string_view kind, double radius) {
        out_ += "<rect class=\"" + std::string(kind) + "\" x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(std::max(0.0, wide)) + "\" height=\"" + px(high) + "\" rx=\"" + px(radius) + "\"/>";
    }
    void line(double x, double y, double to_x, double to_y, std::string_view kind) {
        out_ += "<path class=\"" + std::string(kind) + "\" d=\"M" + px(x) + "," + px(y) + " L" + px(to_x) + "," + px(to_y) + "\"/>";
    }

    // ---- the head ----

    void head() {
        const std::string state(name_of(story_.run.state));
        const double chip = 50 + width_of(state, 7.6);
        text(margin, 42, "title", cut(story_.name, 70));
        rect(width - margin - chip, 24, chip, 28, "panel", 14);
        sign(width - margin - chip + 9, 31, sign_of_run(story_.run.state));
        text(width - margin - chip + 30, 42.5, "id key", state);
        text(margin, 63, "sub", cut(story_.run.workflow + " " + story_.run.version + " · run " + story_.run.id + " · began " + moment_text(story_.run.created_ms), 150));
        double x = margin;
        const auto figure = [&](const std::string& value, const std::string& what) {
            text(x, 97, "big", value);
            text(x, 113, "note", what);
            x += std::max(width_of(value, 10.2), width_of(what)) + 30;
        };
        std::uint64_t retries = 0, problems = 0, elements = 0;
        for (const Stint& stint : story_.stints) {
            if (stint.attempts > 1) retries += stint.attempts - 1;
            problems += stint.problems.size();
            elements += stint.answered_ms.size();
        }
        figure(span_text(story_.busy_ns()), goes_on(story_.run.state) ? "until now" : "from begin to end");
        const auto counts = story_.counts();
        for (const auto state_shown : {StintState::done, StintState::running, StintState::failed, StintState::skipped, StintState::cancelled, StintState::interrupted}) {
            const auto count = counts[static_cast<std::size_t>(state_shown)];
            if (count != 0 || state_shown == StintState::done) figure(count_text(count), (count == 1 ? "step " : "steps ") + std::string(name_of(state_shown)));
        }
        if (elements > 0) figure(count_text(elements), "elements");
        if (retries > 0) figure(count_text(retries), retries == 1 ? "retry" : "retries");
        if (problems > 0) figure(count_text(problems), problems == 1 ? "problem" : "problems");
        if (story_.run.parts > 1) figure(count_text(story_.run.parts), "parts");
        if (story_.parts.size() > 1 && story_.span_ns > story_.busy_ns()) figure(span_text(story_.span_ns - story_.busy_ns()), "stood still");
    }

    // ---- lanes and axis ----

    void panels() {
        int y = axis_y_ + axis_height;
        for (const auto& lane : timeline_.lanes) {
            const int height = height_of(lane);
            rect(margin - 12, y, width - 2 * margin + 24, height, "panel", 10);
            out_ += "<text x=\"" + px(margin + 4.0) + "\" y=\"" + px(y + 21.0) + "\" class=\"lane\">" + escaped(cut(lane.title, 90)) + "<tspan class=\"note\" dx=\"12\">" + escaped(lane.note) + "</tspan></text>\n";
            y += height + lane_gap;
        }
    }

    void axis() {
        const double top = axis_y_ + axis_height - 8, bottom = lanes_end_ - lane_gap;
        double free_from = 0;
        for (const auto& tick : scale_.ticks(9)) {
            std::string d;
            for (int y = axis_y_ + axis_height; const auto& lane : timeline_.lanes) {
                d += "M" + px(tick.at) + "," + std::to_string(y + lane_head - 4) + "v" + std::to_string(height_of(lane) - lane_head - 2);
                y += height_of(lane) + lane_gap;
            }
            out_ += "<path class=\"grid\" d=\"" + d + "\"/>";
            const double half = width_of(tick.label) / 2;
            if (tick.at - half < free_from || tick.at + half > words_x + 20) continue;
            text(tick.at, top - 4, "note", tick.label, "middle");
            free_from = tick.at + half + 8;
        }
        line(chart_x, top + 2, chart_end, top + 2, "edge");
        for (const auto& cut_at : scale_.cuts()) {
            const double wide = cut_at.to - cut_at.from;
            out_ += "<g><title>" + escaped("The run stood still for " + span_text(cut_at.still_ns)) + "</title>";
            rect(cut_at.from, top - 2, wide, bottom - top + 2, "cut", 3);
            if (wide >= 12) {
                const double middle = (cut_at.from + cut_at.to) / 2;
                out_ += "<path class=\"tear\" d=\"M" + px(middle - 4) + "," + px(top + 8) + " l6,-12 M" + px(middle + 1) + "," + px(top + 8) + " l6,-12\"/>";
                const std::string label = "stood still for " + span_text(cut_at.still_ns);
                out_ += "<text class=\"note\" text-anchor=\"middle\" transform=\"translate(" + px(middle + 4) + "," + px((top + bottom) / 2) + ") rotate(-90)\">" + escaped(label) + "</text>";
            }
            out_ += "</g>\n";
        }
    }

    // ---- steps ----

    void bars() {
        places_.assign(story_.stints.size(), Place{});
        int y = axis_y_ + axis_height;
        for (const auto& lane : timeline_.lanes) {
            int row_y = y + lane_head;
            if (!lane.crowd.empty()) {
                draw_crowd(lane, row_y);
                row_y += crowd_height;
            }
            for (const auto& row : lane.rows) {
                draw_row(row, row_y);
                row_y += row_height;
            }
            y += height_of(lane) + lane_gap;
        }
    }

    void draw_row(const TimelineRow& row, int y) {
        const Stint& last = story_.stints[row.stints.back()];
        const StoryStep& step = story_.steps[row.step];
        const bool critical = std::any_of(row.stints.begin(), row.stints.end(), [&](auto stint) { return timeline_.critical[stint]; });
        out_ += "<g><title>" + escaped(step.name + (step.plugin.empty() ? "" : " · " + step.plugin + " · " + step.operation)) + "</title>";
        if (critical) out_ += "<path class=\"spot\" d=\"M" + std::to_string(margin - 1) + "," + std::to_string(y + row_height / 2) + " l4,-4 l4,4 l-4,4 Z\"/>";
        sign(names_x - 20, y + 6, last.state);
        text(names_x, y + 17.5, critical ? "id key" : "id", cut(step.name, critical ? 25 : 27));
        out_ += "</g>\n";
        for (const auto stint : row.stints) draw_bar(stint, y, stint == row.stints.back());
    }

    struct Place {
        double from = 0, to = 0, y = 0;
        bool drawn = false;
    };

    void draw_bar(std::uint32_t index, int y, bool is_last) {
        const Stint& stint = story_.stints[index];
        double from = scale_.at(stint.start_ns), to = scale_.at(stint.end_ns);
        if (to - from < bar_least) to = from + bar_least;
        if (to > chart_end + 4) {
            from -= to - chart_end - 4;
            to = chart_end + 4;
        }
        const double top = y + (row_height - bar_height) / 2.0;
        places_[index] = {from, to, top, true};
        const std::string state(name_of(stint.state));
        const double radius = std::min(4.0, (to - from) / 2);
        out_ += "<g><title>" + escaped(tell_stint(story_, stint)) + "</title>";
        rect(from, top, to - from, bar_height, "bar " + state + (timeline_.critical[index] ? " critical" : ""), radius);
        if (stint.state == StintState::failed) out_ += "<rect fill=\"url(#hatch)\" x=\"" + px(from) + "\" y=\"" + px(top) + "\" width=\"" + px(to - from) + "\" height=\"16\" rx=\"" + px(radius) + "\"/>";
        answers(stint, from, to, top);
        if (is_last) label(stint, y);
        out_ += "</g>\n";
    }

    /// How many elements answered when, along the bar's lower edge.
    void answers(const Stint& stint, double from, double to, double top) {
        if (stint.answered_ms.size() < 2 || to - from < 24) return;
        const auto columns = std::min<std::size_t>(answer_columns, static_cast<std::size_t>((to - from) / 5));
        std::vector<std::size_t> counts(columns, 0);
        for (const auto ms : stint.answered_ms) {
            const double x = std::clamp(scale_.at(static_cast<std::int64_t>(ms) * 1'000'000), from, to - 0.01);
            ++counts[std::min(columns - 1, static_cast<std::size_t>((x - from) / (to - from) * static_cast<double>(columns)))];
        }
        const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
        const double wide = (to - from) / static_cast<double>(columns);
        std::string d;
        for (std::size_t i = 0; i < columns; ++i) {
            if (counts[i] == 0) continue;
            const double high = 2 + 9 * static_cast<double>(counts[i]) / most;
            d += "M" + px(from + wide * static_cast<double>(i) + 0.8) + "," + px(top + bar_height - 1.5) + "v-" + px(high) + "h" + px(wide - 1.2) + "v" + px(high) + "z";
        }
        out_ += "<path class=\"answers\" d=\"" + d + "\"/>";
    }

    void label(const Stint& stint, int y) {
        std::string more;
        const auto add = [&](const std::string& what) { more += (more.empty() ? "" : " · ") + what; };
        if (stint.state != StintState::done) add(std::string(name_of(stint.state)));
        if (story_.steps[stint.step].each) add(count_text(stint.answered_ms.size(), "element", "elements"));
        if (const auto cached = recalled_text(stint.recalled, stint.calls); !cached.empty()) add(cached);
        if (stint.attempts > 1) add(count_text(stint.attempts) + " attempts");
        if (stint.state == StintState::done && !stint.problems.empty()) add(count_text(stint.problems.size(), "problem", "problems"));
        text(words_x + 52, y + 17, "took", span_text(stint.took_ns()), "end");
        if (!more.empty()) text(words_x + 62, y + 17, "note", cut(more, 26));
    }

    /// How many of the steps without a row of their own ran at a time.
    void draw_crowd(const TimelineLane& lane, int y) {
        const double wide = (chart_end - chart_x) / static_cast<double>(crowd_columns);
        std::vector<double> busy(crowd_columns, 0);
        std::int64_t took = 0;
        for (const auto index : lane.crowd) {
            const Stint& stint = story_.stints[index];
            took += stint.took_ns();
            const double from = scale_.at(stint.start_ns), to = std::max(scale_.at(stint.end_ns), from + 0.02);
            const auto first = static_cast<std::size_t>(std::clamp((from - chart_x) / wide, 0.0, crowd_columns - 1.0));
            const auto last = static_cast<std::size_t>(std::clamp((to - chart_x) / wide, 0.0, crowd_columns - 1.0));
            for (std::size_t i = first; i <= last; ++i) {
                const double left = chart_x + wide * static_cast<double>(i);
                busy[i] += std::max(0.0, std::min(to, left + wide) - std::max(from, left)) / wide;
            }
        }
        const double most = std::max(1e-9, *std::max_element(busy.begin(), busy.end()));
        const double bottom = y + crowd_height - 8, high = crowd_height - 18;
        std::string d = "M" + px(chart_x) + "," + px(bottom);
        for (std::size_t i = 0; i < crowd_columns; ++i) {
            const double top = bottom - high * busy[i] / most;
            d += " L" + px(chart_x + wide * static_cast<double>(i)) + "," + px(top) + " h" + px(wide);
        }
        d += " L" + px(chart_end) + "," + px(bottom) + " Z";
        const std::string words = lane.rows.empty() ? count_text(lane.crowd_steps, "step", "steps") : count_text(lane.crowd_steps, "other step", "other steps");
        char at_a_time[48];
        std::snprintf(at_a_time, sizeof at_a_time, most >= 10 ? "up to %.0f at a time" : "up to %.2g at a time", most);
        out_ += "<g><title>" + escaped(words + " of " + lane.title + ", together " + span_text(took) + ", " + at_a_time) + "</title>";
        text(names_x - 20, y + 20, "id", words);
        text(names_x - 20, y + 35, "note", "together " + span_text(took) + ", " + at_a_time);
        out_ += "<path class=\"crowd\" d=\"" + d + "\"/></g>\n";
    }

    /// From the end of each critical step to the begin of the next.
    void path() {
        const Place* before = nullptr;
        for (const auto& step : story_.critical) {
            const Place& here = places_[step.stint];
            if (!here.drawn) continue;
            if (before != nullptr) {
                const bool down = here.y > before->y;
                const double x = before->to, y = before->y + (down ? bar_height + 1.0 : -1.0), to_x = here.from, to_y = here.y + (down ? -1.0 : bar_height + 1.0);
                draw_step(x, y, to_x, to_y);
            }
            before = &here;
        }
        out_ += "\n";
    }

    /// Along the end of the one before, then over to the begin of the next.
    void draw_step(double x, double y, double to_x, double to_y) {
        const double way = to_y > y ? 1 : -1, side = to_x > x ? 1 : -1;
        const double round = std::min({5.0, std::abs(to_x - x) / 2, std::abs(to_y - y) / 2});
        const double across = to_y - way * round;
        out_ += "<path class=\"path\" d=\"M" + px(x) + "," + px(y) + " V" + px(across - way * round) + " Q" + px(x) + "," + px(across) + " " + px(x + side * round) + "," + px(across) + " H" + px(to_x - side * round) +
                " Q" + px(to_x) + "," + px(across) + " " + px(to_x) + "," + px(to_y) + "\"/>";
    }

    // ---- below ----

    void legend(int y) {
        double x = margin;
        const auto counts = story_.counts();
        std::vector<bool> seen(stint_states, false);
        for (const Stint& stint : story_.stints) seen[static_cast<std::size_t>(stint.state)] = true;
        for (std::size_t i = 0; i < stint_states; ++i) {
            if (!seen[i]) continue;
            const std::string name(name_of(static_cast<StintState>(i)));
            sign(x, y - 11, static_cast<StintState>(i));
            text(x + 20, y, "note", name);
            x += 20 + width_of(name) + 22;
        }
        const auto add = [&](double wide, const std::string& name) {
            text(x + wide + 8, y, "note", name);
            x += wide + 8 + width_of(name) + 22;
        };
        if (!story_.critical.empty()) {
            out_ += "<path class=\"spot\" d=\"M" + px(x) + "," + px(y - 4.0) + " l4,-4 l4,4 l-4,4 Z\"/>";
            rect(x + 14, y - 11, 30, 13, "bar done critical", 4);
            add(44, "critical path");
        }
        if (std::any_of(story_.stints.begin(), story_.stints.end(), [](const Stint& stint) { return stint.answered_ms.size() > 1; })) {
            out_ += "<path class=\"answers\" d=\"M" + px(x) + "," + px(y + 1.0) + "v-4h5v4zM" + px(x + 6) + "," + px(y + 1.0) + "v-10h5v10zM" + px(x + 12) + "," + px(y + 1.0) + "v-7h5v7z\"/>";
            add(17, "elements answering");
        }
        if (std::any_of(timeline_.lanes.begin(), timeline_.lanes.end(), [](const auto& lane) { return !lane.crowd.empty(); })) {
            rect(x, y - 9, 22, 10, "crowd", 2);
            add(22, "steps at a time");
        }
        if (!scale_.cuts().empty()) {
            rect(x, y - 11, 14, 14, "cut", 2);
            add(14, "stood still");
        }
        out_ += "\n";
    }

    void critical_list(int y) {
        if (timeline_.listed.empty()) return;
        const auto busy = static_cast<double>(std::max<std::int64_t>(1, story_.busy_ns()));
        std::string words = count_text(story_.critical.size(), "step", "steps") + " took " + span_text(timeline_.critical_busy_ns) + " of " + span_text(story_.busy_ns());
        if (timeline_.critical_wait_ns > 0) words += ", with " + span_text(timeline_.critical_wait_ns) + " between them";
        text(margin, y + 18, "lane", "Critical path");
        text(margin + 104, y + 18, "note", words);
        y += 44;
        for (const auto& step : timeline_.listed) {
            const Stint& stint = story_.stints[step.stint];
            const StoryStep& of = step_of(step.stint);
            const double share = static_cast<double>(stint.took_ns()) / busy;
            char percent[16];
            std::snprintf(percent, sizeof percent, share < 0.001 ? "< 0.1 %%" : "%.1f %%", share * 100);
            sign(margin, y - 11, stint.state);
            text(margin + 24, y, "id", cut(of.name, 29));
            text(chart_x, y, "note", cut(of.plugin.empty() ? std::string(of.kind) : of.plugin + " · " + of.operation, 46));
            rect(570, y - 10, 320 * share, 12, "share", 3);
            text(906, y, "note", percent);
            text(1040, y, "note", span_text(stint.took_ns()), "end");
            if (step.wait_ns > 0) text(1056, y, "note", "after " + span_text(step.wait_ns) + " of waiting");
            y += listed_height;
        }
        if (timeline_.critical_left_out > 0) text(margin + 24, y, "note", "and " + count_text(timeline_.critical_left_out, "shorter step", "shorter steps"));
    }

    const Story& story_;
    const Timeline& timeline_;
    const bool whole_;
    const TimeScale scale_;
    std::vector<Place> places_;
    int axis_y_ = 0;
    int lanes_end_ = 0;
    std::string out_;
};

} // namespace

TimeScale timeline_scale(const Story& story) { return {story, chart_x, chart_end}; }

std::string timeline_svg(const Story& story) {
    const Timeline timeline = arrange(story);
    return Picture(story, timeline, true).draw();
}

std::string timeline_figure(const Story& story, const Timeline& timeline) { return Picture(story, timeline, false).draw(); }

} // namespace symphony::tracker
