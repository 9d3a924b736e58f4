// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "markup.hpp"
#include "page.hpp"

#include <algorithm>
#include <cstdio>

namespace symphony::tracker {
namespace {

constexpr std::size_t rows_max = 1000;
constexpr std::size_t problems_max = 200;
constexpr std::size_t critical_max = 50;

std::string cell(std::string_view text, bool number = false) { return (number ? "<td class=\"n\">" : "<td>") + escaped(text) + "</td>"; }

std::string state_cell(StintState state) {
    const std::string name(name_of(state));
    return "<td><svg class=\"sign\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><use href=\"#sign-" + name + "\"/></svg> " + name + "</td>";
}

class Page {
public:
    explicit Page(const Story& story) : story_(story), timeline_(arrange(story, {.critical_max = critical_max})) {}

    std::string write() {
        out_ = page_begin("Timeline of " + story_.name + ", run " + story_.run.id);
        out_ += page_head(story_);
        out_ += "<figure tabindex=\"0\" aria-label=\"Timeline\">" + timeline_figure(story_, timeline_) + "</figure>\n";
        critical();
        problems();
        steps();
        out_ += page_end();
        return std::move(out_);
    }

private:
    void critical() {
        if (timeline_.listed.empty()) return;
        const auto busy = static_cast<double>(std::max<std::int64_t>(1, story_.busy_ns()));
        out_ += "<section><h2>Critical path</h2><p>" + escaped(count_text(story_.critical.size(), "step", "steps") + " took " + span_text(timeline_.critical_busy_ns) + " of " + span_text(story_.busy_ns()) +
                (timeline_.critical_wait_ns > 0 ? ", with " + span_text(timeline_.critical_wait_ns) + " between them" : "") + ". Only what happens there can make the run shorter.") + "</p>\n";
        out_ += "<table><thead><tr><th>Step</th><th>Plugin</th><th>State</th><th class=\"n\">Waited</th><th class=\"n\">Took</th><th>Share of the run</th></tr></thead><tbody>\n";
        for (const auto& each : timeline_.listed) {
            const Stint& stint = story_.stints[each.stint];
            const StoryStep& step = story_.steps[stint.step];
            char share[16], wide[16];
            const double part = std::clamp(static_cast<double>(stint.took_ns()) / busy, 0.0, 1.0);
            std::snprintf(share, sizeof share, part < 0.001 ? "< 0.1 %%" : "%.1f %%", part * 100);
            std::snprintf(wide, sizeof wide, "%.1f", part * 200);
            out_ += "<tr><th scope=\"row\">" + escaped(step.name) + "</th>" + cell(step.plugin.empty() ? std::string(step.kind) : step.plugin + " · " + step.operation) + state_cell(stint.state) +
                    cell(each.wait_ns > 0 ? span_text(each.wait_ns) : "", true) + cell(span_text(stint.took_ns()), true) + "<td><svg class=\"share\" width=\"200\" height=\"12\" aria-hidden=\"true\"><rect width=\"" + wide +
                    "\" height=\"12\" rx=\"3\"/></svg> " + escaped(share) + "</td></tr>\n";
        }
        out_ += "</tbody></table>";
        if (timeline_.critical_left_out > 0) out_ += "<p>and " + count_text(timeline_.critical_left_out, "shorter step", "shorter steps") + "</p>";
        out_ += "</section>\n";
    }

    void problems() {
        std::size_t count = 0;
        std::string rows;
        for (const Stint& stint : story_.stints) {
            for (const Problem& problem : stint.problems) {
                if (++count > problems_max) continue;
                rows += "<tr><th scope=\"row\">" + escaped(story_.steps[stint.step].name) + "</th>" + cell(cut(problem.path, 200)) + cell(cut(problem.error.message(), 400)) + cell(problem.error.reason()) +
                        cell(cut(problem.error.hint(), 200)) + "</tr>\n";
            }
        }
        if (count == 0) return;
        out_ += "<section><h2>Problems</h2><table><thead><tr><th>Step</th><th>Element</th><th>What</th><th>Reason</th><th>What helps</th></tr></thead><tbody>\n" + rows + "</tbody></table>";
        if (count > problems_max) out_ += "<p>and " + count_text(count - problems_max) + " more (symphony runs show lists all)</p>";
        out_ += "</section>\n";
    }

    void steps() {
        out_ += "<section><h2>Steps</h2><details" + std::string(story_.stints.size() <= 40 ? " open" : "") + "><summary>" + count_text(story_.stints.size(), "entry", "entries") + " on record</summary>\n";
        out_ += "<table><thead><tr><th>Step</th><th>Plugin</th><th>State</th><th>From memory</th><th class=\"n\">Part</th><th class=\"n\">Began</th><th class=\"n\">Took</th><th class=\"n\">Calls</th>"
                "<th class=\"n\">Attempts</th><th class=\"n\">Elements</th><th class=\"n\">Bytes</th></tr></thead><tbody>\n";
        for (std::size_t i = 0; i < story_.stints.size() && i < rows_max; ++i) {
            const Stint& stint = story_.stints[i];
            const StoryStep& step = story_.steps[stint.step];
            out_ += "<tr><th scope=\"row\">" + std::string(timeline_.critical[i] ? "<span title=\"on the critical path\">◆</span> " : "") + escaped(step.name) + "</th>" +
                    cell(step.plugin.empty() ? std::string(step.kind) : step.plugin + " · " + step.operation) + state_cell(stint.state) + cell(recalled_text(stint.recalled, stint.calls)) + cell(std::to_string(stint.part), true) + cell(span_text(stint.start_ns), true) +
                    cell(span_text(stint.took_ns()), true) + cell(count_text(stint.calls), true) + cell(count_text(stint.attempts), true) + cell(step.each ? count_text(stint.answered_ms.size()) : "", true) +
                    cell(count_text(stint.output_bytes), true) + "</tr>\n";
        }
        out_ += "</tbody></table>";
        if (story_.stints.size() > rows_max) out_ += "<p>and " + count_text(story_.stints.size() - rows_max) + " more (symphony runs export prints all)</p>";
        out_ += "</details></section>\n";
    }

    const Story& story_;
    const Timeline timeline_;
    std::string out_;
};

} // namespace

std::string timeline_html(const Story& story) { return Page(story).write(); }

} // namespace symphony::tracker
