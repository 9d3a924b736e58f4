// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "markup.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::size_t columns_otherwise = 100;
constexpr std::size_t columns_least = 60;
constexpr std::size_t columns_most = 200;

std::string_view sign_of(StintState state) noexcept {
    switch (state) {
    case StintState::done: return "✓";
    case StintState::skipped: return "»";
    case StintState::failed: return "✗";
    case StintState::cancelled: return "■";
    case StintState::interrupted: return "‖";
    case StintState::running: return "▶";
    }
    return " ";
}
std::string_view block_of(StintState state) noexcept {
    switch (state) {
    case StintState::done: return "█";
    case StintState::running: return "▒";
    case StintState::failed: return "▓";
    default: return "░";
    }
}
std::string_view color_of(StintState state) noexcept {
    switch (state) {
    case StintState::done: return "\x1b[32m";
    case StintState::failed: return "\x1b[31m";
    case StintState::running: return "\x1b[34m";
    case StintState::skipped: return "\x1b[2m";
    default: return "\x1b[33m";
    }
}

std::string padded(std::string text, std::size_t wide) {
    const auto have = characters(text);
    if (have < wide) text.append(wide - have, ' ');
    return text;
}

} // namespace

std::string timeline_text(const Story& story, std::size_t columns, bool color) {
    columns = columns == 0 ? columns_otherwise : std::clamp(columns, columns_least, columns_most);
    const Timeline timeline = arrange(story, {.rows_max = 40, .rows_crowded = 24, .lanes_max = 12, .critical_max = 8});
    const auto paint = [&](std::string_view code, const std::string& text) { return color ? std::string(code) + text + "\x1b[0m" : text; };
    std::string out = paint("\x1b[1m", cut(one_line(story.name), columns)) + "\n" + cut("run " + story.run.id + " is " + std::string(name_of(story.run.state)) + " after " + span_text(story.busy_ns()) + ": " + tell_counts(story), columns) + "\n";
    std::size_t names = 8;
    for (const auto& lane : timeline.lanes) {
        for (const auto& row : lane.rows) names = std::max(names, characters(story.steps[row.step].name));
    }
    names = std::min(names, columns / 4);
    const std::size_t words = 24, left = names + 5, wide = columns - left - words - 1;
    const TimeScale scale(story, 0, static_cast<double>(wide));
    for (const auto& lane : timeline.lanes) {
        out += "\n" + paint("\x1b[1m", cut(one_line(lane.title), columns / 2)) + "  " + cut(lane.note, columns / 2 - 2) + "\n";
        for (const auto& row : lane.rows) {
            const Stint& last = story.stints[row.stints.back()];
            std::vector<std::string_view> cells(wide, " ");
            for (const auto& gap : scale.cuts()) {
                for (auto x = static_cast<std::size_t>(gap.from); x < static_cast<std::size_t>(gap.to) && x < wide; ++x) cells[x] = "·";
            }
            bool critical = false;
            for (const auto index : row.stints) {
                const Stint& stint = story.stints[index];
                critical = critical || timeline.critical[index];
                const auto from = std::min(wide - 1, static_cast<std::size_t>(scale.at(stint.start_ns)));
                const auto to = std::clamp<std::size_t>(static_cast<std::size_t>(scale.at(stint.end_ns) + 0.5), from + 1, wide);
                for (auto x = from; x < to; ++x) cells[x] = to - from == 1 && scale.at(stint.end_ns) - scale.at(stint.start_ns) < 0.5 ? "▏" : block_of(stint.state);
            }
            std::string bar;
            for (const auto one : cells) bar += one;
            std::string note = span_text(last.took_ns());
            if (story.steps[row.step].each) note += ", " + count_text(last.answered_ms.size()) + " el.";
            if (const auto cached = recalled_text(last.recalled, last.calls); !cached.empty()) note += ", " + cached;
            if (last.attempts > 1) note += ", " + count_text(last.attempts) + " tries";
            out += std::string(critical ? "◆ " : "  ") + paint(color_of(last.state), std::string(sign_of(last.state))) + " " + padded(cut(one_line(story.steps[row.step].name), names), names) + " " +
                   paint(color_of(last.state), bar) + " " + cut(note, words) + "\n";
        }
        if (lane.crowd_steps > 0) {
            std::int64_t took = 0;
            for (const auto index : lane.crowd) took += story.stints[index].took_ns();
            out += "    and " + count_text(lane.crowd_steps, "more step", "more steps") + ", together " + span_text(took) + "\n";
        }
    }
    if (timeline.listed.empty()) return out;
    out += "\n" + cut("◆ critical path: " + span_text(timeline.critical_busy_ns) + " of " + span_text(story.busy_ns()) + (timeline.critical_wait_ns > 0 ? ", with " + span_text(timeline.critical_wait_ns) + " between its steps" : ""), columns) + "\n";
    for (const auto& step : timeline.listed) {
        const Stint& stint = story.stints[step.stint];
        out += cut("  " + padded(cut(one_line(story.steps[stint.step].name), names), names) + "  " + span_text(stint.took_ns()) + (step.wait_ns > 0 ? ", after " + span_text(step.wait_ns) + " of waiting" : ""), columns) + "\n";
    }
    if (timeline.critical_left_out > 0) out += "  and " + count_text(timeline.critical_left_out, "shorter step", "shorter steps") + "\n";
    return out;
}

} // namespace symphony::tracker
