// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony {

/// What a dynamic value can be. Values are MessagePack without extension types; map keys are text and unique.
enum class Kind : std::uint8_t { null, boolean, integer, number, text, bytes, list, map, invalid };

constexpr std::string_view name_of(Kind kind) noexcept {
    constexpr std::array<std::string_view, 9> names{"null", "boolean", "integer", "number", "text",
                                                    "bytes", "list", "map", "invalid"};
    return names[static_cast<std::size_t>(kind)];
}

/// Containers in containers; deeper data is refused by checked() and by the builder.
inline constexpr std::size_t value_depth_max = 128;

namespace msgpack {

template <class T>
T read_be(const std::uint8_t* from) noexcept {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((std::uint64_t{value} << 8) | from[i]);
    return value;
}

/// One decoded item header. `body` is where content (text, bytes) or the first child starts.
struct Head {
    Kind kind = Kind::invalid;
    bool negative = false;          // integer: `bits` is a two's complement int64 below zero
    std::uint64_t bits = 0;         // integer, boolean, number (as bits of a double)
    std::uint32_t count = 0;        // length of text and bytes, children of a list, pairs of a map
    const std::uint8_t* body = nullptr;
};

/// Never reads at or beyond `end`; anything cut off, unknown or impossible is Kind::invalid.
inline Head read_head(const std::uint8_t* p, const std::uint8_t* end) noexcept {
    Head head;
    if (p == nullptr || p >= end) return head;
    const std::uint8_t tag = *p++;
    const auto left = static_cast<std::size_t>(end - p);
    const auto sized = [&](Kind kind, std::size_t width) noexcept {
        if (left < width) return;
        const std::uint64_t n = width == 1 ? p[0] : width == 2 ? read_be<std::uint16_t>(p) : read_be<std::uint32_t>(p);
        const std::uint64_t bytes_least = kind == Kind::map ? n * 2 : n;
        if (bytes_least > left - width) return;
        head.kind = kind;
        head.count = static_cast<std::uint32_t>(n);
        head.body = p + width;
    };
    const auto fixed = [&](Kind kind, std::uint32_t n) noexcept {
        if ((kind == Kind::map ? n * 2 : n) > left) return;
        head.kind = kind;
        head.count = n;
        head.body = p;
    };
    const auto scalar = [&](Kind kind, std::uint64_t bits, std::size_t width, bool negative = false) noexcept {
        head.kind = kind;
        head.bits = bits;
        head.negative = negative;
        head.body = p + width;
    };
    const auto signed_scalar = [&](std::int64_t value, std::size_t width) noexcept {
        scalar(Kind::integer, static_cast<std::uint64_t>(value), width, value < 0);
    };
    if (tag < 0x80) {
        scalar(Kind::integer, tag, 0);
    } else if (tag < 0x90) {
        fixed(Kind::map, tag & 0x0Fu);
    } else if (tag < 0xA0) {
        fixed(Kind::list, tag & 0x0Fu);
    } else if (tag < 0xC0) {
        fixed(Kind::text, tag & 0x1Fu);
    } else if (tag >= 0xE0) {
        signed_scalar(static_cast<std::int8_t>(tag), 0);
    } else {
        switch (tag) {
        case 0xC0: scalar(Kind::null, 0, 0); break;
        case 0xC2: scalar(Kind::boolean, 0, 0); break;
        case 0xC3: scalar(Kind::boolean, 1, 0); break;
        case 0xC4: sized(Kind::bytes, 1); break;
        case 0xC5: sized(Kind::bytes, 2); break;
        case 0xC6: sized(Kind::bytes, 4); break;
        case 0xCA:
            if (left >= 4) {
                const double wide = std::bit_cast<float>(read_be<std::uint32_t>(p));
                scalar(Kind::number, std::bit_cast<std::uint64_t>(wide), 4);
            }
            break;
        case 0xCB: if (left >= 8) scalar(Kind::number, read_be<std::uint64_t>(p), 8); break;
        case 0xCC: if (left >= 1) scalar(Kind::integer, p[0], 1); break;
        case 0xCD: if (left >= 2) scalar(Kind::integer, read_be<std::uint16_t>(p), 2); break;
        case 0xCE: if (left >= 4) scalar(Kind::integer, read_be<std::uint32_t>(p), 4); break;
        case 0xCF: if (left >= 8) scalar(Kind::integer, read_be<std::uint64_t>(p), 8); break;
        case 0xD0: if (left >= 1) signed_scalar(static_cast<std::int8_t>(p[0]), 1); break;
        case 0xD1: if (left >= 2) signed_scalar(static_cast<std::int16_t>(read_be<std::uint16_t>(p)), 2); break;
        case 0xD2: if (left >= 4) signed_scalar(static_cast<std::int32_t>(read_be<std::uint32_t>(p)), 4); break;
        case 0xD3: if (left >= 8) signed_scalar(static_cast<std::int64_t>(read_be<std::uint64_t>(p)), 8); break;
        case 0xD9: sized(Kind::text, 1); break;
        case 0xDA: sized(Kind::text, 2); break;
        case 0xDB: sized(Kind::text, 4); break;
        case 0xDC: sized(Kind::list, 2); break;
        case 0xDD: sized(Kind::list, 4); break;
        case 0xDE: sized(Kind::map, 2); break;
        case 0xDF: sized(Kind::map, 4); break;
        default: break; // 0xC1 is never used; extension types are not ours
        }
    }
    return head;
}

/// The first byte after the item at `p`, or nullptr when it is malformed. No recursion; each step
/// consumes a byte, so garbage ends too.
inline const std::uint8_t* skip(const std::uint8_t* p, const std::uint8_t* end) noexcept {
    std::uint64_t pending = 1;
    while (pending > 0) {
        if (p == nullptr || p >= end || pending > static_cast<std::uint64_t>(end - p)) return nullptr;
        const Head head = read_head(p, end);
        --pending;
        switch (head.kind) {
        case Kind::invalid: return nullptr;
        case Kind::text:
        case Kind::bytes: p = head.body + head.count; break;
        case Kind::list: p = head.body; pending += head.count; break;
        case Kind::map: p = head.body; pending += std::uint64_t{head.count} * 2; break;
        default: p = head.body; break;
        }
    }
    return p;
}

} // namespace msgpack

/// A look at one value inside bytes that somebody else keeps alive. Copying is free. Nothing here
/// fails or reads outside: a wrong kind gives the `otherwise` argument, a missing member the null view.
class ValueView {
public:
    constexpr ValueView() noexcept = default;
    explicit ValueView(Bytes bytes) noexcept : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    /// False for what operator[] and at() answer when there is nothing; such a view is also null.
    bool exists() const noexcept { return p_ != nullptr; }
    Kind kind() const noexcept { return p_ == nullptr ? Kind::null : head().kind; }

    bool is_null() const noexcept { return kind() == Kind::null; }
    bool is_bool() const noexcept { return kind() == Kind::boolean; }
    bool is_integer() const noexcept { return kind() == Kind::integer; }
    /// A floating point number or an integer.
    bool is_number() const noexcept { const Kind k = kind(); return k == Kind::number || k == Kind::integer; }
    bool is_text() const noexcept { return kind() == Kind::text; }
    bool is_bytes() const noexcept { return kind() == Kind::bytes; }
    bool is_list() const noexcept { return kind() == Kind::list; }
    bool is_map() const noexcept { return kind() == Kind::map; }

    bool as_bool(bool otherwise = false) const noexcept {
        const auto h = head();
        return h.kind == Kind::boolean ? h.bits != 0 : otherwise;
    }
    /// Also `otherwise` when the integer does not fit: the value is exact or not given.
    std::int64_t as_int(std::int64_t otherwise = 0) const noexcept { return to_int().value_or(otherwise); }
    std::uint64_t as_uint(std::uint64_t otherwise = 0) const noexcept { return to_uint().value_or(otherwise); }
    std::optional<std::int64_t> to_int() const noexcept {
        const auto h = head();
        if (h.kind != Kind::integer) return std::nullopt;
        if (!h.negative && h.bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
        return static_cast<std::int64_t>(h.bits);
    }
    std::optional<std::uint64_t> to_uint() const noexcept {
        const auto h = head();
        if (h.kind != Kind::integer || h.negative) return std::nullopt;
        return h.bits;
    }
    /// Numbers, and integers as the nearest double.
    double as_double(double otherwise = 0.0) const noexcept {
        const auto h = head();
        if (h.kind == Kind::number) return std::bit_cast<double>(h.bits);
        if (h.kind != Kind::integer) return otherwise;
        return h.negative ? static_cast<double>(static_cast<std::int64_t>(h.bits)) : static_cast<double>(h.bits);
    }
    std::string_view as_text(std::string_view otherwise = {}) const noexcept {
        const auto h = head();
        return h.kind == Kind::text ? text_of({h.body, h.count}) : otherwise;
    }
    Bytes as_bytes(Bytes otherwise = {}) const noexcept {
        const auto h = head();
        return h.kind == Kind::bytes ? Bytes(h.body, h.count) : otherwise;
    }

    /// Items of a list, pairs of a map, bytes of text and bytes; 0 for everything else.
    std::size_t size() const noexcept {
        return p_ == nullptr ? 0 : head().count;
    }
    bool empty() const noexcept { return size() == 0; }

    /// The item of a list. Walks from the front: iterate with items() to see all.
    ValueView at(std::size_t index) const noexcept {
        const auto h = head();
        if (h.kind != Kind::list || index >= h.count) return {};
        const std::uint8_t* p = h.body;
        for (; index > 0 && p != nullptr; --index) p = msgpack::skip(p, end_);
        return p != nullptr && p < end_ ? ValueView(p, end_) : ValueView();
    }
    /// The member of a map, found by walking it.
    ValueView operator[](std::string_view key) const noexcept {
        const auto h = head();
        if (h.kind != Kind::map) return {};
        const std::uint8_t* p = h.body;
        for (std::uint32_t left = h.count; left > 0; --left) {
            const auto name = msgpack::read_head(p, end_);
            const bool found = name.kind == Kind::text && text_of({name.body, name.count}) == key;
            p = msgpack::skip(p, end_);
            if (p == nullptr) return {};
            if (found) return p < end_ ? ValueView(p, end_) : ValueView();
            p = msgpack::skip(p, end_);
            if (p == nullptr) return {};
        }
        return {};
    }
    bool contains(std::string_view key) const noexcept { return (*this)[key].exists(); }

    class Items;
    class Entries;
    /// `for (ValueView item : view.items())`; empty unless this is a list.
    Items items() const noexcept;
    /// `for (auto [key, value] : view.entries())`; empty unless this is a map. Entries whose key is not
    /// text (only possible in unchecked bytes) have an empty key.
    Entries entries() const noexcept;

    /// The value's own encoded bytes; empty when malformed or missing.
    Bytes bytes() const noexcept {
        const auto* after = p_ == nullptr ? nullptr : msgpack::skip(p_, end_);
        return after == nullptr ? Bytes() : Bytes(p_, after);
    }

private:
    ValueView(const std::uint8_t* p, const std::uint8_t* end) noexcept : p_(p), end_(end) {}
    msgpack::Head head() const noexcept { return msgpack::read_head(p_, end_); }

    const std::uint8_t* p_ = nullptr;
    const std::uint8_t* end_ = nullptr;
};

class ValueView::Items {
public:
    class Iterator {
    public:
        using value_type = ValueView;
        using difference_type = std::ptrdiff_t;
        Iterator() = default;
        Iterator(const std::uint8_t* p, const std::uint8_t* end, std::uint32_t left) noexcept : p_(p), end_(end), left_(left) { settle(); }
        ValueView operator*() const noexcept { return {p_, end_}; }
        Iterator& operator++() noexcept {
            p_ = msgpack::skip(p_, end_);
            --left_;
            settle();
            return *this;
        }
        Iterator operator++(int) noexcept { auto old = *this; ++*this; return old; }
        bool operator==(const Iterator& other) const noexcept { return left_ == other.left_; }

    private:
        void settle() noexcept { if (p_ == nullptr || p_ >= end_) left_ = 0; }
        const std::uint8_t* p_ = nullptr;
        const std::uint8_t* end_ = nullptr;
        std::uint32_t left_ = 0;
    };
    Items() = default;
    Items(const std::uint8_t* p, const std::uint8_t* end, std::uint32_t count) noexcept : first_(p, end, count) {}
    Iterator begin() const noexcept { return first_; }
    Iterator end() const noexcept { return {}; }

private:
    Iterator first_;
};

class ValueView::Entries {
public:
    class Iterator {
    public:
        using value_type = std::pair<std::string_view, ValueView>;
        using difference_type = std::ptrdiff_t;
        Iterator() = default;
        Iterator(const std::uint8_t* p, const std::uint8_t* end, std::uint32_t left) noexcept : p_(p), end_(end), left_(left) { settle(); }
        value_type operator*() const noexcept { return {key_, ValueView(value_, end_)}; }
        Iterator& operator++() noexcept {
            p_ = msgpack::skip(value_, end_);
            --left_;
            settle();
            return *this;
        }
        Iterator operator++(int) noexcept { auto old = *this; ++*this; return old; }
        bool operator==(const Iterator& other) const noexcept { return left_ == other.left_; }

    private:
        void settle() noexcept {
            if (left_ == 0) return;
            value_ = p_ == nullptr ? nullptr : msgpack::skip(p_, end_);
            if (value_ == nullptr || value_ >= end_) { left_ = 0; return; }
            key_ = ValueView(p_, end_).as_text();
        }
        const std::uint8_t* p_ = nullptr;
        const std::uint8_t* end_ = nullptr;
        const std::uint8_t* value_ = nullptr;
        std::string_view key_;
        std::uint32_t left_ = 0;
    };
    Entries() = default;
    Entries(const std::uint8_t* p, const std::uint8_t* end, std::uint32_t count) noexcept : first_(p, end, count) {}
    Iterator begin() const noexcept { return first_; }
    Iterator end() const noexcept { return {}; }

private:
    Iterator first_;
};

inline ValueView::Items ValueView::items() const noexcept {
    const auto h = head();
    return h.kind == Kind::list ? Items(h.body, end_, h.count) : Items();
}
inline ValueView::Entries ValueView::entries() const noexcept {
    const auto h = head();
    return h.kind == Kind::map ? Entries(h.body, end_, h.count) : Entries();
}

/// One dynamic value: its bytes, owned (a shared counted buffer) or borrowed (from a call's argument).
/// Copying an owned Value shares; copying a borrowed one makes an owned copy, so a kept Value is safe.
class Value {
public:
    /// The null value.
    Value() noexcept : bytes_(null_byte) {}
    Value(const Value& other) : buffer_(other.owned() ? other.buffer_ : Buffer::copy(other.bytes_)) {
        bytes_ = other.owned() ? other.bytes_ : buffer_.bytes();
    }
    Value(Value&& other) noexcept : buffer_(std::move(other.buffer_)), bytes_(std::exchange(other.bytes_, Bytes(null_byte))) {}
    Value& operator=(Value other) noexcept {
        buffer_.swap(other.buffer_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Value() = default;

    /// Full check of bytes from outside: every length, depth <= 128, UTF-8, text keys without
    /// duplicates, no extension types, nothing after the value. `data_corrupt` names the byte.
    static Status check(Bytes bytes);
    static Result<Value> checked(Buffer buffer) {
        if (auto status = check(buffer.bytes()); !status) return std::move(status).error();
        return unchecked(std::move(buffer));
    }
    /// Copies, because plain bytes have an owner elsewhere.
    static Result<Value> checked(Bytes bytes) {
        if (auto status = check(bytes); !status) return std::move(status).error();
        return unchecked(Buffer::copy(bytes));
    }
    /// For bytes from a builder or an already checked source. Accessors stay inside even if they lie.
    static Value unchecked(Buffer buffer) noexcept {
        Value value;
        if (buffer.empty()) return value;
        value.buffer_ = std::move(buffer);
        value.bytes_ = value.buffer_.bytes();
        return value;
    }
    /// Looks at bytes that outlive this object; see the class comment for copies.
    static Value borrowed(Bytes bytes) noexcept {
        Value value;
        if (!bytes.empty()) value.bytes_ = bytes;
        return value;
    }
    /// An owned copy of one part of another value.
    static Value copy(ValueView view) {
        const Bytes bytes = view.bytes();
        return bytes.empty() ? Value() : unchecked(Buffer::copy(bytes));
    }

    ValueView view() const noexcept { return ValueView(bytes_); }
    operator ValueView() const noexcept { return view(); } // NOLINT: a Value reads like its view
    Bytes bytes() const noexcept { return bytes_; }
    /// The counted buffer behind an owned value; a copy for a borrowed one.
    Buffer buffer() const { return buffer_.data() == bytes_.data() && buffer_.size() == bytes_.size() ? buffer_ : Buffer::copy(bytes_); }
    /// The counted buffer behind an owned value, without touching its count.
    const Buffer& shared() const noexcept { return buffer_; }
    bool owned() const noexcept { return buffer_.data() != nullptr || bytes_.data() == null_byte; }

    bool exists() const noexcept { return true; }
    Kind kind() const noexcept { return view().kind(); }
    bool is_null() const noexcept { return view().is_null(); }
    bool is_bool() const noexcept { return view().is_bool(); }
    bool is_integer() const noexcept { return view().is_integer(); }
    bool is_number() const noexcept { return view().is_number(); }
    bool is_text() const noexcept { return view().is_text(); }
    bool is_bytes() const noexcept { return view().is_bytes(); }
    bool is_list() const noexcept { return view().is_list(); }
    bool is_map() const noexcept { return view().is_map(); }
    bool as_bool(bool otherwise = false) const noexcept { return view().as_bool(otherwise); }
    std::int64_t as_int(std::int64_t otherwise = 0) const noexcept { return view().as_int(otherwise); }
    std::uint64_t as_uint(std::uint64_t otherwise = 0) const noexcept { return view().as_uint(otherwise); }
    std::optional<std::int64_t> to_int() const noexcept { return view().to_int(); }
    std::optional<std::uint64_t> to_uint() const noexcept { return view().to_uint(); }
    double as_double(double otherwise = 0.0) const noexcept { return view().as_double(otherwise); }
    std::string_view as_text(std::string_view otherwise = {}) const noexcept { return view().as_text(otherwise); }
    Bytes as_bytes(Bytes otherwise = {}) const noexcept { return view().as_bytes(otherwise); }
    std::size_t size() const noexcept { return view().size(); }
    bool empty() const noexcept { return view().empty(); }
    ValueView at(std::size_t index) const noexcept { return view().at(index); }
    ValueView operator[](std::string_view key) const noexcept { return view()[key]; }
    bool contains(std::string_view key) const noexcept { return view().contains(key); }
    ValueView::Items items() const noexcept { return view().items(); }
    ValueView::Entries entries() const noexcept { return view().entries(); }

private:
    static constexpr std::uint8_t null_byte[1] = {0xC0};
    Buffer buffer_;
    Bytes bytes_;
};

/// Writes one value from front to back: `ValueBuilder().map().key("n").integer(1).end().build()`.
/// Integers and lengths take their shortest form; keys keep the order given. Misuse (a value without
/// its key, an end too many) throws std::logic_error; from inside a plugin method that is `plugin_failed`.
class ValueBuilder {
public:
    ValueBuilder() = default;

    ValueBuilder& null() { return scalar(0xC0); }
    ValueBuilder& boolean(bool value) { return scalar(value ? 0xC3 : 0xC2); }
    ValueBuilder& integer(std::int64_t value) {
        if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
        begin_item();
        if (value >= -32) put(static_cast<std::uint8_t>(value));
        else if (value >= std::numeric_limits<std::int8_t>::min()) put_be(0xD0, static_cast<std::uint8_t>(value));
        else if (value >= std::numeric_limits<std::int16_t>::min()) put_be(0xD1, static_cast<std::uint16_t>(value));
        else if (value >= std::numeric_limits<std::int32_t>::min()) put_be(0xD2, static_cast<std::uint32_t>(value));
        else put_be(0xD3, static_cast<std::uint64_t>(value));
        return *this;
    }
    ValueBuilder& unsigned_integer(std::uint64_t value) {
        begin_item();
        if (value < 0x80) put(static_cast<std::uint8_t>(value));
        else if (value <= 0xFF) put_be(0xCC, static_cast<std::uint8_t>(value));
        else if (value <= 0xFFFF) put_be(0xCD, static_cast<std::uint16_t>(value));
        else if (value <= 0xFFFFFFFF) put_be(0xCE, static_cast<std::uint32_t>(value));
        else put_be(0xCF, value);
        return *this;
    }
    ValueBuilder& number(double value) {
        begin_item();
        put_be(0xCB, std::bit_cast<std::uint64_t>(value));
        return *this;
    }
    /// Bytes that are not UTF-8 become U+FFFD, so text is text wherever it arrives; raw data is bytes().
    ValueBuilder& text(std::string_view value) {
        begin_item();
        put_text(value);
        return *this;
    }
    ValueBuilder& bytes(Bytes value) {
        begin_item();
        const std::size_t n = length(value.size());
        if (n <= 0xFF) put_be(0xC4, static_cast<std::uint8_t>(n));
        else if (n <= 0xFFFF) put_be(0xC5, static_cast<std::uint16_t>(n));
        else put_be(0xC6, static_cast<std::uint32_t>(n));
        append(value.data(), n);
        return *this;
    }
    /// Puts a whole value in; a missing or malformed view is null.
    ValueBuilder& value(ValueView value) {
        begin_item();
        const Bytes bytes = value.bytes();
        if (bytes.empty()) put(0xC0);
        else append(bytes.data(), bytes.size());
        return *this;
    }
    ValueBuilder& key(std::string_view name) {
        if (open_.empty() || !open_.back().map || open_.back().key_given) misuse("a key belongs into a map, before its value");
        open_.back().key_given = true;
        put_text(name);
        return *this;
    }
    /// @param expected  Number of items, if known; only saves moving bytes at end().
    ValueBuilder& list(std::size_t expected = 0) { return open(false, expected); }
    ValueBuilder& map(std::size_t expected = 0) { return open(true, expected); }
    ValueBuilder& end() {
        if (open_.empty()) misuse("end() without list() or map()");
        const Open done = open_.back();
        if (done.key_given) misuse("a key without a value");
        open_.pop_back();
        write_count(done);
        return *this;
    }

    /// Shorthand for key(name) and a value.
    ValueBuilder& add(std::string_view name, std::string_view value) { return key(name).text(value); }
    ValueBuilder& add(std::string_view name, const char* value) { return key(name).text(value); }
    ValueBuilder& add(std::string_view name, bool value) { return key(name).boolean(value); }
    ValueBuilder& add(std::string_view name, double value) { return key(name).number(value); }
    template <std::signed_integral T>
    ValueBuilder& add(std::string_view name, T value) { return key(name).integer(value); }
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    ValueBuilder& add(std::string_view name, T value) { return key(name).unsigned_integer(value); }
    ValueBuilder& add(std::string_view name, ValueView value) { return key(name).value(value); }
    ValueBuilder& add(std::string_view name, const Value& value) { return key(name).value(value); }

    /// Bytes written so far.
    std::size_t size() const noexcept { return size_; }

    /// The finished value; the builder starts anew. Nothing written: null.
    Value build() {
        if (!open_.empty()) misuse("build() before the last end()");
        if (size_ == 0) return {};
        Buffer finished = buffer_.slice(0, size_);
        buffer_ = Buffer();
        size_ = 0;
        complete_ = false;
        return Value::unchecked(std::move(finished));
    }

private:
    struct Open {
        std::size_t at = 0;      // of the header
        std::size_t width = 0;   // header bytes reserved: 1, 3 or 5
        std::uint32_t count = 0;
        bool map = false;
        bool key_given = false;
    };

    [[noreturn]] static void misuse(const char* what) { throw std::logic_error(std::string("ValueBuilder: ") + what); }
    static std::size_t length(std::size_t size) {
        if (size > 0xFFFFFFFFu) throw std::length_error("ValueBuilder: more than 4 GiB in one item");
        return size;
    }

    void begin_item() {
        if (open_.empty()) {
            if (complete_) misuse("a second value after the first; open a list");
            complete_ = true;
            return;
        }
        Open& in = open_.back();
        if (in.map && !in.key_given) misuse("a value in a map without its key");
        in.key_given = false;
        if (in.count == 0xFFFFFFFFu) throw std::length_error("ValueBuilder: more than 2^32 items");
        ++in.count;
    }
    ValueBuilder& scalar(std::uint8_t tag) {
        begin_item();
        put(tag);
        return *this;
    }
    ValueBuilder& open(bool map, std::size_t expected) {
        if (open_.size() >= value_depth_max) throw std::length_error("ValueBuilder: deeper than 128");
        begin_item();
        const std::size_t width = expected <= 15 ? 1 : expected <= 0xFFFF ? 3 : 5;
        open_.push_back({size_, width, 0, map, false});
        reserve(width);
        size_ += width;
        return *this;
    }
    void write_count(const Open& done) {
        const std::size_t width = done.count <= 15 ? 1 : done.count <= 0xFFFF ? 3 : 5;
        if (width > done.width) reserve(width - done.width);
        std::uint8_t* at = buffer_.writable().data() + done.at;
        if (width != done.width) {
            std::memmove(at + width, at + done.width, size_ - done.at - done.width);
            size_ = size_ + width - done.width;
        }
        if (width == 1) {
            *at = static_cast<std::uint8_t>((done.map ? 0x80u : 0x90u) | done.count);
            return;
        }
        *at++ = static_cast<std::uint8_t>((done.map ? 0xDEu : 0xDCu) + (width == 5 ? 1u : 0u));
        for (std::size_t i = width - 1; i-- > 0;) *at++ = static_cast<std::uint8_t>(done.count >> (8 * i));
    }
    void put_text(std::string_view value) {
        if (is_valid_utf8(value)) put_valid_text(value);
        else put_valid_text(to_valid_utf8(value));
    }
    void put_valid_text(std::string_view value) {
        const std::size_t n = length(value.size());
        if (n < 32) put(static_cast<std::uint8_t>(0xA0u | n));
        else if (n <= 0xFF) put_be(0xD9, static_cast<std::uint8_t>(n));
        else if (n <= 0xFFFF) put_be(0xDA, static_cast<std::uint16_t>(n));
        else put_be(0xDB, static_cast<std::uint32_t>(n));
        append(value.data(), n);
    }
    void put(std::uint8_t byte) {
        reserve(1);
        buffer_.writable()[size_++] = byte;
    }
    template <class T>
    void put_be(std::uint8_t tag, T value) {
        reserve(1 + sizeof(T));
        std::uint8_t* to = buffer_.writable().data() + size_;
        *to++ = tag;
        for (std::size_t i = sizeof(T); i-- > 0;) *to++ = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
        size_ += 1 + sizeof(T);
    }
    void append(const void* from, std::size_t n) {
        if (n == 0) return;
        reserve(n);
        std::memcpy(buffer_.writable().data() + size_, from, n);
        size_ += n;
    }
    void reserve(std::size_t more) {
        if (buffer_.size() - size_ >= more) return;
        Buffer grown = Buffer::make(std::max<std::size_t>({size_ + more, buffer_.size() * 2, 240}));
        if (size_ > 0) std::memcpy(grown.writable().data(), buffer_.data(), size_);
        buffer_ = std::move(grown);
    }

    /// A vector whose first levels need no heap.
    class Stack {
    public:
        bool empty() const noexcept { return size_ == 0; }
        std::size_t size() const noexcept { return size_; }
        Open& back() noexcept { return size_ <= near_.size() ? near_[size_ - 1] : far_[size_ - near_.size() - 1]; }
        void push_back(Open open) {
            if (size_ < near_.size()) near_[size_] = open;
            else far_.push_back(open);
            ++size_;
        }
        void pop_back() noexcept {
            if (size_ > near_.size()) far_.pop_back();
            --size_;
        }

    private:
        std::array<Open, 6> near_{};
        std::vector<Open> far_;
        std::size_t size_ = 0;
    };

    Buffer buffer_;
    std::size_t size_ = 0;
    bool complete_ = false;
    Stack open_;
};

namespace detail {

inline Error corrupt_value(const char* what, std::size_t at) {
    return {Code::data_corrupt, "bad-value", "value: " + std::string(what) + " at byte " + std::to_string(at)};
}

/// True when a map's keys, read in order, hold a duplicate. Strictly ascending keys, the canonical
/// form, cost one comparison each.
inline bool has_duplicate(std::vector<std::string_view>& keys) {
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

} // namespace detail

inline Status Value::check(Bytes bytes) {
    struct Level { // without initialisers: clearing all levels costs more than checking a small value
        std::uint64_t left;              // items still to come
        const std::uint8_t* map_body;    // nullptr for a list
        std::uint32_t pairs;
        bool ascending;
        const std::uint8_t* last;        // the key before, and its size
        std::uint32_t last_size;
    };
    if (bytes.empty()) return detail::corrupt_value("no bytes", 0);
    std::array<Level, value_depth_max> levels;
    std::size_t depth = 0;
    const std::uint8_t* const start = bytes.data();
    const std::uint8_t* const end = start + bytes.size();
    const std::uint8_t* p = start;
    do {
        const auto at = static_cast<std::size_t>(p - start);
        const msgpack::Head head = msgpack::read_head(p, end);
        if (head.kind == Kind::invalid) return detail::corrupt_value("malformed item", at);
        bool key = false;
        if (depth > 0) {
            Level& in = levels[depth - 1];
            key = in.map_body != nullptr && in.left % 2 == 0;
            --in.left;
        }
        if (head.kind == Kind::text && !is_valid_utf8(text_of({head.body, head.count}))) {
            return detail::corrupt_value("text that is not UTF-8", at);
        }
        if (key) {
            if (head.kind != Kind::text) return detail::corrupt_value("map key that is not text", at);
            Level& in = levels[depth - 1];
            const std::string_view name = text_of({head.body, head.count});
            in.ascending = in.ascending && (in.left + 1 == std::uint64_t{in.pairs} * 2 || text_of({in.last, in.last_size}) < name);
            in.last = head.body;
            in.last_size = head.count;
        }
        p = head.kind == Kind::text || head.kind == Kind::bytes ? head.body + head.count : head.body;
        if (head.kind == Kind::list || head.kind == Kind::map) {
            if (depth == value_depth_max) return detail::corrupt_value("containers deeper than 128", at);
            const bool map = head.kind == Kind::map;
            levels[depth++] = {map ? std::uint64_t{head.count} * 2 : head.count, map ? head.body : nullptr, head.count, true, nullptr, 0};
        }
        while (depth > 0 && levels[depth - 1].left == 0) {
            const Level& done = levels[--depth];
            if (done.map_body == nullptr || done.ascending) continue;
            std::vector<std::string_view> keys;
            keys.reserve(done.pairs);
            const std::uint8_t* q = done.map_body;
            for (std::uint32_t i = 0; i < done.pairs; ++i) {
                const msgpack::Head name = msgpack::read_head(q, p);
                keys.push_back(text_of({name.body, name.count}));
                q = msgpack::skip(name.body + name.count, p);
            }
            if (detail::has_duplicate(keys)) return detail::corrupt_value("map with the same key twice", static_cast<std::size_t>(done.map_body - start));
        }
    } while (depth > 0);
    if (p != end) return detail::corrupt_value("bytes after the value", static_cast<std::size_t>(p - start));
    return {};
}

namespace detail {

inline void write_canonical(ValueBuilder& to, ValueView from, std::size_t depth) {
    switch (from.kind()) {
    case Kind::boolean: to.boolean(from.as_bool()); return;
    case Kind::integer:
        if (const auto number = from.to_uint()) to.unsigned_integer(*number);
        else to.integer(from.as_int());
        return;
    case Kind::number: {
        const double number = from.as_double();
        to.number(number == number ? number : std::numeric_limits<double>::quiet_NaN());
        return;
    }
    case Kind::text: to.text(from.as_text()); return;
    case Kind::bytes: to.bytes(from.as_bytes()); return;
    case Kind::list:
        if (depth >= value_depth_max) { to.null(); return; }
        to.list(from.size());
        for (const ValueView item : from.items()) write_canonical(to, item, depth + 1);
        to.end();
        return;
    case Kind::map: {
        if (depth >= value_depth_max) { to.null(); return; }
        std::vector<std::pair<std::string_view, ValueView>> entries;
        entries.reserve(from.size());
        for (const auto entry : from.entries()) entries.push_back(entry);
        std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        // Only unchecked bytes can repeat a key; the first counts, as for operator[].
        entries.erase(std::unique(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first == b.first; }), entries.end());
        to.map(entries.size());
        for (const auto& [key, value] : entries) write_canonical(to.key(key), value, depth + 1);
        to.end();
        return;
    }
    case Kind::null:
    case Kind::invalid: to.null(); return;
    }
}

} // namespace detail

/// The one encoding of equal values: keys sorted by bytes, shortest integers and lengths, doubles, one NaN.
/// Bytes for digests and caches.
inline Value canonical(ValueView from) {
    ValueBuilder builder;
    detail::write_canonical(builder, from, 0);
    return builder.build();
}

/// Same canonical bytes: 1 and 1.0 differ, the order of keys does not matter.
inline bool equal(ValueView a, ValueView b) {
    const Bytes raw_a = a.bytes();
    const Bytes raw_b = b.bytes();
    if (!raw_a.empty() && text_of(raw_a) == text_of(raw_b)) return true;
    const Value left = canonical(a);
    const Value right = canonical(b);
    return text_of(left.bytes()) == text_of(right.bytes());
}
inline bool operator==(const Value& a, const Value& b) { return equal(a, b); }

/// A member that must be there and be of one kind: `input "text" is missing`, `input "n" is text, not integer`.
inline Result<ValueView> need(ValueView map, std::string_view key, Kind kind) {
    const ValueView member = map[key];
    const std::string name = "input \"" + std::string(key) + "\"";
    if (!member.exists()) return Error(Code::invalid_argument, "missing-input", name + " is missing");
    const Kind got = member.kind();
    if (got == kind || (kind == Kind::number && got == Kind::integer)) return member;
    return Error(Code::invalid_argument, "wrong-kind", name + " is " + std::string(name_of(got)) + ", not " + std::string(name_of(kind)));
}
inline Result<std::string_view> need_text(ValueView map, std::string_view key) {
    return SYMPHONY_TRY(need(map, key, Kind::text)).as_text();
}

} // namespace symphony
