// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/msgpack.hpp>

#include "binary.hpp"
#include "pack.hpp"

namespace symphony::ipc::msgpack {
namespace {

namespace items = symphony::msgpack;

/// Everything but texts and content: four records, two UUIDs, numbers, five heads of text.
constexpr std::size_t fixed_bytes_max = 160;

/// Writes where room for everything has been made.
class Writer {
public:
    Writer(std::uint8_t* to, Fault& fault) noexcept : p_(to), fault_(fault) {}
    std::uint8_t* end() const noexcept { return p_; }

    void field(const char*, Version value) noexcept {
        ++fields_;
        p_ = pack::unsigned_integer(pack::unsigned_integer(pack::container(p_, false, 2), value.major), value.minor);
    }
    void field(const char*, const Uuid& value) noexcept {
        ++fields_;
        uuid(value);
    }
    void field(const char*, const std::optional<Uuid>& value) noexcept {
        ++fields_;
        if (value) uuid(*value);
        else p_ = pack::null(p_);
    }
    void field(const char*, std::uint64_t value) noexcept {
        ++fields_;
        p_ = pack::unsigned_integer(p_, value);
    }
    void field(const char* name, std::uint32_t value) noexcept { field(name, std::uint64_t{value}); }
    void field(const char*, bool value) noexcept {
        ++fields_;
        p_ = pack::boolean(p_, value);
    }
    void field(const char*, Code value) noexcept {
        ++fields_;
        p_ = pack::integer(p_, static_cast<std::int32_t>(value));
    }
    [[gnu::always_inline]] void text(const char* name, std::string_view value, std::size_t bytes_max) noexcept {
        ++fields_;
        if (value.size() > bytes_max) [[unlikely]] return fault_.too_large(name);
        if (!is_text(value)) [[unlikely]] return fault_.set(Code::invalid_argument, "bad-utf8", "is not UTF-8", name);
        p_ = pack::text_head(p_, value.size());
        copy_short(p_, value.data(), value.size());
        p_ += value.size();
    }
    void content(const char* name, Bytes value) noexcept {
        ++fields_;
        if (value.empty()) {
            p_ = pack::null(p_);
            return;
        }
        // What is no item, or more than one, would change what the fields after it are.
        const std::uint8_t* const end = value.data() + value.size();
        if (items::skip(value.data(), end) != end) [[unlikely]] return fault_.malformed("is not one value", name);
        p_ = pack::raw(p_, value);
    }
    PayloadKind kind(const char*, PayloadKind value) noexcept {
        ++fields_;
        p_ = pack::unsigned_integer(p_, static_cast<std::uint8_t>(value));
        return value;
    }
    template <class Body>
    [[gnu::always_inline]] void record(const char*, Body&& body) {
        std::uint8_t* const head = p_++; // one byte is enough for 15 fields; more of them would be a change of this line
        const unsigned outer = fields_ + 1;
        fields_ = 0;
        body();
        *head = static_cast<std::uint8_t>(0x90u | fields_);
        fields_ = outer;
    }

private:
    [[gnu::always_inline]] void uuid(const Uuid& value) noexcept {
        p_[0] = 0xC4;
        p_[1] = static_cast<std::uint8_t>(value.bytes.size());
        std::memcpy(p_ + 2, value.bytes.data(), value.bytes.size());
        p_ += 2 + value.bytes.size();
    }

    std::uint8_t* p_;
    Fault& fault_;
    unsigned fields_ = 0;
};

class Reader {
public:
    Reader(Bytes from, Fault& fault) noexcept : start_(from.data()), p_(from.data()), end_(from.data() + from.size()), fault_(fault) {}
    bool at_end() const noexcept { return p_ == end_; }

    void field(const char* name, Version& value) noexcept {
        if (!next(name)) return;
        const std::size_t place = at();
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::list || head.count < 2) return malformed("is not two numbers", name);
        p_ = head.body;
        const auto major = number(name, 0xFFFF), minor = number(name, 0xFFFF);
        if (fault_) return;
        value = {static_cast<std::uint16_t>(major), static_cast<std::uint16_t>(minor)};
        if (check_version(value, fault_, place)) skip(head.count - 2, name);
    }
    void field(const char* name, Uuid& value) noexcept {
        if (next(name)) uuid(name, value);
    }
    void field(const char* name, std::optional<Uuid>& value) noexcept {
        value.reset();
        if (!next(name)) return;
        if (p_ < end_ && *p_ == 0xC0) ++p_;
        else uuid(name, value.emplace());
    }
    void field(const char* name, std::uint64_t& value) noexcept {
        if (next(name)) value = number(name, ~std::uint64_t{0});
    }
    void field(const char* name, std::uint32_t& value) noexcept {
        if (next(name)) value = static_cast<std::uint32_t>(number(name, 0xFFFFFFFF));
    }
    void field(const char* name, bool& value) noexcept {
        if (!next(name)) return;
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::boolean) return malformed("is not a boolean", name);
        value = head.bits != 0;
        p_ = head.body;
    }
    void field(const char* name, Code& value) noexcept {
        if (!next(name)) return;
        const items::Head head = items::read_head(p_, end_);
        const auto number = static_cast<std::int64_t>(head.bits);
        if (head.kind != Kind::integer || (!head.negative && number < 0) || number != static_cast<std::int32_t>(number)) {
            return malformed("is not a number of 32 bits", name);
        }
        value = code_of(number);
        p_ = head.body;
    }
    void text(const char* name, std::string_view& value, std::size_t bytes_max) noexcept {
        if (!next(name)) return;
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::text) [[unlikely]] return malformed("is not text", name);
        if (head.count > bytes_max) [[unlikely]] return fault_.too_large(name, at());
        value = {reinterpret_cast<const char*>(head.body), head.count};
        if (!is_text(value)) [[unlikely]] return malformed("is not UTF-8", name);
        p_ = head.body + head.count;
    }
    void content(const char* name, Bytes& value) noexcept {
        if (!next(name)) return;
        const std::uint8_t* const after = items::skip(p_, end_);
        if (after == nullptr) [[unlikely]] return malformed("is not a value", name);
        value = {p_, after};
        p_ = after;
    }
    PayloadKind kind(const char* name, PayloadKind) noexcept {
        if (!next(name)) return {};
        const std::uint8_t* const start = p_;
        const std::uint64_t value = number(name, ~std::uint64_t{0});
        if (value >= 1 && value <= payload_kind_names.size()) [[likely]] return static_cast<PayloadKind>(value);
        p_ = start;
        malformed("is none of request, response, event, error", name);
        return {};
    }
    template <class Body>
    [[gnu::always_inline]] void record(const char* name, Body&& body) {
        if (!next(name)) return;
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::list) [[unlikely]] return malformed("is not a list", name);
        if (head.count > fields_max) [[unlikely]] return fault_.too_large(name, at());
        p_ = head.body;
        const std::uint32_t outer = left_;
        left_ = head.count;
        body();
        skip(left_, name); // what a newer writer appended
        left_ = outer;
    }
    void malformed(const char* what, const char* name) noexcept { fault_.malformed(what, name, at()); }

private:
    std::size_t at() const noexcept { return static_cast<std::size_t>(p_ - start_); }
    /// Whether the record has another field; one of this version that is missing is a fault.
    [[gnu::always_inline]] bool next(const char* name) noexcept {
        if (fault_) [[unlikely]] return false;
        if (left_ == 0) [[unlikely]] {
            malformed("is missing", name);
            return false;
        }
        --left_;
        return true;
    }
    std::uint64_t number(const char* name, std::uint64_t max) noexcept {
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::integer || head.negative || head.bits > max) [[unlikely]] {
            malformed("is not a number that fits", name);
            return 0;
        }
        p_ = head.body;
        return head.bits;
    }
    void uuid(const char* name, Uuid& value) noexcept {
        const items::Head head = items::read_head(p_, end_);
        if (head.kind != Kind::bytes || head.count != value.bytes.size()) [[unlikely]] return malformed("is not 16 bytes", name);
        std::memcpy(value.bytes.data(), head.body, value.bytes.size());
        p_ = head.body + head.count;
    }
    void skip(std::uint32_t count, const char* name) noexcept {
        for (; count > 0 && !fault_; --count) {
            const std::uint8_t* const after = items::skip(p_, end_);
            if (after == nullptr) return malformed("is cut off", name);
            p_ = after;
        }
    }

    const std::uint8_t* start_;
    const std::uint8_t* p_;
    const std::uint8_t* end_;
    std::uint32_t left_ = 1;
    Fault& fault_;
};

} // namespace

Status write(OutBuffer& to, const EnvelopeView& envelope) { return write_with<Writer>(to, envelope, fixed_bytes_max); }
Status read(Bytes from, EnvelopeView& to, const ReadRules& rules) { return read_with<Reader>(from, to, rules); }

} // namespace symphony::ipc::msgpack
