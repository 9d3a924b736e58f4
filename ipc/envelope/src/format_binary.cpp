// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/codec_server.hpp>
#include <symphony/envelope/compact.hpp>
#include <symphony/envelope/msgpack.hpp>

#include <symphony/wire.hpp>

namespace symphony::ipc {
namespace {

template <Status (*Write)(OutBuffer&, const EnvelopeView&)>
Result<Buffer> written(const EnvelopeView& envelope) {
    OutBuffer out;
    if (auto status = Write(out, envelope); !status) return std::move(status).error();
    return out.take();
}

template <Status (*Read)(Bytes, EnvelopeView&, const ReadRules&)>
Result<Envelope> read(const Buffer& bytes, std::size_t bytes_max) {
    EnvelopeView view;
    if (auto status = Read(bytes, view, {.bytes_max = bytes_max}); !status) return std::move(status).error();
    return own(view, bytes);
}

class MsgpackFormat final : public CodecFormat {
public:
    MsgpackFormat() : CodecFormat({"msgpack", "application/msgpack", 1, false, false}) {}
    Result<Buffer> encode(const Value& content) override { return canonical(content).buffer(); }
    Result<Value> decode(const Buffer& bytes, std::size_t) override { return Value::checked(bytes); }
    Result<Buffer> encode(const EnvelopeView& envelope) override { return written<msgpack::write>(envelope); }
    Result<Envelope> decode_envelope(const Buffer& bytes, std::size_t bytes_max) override { return read<msgpack::read>(bytes, bytes_max); }
};

/// A value is a record with the one field `content`, always inline.
class CompactFormat final : public CodecFormat {
public:
    CompactFormat() : CodecFormat({"compact-binary", "application/x-symphony-compact", 1, false, false}) {}
    Result<Buffer> encode(const Value& content) override {
        const Value sorted = canonical(content);
        const Bytes bytes = sorted.bytes();
        Buffer out = Buffer::make(bytes.size() + 8);
        std::uint8_t* to = out.writable().data();
        for (const std::size_t number : {bytes.size() + 4, bytes.size()}) {
            for (unsigned i = 0; i < 4; ++i) *to++ = static_cast<std::uint8_t>(number >> (8 * i));
        }
        std::memcpy(to, bytes.data(), bytes.size());
        return out;
    }
    Result<Value> decode(const Buffer& bytes, std::size_t) override {
        WireReader reader(bytes.bytes(), WireKeep::own);
        Value out;
        detail::read_fields(reader, out);
        reader.finish();
        if (auto status = reader.status(); !status) return std::move(status).error();
        if (auto status = Value::check(out.bytes()); !status) return std::move(status).error();
        return out;
    }
    Result<Buffer> encode(const EnvelopeView& envelope) override { return written<compact::write>(envelope); }
    Result<Envelope> decode_envelope(const Buffer& bytes, std::size_t bytes_max) override { return read<compact::read>(bytes, bytes_max); }
};

} // namespace

std::unique_ptr<CodecFormat> compact_format() { return std::make_unique<CompactFormat>(); }
std::unique_ptr<CodecFormat> msgpack_format() { return std::make_unique<MsgpackFormat>(); }

} // namespace symphony::ipc
