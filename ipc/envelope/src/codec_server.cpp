// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/codec_server.hpp>

#include "fault.hpp"

namespace symphony::ipc {
namespace {

constexpr std::uint64_t slow_us_otherwise = 1000;

Error bad_field(std::string_view field, std::string_view what) {
    return {Code::invalid_argument, "bad-envelope", "envelope: \"" + std::string(field) + "\" " + std::string(what)};
}

struct ToRecord {
    ports::EnvelopeRecord& to;
    void operator()(const Request& from) const { to.timeout_ms = from.timeout_ms, to.content = from.content; }
    void operator()(const Response& from) const { to.content = from.content; }
    void operator()(const Event& from) const { to.content = from.content; }
    void operator()(const Failure& from) const {
        to.failure = ports::EnvelopeFailure{static_cast<std::int32_t>(from.code), from.retryable, from.reason, from.message, from.hint};
    }
};

} // namespace

struct CodecServer::Names {
    std::string_view count, time, slow;
    static constexpr Names encode() noexcept { return {"encodes", "encode_us", "slow_encodes"}; }
    static constexpr Names decode() noexcept { return {"decodes", "decode_us", "slow_decodes"}; }
};

CodecServer::CodecServer(Host host, std::vector<std::unique_ptr<CodecFormat>> formats)
    : host_(host), formats_(std::move(formats)), bytes_max_(static_cast<std::size_t>(host.config()["bytes_max"].as_uint(ReadRules().bytes_max))),
      slow_us_(host.config()["slow_us"].as_uint(slow_us_otherwise)) {}

template <class T>
Result<T> CodecServer::measured(const Names& names, std::string_view codec, const std::function<Result<T>(CodecFormat&)>& work) {
    CodecFormat* format = nullptr;
    std::string known;
    for (const auto& one : formats_) {
        if (one->info().name == codec) format = one.get();
        known += (known.empty() ? "" : ", ") + one->info().name;
    }
    if (format == nullptr) {
        return Error(Code::not_found, "unknown-codec", "no codec \"" + to_valid_utf8(codec.substr(0, 100)) + "\"; this plugin has " + known);
    }
    const std::uint64_t start_ns = host_.now_ns();
    Result<T> result = work(*format);
    const std::uint64_t took_us = (host_.now_ns() - start_ns) / 1000;
    const auto metrics = host_.metrics();
    metrics.count(names.count);
    metrics.observe(names.time, static_cast<double>(took_us));
    if (took_us >= slow_us_) metrics.count(names.slow);
    if (!result) metrics.count("refusals");
    return result;
}

Result<std::vector<ports::CodecInfo>> CodecServer::info(Call&) {
    std::vector<ports::CodecInfo> out;
    for (const auto& format : formats_) out.push_back(format->info());
    return out;
}

Result<Buffer> CodecServer::encode(Call&, std::string_view codec, const Value& content) {
    return measured<Buffer>(Names::encode(), codec, [&](CodecFormat& format) -> Result<Buffer> {
        if (auto status = Value::check(content.bytes()); !status) return std::move(status).error();
        return format.encode(content);
    });
}

Result<Value> CodecServer::decode(Call&, std::string_view codec, const Buffer& content) {
    return measured<Value>(Names::decode(), codec, [&](CodecFormat& format) -> Result<Value> {
        if (content.size() > bytes_max_) {
            return Error(Code::exhausted, "too-large", std::to_string(content.size()) + " bytes, more than the " + std::to_string(bytes_max_) + " that are read",
                         "raise bytes_max of the codec plugin");
        }
        return format.decode(content, bytes_max_);
    });
}

Result<Buffer> CodecServer::encode_envelope(Call&, std::string_view codec, const ports::EnvelopeRecord& record) {
    return measured<Buffer>(Names::encode(), codec, [&](CodecFormat& format) -> Result<Buffer> {
        const Envelope envelope = SYMPHONY_TRY(envelope_of(record));
        if (auto status = check_content(view_of(envelope)); !status) return std::move(status).error();
        return format.encode(view_of(envelope));
    });
}

Result<ports::EnvelopeRecord> CodecServer::decode_envelope(Call&, std::string_view codec, const Buffer& content) {
    return measured<ports::EnvelopeRecord>(Names::decode(), codec, [&](CodecFormat& format) -> Result<ports::EnvelopeRecord> {
        return record_of(SYMPHONY_TRY(format.decode_envelope(content, bytes_max_)));
    });
}

Result<Envelope> envelope_of(const ports::EnvelopeRecord& record) {
    Envelope out;
    if (record.version_major != 0) out.version = {record.version_major, record.version_minor};
    if (out.version.major != protocol_version.major) return bad_field("version_major", "is neither 0 nor 1");
    const auto id = Uuid::parse(record.id);
    if (!id) return bad_field("id", "is not a UUID");
    out.id = *id;
    out.unix_us = record.unix_us;
    if (!record.correlation.empty()) {
        out.correlation = Uuid::parse(record.correlation);
        if (!out.correlation) return bad_field("correlation", "is not a UUID");
    }
    out.type = record.type;
    out.sender = record.sender;
    out.recipient = record.recipient;
    if (record.kind == 0 || record.kind > payload_kind_names.size()) return bad_field("kind", "is none of 1 request, 2 response, 3 event, 4 error");
    const auto kind = static_cast<PayloadKind>(record.kind);
    if ((kind == PayloadKind::error) != record.failure.has_value()) return bad_field("failure", "belongs to an error, and to nothing else");
    switch (kind) {
    case PayloadKind::request: out.payload = Request{record.timeout_ms, record.content}; break;
    case PayloadKind::response: out.payload = Response{record.content}; break;
    case PayloadKind::event: out.payload = Event{record.content}; break;
    case PayloadKind::error:
        out.payload = Failure{code_of(record.failure->code), record.failure->retryable, record.failure->reason, record.failure->message, record.failure->hint};
        break;
    }
    return out;
}

ports::EnvelopeRecord record_of(const Envelope& envelope) {
    ports::EnvelopeRecord out;
    out.version_major = envelope.version.major;
    out.version_minor = envelope.version.minor;
    out.id = envelope.id.text();
    out.unix_us = envelope.unix_us;
    if (envelope.correlation) out.correlation = envelope.correlation->text();
    out.type = envelope.type;
    out.sender = envelope.sender;
    out.recipient = envelope.recipient;
    out.kind = static_cast<std::uint8_t>(envelope.kind());
    std::visit(ToRecord{out}, envelope.payload);
    return out;
}

} // namespace symphony::ipc
