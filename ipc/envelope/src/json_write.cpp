// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/json.hpp>

#include "fault.hpp"
#include "json_text.hpp"
#include "schema.hpp"

namespace symphony::ipc::json {
namespace {

class Writer {
public:
    Writer(OutBuffer& to, Fault& fault) noexcept : text_(to), fault_(fault) {}
    Status status;

    [[gnu::always_inline]] void field(std::string_view name, Version value) {
        key(name);
        text_.raw("\"");
        text_.integer(value.major);
        text_.raw(".");
        text_.integer(value.minor);
        text_.raw("\"");
    }
    [[gnu::always_inline]] void field(std::string_view name, const Uuid& value) {
        key(name);
        char text[Uuid::text_size + 2];
        value.to_text(*reinterpret_cast<char(*)[Uuid::text_size]>(text + 1));
        text[0] = text[Uuid::text_size + 1] = '"';
        text_.raw({text, sizeof text});
    }
    [[gnu::always_inline]] void field(std::string_view name, const std::optional<Uuid>& value) {
        if (value) field(name, *value);
    }
    [[gnu::always_inline]] void field(std::string_view name, std::uint64_t value) {
        key(name);
        text_.integer(value);
    }
    [[gnu::always_inline]] void field(std::string_view name, std::uint32_t value) { field(name, std::uint64_t{value}); }
    [[gnu::always_inline]] void field(std::string_view name, bool value) {
        key(name);
        text_.raw(value ? "true" : "false");
    }
    [[gnu::always_inline]] void field(std::string_view name, Code value) { plain(name, name_of(value)); }
    [[gnu::always_inline]] void text(const char* name, std::string_view value, std::size_t bytes_max) {
        if (value.size() > bytes_max) [[unlikely]] return fault_.too_large(name);
        if (!is_text(value)) [[unlikely]] return fault_.set(Code::invalid_argument, "bad-utf8", "is not UTF-8", name);
        key(name);
        text_.string(value);
    }
    void content(std::string_view name, Bytes value) {
        key(name);
        status = text_.value(ValueView(value));
    }
    [[gnu::always_inline]] PayloadKind kind(std::string_view name, PayloadKind value) {
        plain(name, payload_kind_names[static_cast<std::size_t>(value) - 1]);
        return value;
    }
    template <class Body>
    [[gnu::always_inline]] void record(std::string_view name, Body&& body) {
        if (!name.empty()) key(name);
        text_.raw("{");
        first_ = true;
        body();
        first_ = false;
        text_.raw("}");
    }

private:
    [[gnu::always_inline]] void key(std::string_view name) {
        text_.key(first_, name);
        first_ = false;
    }
    [[gnu::always_inline]] void plain(std::string_view name, std::string_view value) {
        key(name);
        text_.raw("\"");
        text_.raw(value);
        text_.raw("\"");
    }

    Text text_;
    Fault& fault_;
    bool first_ = true;
};

} // namespace

Status write(OutBuffer& to, const EnvelopeView& envelope) {
    Fault fault;
    check_sense(envelope, fault);
    if (variable_bytes(envelope) > variable_bytes_max) [[unlikely]] fault.too_large("content");
    if (fault) [[unlikely]] return fault.error();
    if (auto status = check_content(envelope); !status) return status;
    const std::size_t start = to.size();
    Writer writer(to, fault);
    writer.record("", [&] { describe(writer, envelope); });
    if (!fault && writer.status) [[likely]] return {};
    to.cut(start);
    return fault ? Status(fault.error()) : std::move(writer.status);
}

} // namespace symphony::ipc::json
