// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/codec_server.hpp>
#include <symphony/envelope/json.hpp>
#include <symphony/envelope/json_rpc.hpp>

#include <mutex>

namespace symphony::ipc {
namespace {

/// Readers that wait for the next call: a parser's memory is worth keeping.
class Readers {
public:
    std::unique_ptr<json::Reader> take() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return std::make_unique<json::Reader>();
        auto out = std::move(idle_.back());
        idle_.pop_back();
        return out;
    }
    void give(std::unique_ptr<json::Reader> reader) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < idle_max) idle_.push_back(std::move(reader));
    }

private:
    static constexpr std::size_t idle_max = 8;
    std::mutex mutex_;
    std::vector<std::unique_ptr<json::Reader>> idle_;
};

class JsonFormat final : public CodecFormat {
public:
    JsonFormat() : CodecFormat({"json", "application/json", 1, true, false}) {}
    Result<Buffer> encode(const Value& content) override {
        OutBuffer out;
        if (auto status = json::write_value(out, canonical(content)); !status) return std::move(status).error();
        return out.take();
    }
    Result<Value> decode(const Buffer& bytes, std::size_t bytes_max) override {
        auto reader = readers_.take();
        auto result = reader->read_value(bytes, bytes_max);
        readers_.give(std::move(reader));
        return result;
    }
    Result<Buffer> encode(const EnvelopeView& envelope) override {
        OutBuffer out;
        if (auto status = json::write(out, envelope); !status) return std::move(status).error();
        return out.take();
    }
    Result<Envelope> decode_envelope(const Buffer& bytes, std::size_t bytes_max) override {
        auto reader = readers_.take();
        EnvelopeView view;
        const auto status = reader->read(bytes, view, {.bytes_max = bytes_max});
        Result<Envelope> result = status ? Result<Envelope>(own(view)) : Result<Envelope>(status.error());
        readers_.give(std::move(reader));
        return result;
    }

private:
    Readers readers_;
};

/// All connections share one session: a request's new UUID is enough to find the id that it came with.
class JsonRpcFormat final : public CodecFormat {
public:
    explicit JsonRpcFormat(bool version_member)
        : CodecFormat({"json-rpc", "application/json", 2, true, true}), session_(ids_, "", "", {.version_member = version_member}) {}
    Result<Buffer> encode(const Value&) override { return no_values(); }
    Result<Value> decode(const Buffer&, std::size_t) override { return no_values(); }
    Result<Buffer> encode(const EnvelopeView& envelope) override {
        OutBuffer out;
        const std::lock_guard lock(mutex_);
        if (auto status = session_.write(out, envelope); !status) return std::move(status).error();
        return out.take();
    }
    Result<Envelope> decode_envelope(const Buffer& bytes, std::size_t bytes_max) override {
        std::string_view line = bytes.text();
        if (line.size() > bytes_max) return Error(Code::exhausted, "too-large", "JSON-RPC: a line of " + std::to_string(line.size()) + " bytes");
        if (line.ends_with('\n')) line.remove_suffix(1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::lock_guard lock(mutex_);
        return session_.read(bytes_of(line), UuidSource::system_clock_ns() / 1000);
    }

private:
    static Error no_values() { return {Code::not_found, "unknown-codec", "codec \"json-rpc\" has messages and no values; use \"json\""}; }

    std::mutex mutex_;
    UuidSource ids_;
    json_rpc::Session session_;
};

} // namespace

std::unique_ptr<CodecFormat> json_format() { return std::make_unique<JsonFormat>(); }
std::unique_ptr<CodecFormat> json_rpc_format(bool version_member) { return std::make_unique<JsonRpcFormat>(version_member); }

} // namespace symphony::ipc
