// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/base.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace symphony::host {

class Instance;

/// Handles to "this port of that plugin", held by a plugin or by the host itself. Looking one up takes no lock. [any]
class PortTable {
public:
    struct Entry {
        Instance* callee = nullptr;
        const std::string* port = nullptr;  ///< outlives the table
    };

    /// @param holder  Null for the host. @param rule  What allowed it, for close_lost(). @return 0 when 65,536 handles are held.
    symphony_handle add(const Instance* holder, Instance& callee, const std::string& port, std::string rule = {}) {
        const std::lock_guard lock(mutex_);
        std::uint32_t index = used_;
        if (!free_.empty()) {
            index = free_.back();
            free_.pop_back();
        } else if (used_ == chunk * chunks_.size()) {
            return 0;
        } else {
            if (used_ % chunk == 0) {
                owned_.push_back(std::make_unique<Slot[]>(chunk));
                chunks_[used_ / chunk].store(owned_.back().get(), std::memory_order_release);
            }
            ++used_;
        }
        Slot& slot = chunks_[index / chunk].load(std::memory_order_relaxed)[index % chunk];
        slot.holder.store(holder, std::memory_order_relaxed);
        slot.callee.store(&callee, std::memory_order_relaxed);
        slot.port.store(&port, std::memory_order_relaxed);
        slot.rule = std::move(rule);
        const std::uint32_t generation = slot.generation.load(std::memory_order_relaxed) + 1; // even to odd: in use
        slot.generation.store(generation, std::memory_order_release);
        return std::uint64_t{generation} << 32 | index;
    }

    void remove(const Instance* holder, symphony_handle handle) {
        const std::lock_guard lock(mutex_);
        if (find(holder, handle).callee != nullptr) close(static_cast<std::uint32_t>(handle));
    }

    /// Closes what plugins hold and `may(holder, callee, rule)` says no to. Calls that are under way end as they will.
    template <typename May> void close_lost(const May& may) {
        const std::lock_guard lock(mutex_);
        for (std::uint32_t index = 0; index < used_; ++index) {
            const Slot& slot = chunks_[index / chunk].load(std::memory_order_relaxed)[index % chunk];
            const Instance* const holder = slot.holder.load(std::memory_order_relaxed);
            if ((slot.generation.load(std::memory_order_relaxed) & 1u) == 0 || holder == nullptr) continue;
            if (!may(*holder, std::as_const(*slot.callee.load(std::memory_order_relaxed)), slot.rule)) close(index);
        }
    }

    /// Lets every handle to `from` lead to `to`, where `port_of` names the same port of it; closes the others.
    template <typename PortOf> void redirect(const Instance& from, Instance& to, const PortOf& port_of) {
        const std::lock_guard lock(mutex_);
        for (std::uint32_t index = 0; index < used_; ++index) {
            Slot& slot = chunks_[index / chunk].load(std::memory_order_relaxed)[index % chunk];
            if ((slot.generation.load(std::memory_order_relaxed) & 1u) == 0 || slot.callee.load(std::memory_order_relaxed) != &from) continue;
            const std::string* const port = port_of(*slot.port.load(std::memory_order_relaxed));
            if (port == nullptr) {
                close(index);
                continue;
            }
            slot.port.store(port, std::memory_order_relaxed); // the same text
            slot.callee.store(&to, std::memory_order_release);
        }
    }

    /// Closes what it holds, or what leads to it.
    void close_all(const Instance& plugin) {
        const std::lock_guard lock(mutex_);
        for (std::uint32_t index = 0; index < used_; ++index) {
            const Slot& slot = chunks_[index / chunk].load(std::memory_order_relaxed)[index % chunk];
            if ((slot.generation.load(std::memory_order_relaxed) & 1u) == 0) continue;
            if (slot.holder.load(std::memory_order_relaxed) == &plugin || slot.callee.load(std::memory_order_relaxed) == &plugin) close(index);
        }
    }

    /// Empty when the handle is stale or somebody else's.
    Entry find(const Instance* holder, symphony_handle handle) const noexcept {
        const auto index = static_cast<std::uint32_t>(handle);
        const auto generation = static_cast<std::uint32_t>(handle >> 32);
        const Slot* slots = index / chunk < chunks_.size() ? chunks_[index / chunk].load(std::memory_order_acquire) : nullptr;
        if (slots == nullptr || (generation & 1u) == 0) return {};
        const Slot& slot = slots[index % chunk];
        if (slot.generation.load(std::memory_order_acquire) != generation || slot.holder.load(std::memory_order_relaxed) != holder) return {};
        return {slot.callee.load(std::memory_order_relaxed), slot.port.load(std::memory_order_relaxed)};
    }

private:
    /// Of one in use; the caller has the lock.
    void close(std::uint32_t index) {
        chunks_[index / chunk].load(std::memory_order_relaxed)[index % chunk].generation.fetch_add(1, std::memory_order_release);
        free_.push_back(index);
    }

    static constexpr std::uint32_t chunk = 256;
    struct Slot {
        std::atomic<std::uint32_t> generation{0};
        std::atomic<const Instance*> holder{nullptr};
        std::atomic<Instance*> callee{nullptr};
        std::atomic<const std::string*> port{nullptr};
        std::string rule; // guarded by mutex_
    };
    std::array<std::atomic<Slot*>, 256> chunks_{};
    std::vector<std::unique_ptr<Slot[]>> owned_;
    std::vector<std::uint32_t> free_;
    std::uint32_t used_ = 0;
    std::mutex mutex_;
};

} // namespace symphony::host
