// SPDX-License-Identifier: Apache-2.0
// Prints generated envelopes for envelope_test.py, one JSON object a line: their bytes in each codec, and what they are, written without
// any codec. envelope-samples SEED COUNT
#include "codecs.hpp"
#include "generate.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>

using namespace symphony;
using namespace symphony::ipc;

namespace {

std::string hex(Bytes bytes) {
    std::string out;
    char two[3];
    for (const std::uint8_t byte : bytes) {
        std::snprintf(two, sizeof two, "%02x", byte);
        out += two;
    }
    return out;
}

struct Plain {
    nlohmann::json& to;
    void operator()(const Request& from) const { to["timeout_ms"] = from.timeout_ms, to["content"] = hex(from.content.bytes()); }
    void operator()(const Response& from) const { to["content"] = hex(from.content.bytes()); }
    void operator()(const Event& from) const { to["content"] = hex(from.content.bytes()); }
    void operator()(const Failure& from) const {
        to["code"] = name_of(from.code), to["retryable"] = from.retryable, to["reason"] = from.reason, to["message"] = from.message, to["hint"] = from.hint;
    }
};

nlohmann::json plain(const Envelope& from) {
    nlohmann::json out{{"version", {from.version.major, from.version.minor}}, {"id", hex(from.id.bytes)}, {"unix_us", from.unix_us}, {"type", from.type},
                       {"sender", from.sender}, {"recipient", from.recipient}, {"kind", payload_kind_names[from.payload.index()]}};
    out["correlation"] = from.correlation ? nlohmann::json(hex(from.correlation->bytes)) : nlohmann::json();
    std::visit(Plain{out["payload"]}, from.payload);
    return out;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    ipc::testing::Generator generator(std::strtoull(argv[1], nullptr, 10));
    for (auto left = std::strtoull(argv[2], nullptr, 10); left > 0; --left) {
        const Envelope envelope = generator.envelope();
        nlohmann::json sample{{"plain", plain(envelope)}};
        for (const auto codec : ipc::testing::codec_names) {
            const auto bytes = ipc::testing::write(codec, envelope);
            if (!bytes) {
                std::fprintf(stderr, "error: %s\n", bytes.error().message().c_str());
                return 1;
            }
            sample[codec] = codec == "json" ? *bytes : hex(bytes_of(*bytes));
        }
        std::puts(sample.dump().c_str());
    }
    return 0;
}
