// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/types.hpp>

#include "text.hpp"

#include <symphony/manifests/parse.hpp>

#include <array>

namespace symphony::manifests {
namespace {

constexpr std::array<std::string_view, 8> kind_names{"any",  "boolean", "integer", "number",
                                                     "text", "bytes",   "list",    "map"};

Error bad_type(std::string_view whole, std::string message) {
    return Error(Code::invalid_argument, "bad-type", "expected a type such as \"text\" or \"list<integer>?\", found " +
                 shown(whole) + ": " + std::move(message));
}

} // namespace

Result<Type> Type::parse(std::string_view text) {
    auto inner = text;
    const bool optional = inner.ends_with('?');
    if (optional) inner.remove_suffix(1);
    std::array<Kind, nesting_max> around{};
    unsigned depth = 0;
    while (inner.ends_with('>')) {
        const bool map = inner.starts_with("map<");
        if (!map && !inner.starts_with("list<")) break;
        if (depth == nesting_max) return bad_type(text, "nested deeper than " + std::to_string(nesting_max));
        around[depth++] = map ? Kind::map : Kind::list;
        inner.remove_prefix(map ? 4 : 5);
        inner.remove_suffix(1);
    }
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
        if (inner != kind_names[i]) continue;
        const auto kind = static_cast<Kind>(i);
        if ((kind == Kind::list || kind == Kind::map) && depth == nesting_max) {
            return bad_type(text, "nested deeper than " + std::to_string(nesting_max));
        }
        Type out(kind);
        while (depth != 0) out = around[--depth] == Kind::map ? map_of(out) : list_of(out);
        return out.as_optional(optional);
    }
    if (inner.ends_with('?')) return bad_type(text, "only the whole type may be optional");
    const auto near = nearest(inner, {kind_names.begin(), kind_names.end()});
    return bad_type(text, "no type is called " + shown(inner))
        .with_hint(near.empty() ? "types: any boolean integer number text bytes list map list<T> map<T>, a trailing ? for optional"
                                : "did you mean \"" + std::string(near) + "\"?");
}

std::string Type::text() const {
    std::string out;
    Type at = *this;
    std::size_t closing = 0;
    while (at.depth_ != 0) {
        out += at.kind() == Kind::map ? "map" : "list";
        at = at.element();
        if (at == Type()) break; // list<any> is written list
        out += '<';
        ++closing;
    }
    if (depth_ == 0 || at != Type()) out += kind_names[static_cast<std::size_t>(at.kind())];
    out.append(closing, '>');
    if (optional_) out += '?';
    return out;
}

Fit fit(Type to, Type from) noexcept {
    using Kind = Type::Kind;
    if (from.optional() && !to.optional()) return Fit::never;
    for (;;) {
        const auto want = to.kind();
        const auto have = from.kind();
        if (want == Kind::any) return Fit::always;
        if (have == Kind::any) return Fit::when_run;
        if (want != have) return want == Kind::number && have == Kind::integer ? Fit::always : Fit::never;
        if (want != Kind::list && want != Kind::map) return Fit::always;
        to = to.element();
        from = from.element();
    }
}

} // namespace symphony::manifests
