// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace symphony::packaging {

/// A set of states that a package may be in: 0 is "not chosen", n + 1 is "its release n is chosen". All sets of one package have the same size;
/// up to 64 states take one word and no memory of their own.
class States {
public:
    States() = default;
    explicit States(std::uint32_t size) : size_(size), more_((size - 1) / 64, 0) {}

    static States all(std::uint32_t size) { return ~States(size); }
    static States only(std::uint32_t size, std::uint32_t state) {
        States out(size);
        out.add(state);
        return out;
    }

    std::uint32_t size() const noexcept { return size_; }
    void add(std::uint32_t state) noexcept { word(state / 64) |= std::uint64_t{1} << (state % 64); }
    void drop(std::uint32_t state) noexcept { word(state / 64) &= ~(std::uint64_t{1} << (state % 64)); }
    bool has(std::uint32_t state) const noexcept { return (word(state / 64) >> (state % 64) & 1u) != 0; }

    bool empty() const noexcept {
        return first_ == 0 && std::all_of(more_.begin(), more_.end(), [](std::uint64_t bits) { return bits == 0; });
    }
    bool full() const noexcept { return (~*this).empty(); }
    std::uint32_t count() const noexcept {
        auto bits = std::popcount(first_);
        for (const auto more : more_) bits += std::popcount(more);
        return static_cast<std::uint32_t>(bits);
    }
    bool inside(const States& other) const noexcept {
        if ((first_ & ~other.first_) != 0) return false;
        for (std::size_t i = 0; i < more_.size(); ++i) {
            if ((more_[i] & ~other.more_[i]) != 0) return false;
        }
        return true;
    }
    bool meets(const States& other) const noexcept {
        if ((first_ & other.first_) != 0) return true;
        for (std::size_t i = 0; i < more_.size(); ++i) {
            if ((more_[i] & other.more_[i]) != 0) return true;
        }
        return false;
    }
    /// The states in rising order.
    template <class Visit>
    void each(Visit&& visit) const {
        for (std::uint32_t at = 0; at <= more_.size(); ++at) {
            for (auto bits = word(at); bits != 0; bits &= bits - 1) visit(at * 64 + static_cast<std::uint32_t>(std::countr_zero(bits)));
        }
    }

    States& operator&=(const States& other) noexcept {
        first_ &= other.first_;
        for (std::size_t i = 0; i < more_.size(); ++i) more_[i] &= other.more_[i];
        return *this;
    }
    States& operator|=(const States& other) noexcept {
        first_ |= other.first_;
        for (std::size_t i = 0; i < more_.size(); ++i) more_[i] |= other.more_[i];
        return *this;
    }
    friend States operator&(States left, const States& right) { return left &= right; }
    friend States operator|(States left, const States& right) { return left |= right; }
    friend States operator~(States of) {
        of.first_ = ~of.first_;
        for (auto& bits : of.more_) bits = ~bits;
        const auto used = of.size_ % 64;
        if (used != 0) of.word((of.size_ - 1) / 64) &= (std::uint64_t{1} << used) - 1;
        return of;
    }
    friend bool operator==(const States&, const States&) = default;

private:
    std::uint64_t& word(std::uint32_t at) noexcept { return at == 0 ? first_ : more_[at - 1]; }
    const std::uint64_t& word(std::uint32_t at) const noexcept { return at == 0 ? first_ : more_[at - 1]; }

    std::uint32_t size_ = 1;
    std::uint64_t first_ = 0;
    std::vector<std::uint64_t> more_;
};

} // namespace symphony::packaging
