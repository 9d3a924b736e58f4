// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include <symphony/value.hpp>

namespace symphony::store {

/// The plugin's configuration; the keys and their bounds are in manifest.toml. Zero durations and sizes turn a thing off.
struct Settings {
    std::string path = "store"; ///< beneath the plugin's own folder `state`
    Durability durability = Durability::durable;
    Quota quota; ///< 0 = what the store says itself
    std::chrono::milliseconds trash_keep{7ll * 24 * 3'600'000};
    std::chrono::milliseconds put_lease{3'600'000};
    std::chrono::milliseconds upload_idle{600'000};
    std::chrono::milliseconds lock_wait{10'000};  ///< for another process that writes
    std::chrono::milliseconds idle_close{5'000};  ///< after so long without use the lock is let go
    std::chrono::milliseconds scrub_every{60'000};
    std::uint64_t scrub_bytes = 16ull << 20;
    std::uint64_t cache_bytes = 16ull << 20;
    bool index_encrypted = false;
    std::string search_provider;  ///< empty = the best one
    std::string quality_operator; ///< PLUGIN or PLUGIN.OPERATION; empty = built in
};

Settings settings_of(const Value& config);

} // namespace symphony::store
