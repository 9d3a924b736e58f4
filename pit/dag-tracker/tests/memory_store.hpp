// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "value_store.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>

namespace symphony::tracker::test {

/// A store of values in memory that can lose, spoil and refuse them.
class MemoryStore final : public ValueStore {
public:
    Status keep(std::string_view holder, bool soft, const Digest& digest, const Value& value) override {
        const std::lock_guard lock(mutex);
        if (!refusal.empty()) return Error(Code::exhausted, "store-full", refusal);
        values[digest] = std::string(text_of(value.bytes()));
        (soft ? soft_holders : holders)[digest].insert(std::string(holder));
        ++puts;
        return {};
    }
    Result<Value> get(const Digest& digest, std::uint64_t) override {
        const std::lock_guard lock(mutex);
        const auto at = values.find(digest);
        if (at == values.end()) return Error(Code::not_found, "output-missing", "artifact " + hex_of(digest) + " is gone", "symphony artifact verify");
        return checked_value(Buffer::copy(at->second), digest);
    }
    Status drop(std::string_view holder, const Digest& digest) override {
        const std::lock_guard lock(mutex);
        holders[digest].erase(std::string(holder));
        soft_holders[digest].erase(std::string(holder));
        return {};
    }
    /// Values that somebody needs.
    std::size_t held() {
        const std::lock_guard lock(mutex);
        std::size_t count = 0;
        for (const auto& [digest, who] : holders) count += who.size();
        for (const auto& [digest, who] : soft_holders) count += who.size();
        return count;
    }

    std::mutex mutex;
    std::map<Digest, std::string> values;
    std::map<Digest, std::set<std::string>> holders, soft_holders;
    std::string refusal;
    int puts = 0;
};

} // namespace symphony::tracker::test
