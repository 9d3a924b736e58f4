// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/host.hpp>

#include <cstdint>
#include <utility>

namespace symphony::packaging {

/// The ABI that a plugin's host offers, major and minor; without a host that of this build.
inline std::pair<std::uint32_t, std::uint32_t> abi_of(Host host) noexcept {
    const symphony_host* raw = host.context() == nullptr ? nullptr : host.context()->host();
    if (raw == nullptr) return {SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR};
    return {raw->abi_major, raw->abi_minor};
}

} // namespace symphony::packaging
