// SPDX-License-Identifier: Apache-2.0
#include "runs_tail.hpp"

#include "journal_rows.hpp"
#include "json_text.hpp"
#include "markup.hpp"
#include "run_table.hpp"
#include "runs_command.hpp"
#include "runs_rows.hpp"
#include "story.hpp"
#include "tell_findings.hpp"
#include "timeline.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>
#include <utility>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;

// Another process writes; a file layer that tells of changes is not to be had everywhere where plugins run. Looking costs a read of one page.
constexpr auto look_least = 10ms, look_most = 200ms;
constexpr auto look_closely = 1s;  // the end of a process writes nothing
constexpr std::uint32_t rows_at_once = 4096;

/// Local time of the day with milliseconds.
std::string clock_text(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return "-";
    std::array<char, 32> text{};
    std::string out(text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S", &local));
    const std::string thousandths = std::to_string(1000 + ((ms % 1000) + 1000) % 1000);
    return out + "." + thousandths.substr(1);
}

std::string_view color_of(std::string_view word) noexcept {
    if (word == "completed" || word == "done") return "\x1b[32m";
    if (word == "failed" || word == "upstream-failed") return "\x1b[31m";
    if (word == "begun" || word == "running") return "\x1b[34m";
    return "\x1b[33m";
}

std::string_view name_of(StepBody::Kind kind) noexcept {
    switch (kind) {
    case StepBody::Kind::begun: return "begun";
    case StepBody::Kind::answered: return "answered";
    case StepBody::Kind::ended: return "ended";
    case StepBody::Kind::closing: return "closing";
    case StepBody::Kind::attempted: return "attempted";
    }
    return "";
}

class Tail {
public:
    Tail(const Journal& journal, Call& call, std::string id, bool json, bool color) : journal_(journal), call_(call), id_(std::move(id)), json_(json), color_(color) {}

    Result<std::int32_t> follow(bool from_start) {
        silent_ = !from_start;
        SYMPHONY_TRY(read_on());
        silent_ = false;
        auto wait = std::chrono::milliseconds(look_least);
        auto looked = std::chrono::steady_clock::now();
        std::int64_t version = SYMPHONY_TRY(journal_.version());
        SYMPHONY_TRY(read_on());  // what came before the number was taken
        while (goes_on(summary_.state)) {
            if (call_.cancelled()) return Error(Code::cancelled, "cancelled", "stopped to follow run " + id_ + ", which goes on", "symphony runs tail " + id_);
            std::this_thread::sleep_for(wait);
            const std::int64_t now_version = SYMPHONY_TRY(journal_.version());
            const auto now = std::chrono::steady_clock::now();
            if (now_version == version && now - looked < look_closely) {
                wait = std::min(wait * 3 / 2, std::chrono::milliseconds(look_most));
                continue;
            }
            wait = look_least;
            version = now_version;
            looked = now;
            SYMPHONY_TRY(read_on());
        }
        // A process that ends its run lets go of it a moment later: what looks interrupted may be its end.
        if (summary_.state == RunState::interrupted) SYMPHONY_TRY(read_on());
        return conclude();
    }

private:
    /// Everything that is new, and how the run is after it.
    Status read_on() {
        for (;;) {
            std::uint32_t rows = 0;
            const RunDetail run = SYMPHONY_TRY(journal_.told(id_, seen_, rows_at_once, [&](const ToldRow& row) {
                ++rows;
                seen_ = row.seq;
                if (silent_) remember(row.body, row.part);
                else take(row);
            }));
            summary_ = run.summary;
            made_from_ = run.made_from;
            id_ = summary_.id;
            tell_answers();
            if (!text_.empty()) put_out(call_, text_);
            text_.clear();
            if (rows < rows_at_once) break;
        }
        if (summary_.steps > 0 && !json_) {
            call_.progress(static_cast<std::uint32_t>(summary_.steps_done * std::uint64_t{1000} / summary_.steps), std::to_string(summary_.steps_done) + "/" + std::to_string(summary_.steps) + " " + last_node_);
        }
        return {};
    }

    /// What is not told still counts.
    void remember(const StepBody& body, std::uint32_t part) {
        if (body.kind == StepBody::Kind::begun) begun_[body.node] = part;
        if (body.kind == StepBody::Kind::answered) ++answered_[body.node];
    }

    void take(const ToldRow& row) {
        if (json_) return take_json(row);
        const StepBody& body = row.body;
        last_node_ = one_line(body.node);
        switch (body.kind) {
        case StepBody::Kind::begun:
            if (std::exchange(begun_[body.node], row.part) != row.part) line(body.at_ms, "begun", body.node, {});
            break;
        case StepBody::Kind::answered: {
            auto& [count, at_ms] = answers_[body.node];
            ++count;
            at_ms = body.at_ms;
            ++answered_[body.node];
            break;
        }
        case StepBody::Kind::ended: ended(row); break;
        case StepBody::Kind::attempted: {
            const Problem& why = body.end.problems.front();
            line(body.at_ms, "retry", body.node, "attempt " + std::to_string(body.note.attempt.number) + " failed: " + one_line(why.error.message()) + " [" + one_line(why.error.reason()) + "]");
            break;
        }
        case StepBody::Kind::closing: line(body.at_ms, "closing", {}, "compensations and finally nodes"); break;
        }
    }

    void ended(const ToldRow& row) {
        const StepBody& body = row.body;
        answers_.erase(body.node);
        std::string more = span_text(static_cast<std::int64_t>(body.end.took_ns));
        if (const auto found = answered_.find(body.node); found != answered_.end()) more += ", " + count_text(found->second, "element", "elements");
        if (body.end.calls > 1) more += ", " + count_text(body.end.calls, "call", "calls");
        if (const auto cached = recalled_text(body.end.recalled, body.end.calls); !cached.empty()) more += ", " + cached;
        if (body.end.attempts > 1) more += ", " + count_text(body.end.attempts) + " attempts";
        if (row.output_bytes > 0) more += ", " + count_text(row.output_bytes) + " B";
        line(body.at_ms, body.end.state == NodeState::completed ? "done" : tracker::name_of(body.end.state), body.node, more);
        constexpr std::size_t told_max = 5;
        for (std::size_t i = 0; i < body.end.problems.size() && i < told_max; ++i) {
            const Problem& problem = body.end.problems[i];
            text_ += std::string(14, ' ') + "problem: " + (problem.path.empty() ? "" : shown(problem.path) + ": ") + one_line(problem.error.message()) + " [" + one_line(problem.error.reason()) + "]\n";
        }
        if (body.end.problems.size() > told_max) text_ += std::string(14, ' ') + "and " + count_text(body.end.problems.size() - told_max) + " more problems\n";
    }

    /// Elements are told together: there may be very many.
    void tell_answers() {
        for (const auto& [node, answer] : answers_) line(answer.second, "answered", node, count_text(answered_[node], "element", "elements") + " until now");
        answers_.clear();
    }

    void line(std::int64_t at_ms, std::string_view word, std::string_view node, const std::string& more) {
        std::string padded(word);
        padded.resize(std::max<std::size_t>(padded.size(), 9), ' ');
        text_ += clock_text(at_ms) + "  " + (color_ ? std::string(color_of(word)) + padded + "\x1b[0m" : padded) + "  " + one_line(node) + (more.empty() ? "" : "  " + more) + "\n";
    }

    void take_json(const ToldRow& row) {
        const StepBody& body = row.body;
        ValueBuilder out;
        out.map(14).add("event", name_of(body.kind)).add("seq", row.seq).add("part", row.part).add("node", std::string_view(body.node)).add("at_ms", body.at_ms);
        if (body.kind != StepBody::Kind::ended) {
            out.add("element", body.element);
        } else {
            out.add("state", tracker::name_of(body.end.state)).add("calls", body.end.calls).add("cached", body.end.recalled).add("attempts", body.end.attempts);
            out.add("took_ns", body.end.took_ns).add("output_bytes", row.output_bytes);
            add_problems(out, body.end.problems);
        }
        put_json(out.end().build());
    }
    void put_json(const Value& value) {
        if (auto line = json_of(value.view(), false)) text_ += *line + "\n";
        else text_ += "{\"event\":\"unreadable\"}\n";
    }

    Result<std::int32_t> conclude() {
        const bool good = summary_.state == RunState::completed;
        if (json_) {
            ValueBuilder out;
            out.map(2).add("event", "run").key("run");
            add_run(out, summary_);
            put_json(out.end().build());
        } else {
            const std::string state(tracker::name_of(summary_.state));
            text_ += "run " + id_ + " of " + one_line(summary_.workflow) + " is " + (color_ ? std::string(color_of(state)) + state + "\x1b[0m" : state) + ": " + std::to_string(summary_.steps_done) + " of " +
                     std::to_string(summary_.steps) + " steps are done\n";
        }
        put_out(call_, text_);
        if (!good) put_err(call_, "hint: " + resume_words(id_, made_from_) + " goes on with it\n");
        return good ? 0 : 1;
    }

    const Journal& journal_;
    Call& call_;
    std::string id_;
    const bool json_, color_;
    bool silent_ = false;
    std::uint32_t seen_ = 0;
    RunSummary summary_;
    NewRun made_from_;
    std::string text_, last_node_;
    std::map<std::string, std::uint32_t> begun_;    // node -> newest part in which its begin was told
    std::map<std::string, std::uint64_t> answered_;
    std::map<std::string, std::pair<std::uint64_t, std::int64_t>> answers_;  // since the last look: how many, when
};

} // namespace

Result<std::int32_t> runs_tail(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context) {
    const auto journal = SYMPHONY_TRY(tracker.journal());
    return Tail(*journal, call, std::string(arguments["run"].as_text("last")), context.json, context.color).follow(arguments["from-start"].as_bool());
}

} // namespace symphony::tracker
