// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parse.hpp"
#include "run.hpp"
#include "validate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace symphony::tracker::test {

inline constexpr std::string_view head = "[workflow]\nid = \"w\"\nversion = \"1.0.0\"\n";

inline PortSpec port(std::string name, std::string_view type) { return {std::move(name), *Type::parse(type)}; }

/// What the tests' nodes can call. `text` computes, `disk` blocks, `old` takes one call at a time, `eyes` is an instrument.
inline std::shared_ptr<const Catalogue> catalogue() {
    auto made = std::make_shared<Catalogue>();
    Provider text;
    text.id = "org.test.text";
    text.name = "text";
    text.version = "1.4.0";
    text.concurrent = true;
    text.operations = {{"count", {port("text", "text"), port("top", "integer?")}, {port("total", "integer"), port("text", "text")}, true},
                       {"join", {port("a", "any?"), port("b", "any?"), port("c", "any?")}, {port("text", "text")}, true},
                       {"list", {port("n", "integer")}, {port("items", "list<text>"), port("count", "integer")}, true},
                       {"each_kind", {port("whole", "number?"), port("truth", "boolean?"), port("many", "list<text>?"), port("by", "map<integer>?")}, {port("text", "text")}, true}};
    Provider disk = text;
    disk.id = "org.test.disk";
    disk.name = "disk";
    disk.blocking = true;
    Provider old = text;
    old.id = "org.test.old";
    old.name = "old";
    old.concurrent = false;
    Provider eyes = disk;
    eyes.id = "org.test.eyes";
    eyes.name = "eyes";
    eyes.instrument = true;
    eyes.operations = {{"see", {port("image", "any")}, {port("text", "text"), port("confidence", "number")}, false},
                       {"send", {port("text", "text"), port("idempotency_key", "text?"), port("fencing_token", "integer?"), port("run_id", "text?")}, {port("text", "text")}, false}};
    Provider refused = text;
    refused.id = "org.test.refused";
    refused.name = "refused";
    refused.usable = false;
    refused.refusal = "its library has another digest";
    Provider disk_before = disk;
    disk_before.version = "0.9.3";
    for (auto& provider : {text, disk, disk_before, old, eyes, refused}) made->add(provider);
    return made;
}

struct Read {
    std::vector<Diagnostic> diagnostics;
    std::shared_ptr<Plan> plan;  // null when there is no graph

    std::multiset<std::string> reasons() const {
        std::multiset<std::string> all;
        for (const auto& found : diagnostics) all.insert(found.reason);
        return all;
    }
    const Diagnostic* find(std::string_view reason) const {
        for (const auto& found : diagnostics) {
            if (found.reason == reason) return &found;
        }
        return nullptr;
    }
    bool ok() const { return plan != nullptr && !manifests::has_errors(diagnostics); }
};

inline Read read(std::string_view text, std::string_view path = "w.toml", const Limits& limits = {}, const CheckOptions& options = {}) {
    Read out;
    Findings findings{std::string(path)};
    if (auto workflow = parse_workflow(path, text, limits, findings)) {
        compile(*workflow);
        out.plan = std::make_shared<Plan>();
        out.plan->catalogue = catalogue();
        out.plan->workflow = *std::move(workflow);
        out.plan->binding = validate(out.plan->workflow, *out.plan->catalogue, limits, findings, [] { return steady_now_ns(); }, options);
    }
    out.diagnostics = findings.take();
    return out;
}

/// A plan of a text that must be right.
inline std::shared_ptr<Plan> plan_of(std::string_view text) {
    auto out = read(text);
    EXPECT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    return out.plan;
}

/// Calls a function instead of a plugin, and counts.
class FakeCaller : public Caller {
public:
    using Answer = std::function<Result<Value>(const CallRequest&)>;
    explicit FakeCaller(Answer answer) : answer_(std::move(answer)) {}

    void call(CallRequest request, Progress progress, Done done) override {
        calls.fetch_add(1);
        const int now = inside.fetch_add(1) + 1;
        int most = most_inside.load();
        while (most < now && !most_inside.compare_exchange_weak(most, now)) {}
        if (progress) progress(500, "half");
        auto result = answer_(request);
        inside.fetch_sub(1);
        done(std::move(result));
    }
    void cancel_all() noexcept override {
        const std::lock_guard lock(mutex);
        cancelled = true;
        changed.notify_all();
    }
    void begin_anew() override {
        const std::lock_guard lock(mutex);
        cancelled = false;
    }
    /// Blocks like a call that only ends when it is cancelled.
    Error wait_for_cancel() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return cancelled; });
        return {Code::cancelled, "cancelled"};
    }

    std::atomic<int> calls{0};
    std::atomic<int> inside{0};
    std::atomic<int> most_inside{0};
    std::mutex mutex;
    std::condition_variable changed;
    bool cancelled = false;

private:
    Answer answer_;
};

/// Text of a value, for comparing: numbers and texts plain, lists as [a b], maps as {k:v}.
inline std::string plain(ValueView value) {
    if (value.is_text()) return std::string(value.as_text());
    if (value.is_integer()) return std::to_string(value.as_int());
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (value.is_list()) {
        std::string out = "[";
        for (const auto item : value.items()) out += (out.size() > 1 ? " " : "") + plain(item);
        return out + "]";
    }
    if (value.is_map()) {
        std::string out = "{";
        for (const auto [key, item] : value.entries()) out += (out.size() > 1 ? " " : "") + std::string(key) + ":" + plain(item);
        return out + "}";
    }
    return std::string(symphony::name_of(value.kind()));
}

/// The tests' operations, all deterministic: `count` adds "!", `join` writes its inputs in order, `list` makes n texts.
/// A text "fail" fails, "busy" fails in a way that may pass.
inline Result<Value> answer(const CallRequest& request) {
    const auto& in = request.input;
    const auto text_result = [](const std::string& text) { return ValueBuilder().map().add("text", std::string_view(text)).add("total", text.size()).add("confidence", 0.5).end().build(); };
    if (request.operation == "list") {
        ValueBuilder out;
        const auto n = in["n"].as_uint();
        out.map().key("items").list(n);
        for (std::uint64_t i = 0; i < n; ++i) out.text("item-" + std::to_string(i));
        return out.end().add("count", n).end().build();
    }
    if (request.operation == "join") {
        std::string all;
        for (const std::string_view name : {"a", "b", "c"}) all += in.contains(name) ? plain(in[name]) : "-";
        return text_result(all);
    }
    const std::string text = plain(in.contains("image") ? in["image"] : in["text"]);
    if (text.find("fail") != std::string::npos) return Error(Code::plugin_failed, "broken", "cannot do " + text, "try another");
    if (text.find("busy") != std::string::npos) return Error(Code::busy, "busy", "not now");
    return text_result(text + "!");
}

inline RunSettings settings() {
    RunSettings made;
    made.workers = 2;
    made.blocking_threads = 3;
    made.seed = 7;
    return made;
}

/// One run with everything that a test wants to look at.
struct Ran {
    std::shared_ptr<Plan> plan;
    RunResult result;
    std::vector<RunEvent> events;

    NodeState state(std::string_view node) const {
        for (Id n = 0; n < plan->workflow.nodes.size(); ++n) {
            if (plan->workflow.node_name(n) == node) return result.nodes[n].state;
        }
        ADD_FAILURE() << "no node " << node;
        return NodeState::pending;
    }
    const NodeRun& run(std::string_view node) const {
        for (Id n = 0; n < plan->workflow.nodes.size(); ++n) {
            if (plan->workflow.node_name(n) == node) return result.nodes[n];
        }
        throw std::runtime_error("no such node");
    }
    std::string output(std::string_view name) const {
        for (const auto& [index, value] : result.outputs) {
            if (plan->workflow.outputs[index].name == name) return plain(value.view());
        }
        return "(none)";
    }
};

inline Ran run(std::shared_ptr<Plan> plan, const std::shared_ptr<FakeCaller>& caller, const RunSettings& how = settings(), const Value& inputs = Value(),
               const std::function<bool()>& cancelled = {}) {
    Ran ran{plan, {}, {}};
    ran.result = run_plan(plan, inputs, caller, how, [&](const RunEvent& event) { ran.events.push_back(event); }, cancelled);
    return ran;
}
inline Ran run(std::string_view text, const Value& inputs = Value()) {
    return run(plan_of(text), std::make_shared<FakeCaller>(answer), settings(), inputs);
}

} // namespace symphony::tracker::test
