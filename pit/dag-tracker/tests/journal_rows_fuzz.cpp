// SPDX-License-Identifier: Apache-2.0
// Any bytes as rows of the journal. The first byte says of what: 0 a step, else a run, whose head has as many bytes as it says. What is read is written and read
// again as the same.
#include "journal_rows.hpp"

namespace {

using namespace symphony;
using namespace symphony::tracker;

bool same(const StepBody& a, const StepBody& b) {
    const bool ends = a.end.state == b.end.state && a.end.calls == b.end.calls && a.end.attempts == b.end.attempts && a.end.each == b.end.each && a.end.recalled == b.end.recalled &&
                      a.end.by_fallback == b.end.by_fallback && a.end.closing == b.end.closing && a.end.problems.size() == b.end.problems.size();
    return a.kind == b.kind && a.node == b.node && a.element == b.element && a.at_ms == b.at_ms && a.undoes == b.undoes && ends && a.note.attempt.number == b.note.attempt.number &&
           (a.note.attempt.number == 0 || a.note.attempt.token == b.note.attempt.token);  // without a number it is none
}

void step(Bytes bytes) {
    std::vector<StepBody> rows(2);
    if (!decode(bytes, rows[0])) return;
    const Value written = encode(rows[0]);
    if (!decode(written.bytes(), rows[1]) || !same(rows[0], rows[1])) __builtin_trap();
    static_cast<void>(attempt_of(rows[0], 1));
    static_cast<void>(last_closing(rows));
    static_cast<void>(rows_of(rows, {1, 2}));
}

void run(Bytes head, Bytes given) {
    NewRun read, again;
    if (!decode(head, given, read)) return;
    const RunRow row{read.workflow, read.version, read.path, read.steps, read.durability, 0};
    if (!decode(encode(row).bytes(), encode_given(read).bytes(), again)) __builtin_trap();
    if (again.source != read.source || again.workflow != read.workflow || again.steps != read.steps) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest(data + 1, size - 1);
    if (data[0] == 0) step(rest);
    else run(rest.first(std::min<std::size_t>(data[0], rest.size())), rest.subspan(std::min<std::size_t>(data[0], rest.size())));
    return 0;
}
