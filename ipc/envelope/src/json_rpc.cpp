// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/json_rpc.hpp>

#include "fault.hpp"
#include "json_read.hpp"
#include "json_text.hpp"

#include <charconv>

namespace symphony::ipc::json_rpc {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t id_bytes_max = 255;

Error bad(std::string what) { return {Code::data_corrupt, "bad-message", "JSON-RPC: " + std::move(what)}; }

/// Numbers of JSON-RPC 2.0, section 5.1; the rest lies in the range that it leaves to servers.
constexpr std::array<std::pair<Code, std::int32_t>, 5> known{{{Code::data_corrupt, -32700}, {Code::misuse, -32600}, {Code::unsupported, -32601},
                                                             {Code::invalid_argument, -32602}, {Code::internal, -32603}}};
std::int32_t number_of(Code code) noexcept {
    for (const auto& [one, number] : known) {
        if (one == code) return number;
    }
    return -32000 + static_cast<std::int32_t>(code);
}
Code code_of_number(std::int64_t number) noexcept {
    for (const auto& [code, one] : known) {
        if (one == number) return code;
    }
    return number <= -32000 && number >= -32099 ? code_of(number + 32000) : Code::internal;
}

void write_failure(json::Text& text, const FailureView& failure) {
    text.raw("{\"code\":");
    text.integer(number_of(failure.code));
    text.key(false, "message");
    text.string(failure.message);
    text.raw(",\"data\":{\"code\":");
    text.string(name_of(failure.code));
    text.raw(failure.retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    text.key(false, "reason");
    text.string(failure.reason);
    text.key(false, "hint");
    text.string(failure.hint);
    text.raw("}}");
}

/// What JSON-RPC gives a meaning to; other members are passed over.
struct Members {
    std::optional<dom::element> version, id, method, params, result, error;
};

Result<Members> members_of(dom::element root) {
    if (root.is_array()) return Error(Code::unsupported, "no-batches", "JSON-RPC: a batch; one message is one line");
    if (!root.is_object()) return bad("a message is an object");
    Members out;
    const auto object = root.get_object().value_unsafe();
    if (object.size() > fields_max) return Error(Code::exhausted, "too-large", "JSON-RPC: a message with more than 64 members");
    const std::array<std::pair<std::string_view, std::optional<dom::element>*>, 6> places{
        {{"jsonrpc", &out.version}, {"id", &out.id}, {"method", &out.method}, {"params", &out.params}, {"result", &out.result}, {"error", &out.error}}};
    for (const auto field : object) {
        for (const auto& [name, place] : places) {
            if (field.key != name) continue;
            if (*place) return Error(Code::data_corrupt, "duplicate-key", "JSON-RPC: member \"" + std::string(name) + "\" is there twice");
            *place = field.value;
        }
    }
    return out;
}

std::optional<std::string_view> text_in(dom::element object, std::string_view name) {
    std::string_view found;
    if (object.is_object() && object.get_object().value_unsafe().at_key(name).get(found) == simdjson::SUCCESS) return found;
    return std::nullopt;
}

/// An id as JSON text.
Result<std::string> id_text(dom::element id) {
    OutBuffer out;
    json::Text text(out);
    if (id.type() == dom::element_type::INT64) text.integer(id.get_int64().value_unsafe());
    else if (id.type() == dom::element_type::UINT64) text.integer(id.get_uint64().value_unsafe());
    else if (id.is_string() && id.get_string().value_unsafe().size() <= id_bytes_max) text.string(id.get_string().value_unsafe());
    else return bad("\"id\" is neither an integer nor text of at most 255 bytes");
    return std::string(out.text());
}

Result<Failure> failure_in(dom::element error) {
    std::int64_t number = 0;
    const auto message = text_in(error, "message");
    if (!message || error.get_object().value_unsafe().at_key("code").get(number) != simdjson::SUCCESS) return bad("\"error\" has no number \"code\" and text \"message\"");
    std::string reason, hint;
    Code code = code_of_number(number);
    bool retryable = false;
    dom::element data;
    if (error.get_object().value_unsafe().at_key("data").get(data) == simdjson::SUCCESS && data.is_object()) {
        if (const auto name = text_in(data, "code")) code = json::code_named(*name);
        if (data.get_object().value_unsafe().at_key("retryable").get(retryable) != simdjson::SUCCESS) retryable = false;
        reason = text_in(data, "reason").value_or("");
        hint = text_in(data, "hint").value_or("");
    }
    // Through an Error, which cuts what is too long: a foreign message may be of any length.
    Error whole(code, reason, std::string(*message), std::move(hint));
    Failure out = failure_of(retryable ? std::move(whole).as_retryable() : whole);
    if (reason.empty()) out.reason.clear();
    return out;
}

} // namespace

Status LineCutter::keep(std::string_view part) {
    if (part.size() > line_bytes_max_ - kept_.size()) {
        return Error(Code::exhausted, "too-large", "JSON-RPC: a line of more than " + std::to_string(line_bytes_max_) + " bytes");
    }
    kept_.append(part);
    return {};
}

std::size_t Session::Hash::operator()(const Uuid& id) const noexcept { return load<std::size_t>(id.bytes.data() + 8); }

Session::Session(UuidSource& ids, std::string peer, std::string self, Rules rules)
    : ids_(&ids), peer_(std::move(peer)), self_(std::move(self)), rules_(rules) {}

Status Session::write(OutBuffer& to, const EnvelopeView& envelope) {
    Fault fault;
    check_sense(envelope, fault);
    if (!is_text(envelope.type)) fault.set(Code::invalid_argument, "bad-utf8", "is not UTF-8", "type");
    if (envelope.type.size() > name_bytes_max) fault.too_large("type");
    const auto* failure = std::get_if<FailureView>(&envelope.payload);
    if (failure != nullptr && !(is_text(failure->message) && is_text(failure->reason) && is_text(failure->hint))) {
        fault.set(Code::invalid_argument, "bad-utf8", "is not UTF-8", "message");
    }
    if (fault) return fault.error();
    if (auto status = check_content(envelope); !status) return status;

    const PayloadKind kind = envelope.kind();
    const Bytes raw = content_of(envelope);
    const ValueView content = raw.empty() ? ValueView() : ValueView(raw);
    const std::size_t start = to.size();
    json::Text text(to);
    text.raw(rules_.version_member ? "{\"jsonrpc\":\"2.0\"," : "{");
    if (kind == PayloadKind::request) {
        text.raw("\"id\":\"");
        text.raw(envelope.id.text());
        text.raw("\",");
    }
    auto answered = open_.end();
    Status status;
    if (kind == PayloadKind::request || kind == PayloadKind::event) {
        text.raw("\"method\":");
        text.string(envelope.type);
        if (content.is_list() || content.is_map()) {
            text.key(false, "params");
            status = text.value(content);
        } else if (!content.is_null()) {
            status = Error(Code::unsupported, "not-expressible", "JSON-RPC: \"params\" is a list or a map, not " + std::string(name_of(content.kind())));
        }
    } else {
        if (envelope.correlation) answered = open_.find(*envelope.correlation);
        if (envelope.correlation && answered == open_.end()) {
            status = Error(Code::not_found, "unknown-request", "JSON-RPC: " + envelope.correlation->text() + " answers no request that is open");
        }
        text.raw("\"id\":");
        text.raw(answered == open_.end() ? std::string_view("null") : std::string_view(answered->second));
        text.key(false, failure != nullptr ? "error" : "result");
        if (failure != nullptr) write_failure(text, *failure);
        else if (status) status = text.value(content);
    }
    if (!status) {
        to.cut(start);
        return status;
    }
    text.raw("}\n");
    if (answered != open_.end()) open_.erase(answered);
    return {};
}

Result<Envelope> Session::read(Bytes line, std::uint64_t unix_us) {
    json::Reader::Impl& reader = reader_.impl();
    const dom::element root = SYMPHONY_TRY(reader.parse(line, rules_.line_bytes_max));
    const Members members = SYMPHONY_TRY(members_of(root));
    if (rules_.version_member && (!members.version || !members.version->is_string() || members.version->get_string().value_unsafe() != "2.0")) {
        return bad("member \"jsonrpc\" is not \"2.0\"");
    }
    Envelope out;
    out.unix_us = unix_us;
    out.sender = peer_;
    out.recipient = self_;
    const auto content = [&](const std::optional<dom::element>& from) -> Result<Value> {
        if (!from) return Value();
        reader.content().clear();
        if (auto status = reader.convert(*from); !status) return std::move(status).error();
        return Value::unchecked(Buffer::copy(reader.content().bytes()));
    };
    if (members.method) {
        if (members.result || members.error) return bad("a message has \"method\", \"result\" or \"error\", and not two of them");
        if (!members.method->is_string()) return bad("\"method\" is not text");
        const std::string_view method = members.method->get_string().value_unsafe();
        if (method.empty() || method.size() > name_bytes_max) return bad("\"method\" does not have 1 to 255 bytes");
        if (members.params && !members.params->is_array() && !members.params->is_object()) return bad("\"params\" is neither a list nor a map");
        out.type = method;
        Value params = SYMPHONY_TRY(content(members.params));
        out.id = ids_->next();
        if (!members.id) {
            out.payload = Event{std::move(params)};
            return out;
        }
        std::string id = SYMPHONY_TRY(id_text(*members.id));
        if (open_.size() >= rules_.open_max) {
            return Error(Code::exhausted, "too-many-open", "JSON-RPC: " + std::to_string(open_.size()) + " requests wait for their answer").as_retryable();
        }
        open_.emplace(out.id, std::move(id));
        out.payload = Request{0, std::move(params)};
        return out;
    }
    if (members.result.has_value() == members.error.has_value()) return bad("a message has one of \"method\", \"result\" and \"error\"");
    if (!members.id) return bad("an answer has no \"id\"");
    if (members.id->is_string()) out.correlation = Uuid::parse(members.id->get_string().value_unsafe());
    if (!out.correlation && !(members.error && members.id->is_null())) return bad("\"id\" answers no request of this side");
    if (members.error) out.payload = SYMPHONY_TRY(failure_in(*members.error));
    else out.payload = Response{SYMPHONY_TRY(content(members.result))};
    out.id = ids_->next();
    return out;
}

} // namespace symphony::ipc::json_rpc
