// SPDX-License-Identifier: Apache-2.0
// Any bytes: accessors stay inside, and what check() lets pass survives its canonical form.
#include <symphony/json.hpp>

#include <cstdlib>

namespace {

void walk(symphony::ValueView view, int depth) {
    static_cast<void>(view.as_double());
    static_cast<void>(view.as_bytes().size());
    static_cast<void>(view.at(view.size() / 2).kind());
    if (depth == 0) return;
    for (const auto item : view.items()) walk(item, depth - 1);
    for (const auto [key, item] : view.entries()) {
        static_cast<void>(view[key].exists());
        walk(item, depth - 1);
    }
}

void require(bool condition) {
    if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace symphony;
    const Bytes bytes(data, size);
    if (size > 4096) return 0; // walking by key is quadratic
    walk(ValueView(bytes), 4);
    const Value exact = canonical(ValueView(bytes));
    if (!Value::check(bytes)) return 0;
    const ValueView view(bytes);
    require(static_cast<bool>(Value::check(exact.bytes())));
    require(equal(view, exact));
    require(text_of(canonical(exact).bytes()) == text_of(exact.bytes()));
    if (const auto json = print_json(view)) {
        const auto back = parse_json(*json);
        require(static_cast<bool>(back));
        require(equal(*back, view));
    }
    return 0;
}
