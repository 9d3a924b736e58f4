// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>
#include <symphony/envelope/json.hpp>
#include <symphony/envelope/out_buffer.hpp>
#include <symphony/ports/bus.hpp>
#include <symphony/ports/transport.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// The protocol between the bus and a program elsewhere; ipc/docs/bus-wire.md is it in words.
namespace symphony::bus {

/// The endpoint that the bus itself answers as.
inline constexpr std::string_view bus_name = "bus";
/// What is answers and not one of the deliveries that were asked for.
inline constexpr std::uint32_t channel_answers = 0;
inline constexpr std::uint32_t channels_max = 65'535;
/// A writer begins another frame here; one envelope may be larger.
inline constexpr std::size_t frame_bytes_target = 64 * 1024;

/// Envelopes in the codec that both sides agreed on. Used by one thread at a time.
class WireCodec {
public:
    /// compact-binary, msgpack or json; what greetings offer.
    static std::vector<std::string> names();
    /// @param name  One of names(), else as compact-binary.
    explicit WireCodec(std::string_view name);

    bool compact() const noexcept { return kind_ == Kind::compact; }
    Status write(ipc::OutBuffer& to, const ipc::EnvelopeView& envelope) const;
    /// `to` looks into `from` and into this object, until the next call. Contents in binary are not looked at. @return As the codec says.
    Status read(Bytes from, ipc::EnvelopeView& to);

private:
    enum class Kind : std::uint8_t { compact, msgpack, json } kind_;
    std::unique_ptr<ipc::json::Reader> json_;
};

/// Appends one item to a frame: its size, its channel, the envelope. @return As the codec says; then nothing was appended.
Status append_item(ipc::OutBuffer& to, std::uint32_t channel, const ipc::EnvelopeView& envelope, const WireCodec& codec);
/// The same with bytes that are encoded already.
void append_item(ipc::OutBuffer& to, std::uint32_t channel, Bytes encoded);

struct Item {
    std::uint32_t channel = 0;
    Buffer envelope; ///< shares the frame
};
/// Takes a frame apart. @return `data_corrupt` "bad-frame" with the byte.
Status read_frame(const Buffer& frame, std::vector<Item>& to);

/// "unix:/run/x" and so on. @return `invalid_argument` "bad-address".
Result<ports::Address> parse_address(std::string_view text);

// Contents of requests to the bus and of its answers.
Value content_of(const ports::BusSubscription& from, std::uint32_t channel);
Value content_of(const ports::BusEndpoint& from, std::uint32_t channel);
Value content_of(const std::vector<ports::BusEndpointInfo>& from);
Value content_of(const ports::BusStats& from);
Value content_of(const std::vector<ports::BusRoute>& from);
ports::BusSubscription subscription_of(ValueView from);
ports::BusEndpoint endpoint_of(ValueView from);
std::vector<ports::BusEndpointInfo> endpoints_of(ValueView from);
ports::BusStats stats_of(ValueView from);
std::vector<ports::BusRoute> bus_routes_of(ValueView from);

} // namespace symphony::bus
