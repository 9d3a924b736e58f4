// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <concepts>

namespace symphony::tracker {
namespace {

constexpr std::size_t events_max = 32;
constexpr std::size_t links_max = 32;

/// The first bytes of SHA-256 over the parts, each behind its length.
std::string digest_start(std::initializer_list<std::string_view> parts, std::size_t bytes) {
    std::string all;
    for (const auto part : parts) all += std::to_string(part.size()) + ":" + std::string(part);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
    if (std::all_of(digest.begin(), digest.begin() + static_cast<std::ptrdiff_t>(bytes), [](auto byte) { return byte == 0; })) digest[0] = 1;  // zero says: there is none
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) {
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15u];
    }
    return out;
}

class Spans {
public:
    explicit Spans(const Story& story) : story_(story), trace_(trace_id_of(story.run.id)), root_(span_id_of(story.run.id, "", 0)) {}

    Value write() {
        out_.map(1).key("resourceSpans").list(1).map(2);
        out_.key("resource").map(1).key("attributes").list(1);
        attribute("service.name", "symphony");
        out_.end().end();
        out_.key("scopeSpans").list(1).map(2);
        out_.key("scope").map(1).add("name", "org.symphony.dag-tracker").end();
        out_.key("spans").list(story_.stints.size() + 1);
        run_span();
        for (const Stint& stint : story_.stints) step_span(stint);
        out_.end().end().end().end().end().end();
        return out_.build();
    }

private:
    // Kinds and codes are numbers, 64-bit numbers are texts: so says the JSON encoding of OTLP.
    static constexpr int kind_internal = 1, kind_client = 3;
    static constexpr int status_unset = 0, status_ok = 1, status_error = 2;

    void attribute(std::string_view key, std::string_view value) { out_.map(2).add("key", key).key("value").map(1).add("stringValue", value).end().end(); }
    void attribute(std::string_view key, const char* value) { attribute(key, std::string_view(value)); }
    template <std::integral T>
    void attribute(std::string_view key, T value) {
        out_.map(2).add("key", key).key("value").map(1).add("intValue", std::string_view(std::to_string(value))).end().end();
    }

    std::string time(std::int64_t ns) const { return std::to_string(std::clamp<std::int64_t>(story_.run.created_ms, 0, 4'000'000'000'000) * 1'000'000 + ns); }
    void times(std::int64_t from, std::int64_t to) {
        out_.add("startTimeUnixNano", std::string_view(time(from))).add("endTimeUnixNano", std::string_view(time(std::max(from, to))));
    }
    void status(int code, std::string_view message) {
        out_.key("status").map(2).add("code", code);
        if (!message.empty()) out_.add("message", message);
        out_.end();
    }

    void run_span() {
        const RunSummary& run = story_.run;
        out_.map(8).add("traceId", std::string_view(trace_)).add("spanId", std::string_view(root_)).add("name", std::string_view(run.workflow)).add("kind", kind_internal);
        times(0, story_.span_ns);
        out_.key("attributes").list(6);
        attribute("symphony.run.id", std::string_view(run.id));
        attribute("symphony.run.state", name_of(run.state));
        attribute("symphony.run.parts", run.parts);
        attribute("symphony.run.durability", name_of(run.durability));
        attribute("symphony.workflow.id", std::string_view(run.workflow));
        attribute("symphony.workflow.version", std::string_view(run.version));
        out_.end();
        if (run.state == RunState::completed) status(status_ok, {});
        else if (goes_on(run.state)) status(status_unset, {});
        else status(status_error, "the run is " + std::string(name_of(run.state)));
        out_.end();
    }

    void step_span(const Stint& stint) {
        const StoryStep& step = story_.steps[stint.step];
        out_.map(14).add("traceId", std::string_view(trace_)).add("spanId", std::string_view(span_id_of(story_.run.id, step.name, stint.part))).add("parentSpanId", std::string_view(root_));
        out_.add("name", std::string_view(step.name)).add("kind", step.kind == "operator" || step.kind == "instrument" ? kind_client : kind_internal);
        times(stint.start_ns, stint.end_ns);
        out_.key("attributes").list(14);
        attribute("symphony.node.id", std::string_view(step.name));
        attribute("symphony.node.state", name_of(stint.state));
        if (!step.kind.empty()) attribute("symphony.node.kind", step.kind);
        if (!step.plugin.empty()) attribute("symphony.plugin.id", std::string_view(step.plugin));
        if (!step.version.empty()) attribute("symphony.plugin.version", std::string_view(step.version));
        if (!step.operation.empty()) attribute("symphony.operation", std::string_view(step.operation));
        attribute("symphony.run.id", std::string_view(story_.run.id));
        attribute("symphony.run.part", stint.part);
        attribute("symphony.calls", stint.calls);
        attribute("symphony.calls.cached", stint.recalled);
        attribute("symphony.attempts", stint.attempts);
        if (step.each) attribute("symphony.elements", stint.answered_ms.size());
        attribute("symphony.output.bytes", stint.output_bytes);
        attribute("symphony.problems", stint.problems.size());
        out_.end();
        events(stint);
        links(stint, step);
        switch (stint.state) {
        case StintState::done:
        case StintState::skipped: status(status_ok, {}); break;
        case StintState::running: status(status_unset, {}); break;
        default: status(status_error, stint.problems.empty() ? std::string(name_of(stint.state)) : stint.problems.front().error.message()); break;
        }
        out_.end();
    }

    void events(const Stint& stint) {
        if (stint.problems.empty()) return;
        const std::size_t count = std::min(events_max, stint.problems.size());
        out_.key("events").list(count);
        for (std::size_t i = 0; i < count; ++i) {
            const Problem& problem = stint.problems[i];
            out_.map(3).add("timeUnixNano", std::string_view(time(stint.end_ns))).add("name", "exception").key("attributes").list(3);
            attribute("exception.type", problem.error.reason());
            attribute("exception.message", std::string_view(problem.error.message()));
            if (!problem.path.empty()) attribute("symphony.element", std::string_view(problem.path));
            out_.end().end();
        }
        out_.end();
        if (count < stint.problems.size()) out_.add("droppedEventsCount", stint.problems.size() - count);
    }

    void links(const Stint& stint, const StoryStep& step) {
        std::size_t all = 0;
        for (const auto need : step.needs) all += story_.stints[story_.steps[need].last].part <= stint.part ? 1 : 0;
        if (all == 0) return;
        std::size_t count = 0;
        out_.key("links").list(std::min(links_max, all));
        for (const auto need : step.needs) {
            const Stint& before = story_.stints[story_.steps[need].last];
            if (before.part > stint.part || count == links_max) continue;
            ++count;
            out_.map(2).add("traceId", std::string_view(trace_)).add("spanId", std::string_view(span_id_of(story_.run.id, story_.steps[need].name, before.part))).end();
        }
        out_.end();
        if (count < all) out_.add("droppedLinksCount", all - count);
    }

    const Story& story_;
    const std::string trace_, root_;
    ValueBuilder out_;
};

} // namespace

std::string trace_id_of(std::string_view run) { return digest_start({"symphony.trace", run}, 16); }
std::string span_id_of(std::string_view run, std::string_view node, std::uint32_t attempt) {
    return digest_start({"symphony.span", run, node, std::to_string(attempt)}, 8);
}

Value otlp_spans(const Story& story) { return Spans(story).write(); }

} // namespace symphony::tracker
