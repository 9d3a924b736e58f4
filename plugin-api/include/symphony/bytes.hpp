// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/base.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony {

/// Bytes that somebody else owns.
using Bytes = std::span<const std::uint8_t>;

inline Bytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline symphony_str to_c(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view from_c(symphony_str text) noexcept {
    return text.ptr == nullptr ? std::string_view() : std::string_view(text.ptr, static_cast<std::size_t>(text.len));
}

/// A member of a grown struct exists when the writer's `struct_size` covers it. The one place where
/// ABI structs of another age are read; works forward and backward.
template <class Struct, class Member>
bool present(const Struct* from, Member Struct::*member) noexcept {
    const auto* start = reinterpret_cast<const char*>(from);
    const auto* field = reinterpret_cast<const char*>(&(from->*member));
    return static_cast<std::size_t>(field - start) + sizeof(Member) <= from->struct_size;
}

/// A function member that exists and is set.
template <class Struct, class Function>
bool callable(const Struct* from, Function Struct::*member) noexcept {
    return from != nullptr && present(from, member) && from->*member != nullptr;
}

/// Immutable shared bytes: a counted symphony_buf. Copies and slices share; the last one frees.
/// Const methods may be called concurrently; the count is atomic.
class Buffer {
public:
    Buffer() noexcept = default;

    /// `size` bytes to be filled through writable() before the buffer is shared. Aligned to 16.
    /// @throws std::bad_alloc
    static Buffer make(std::size_t size) {
        if (size > static_cast<std::size_t>(-1) / 2) throw std::bad_alloc();
        void* memory = ::operator new(sizeof(Block) + size);
        auto* block = ::new (memory) Block;
        Buffer buffer;
        buffer.data_ = reinterpret_cast<std::uint8_t*>(block + 1);
        buffer.size_ = size;
        buffer.owner_ = block;
        buffer.ops_ = &Block::ops;
        return buffer;
    }

    static Buffer copy(Bytes bytes) {
        Buffer buffer = make(bytes.size());
        if (!bytes.empty()) std::memcpy(const_cast<std::uint8_t*>(buffer.data_), bytes.data(), bytes.size());
        return buffer;
    }
    static Buffer copy(std::string_view text) { return copy(bytes_of(text)); }

    /// Takes the container over; its bytes are not copied.
    static Buffer from(std::vector<std::uint8_t>&& bytes) { return hold(std::move(bytes)); }
    static Buffer from(std::string&& text) { return hold(std::move(text)); }

    /// A buffer that may outlive the call it came with: counted ones are retained, all others copied.
    static Buffer keep(const symphony_buf& from) {
        if (!counted(from)) return copy(bytes_of(from));
        from.ops->retain(from.owner);
        return adopt(from);
    }

    /// Takes over the one reference that `from` carries. Not counted: copied.
    static Buffer adopt(const symphony_buf& from) {
        if (!counted(from)) return copy(bytes_of(from));
        Buffer buffer;
        buffer.data_ = from.data;
        buffer.size_ = static_cast<std::size_t>(from.size);
        buffer.owner_ = from.owner;
        buffer.ops_ = from.ops;
        return buffer;
    }

    Buffer(const Buffer& other) noexcept
        : data_(other.data_), size_(other.size_), owner_(other.owner_), ops_(other.ops_) {
        if (ops_ != nullptr) ops_->retain(owner_);
    }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          owner_(std::exchange(other.owner_, nullptr)), ops_(std::exchange(other.ops_, nullptr)) {}
    Buffer& operator=(Buffer other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() {
        if (ops_ != nullptr) ops_->release(owner_);
    }

    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(owner_, other.owner_);
        std::swap(ops_, other.ops_);
    }

    const std::uint8_t* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    Bytes bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept { return text_of(bytes()); }
    operator Bytes() const noexcept { return bytes(); } // NOLINT: a Buffer is bytes

    /// The bytes of a buffer from make(), to be filled before the first copy or slice.
    std::span<std::uint8_t> writable() noexcept { return {const_cast<std::uint8_t*>(data_), size_}; }

    /// A part that shares the memory; cut at the end.
    Buffer slice(std::size_t offset, std::size_t size) const noexcept {
        Buffer part(*this);
        offset = offset < size_ ? offset : size_;
        part.data_ = data_ == nullptr ? nullptr : data_ + offset;
        part.size_ = size < size_ - offset ? size : size_ - offset;
        return part;
    }

    /// The C view of this buffer; its reference stays here, so the receiver retains to keep.
    symphony_buf to_c() const noexcept {
        symphony_buf out{};
        out.struct_size = sizeof out;
        out.flags = ops_ != nullptr ? SYMPHONY_BUF_COUNTED : SYMPHONY_BUF_BORROWED;
        out.data = data_;
        out.size = size_;
        out.owner = owner_;
        out.ops = ops_;
        return out;
    }

    /// Gives the reference away with the C struct. The buffer is empty afterwards.
    symphony_buf release() noexcept {
        const symphony_buf out = to_c();
        data_ = nullptr;
        size_ = 0;
        owner_ = nullptr;
        ops_ = nullptr;
        return out;
    }

    /// True when `from` can be kept by retaining it. Memory that another process may change never is.
    static bool counted(const symphony_buf& from) noexcept {
        return from.struct_size >= sizeof(symphony_buf) && (from.flags & SYMPHONY_BUF_COUNTED) != 0 &&
               (from.flags & SYMPHONY_BUF_SHARED_UNTRUSTED) == 0 && from.ops != nullptr &&
               from.ops->retain != nullptr && from.ops->release != nullptr;
    }
    static Bytes bytes_of(const symphony_buf& from) noexcept {
        return from.data == nullptr ? Bytes() : Bytes(from.data, static_cast<std::size_t>(from.size));
    }
    static Bytes bytes_of(std::string_view text) noexcept { return symphony::bytes_of(text); }

    friend bool operator==(const Buffer& a, const Buffer& b) noexcept { return a.text() == b.text(); }

private:
    struct alignas(16) Block {
        std::atomic<std::uint64_t> references{1};
        static void retain(void* owner) noexcept {
            static_cast<Block*>(owner)->references.fetch_add(1, std::memory_order_relaxed);
        }
        static void release(void* owner) noexcept {
            auto* block = static_cast<Block*>(owner);
            if (block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
            block->~Block();
            ::operator delete(block);
        }
        static constexpr symphony_buf_ops ops{sizeof(symphony_buf_ops), 0, &retain, &release};
    };

    template <class Container>
    struct Holder {
        Container content;
        std::atomic<std::uint64_t> references{1};
        static void retain(void* owner) noexcept {
            static_cast<Holder*>(owner)->references.fetch_add(1, std::memory_order_relaxed);
        }
        static void release(void* owner) noexcept {
            auto* holder = static_cast<Holder*>(owner);
            if (holder->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete holder;
        }
        static constexpr symphony_buf_ops ops{sizeof(symphony_buf_ops), 0, &retain, &release};
    };

    template <class Container>
    static Buffer hold(Container&& content) {
        using Held = Holder<std::remove_cvref_t<Container>>;
        auto* holder = new Held{std::move(content), {1}};
        Buffer buffer;
        buffer.data_ = reinterpret_cast<const std::uint8_t*>(holder->content.data());
        buffer.size_ = holder->content.size();
        buffer.owner_ = holder;
        buffer.ops_ = &Held::ops;
        return buffer;
    }

    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
    void* owner_ = nullptr;
    const symphony_buf_ops* ops_ = nullptr;
};

} // namespace symphony
