// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::manifests {

/// The type of an operation's input or output: `any boolean integer number text bytes list map list<T> map<T>`,
/// a trailing `?` where it may be missing. `list` is `list<any>`; the keys of a map are text. A small value, freely copied.
class Type {
public:
    enum class Kind : std::uint8_t { any, boolean, integer, number, text, bytes, list, map };
    static constexpr unsigned nesting_max = 16;

    /// `any`.
    constexpr Type() = default;
    constexpr explicit Type(Kind kind) : base_(kind) {
        if (kind == Kind::list || kind == Kind::map) *this = kind == Kind::list ? list_of(Type()) : map_of(Type());
    }
    /// The element loses its `?`; beyond `nesting_max` it becomes `any`.
    static constexpr Type list_of(Type element) { return wrap(element, false); }
    static constexpr Type map_of(Type element) { return wrap(element, true); }
    /// @return The type, or `invalid_argument` with reason "bad-type" and the nearest known name as the hint.
    static Result<Type> parse(std::string_view text);

    constexpr Kind kind() const noexcept {
        return depth_ == 0 ? base_ : (maps_ >> (depth_ - 1u) & 1u) != 0 ? Kind::map : Kind::list;
    }
    /// What a list or map holds; `any` for the other kinds.
    constexpr Type element() const noexcept {
        Type inner;
        if (depth_ == 0) return inner;
        inner.base_ = base_;
        inner.depth_ = static_cast<std::uint8_t>(depth_ - 1u);
        inner.maps_ = maps_ & ((1u << inner.depth_) - 1u);
        return inner;
    }
    constexpr bool optional() const noexcept { return optional_; }
    constexpr Type as_optional(bool optional = true) const noexcept {
        Type copy = *this;
        copy.optional_ = optional;
        return copy;
    }
    /// Canonical: "list<text>?", "map" for map<any>.
    std::string text() const;

    friend constexpr bool operator==(const Type&, const Type&) = default;

private:
    static constexpr Type wrap(Type element, bool map) {
        element.optional_ = false;
        if (element.depth_ == nesting_max) element = Type();
        if (map) element.maps_ |= 1u << element.depth_;
        ++element.depth_;
        return element;
    }
    Kind base_ = Kind::any;      // the innermost
    std::uint8_t depth_ = 0;     // lists and maps around it
    bool optional_ = false;
    std::uint32_t maps_ = 0;     // bit i: the i-th from inside is a map, else a list
};

/// How well a value of one type goes where another is asked for.
enum class Fit : std::uint8_t {
    always,   ///< every such value is fine
    when_run, ///< some `any` inside: only the value itself will tell
    never,
};

/// Integers go where numbers are asked for, lists and maps follow their elements, `any` takes everything but a value that
/// may be missing; an optional `to` takes a missing value.
Fit fit(Type to, Type from) noexcept;
/// Whether a workflow may connect them: `fit` is not `never`.
inline bool accepts(Type to, Type from) noexcept { return fit(to, from) != Fit::never; }

} // namespace symphony::manifests
