// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/ports/codec.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace symphony::ipc {

/// One codec as codec/1 sees it. Methods may be called from several threads at once.
class CodecFormat {
public:
    explicit CodecFormat(ports::CodecInfo info) : info_(std::move(info)) {}
    CodecFormat(const CodecFormat&) = delete;
    CodecFormat& operator=(const CodecFormat&) = delete;
    virtual ~CodecFormat() = default;

    const ports::CodecInfo& info() const noexcept { return info_; }

    /// @param content  Checked.
    virtual Result<Buffer> encode(const Value& content) = 0;
    virtual Result<Value> decode(const Buffer& bytes, std::size_t bytes_max) = 0;
    virtual Result<Buffer> encode(const EnvelopeView& envelope) = 0;
    virtual Result<Envelope> decode_envelope(const Buffer& bytes, std::size_t bytes_max) = 0;

private:
    ports::CodecInfo info_;
};

std::unique_ptr<CodecFormat> compact_format();
std::unique_ptr<CodecFormat> msgpack_format();
std::unique_ptr<CodecFormat> json_format();
/// Envelopes only. @param version_member  Without: the dialect of xi.
std::unique_ptr<CodecFormat> json_rpc_format(bool version_member);

/// What a codec plugin is: a list of formats behind codec/1, measured. Reads `bytes_max` and `slow_us` of the plugin's configuration.
///
/// Metrics: `encodes`, `decodes` and `refusals` are counted, `encode_us` and `decode_us` observed; `slow_encodes` and `slow_decodes` count calls
/// of `slow_us` microseconds and more, which are answered as all others are.
class CodecServer : public ports::Codec {
public:
    CodecServer(Host host, std::vector<std::unique_ptr<CodecFormat>> formats);

    Result<std::vector<ports::CodecInfo>> info(Call& call) override;
    Result<Buffer> encode(Call& call, std::string_view codec, const Value& content) override;
    Result<Value> decode(Call& call, std::string_view codec, const Buffer& content) override;
    Result<Buffer> encode_envelope(Call& call, std::string_view codec, const ports::EnvelopeRecord& envelope) override;
    Result<ports::EnvelopeRecord> decode_envelope(Call& call, std::string_view codec, const Buffer& content) override;

private:
    struct Names;
    template <class T>
    Result<T> measured(const Names& names, std::string_view codec, const std::function<Result<T>(CodecFormat&)>& work);

    Host host_;
    std::vector<std::unique_ptr<CodecFormat>> formats_;
    std::size_t bytes_max_;
    std::uint64_t slow_us_;
};

/// Between an envelope and the record of the port. @return `invalid_argument` "bad-envelope" naming the field.
Result<Envelope> envelope_of(const ports::EnvelopeRecord& record);
ports::EnvelopeRecord record_of(const Envelope& envelope);

} // namespace symphony::ipc
