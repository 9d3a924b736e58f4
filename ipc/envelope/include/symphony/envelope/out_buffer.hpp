// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace symphony::ipc {

/// Where writers put their bytes: grows without clearing memory, keeps its memory from one message to the next, and gives its bytes
/// away without a copy. Used by one thread at a time.
class OutBuffer {
public:
    std::size_t size() const noexcept { return size_; }
    Bytes bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept { return text_of(bytes()); }
    void clear() noexcept { size_ = 0; }
    void cut(std::size_t size) noexcept { size_ = std::min(size_, size); }

    /// Room for `more` bytes; written there, they are taken up by commit(). @throws std::bad_alloc
    [[gnu::always_inline]] std::uint8_t* reserve(std::size_t more) {
        if (capacity_ - size_ < more) [[unlikely]] grow(more);
        return data_ + size_;
    }
    void commit(const std::uint8_t* end) noexcept { size_ = static_cast<std::size_t>(end - data_); }

    void byte(std::uint8_t value) {
        *reserve(1) = value;
        ++size_;
    }
    void append(const void* from, std::size_t count) {
        if (count == 0) return;
        std::memcpy(reserve(count), from, count);
        size_ += count;
    }
    void append(Bytes bytes) { append(bytes.data(), bytes.size()); }
    void append(std::string_view text) { append(text.data(), text.size()); }
    std::uint8_t* at(std::size_t place) noexcept { return data_ + place; }

    /// The bytes as a counted buffer. This object starts anew.
    Buffer take() {
        Buffer taken = size_ == 0 ? Buffer() : memory_.slice(0, size_);
        memory_ = Buffer();
        data_ = nullptr;
        size_ = capacity_ = 0;
        return taken;
    }

private:
    [[gnu::noinline]] void grow(std::size_t more) {
        Buffer bigger = Buffer::make(std::max<std::size_t>({size_ + more, capacity_ * 2, 512}));
        if (size_ > 0) std::memcpy(bigger.writable().data(), data_, size_);
        memory_ = std::move(bigger);
        data_ = memory_.writable().data();
        capacity_ = memory_.size();
    }

    Buffer memory_;
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace symphony::ipc
