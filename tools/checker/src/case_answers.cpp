// SPDX-License-Identifier: Apache-2.0
// What calls answer, and how they end.
#include "running.hpp"

#include <algorithm>

namespace symphony::checker {
namespace {

/// Whether what `call` gave keeps the rules about results.
void judge_result(Case& at, const Subject::Callable& callable, const Recorder& call) {
    const std::string who = "\"" + callable.operation->name + "\"";
    if (const auto broken = call.broken(); !broken.empty()) return at.find("valid-results", who + ": " + broken);
    if (call.failed()) return judge_error(at, who, call.error(), SYMPHONY_E_PLUGIN_FAILED);
    const auto value = call.value();
    if (!value) return at.find("valid-results", who + ": the result cannot be read: " + value.error().message());
    if (!value->is_map()) return at.find("output-types", who + ": the result is " + std::string(name_of(value->kind())) + " and no map of outputs");
    for (const auto& slot : callable.operation->outputs) {
        const ValueView output = (*value)[slot.name];
        if (!output.exists()) {
            if (!slot.type.optional()) at.find("output-types", who + ": the output \"" + slot.name + "\" is missing");
        } else if (!fits(slot.type, output) && !(slot.type.optional() && output.is_null())) {
            at.find("output-types", who + ": the output \"" + slot.name + "\" is " + std::string(name_of(output.kind())) + ", declared as " + slot.type.text());
        }
    }
    for (const auto& [name, output] : value->view().entries()) {
        if (std::none_of(callable.operation->outputs.begin(), callable.operation->outputs.end(), [&](const auto& slot) { return slot.name == name; })) {
            at.find("output-types", who + ": the output \"" + to_valid_utf8(name) + "\" is not declared");
        }
    }
}

struct Made {
    Subject::Callable callable;
    OperationCall arguments;
    Recorder call;
    symphony_status status = SYMPHONY_OK;
    Made(const Subject::Callable& of, const Value& input) : callable(of), arguments(of.operation->name, input) {}
};

/// After the instance is gone nothing comes any more, so what came is all.
void judge_ends(Case& at, const Made& made) {
    const std::string who = "a call of \"" + made.callable.operation->name + "\"";
    if (made.status < 0) {
        if (made.call.ends() > 0) at.find("refused-owes-nothing", who + " was refused and ended all the same");
    } else if (made.call.ends() != 1) {
        at.find("completion-once", who + (made.call.ends() == 0 ? " never ended" : " ended " + std::to_string(made.call.ends()) + " times"));
    }
    if (made.call.late_parts() > 0) at.find("no-parts-after-end", who + " gave " + std::to_string(made.call.late_parts()) + " parts or progress after its end");
}

/// Calls every operation some times. @return False: a call did not end, so nothing else would.
bool call_all(Case& at, Running& running, Style style, std::size_t rounds, bool judge, std::vector<std::unique_ptr<Made>>& made) {
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const auto& callable : at.subject.operations()) {
            auto one = std::make_unique<Made>(callable, make_input(*callable.operation, style, at.random));
            one->status = running.invoke(one->call, one->arguments.request(callable.port, callable.operation->name));
            at.step("the wait for the end of \"" + callable.operation->name + "\"");
            const bool ended = one->status < 0 || one->call.wait(patience);
            if (ended && judge && one->status >= 0) judge_result(at, callable, one->call);
            made.push_back(std::move(one));
            if (!ended) return false;
        }
    }
    return true;
}

} // namespace

void check_answers(Case& at) {
    HostDouble host(at.manifest());
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library()) return;
    if (Status started = running.start(at.subject.configuration()); !started) return at.stop();
    if (at.subject.operations().empty()) at.skip("no operations to call: its ports are called only with what they have to refuse");
    constexpr std::size_t rounds = 3;
    std::vector<std::unique_ptr<Made>> made;
    const bool all = call_all(at, running, Style::plain, rounds, true, made);
    if (all) static_cast<void>(running.end()); // how it ends is a case of its own; what it owes comes before that
    for (const auto& one : made) judge_ends(at, *one);
    if (!all) at.stop();
}

void check_input_fuzz(Case& at) {
    HostDouble host(at.manifest());
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library() || !running.start(at.subject.configuration())) return;
    const auto operations = at.subject.operations();
    if (operations.empty()) return at.skip("no operations to call");
    constexpr std::size_t calls = 300;
    for (std::size_t i = 0; i < calls; ++i) {
        const auto& callable = operations[i % operations.size()];
        auto* const one = new Made(callable, make_input(*callable.operation, i % 3 == 0 ? Style::declared : Style::hostile, at.random)); // for late answers
        one->status = running.invoke(one->call, one->arguments.request(callable.port, callable.operation->name));
        if (one->status < 0) continue;
        at.step("the wait for the end of \"" + callable.operation->name + "\"");
        if (!one->call.wait(patience)) return at.find("input-fuzz", "a call of \"" + callable.operation->name + "\" does not end");
        judge_result(at, callable, one->call);
        delete one;
    }
}

void check_unknown_ids(Case& at) {
    HostDouble host(at.manifest());
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library() || !running.start(at.subject.configuration())) return;
    std::vector<std::string> ids{"", "/", "no-such-port/1", "symphony.host.log/1", std::string("\0", 1), std::string(300, 'x'), "\xFF\xFE"};
    for (const auto& provide : at.manifest().provides) {
        const auto* info = running.query(provide.port);
        if (info == nullptr) at.find("unknown-ids", "query of \"" + provide.port + "\" answers NULL, and the manifest provides it");
        else if (info->struct_size < sizeof *info || info->method_max == 0) at.find("unknown-ids", "query of \"" + provide.port +
            "\" answers no valid symphony_port_info");
        for (const std::string& more : {provide.port + "0", provide.port + " ", provide.port + std::string(1, '\0'), provide.port.substr(0, provide.port.size() - 1),
                                        provide.port.substr(0, provide.port.size() - 1) + "2", "x" + provide.port}) {
            ids.push_back(more);
        }
    }
    for (const auto& id : ids) {
        const bool known = std::any_of(at.manifest().provides.begin(), at.manifest().provides.end(), [&](const auto& provide) { return provide.port == id; });
        if (!known && running.query(id) != nullptr) at.find("unknown-ids", "query of the unknown \"" + to_valid_utf8(id) + "\" does not answer NULL");
    }
    const auto operations = at.subject.operations();
    const Value nothing = ValueBuilder().map().end().build();
    const auto refused = [&](const Request& request, const std::string& what) {
        auto* const call = new Recorder; // for late answers
        if (running.call(*call, request) && !call->failed()) at.find("unknown-ids", "a call of " + what + " succeeds");
    };
    for (const auto& provide : at.manifest().provides) {
        OperationCall arguments("no-such-operation", nothing);
        Request request = arguments.request(provide.port, "an unknown method");
        request.method = 0x7FFF'FFFFu;
        refused(request, "an unknown method of " + provide.port);
    }
    if (!at.manifest().provides.empty()) {
        OperationCall arguments("no-such-operation", nothing);
        Request request = arguments.request("no-such-port/1", "a method");
        refused(request, "an unknown port");
    }
    if (operations.empty()) return;
    const std::string& known = operations.front().operation->name;
    for (const std::string& name : {std::string(), std::string("no-such-operation"), known + "x", known + std::string(1, '\0'), known.substr(0, known.size() - 1)}) {
        if (at.manifest().find_operation(name) != nullptr) continue;
        OperationCall arguments(name, make_input(*operations.front().operation, Style::plain, at.random));
        refused(arguments.request(operations.front().port, "the unknown operation \"" + to_valid_utf8(name) + "\""),
            "the unknown operation \"" + to_valid_utf8(name) + "\"");
    }
}

} // namespace symphony::checker
