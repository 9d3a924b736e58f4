// SPDX-License-Identifier: Apache-2.0
#pragma once

// The compact binary codec that generated port code uses; docs/compact-binary.md is its description.

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>
#include <symphony/utf8.hpp>
#include <symphony/value.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// Bytes and values from this size on travel as attachments, by reference.
inline constexpr std::size_t wire_attach_bytes_min = 4096;
inline constexpr std::uint32_t wire_attached = 0x80000000u;

/// Writes one record with its attachments. Small records need no heap. What is attached is not
/// retained: the values written must outlive the use of buffers().
class WireWriter {
public:
    WireWriter() noexcept : data_(near_) {}
    WireWriter(const WireWriter&) = delete;
    WireWriter& operator=(const WireWriter&) = delete;
    ~WireWriter() = default;

    template <class T>
        requires std::integral<T> || std::floating_point<T>
    [[gnu::always_inline]] void scalar(T value) {
        reserve(sizeof value);
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(data_ + size_, &value, sizeof value);
        } else {
            std::array<std::uint8_t, sizeof value> raw;
            std::memcpy(raw.data(), &value, sizeof value);
            for (std::size_t i = 0; i < sizeof value; ++i) data_[size_ + i] = raw[sizeof value - 1 - i];
        }
        size_ += sizeof value;
    }
    void count(std::size_t n) {
        if (n >= wire_attached) throw std::length_error("compact binary: more than 2^31 items or bytes");
        scalar(static_cast<std::uint32_t>(n));
    }
    /// What is not UTF-8 becomes U+FFFD.
    void string(std::string_view text) {
        if (!is_valid_utf8(text)) return string(to_valid_utf8(text));
        count(text.size());
        raw(text.data(), text.size());
    }
    void payload(const Buffer& bytes) {
        if (bytes.size() >= wire_attach_bytes_min) attach(bytes.to_c());
        else inline_payload(bytes.bytes());
    }
    void payload(const Value& value) {
        const Bytes bytes = value.bytes();
        if (bytes.size() < wire_attach_bytes_min) [[likely]] inline_payload(bytes);
        else attach_value(value, bytes);
    }


    [[gnu::always_inline]] std::size_t begin_record() {
        scalar(std::uint32_t{0});
        return size_;
    }
    [[gnu::always_inline]] void end_record(std::size_t start) {
        const std::size_t size = size_ - start;
        if (size >= wire_attached) [[unlikely]] throw std::length_error("compact binary: a record of more than 2 GiB");
        const auto n = static_cast<std::uint32_t>(size);
        const std::uint8_t raw_size[4] = {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8),
                                          static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 24)};
        std::memcpy(data_ + start - 4, raw_size, 4);
    }

    Bytes bytes() const noexcept { return {data_, size_}; }
    /// The record and its attachments, borrowed; [0] is the record.
    const symphony_buf* buffers() noexcept {
        symphony_buf& record = buffer_at(0);
        record = symphony_buf{};
        record.struct_size = sizeof record;
        record.data = data_;
        record.size = size_;
        return far_buffers_.empty() ? near_buffers_ : far_buffers_.data();
    }
    std::uint32_t buffer_count() const noexcept { return 1 + attached_; }

private:
    void attach_value(const Value& value, Bytes bytes) {
        symphony_buf buf{};
        if (value.owned()) {
            buf = value.shared().to_c();
        } else {
            buf.struct_size = sizeof buf;
            buf.data = bytes.data();
            buf.size = bytes.size();
        }
        attach(buf);
    }
    [[gnu::always_inline]] void inline_payload(Bytes bytes) {
        scalar(static_cast<std::uint32_t>(bytes.size()));
        raw(bytes.data(), bytes.size());
    }
    void attach(const symphony_buf& buf) {
        scalar(wire_attached | attached_);
        const std::size_t slot = std::size_t{attached_} + 1;
        if (slot >= near_buffer_count) {
            if (far_buffers_.empty()) far_buffers_.assign(near_buffers_, near_buffers_ + near_buffer_count);
            if (slot >= far_buffers_.size()) far_buffers_.resize(slot + 1);
        }
        ++attached_;
        buffer_at(slot) = buf;
    }
    symphony_buf& buffer_at(std::size_t slot) noexcept {
        return far_buffers_.empty() ? near_buffers_[slot] : far_buffers_[slot];
    }
    [[gnu::always_inline]] void raw(const void* from, std::size_t n) {
        if (n == 0) return;
        reserve(n);
        std::memcpy(data_ + size_, from, n);
        size_ += n;
    }
    [[gnu::always_inline]] void reserve(std::size_t more) {
        if (capacity_ - size_ < more) [[unlikely]] grow(more);
    }
    [[gnu::noinline]] void grow(std::size_t more) {
        const std::size_t wanted = std::max(size_ + more, capacity_ * 2);
        Buffer bigger = Buffer::make(wanted);
        std::memcpy(bigger.writable().data(), data_, size_);
        far_ = std::move(bigger);
        data_ = far_.writable().data();
        capacity_ = wanted;
    }

    std::uint8_t* data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = near_bytes;
    std::uint32_t attached_ = 0;
    static constexpr std::size_t near_bytes = 512;
    static constexpr std::size_t near_buffer_count = 4;
    std::uint8_t near_[near_bytes];                // not cleared: only [0, size_) is read
    symphony_buf near_buffers_[near_buffer_count]; // not cleared: only [0, attached_] is read
    Buffer far_;
    std::vector<symphony_buf> far_buffers_;
};

/// Whether decoded bytes and values may point into the buffers read (a callee's arguments, valid until
/// its method returns) or must live on their own (a caller's results).
enum class WireKeep : std::uint8_t { borrow, own };

/// Reads one record from bytes that may be hostile: each length is checked before it is used. The
/// first fault sticks, everything after it reads as zero; status() names it.
class WireReader {
public:
    WireReader(const symphony_buf* buffers, std::uint32_t count, WireKeep keep) noexcept : keep_(keep) {
        if (buffers == nullptr || count == 0) {
            fail("no record");
            return;
        }
        const Bytes record = Buffer::bytes_of(buffers[0]);
        start_ = p_ = record.data();
        end_ = p_ + record.size();
        attachments_ = buffers + 1;
        attachment_count_ = count - 1;
    }
    WireReader(Bytes record, WireKeep keep) noexcept
        : start_(record.data()), p_(record.data()), end_(record.data() + record.size()), keep_(keep) {}

    bool ok() const noexcept { return fault_ == nullptr; }
    Status status() const {
        if (ok()) return {};
        return Error(Code::data_corrupt, "bad-record", std::string("record: ") + fault_ + " at byte " + std::to_string(fault_at_));
    }
    void fail(const char* what) noexcept {
        if (fault_ != nullptr) return;
        fault_ = what;
        fault_at_ = static_cast<std::size_t>(p_ - start_);
        p_ = end_;
    }

    /// Everything read until leave() belongs to this record; `more()` tells whether it has another field.
    [[gnu::always_inline]] const std::uint8_t* enter() noexcept {
        const std::uint8_t* outer = end_;
        const auto size = scalar<std::uint32_t>();
        if (size > left()) fail("record longer than its bytes");
        else end_ = p_ + size;
        return outer;
    }
    /// Skips fields that a newer writer appended.
    void leave(const std::uint8_t* outer) noexcept {
        p_ = ok() ? end_ : outer;
        end_ = outer;
    }
    bool more() const noexcept { return p_ != end_; }
    /// Nothing may follow the outermost record.
    void finish() noexcept {
        if (p_ != end_) fail("bytes after the record");
    }

    template <class T>
        requires std::integral<T> || std::floating_point<T>
    [[gnu::always_inline]] T scalar() noexcept {
        T value{};
        if (left() < sizeof value) [[unlikely]] {
            fail("cut off");
            return value;
        }
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(&value, p_, sizeof value);
        } else {
            std::array<std::uint8_t, sizeof value> raw;
            for (std::size_t i = 0; i < sizeof value; ++i) raw[i] = p_[sizeof value - 1 - i];
            std::memcpy(&value, raw.data(), sizeof value);
        }
        p_ += sizeof value;
        return value;
    }
    bool boolean() noexcept {
        const auto byte = scalar<std::uint8_t>();
        if (byte > 1) fail("boolean that is neither 0 nor 1");
        return byte == 1;
    }
    std::string_view string() noexcept {
        const auto size = scalar<std::uint32_t>();
        if (size > left()) {
            fail("string longer than its record");
            return {};
        }
        const std::string_view text = text_of({p_, size});
        if (!is_valid_utf8(text)) {
            fail("string that is not UTF-8");
            return {};
        }
        p_ += size;
        return text;
    }
    Buffer bytes() {
        const Payload found = payload();
        if (found.attachment != nullptr) return Buffer::keep(*found.attachment);
        return found.inline_bytes.empty() ? Buffer() : Buffer::copy(found.inline_bytes);
    }
    Value value() {
        const Payload found = payload();
        if (found.attachment != nullptr) {
            if (Buffer::counted(*found.attachment)) return Value::unchecked(Buffer::keep(*found.attachment));
            const bool stable = (found.attachment->flags & SYMPHONY_BUF_SHARED_UNTRUSTED) == 0;
            const Bytes raw = Buffer::bytes_of(*found.attachment);
            return keep_ == WireKeep::borrow && stable ? Value::borrowed(raw) : Value::unchecked(Buffer::copy(raw));
        }
        if (found.inline_bytes.empty()) return {};
        return keep_ == WireKeep::borrow ? Value::borrowed(found.inline_bytes)
                                         : Value::unchecked(Buffer::copy(found.inline_bytes));
    }
    /// A count whose items, at `item_bytes_min` each, still fit.
    std::uint32_t count(std::size_t item_bytes_min) noexcept {
        const auto n = scalar<std::uint32_t>();
        if (n <= left() / item_bytes_min) return n;
        fail("more items than bytes");
        return 0;
    }

private:
    struct Payload {
        const symphony_buf* attachment = nullptr;
        Bytes inline_bytes;
    };
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - p_); }
    Payload payload() noexcept {
        const auto tag = scalar<std::uint32_t>();
        if ((tag & wire_attached) != 0) {
            const std::uint32_t index = tag & ~wire_attached;
            if (index < attachment_count_) return {&attachments_[index], {}};
            fail("attachment that is not there");
            return {};
        }
        if (tag > left()) {
            fail("payload longer than its record");
            return {};
        }
        const Bytes bytes(p_, tag);
        p_ += tag;
        return {nullptr, bytes};
    }

    const std::uint8_t* start_ = nullptr;
    const std::uint8_t* p_ = nullptr;
    const std::uint8_t* end_ = nullptr;
    const symphony_buf* attachments_ = nullptr;
    std::uint32_t attachment_count_ = 0;
    WireKeep keep_;
    const char* fault_ = nullptr;
    std::size_t fault_at_ = 0;
};

/// How a type is written and read. portgen adds a specialisation per record.
template <class T>
struct Wire;

template <class T>
    requires((std::integral<T> && !std::same_as<T, bool>) || std::floating_point<T>)
struct Wire<T> {
    static constexpr std::size_t bytes_min = sizeof(T);
    static void write(WireWriter& to, T value) { to.scalar(value); }
    static void read(WireReader& from, T& value) { value = from.scalar<T>(); }
};
template <>
struct Wire<bool> {
    static constexpr std::size_t bytes_min = 1;
    static void write(WireWriter& to, bool value) { to.scalar(static_cast<std::uint8_t>(value ? 1 : 0)); }
    static void read(WireReader& from, bool& value) { value = from.boolean(); }
};
template <>
struct Wire<std::string> {
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, std::string_view value) { to.string(value); }
    static void read(WireReader& from, std::string& value) {
        if (const std::string_view text = from.string(); !text.empty()) value = text;
        else value.clear();
    }
};
template <>
struct Wire<std::string_view> { // borrows: for arguments only
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, std::string_view value) { to.string(value); }
    static void read(WireReader& from, std::string_view& value) { value = from.string(); }
};
template <>
struct Wire<Buffer> {
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, const Buffer& value) { to.payload(value); }
    static void read(WireReader& from, Buffer& value) { value = from.bytes(); }
};
template <>
struct Wire<Value> {
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, const Value& value) { to.payload(value); }
    static void read(WireReader& from, Value& value) { value = from.value(); }
};
template <class T>
struct Wire<std::vector<T>> {
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, const std::vector<T>& value) {
        to.count(value.size());
        for (const auto& item : value) Wire<T>::write(to, item);
    }
    static void read(WireReader& from, std::vector<T>& value) {
        const std::uint32_t n = from.count(Wire<T>::bytes_min);
        value.clear();
        value.reserve(std::min<std::uint32_t>(n, 1024)); // more only as items prove to be there
        for (std::uint32_t i = 0; i < n && from.ok(); ++i) {
            T item{};
            Wire<T>::read(from, item);
            value.push_back(std::move(item));
        }
    }
};
template <class T>
struct Wire<std::map<std::string, T>> {
    static constexpr std::size_t bytes_min = 4;
    static void write(WireWriter& to, const std::map<std::string, T>& value) {
        to.count(value.size());
        for (const auto& [key, item] : value) {
            to.string(key);
            Wire<T>::write(to, item);
        }
    }
    static void read(WireReader& from, std::map<std::string, T>& value) {
        const std::uint32_t n = from.count(4 + Wire<T>::bytes_min);
        value.clear();
        for (std::uint32_t i = 0; i < n && from.ok(); ++i) {
            std::string key(from.string());
            T item{};
            Wire<T>::read(from, item);
            if (!value.empty() && !(value.rbegin()->first < key)) return from.fail("map keys out of order");
            value.emplace_hint(value.end(), std::move(key), std::move(item));
        }
    }
};
template <class T>
struct Wire<std::optional<T>> {
    static constexpr std::size_t bytes_min = 1;
    static void write(WireWriter& to, const std::optional<T>& value) {
        Wire<bool>::write(to, value.has_value());
        if (value) Wire<T>::write(to, *value);
    }
    static void read(WireReader& from, std::optional<T>& value) {
        value.reset();
        if (from.boolean()) Wire<T>::read(from, value.emplace());
    }
};

namespace detail {

/// A record from fields in order; the shape of arguments, results and parts.
template <class... Fields>
void write_fields(WireWriter& to, const Fields&... fields) {
    const std::size_t start = to.begin_record();
    (Wire<Fields>::write(to, fields), ...);
    to.end_record(start);
}
template <class... Fields>
void read_fields(WireReader& from, Fields&... fields) {
    const std::uint8_t* outer = from.enter();
    ((from.more() ? Wire<Fields>::read(from, fields) : void()), ...);
    from.leave(outer);
}

} // namespace detail

/// The bytes of one record with everything inline or attached, as a test or a file would keep them.
template <class Record>
Result<Record> decode_record(Bytes bytes) {
    WireReader reader(bytes, WireKeep::own);
    Record record{};
    Wire<Record>::read(reader, record);
    reader.finish();
    if (auto status = reader.status(); !status) return std::move(status).error();
    return record;
}

} // namespace symphony
