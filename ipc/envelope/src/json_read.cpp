// SPDX-License-Identifier: Apache-2.0
#include "json_read.hpp"

#include "fault.hpp"
#include "pack.hpp"
#include "schema.hpp"

#include <symphony/base64.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace symphony::ipc::json {

namespace dom = simdjson::dom;

namespace {

/// Of the text that a reader's memory is kept for.
constexpr std::size_t kept_bytes_max = 1u << 20;
/// An envelope puts two containers around its content.
constexpr std::size_t depth_max = value_depth_max + 2;

} // namespace

/// A tree of simdjson as MessagePack. Recursive, value_depth_max deep.
class Reader::Impl::Converter {
public:
    explicit Converter(OutBuffer& to) noexcept : to_(to) {}
    Status status;

    bool item(dom::element from, std::size_t depth) {
        switch (from.type()) {
        case dom::element_type::NULL_VALUE: to_.byte(0xC0); return true;
        case dom::element_type::BOOL: to_.byte(from.get_bool().value_unsafe() ? 0xC3 : 0xC2); return true;
        case dom::element_type::INT64: to_.commit(pack::integer(to_.reserve(9), from.get_int64().value_unsafe())); return true;
        case dom::element_type::UINT64: to_.commit(pack::unsigned_integer(to_.reserve(9), from.get_uint64().value_unsafe())); return true;
        case dom::element_type::DOUBLE: to_.commit(pack::number(to_.reserve(9), from.get_double().value_unsafe())); return true;
        case dom::element_type::STRING: return text(from.get_string().value_unsafe());
        case dom::element_type::ARRAY: return list(from.get_array().value_unsafe(), depth);
        case dom::element_type::OBJECT: return map(from.get_object().value_unsafe(), depth);
        }
        return false;
    }

private:
    bool refuse(Code code, std::string_view reason, std::string message) {
        status = Error(code, reason, "JSON: " + std::move(message));
        return false;
    }
    bool text(std::string_view value) {
        to_.commit(pack::text(to_.reserve(5 + value.size()), value));
        return true;
    }
    bool bytes(std::string_view value) {
        const std::size_t pad = value.ends_with("==") ? 2 : value.ends_with("=") ? 1 : 0;
        const std::size_t size = base64::bytes_size_max(value.size()) - (value.size() >= 4 ? pad : 0);
        std::uint8_t* const body = pack::blob_head(to_.reserve(5 + base64::bytes_size_max(value.size())), size);
        if (base64::decode(body, value) != static_cast<std::ptrdiff_t>(size)) return refuse(Code::data_corrupt, "bad-base64", "\"$bytes\" is not base64");
        to_.commit(body + size);
        return true;
    }
    /// simdjson counts no further than 24 bits.
    template <class Container>
    static std::size_t count(const Container& from) noexcept {
        const std::size_t told = from.size();
        if (told < 0xFFFFFF) [[likely]] return told;
        std::size_t n = 0;
        for (auto it = from.begin(); it != from.end(); ++it) ++n;
        return n;
    }
    bool list(dom::array from, std::size_t depth) {
        if (depth == value_depth_max) return refuse(Code::data_corrupt, "too-deep", "deeper than 128");
        to_.commit(pack::container(to_.reserve(5), false, count(from)));
        for (const dom::element child : from) {
            if (!item(child, depth + 1)) return false;
        }
        return true;
    }
    bool map(dom::object from, std::size_t depth) {
        const std::size_t pairs = count(from);
        if (pairs == 1) {
            const auto only = from.begin();
            if (only.key() == "$bytes" && only.value().is_string()) return bytes(only.value().get_string().value_unsafe());
        }
        if (depth == value_depth_max) return refuse(Code::data_corrupt, "too-deep", "deeper than 128");
        to_.commit(pack::container(to_.reserve(5), true, pairs));
        bool ascending = true;
        std::string_view last;
        for (auto it = from.begin(); it != from.end(); ++it) {
            const std::string_view key = it.key();
            ascending = ascending && (it == from.begin() || last < key);
            last = key;
            text(key);
            if (!item(it.value(), depth + 1)) return false;
        }
        return ascending || !has_duplicate(from, pairs);
    }
    bool has_duplicate(dom::object from, std::size_t pairs) {
        std::vector<std::string_view> keys;
        keys.reserve(pairs);
        for (auto it = from.begin(); it != from.end(); ++it) keys.push_back(it.key());
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        if (twice == keys.end()) return false;
        refuse(Code::data_corrupt, "duplicate-key", "key \"" + std::string(twice->substr(0, 100)) + "\" is there twice");
        return true;
    }

    OutBuffer& to_;
};

Result<dom::element> Reader::Impl::parse(Bytes from, std::size_t bytes_max) {
    if (from.size() > bytes_max) {
        return Error(Code::exhausted, "too-large", "JSON: " + std::to_string(from.size()) + " bytes, more than the " + std::to_string(bytes_max) + " that are read");
    }
    if (parser_.capacity() > kept_bytes_max) parser_ = dom::parser();
    if (from.size() > parser_.capacity() || parser_.max_depth() != depth_max) {
        const auto code = parser_.allocate(std::max<std::size_t>(from.size(), 4096), depth_max);
        if (code != simdjson::SUCCESS) return json_error(text_of(from), code);
    }
    // simdjson reads beyond the end; its own copy would be made anew each time.
    if (padded_.size() < from.size() + simdjson::SIMDJSON_PADDING || parser_.capacity() > kept_bytes_max) {
        padded_ = Buffer::make(std::max<std::size_t>(from.size(), 4096) + simdjson::SIMDJSON_PADDING);
        std::memset(padded_.writable().data(), ' ', padded_.size());
    }
    if (!from.empty()) std::memcpy(padded_.writable().data(), from.data(), from.size());
    dom::element root;
    const auto code = parser_.parse(padded_.data(), from.size(), false).get(root);
    if (code != simdjson::SUCCESS) [[unlikely]] return json_error(text_of(from), code);
    return root;
}

Status Reader::Impl::convert(dom::element from) {
    Converter converter(content_);
    if (converter.item(from, 0)) [[likely]] return {};
    return std::move(converter.status);
}

namespace {

class FieldReader {
public:
    FieldReader(Reader::Impl& impl, Fault& fault) : impl_(impl), fault_(fault), fields_(impl.fields()) { fields_.clear(); }
    Status status;

    void field(const char* name, Version& value) {
        std::string_view text;
        if (!string(name, text)) return;
        if (!parse_version(text, value)) return fault_.malformed("is not major.minor", name);
        check_version(value, fault_, Fault::nowhere);
    }
    void field(const char* name, Uuid& value) {
        std::string_view text;
        if (string(name, text)) uuid(name, text, value);
    }
    void field(const char* name, std::optional<Uuid>& value) {
        value.reset();
        dom::element found;
        if (fault_ || !find(name, found) || found.is_null()) return;
        if (!found.is_string()) return fault_.malformed("is not text", name);
        uuid(name, found.get_string().value_unsafe(), value.emplace());
    }
    void field(const char* name, std::uint64_t& value) { value = number(name, ~std::uint64_t{0}); }
    void field(const char* name, std::uint32_t& value) { value = static_cast<std::uint32_t>(number(name, 0xFFFFFFFF)); }
    void field(const char* name, bool& value) {
        dom::element found;
        if (!need(name, found)) return;
        if (!found.is_bool()) return fault_.malformed("is not a boolean", name);
        value = found.get_bool().value_unsafe();
    }
    void field(const char* name, Code& value) {
        std::string_view text;
        if (string(name, text)) value = code_named(text);
    }
    void text(const char* name, std::string_view& value, std::size_t bytes_max) {
        if (string(name, value) && value.size() > bytes_max) fault_.too_large(name);
    }
    void content(const char* name, Bytes& value) {
        dom::element found;
        if (!need(name, found)) return;
        impl_.content().clear();
        status = impl_.convert(found);
        if (status) value = impl_.content().bytes();
        else fault_.malformed("is not a value", name);
    }
    PayloadKind kind(const char* name, PayloadKind) {
        std::string_view text;
        if (!string(name, text)) return {};
        for (std::size_t i = 0; i < payload_kind_names.size(); ++i) {
            if (payload_kind_names[i] == text) return static_cast<PayloadKind>(i + 1);
        }
        fault_.malformed("is none of request, response, event, error", name);
        return {};
    }
    template <class Body>
    void record(const char* name, Body&& body) {
        dom::element found;
        if (need(name, found)) inside(name, found, body);
    }
    template <class Body>
    void inside(const char* name, dom::element found, Body&& body) {
        if (!found.is_object()) return fault_.malformed("is not an object", name);
        const std::size_t outer_begin = begin_, outer_next = next_;
        begin_ = next_ = fields_.size();
        if (open(name, found.get_object().value_unsafe())) body();
        fields_.resize(begin_);
        begin_ = outer_begin;
        next_ = outer_next;
    }

private:
    bool open(const char* name, dom::object from) {
        for (auto it = from.begin(); it != from.end(); ++it) {
            if (fields_.size() - begin_ == fields_max) return fault_.too_large(name), false;
            const std::string_view key = it.key();
            for (std::size_t i = begin_; i < fields_.size(); ++i) {
                if (fields_[i].first == key) return fault_.set(Code::data_corrupt, "duplicate-key", "has a field twice", name), false;
            }
            fields_.emplace_back(key, it.value());
        }
        return true;
    }
    bool find(std::string_view name, dom::element& found) {
        for (std::size_t i = next_, left = fields_.size() - begin_; left > 0; --left, ++i) {
            if (i == fields_.size()) i = begin_;
            if (fields_[i].first != name) continue;
            found = fields_[i].second;
            next_ = i + 1 == fields_.size() ? begin_ : i + 1;
            return true;
        }
        return false;
    }
    bool need(const char* name, dom::element& found) {
        if (fault_) return false;
        if (find(name, found)) [[likely]] return true;
        fault_.malformed("is missing", name);
        return false;
    }
    bool string(const char* name, std::string_view& value) {
        dom::element found;
        if (!need(name, found)) return false;
        if (!found.is_string()) return fault_.malformed("is not text", name), false;
        value = found.get_string().value_unsafe();
        return true;
    }
    std::uint64_t number(const char* name, std::uint64_t max) {
        dom::element found;
        if (!need(name, found)) return 0;
        std::uint64_t value = 0;
        if (found.get_uint64().get(value) != simdjson::SUCCESS || value > max) fault_.malformed("is not a number that fits", name);
        return value;
    }
    void uuid(const char* name, std::string_view text, Uuid& value) {
        const auto parsed = Uuid::parse(text);
        if (parsed) value = *parsed;
        else fault_.malformed("is not a UUID", name);
    }
    static bool parse_version(std::string_view text, Version& value) noexcept {
        const char* const end = text.data() + text.size();
        const auto major = std::from_chars(text.data(), end, value.major);
        if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return false;
        const auto minor = std::from_chars(major.ptr + 1, end, value.minor);
        return minor.ec == std::errc() && minor.ptr == end;
    }
    Reader::Impl& impl_;
    Fault& fault_;
    /// Fields of the records that are open, one behind the other; begin_ is where those of the innermost begin.
    Reader::Impl::Fields& fields_;
    std::size_t begin_ = 0;
    std::size_t next_ = 0; // where the next name probably stands
};

} // namespace

Code code_named(std::string_view name) noexcept {
    for (std::int32_t number = SYMPHONY_E_REFUSED; number <= SYMPHONY_E_INVALID_ARGUMENT; ++number) {
        if (name_of(static_cast<Code>(number)) == name) return static_cast<Code>(number);
    }
    return Code::internal;
}

Reader::Reader() : impl_(std::make_unique<Impl>()) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Status Reader::read(Bytes from, EnvelopeView& to, const ReadRules& rules) {
    const dom::element root = SYMPHONY_TRY(impl_->parse(from, rules.bytes_max));
    Fault fault;
    FieldReader reader(*impl_, fault);
    reader.inside("", root, [&] { describe(reader, to); });
    if (!reader.status) return std::move(reader.status).error().in("envelope: \"content\"");
    check_sense(to, fault);
    if (fault) [[unlikely]] return fault.error();
    return {};
}

Result<Value> Reader::read_value(Bytes from, std::size_t bytes_max) {
    const dom::element root = SYMPHONY_TRY(impl_->parse(from, bytes_max));
    impl_->content().clear();
    if (auto status = impl_->convert(root); !status) return std::move(status).error();
    return Value::unchecked(Buffer::copy(impl_->content().bytes()));
}

} // namespace symphony::ipc::json
