// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace text {

struct Term {
    std::string_view text; // lives as long as the table
    std::uint64_t count = 0;
    std::uint64_t files = 0;
    std::uint64_t last_file = ~std::uint64_t{0};
    std::uint64_t hash = 0;
};

/// Terms and how often each came. Open addressing with linear probing; the hash is seeded, so that no
/// text can be written to make it slow.
class TermTable {
public:
    /// @param terms_max  Further new terms are dropped, and full() becomes true.
    explicit TermTable(std::size_t terms_max);

    void add(std::string_view text, std::uint64_t file);
    bool full() const noexcept { return full_; }
    const std::vector<Term>& terms() const noexcept { return terms_; }

private:
    std::string_view keep(std::string_view text);
    void grow();

    std::size_t terms_max_;
    std::uint64_t seed_;
    bool full_ = false;
    std::vector<Term> terms_;
    std::vector<std::uint32_t> slots_; // index into terms_ plus one; 0 = empty
    std::deque<std::unique_ptr<char[]>> blocks_;
    std::size_t block_left_ = 0;
    char* block_at_ = nullptr;
};

} // namespace text
