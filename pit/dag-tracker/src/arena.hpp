// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace symphony::tracker {

/// Memory that is given out piece by piece and freed as a whole. Pieces stay where they are when the arena moves.
class Arena {
public:
    Arena() = default;
    Arena(Arena&& other) noexcept
        : chunks_(std::move(other.chunks_)), at_(std::exchange(other.at_, nullptr)), left_(std::exchange(other.left_, 0)), next_(std::exchange(other.next_, first_bytes)) {}
    Arena& operator=(Arena other) noexcept {
        chunks_.swap(other.chunks_);
        std::swap(at_, other.at_);
        std::swap(left_, other.left_);
        std::swap(next_, other.next_);
        return *this;
    }
    ~Arena() = default;

    std::string_view copy(std::string_view text) {
        if (text.empty()) return {};
        char* to = take(text.size(), 1);
        std::memcpy(to, text.data(), text.size());
        return {to, text.size()};
    }
    /// Uninitialised room for `count` objects that need no destructor; null for none.
    template <class T>
    T* make(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        return count == 0 ? nullptr : reinterpret_cast<T*>(take(count * sizeof(T), alignof(T)));
    }

private:
    static constexpr std::size_t first_bytes = 4096;
    static constexpr std::size_t chunk_bytes_max = 1u << 20;

    char* take(std::size_t bytes, std::size_t align) {
        const auto skew = static_cast<std::size_t>(-reinterpret_cast<std::intptr_t>(at_)) & (align - 1);
        if (at_ == nullptr || skew + bytes > left_) return take_new(bytes);
        char* found = at_ + skew;
        at_ += skew + bytes;
        left_ -= skew + bytes;
        return found;
    }
    char* take_new(std::size_t bytes) {
        const std::size_t size = std::max(bytes, next_);
        next_ = std::min(next_ * 2, chunk_bytes_max);
        chunks_.push_back(std::unique_ptr<char[]>(new char[size]));  // new[] aligns for every type of ours
        char* found = chunks_.back().get();
        at_ = found + bytes;
        left_ = size - bytes;
        return found;
    }

    std::vector<std::unique_ptr<char[]>> chunks_;
    char* at_ = nullptr;
    std::size_t left_ = 0;
    std::size_t next_ = first_bytes;
};

} // namespace symphony::tracker
