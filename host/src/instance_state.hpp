// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace symphony::host {

enum class State : std::uint8_t {
    discovered, loading, loaded, activating, active, deactivating, inactive, unloading, unloaded, failed,
};
inline constexpr std::size_t states_count = 10;

constexpr std::string_view name_of(State state) noexcept {
    constexpr std::array<std::string_view, states_count> names{
        "discovered", "loading", "loaded", "activating", "active",
        "deactivating", "inactive", "unloading", "unloaded", "failed"};
    return names[static_cast<std::size_t>(state)];
}

namespace detail {
constexpr std::uint16_t bit(State state) noexcept { return static_cast<std::uint16_t>(1u << static_cast<unsigned>(state)); }
template <class... S>
constexpr std::uint16_t to(S... states) noexcept { return static_cast<std::uint16_t>((0u | ... | bit(states))); }

/// Row = from, bits = to. A failed plugin may only be unloaded; an unloaded one may be loaded again.
inline constexpr std::array<std::uint16_t, states_count> transitions{
    /* discovered   */ to(State::loading, State::failed),
    /* loading      */ to(State::loaded, State::failed),
    /* loaded       */ to(State::activating, State::unloading, State::failed),
    /* activating   */ to(State::active, State::failed),
    /* active       */ to(State::deactivating, State::failed),
    /* deactivating */ to(State::inactive, State::failed),
    /* inactive     */ to(State::activating, State::unloading, State::failed),
    /* unloading    */ to(State::unloaded, State::failed),
    /* unloaded     */ to(State::loading),
    /* failed       */ to(State::unloading),
};
} // namespace detail

constexpr bool is_legal(State from, State to) noexcept {
    return (detail::transitions[static_cast<std::size_t>(from)] & detail::bit(to)) != 0;
}

static_assert(is_legal(State::loaded, State::activating) && !is_legal(State::discovered, State::active));

} // namespace symphony::host
