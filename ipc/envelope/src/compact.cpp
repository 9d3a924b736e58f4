// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/compact.hpp>

#include "binary.hpp"

#include <bit>

namespace symphony::ipc::compact {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

/// All fields of one envelope without its texts and its content.
constexpr std::size_t fixed_bytes_max = 128;

/// Writes where room for everything has been made.
class Writer {
public:
    Writer(std::uint8_t* to, Fault& fault) noexcept : p_(to), fault_(fault) {}
    std::uint8_t* end() const noexcept { return p_; }

    void field(const char*, Version value) noexcept {
        put(value.major);
        put(value.minor);
    }
    void field(const char*, const Uuid& value) noexcept {
        std::memcpy(p_, value.bytes.data(), value.bytes.size());
        p_ += value.bytes.size();
    }
    void field(const char* name, const std::optional<Uuid>& value) noexcept {
        put(static_cast<std::uint8_t>(value ? 1 : 0));
        if (value) field(name, *value);
    }
    void field(const char*, std::uint64_t value) noexcept { put(value); }
    void field(const char*, std::uint32_t value) noexcept { put(value); }
    void field(const char*, bool value) noexcept { put(static_cast<std::uint8_t>(value ? 1 : 0)); }
    void field(const char*, Code value) noexcept { put(static_cast<std::int32_t>(value)); }
    [[gnu::always_inline]] void text(const char* name, std::string_view value, std::size_t bytes_max) noexcept {
        if (value.size() > bytes_max) [[unlikely]] return fault_.too_large(name);
        if (!is_text(value)) [[unlikely]] return fault_.set(Code::invalid_argument, "bad-utf8", "is not UTF-8", name);
        put(static_cast<std::uint32_t>(value.size()));
        copy_short(p_, value.data(), value.size());
        p_ += value.size();
    }
    void content(const char*, Bytes value) noexcept { sized(value); }
    PayloadKind kind(const char*, PayloadKind value) noexcept {
        put(static_cast<std::uint8_t>(value));
        return value;
    }
    template <class Body>
    [[gnu::always_inline]] void record(const char*, Body&& body) {
        std::uint8_t* const size = p_;
        p_ += 4;
        body();
        const auto n = static_cast<std::uint32_t>(p_ - size - 4);
        std::memcpy(size, &n, sizeof n);
    }

private:
    template <class T>
    [[gnu::always_inline]] void put(T value) noexcept {
        std::memcpy(p_, &value, sizeof value);
        p_ += sizeof value;
    }
    [[gnu::always_inline]] void sized(Bytes bytes) noexcept {
        put(static_cast<std::uint32_t>(bytes.size()));
        if (!bytes.empty()) std::memcpy(p_, bytes.data(), bytes.size());
        p_ += bytes.size();
    }

    std::uint8_t* p_;
    Fault& fault_;
};

class Reader {
public:
    Reader(Bytes from, Fault& fault) noexcept : start_(from.data()), p_(from.data()), end_(from.data() + from.size()), fault_(fault) {}
    bool at_end() const noexcept { return p_ == end_; }
    std::size_t place() const noexcept { return static_cast<std::size_t>(p_ - start_); }

    void field(const char* name, Version& value) noexcept {
        if (!has(4, name)) return;
        value = {load<std::uint16_t>(p_), load<std::uint16_t>(p_ + 2)};
        if (!check_version(value, fault_, place())) return stop();
        p_ += 4;
    }
    void field(const char* name, Uuid& value) noexcept {
        if (!has(value.bytes.size(), name)) return;
        std::memcpy(value.bytes.data(), p_, value.bytes.size());
        p_ += value.bytes.size();
    }
    void field(const char* name, std::optional<Uuid>& value) noexcept {
        bool there = false;
        field(name, there);
        if (there) field(name, value.emplace());
        else value.reset();
    }
    void field(const char* name, std::uint64_t& value) noexcept { get(name, value); }
    void field(const char* name, std::uint32_t& value) noexcept { get(name, value); }
    void field(const char* name, bool& value) noexcept {
        std::uint8_t byte = 0;
        get(name, byte);
        if (byte > 1) [[unlikely]] return --p_, malformed("is neither 0 nor 1", name);
        value = byte == 1;
    }
    void field(const char* name, Code& value) noexcept {
        std::int32_t number = 0;
        get(name, number);
        value = code_of(number);
    }
    [[gnu::always_inline]] void text(const char* name, std::string_view& value, std::size_t bytes_max) noexcept {
        std::uint32_t size = 0;
        get(name, size);
        if (size > left()) [[unlikely]] return malformed("is longer than its record", name);
        if (size > bytes_max) [[unlikely]] return fault_.too_large(name, place()), stop();
        value = {reinterpret_cast<const char*>(p_), size};
        if (!is_text(value)) [[unlikely]] return malformed("is not UTF-8", name);
        p_ += size;
    }
    void content(const char* name, Bytes& value) noexcept {
        std::uint32_t size = 0;
        get(name, size);
        if (size > left()) [[unlikely]] return malformed("is longer than its record", name);
        value = {p_, size};
        p_ += size;
    }
    PayloadKind kind(const char* name, PayloadKind) noexcept {
        std::uint8_t byte = 0;
        get(name, byte);
        if (byte >= 1 && byte <= payload_kind_names.size()) [[likely]] return static_cast<PayloadKind>(byte);
        if (!fault_) --p_;
        malformed("is none of request, response, event, error", name);
        return {};
    }
    template <class Body>
    [[gnu::always_inline]] void record(const char* name, Body&& body) {
        std::uint32_t size = 0;
        get(name, size);
        if (size > left()) [[unlikely]] return malformed("is longer than its record", name);
        const std::uint8_t* const outer = end_;
        end_ = p_ + size;
        body();
        if (fault_) [[unlikely]] return;
        p_ = end_; // over what a newer writer appended
        end_ = outer;
    }

    void malformed(const char* what, const char* name) noexcept {
        fault_.malformed(what, name, place());
        stop();
    }

private:
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - p_); }
    /// Nothing more is read: every field that follows is missing.
    void stop() noexcept { end_ = p_; }
    [[gnu::always_inline]] bool has(std::size_t bytes, const char* name) noexcept {
        if (left() >= bytes) [[likely]] return true;
        malformed("is cut off", name);
        return false;
    }
    template <class T>
    [[gnu::always_inline]] void get(const char* name, T& value) noexcept {
        if (!has(sizeof value, name)) return;
        value = load<T>(p_);
        p_ += sizeof value;
    }

    const std::uint8_t* start_;
    const std::uint8_t* p_;
    const std::uint8_t* end_;
    Fault& fault_;
};

} // namespace

Status write(OutBuffer& to, const EnvelopeView& envelope) { return write_with<Writer>(to, envelope, fixed_bytes_max); }
Status read(Bytes from, EnvelopeView& to, const ReadRules& rules) { return read_with<Reader>(from, to, rules); }

} // namespace symphony::ipc::compact
