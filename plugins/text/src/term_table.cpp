// SPDX-License-Identifier: Apache-2.0
#include "term_table.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace text {

namespace {

constexpr std::size_t block_bytes = 64 << 10;
constexpr std::size_t slots_first = 1 << 12;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Multiply and fold eight bytes at a time, as wyhash does.
std::uint64_t hash_of(std::string_view text, std::uint64_t seed) noexcept {
    constexpr std::uint64_t k0 = 0xa0761d6478bd642f;
    constexpr std::uint64_t k1 = 0xe7037ed1a0b428db;
    std::uint64_t hash = mix(seed ^ k0, text.size() ^ k1);
    const char* p = text.data();
    std::size_t left = text.size();
    std::uint64_t block = 0;
    for (; left >= 8; left -= 8, p += 8) {
        std::memcpy(&block, p, 8);
        hash = mix(hash ^ block, seed ^ k1);
    }
    block = 0;
    std::memcpy(&block, p, left);
    return mix(hash ^ block, seed ^ k0);
}

} // namespace

TermTable::TermTable(std::size_t terms_max) : terms_max_(terms_max), slots_(slots_first, 0) {
    std::random_device device;
    seed_ = (std::uint64_t{device()} << 32) | device();
}

void TermTable::add(std::string_view text, std::uint64_t file) {
    const std::uint64_t hash = hash_of(text, seed_);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
        Term& term = terms_[slots_[at] - 1];
        if (term.hash != hash || term.text != text) continue;
        ++term.count;
        if (term.last_file != file) {
            term.last_file = file;
            ++term.files;
        }
        return;
    }
    if (terms_.size() == terms_max_) {
        full_ = true;
        return;
    }
    terms_.push_back({keep(text), 1, 1, file, hash});
    slots_[at] = static_cast<std::uint32_t>(terms_.size());
    if (terms_.size() * 2 > slots_.size()) grow();
}

std::string_view TermTable::keep(std::string_view text) {
    if (text.size() > block_left_) {
        block_left_ = std::max(block_bytes, text.size());
        blocks_.push_back(std::make_unique<char[]>(block_left_));
        block_at_ = blocks_.back().get();
    }
    std::memcpy(block_at_, text.data(), text.size());
    const std::string_view kept(block_at_, text.size());
    block_at_ += text.size();
    block_left_ -= text.size();
    return kept;
}

void TermTable::grow() {
    slots_.assign(slots_.size() * 2, 0);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
        std::size_t at = terms_[i].hash & mask;
        while (slots_[at] != 0) at = (at + 1) & mask;
        slots_[at] = static_cast<std::uint32_t>(i + 1);
    }
}

} // namespace text
