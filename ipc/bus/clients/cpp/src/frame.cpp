// SPDX-License-Identifier: Apache-2.0
#include <symphony/bus/frame.hpp>

#include <symphony/envelope/compact.hpp>
#include <symphony/envelope/msgpack.hpp>

namespace symphony::bus {
namespace {

constexpr std::size_t item_header_bytes = 8;
constexpr std::size_t list_max = 65'536;

void write_u32(std::uint8_t* to, std::uint32_t value) noexcept {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t read_u32(const std::uint8_t* from) noexcept {
    return std::uint32_t{from[0]} | std::uint32_t{from[1]} << 8 | std::uint32_t{from[2]} << 16 | std::uint32_t{from[3]} << 24;
}

Error bad_frame(std::string_view what, std::size_t at) {
    return {Code::data_corrupt, "bad-frame", "frame: " + std::string(what) + " at byte " + std::to_string(at)};
}

template <class T>
T number(ValueView from) noexcept {
    const std::uint64_t value = from.as_uint();
    return value <= std::numeric_limits<T>::max() ? static_cast<T>(value) : std::numeric_limits<T>::max(); // which whoever checks refuses
}

std::vector<std::string> texts(ValueView from) {
    std::vector<std::string> out;
    if (!from.is_list()) return out;
    for (const ValueView item : from.items()) {
        if (out.size() < list_max) out.emplace_back(item.as_text());
    }
    return out;
}

void add_texts(ValueBuilder& to, std::string_view key, const std::vector<std::string>& from) {
    to.key(key).list(from.size());
    for (const auto& text : from) to.text(text);
    to.end();
}

void add_endpoints(ValueBuilder& to, const std::vector<ports::BusEndpointInfo>& from) {
    to.list(from.size());
    for (const auto& one : from) {
        to.map().add("name", one.name);
        add_texts(to, "capabilities", one.capabilities);
        to.add("healthy", one.healthy).add("remote", one.remote).add("queued", one.queued).add("open_requests", one.open_requests);
        to.add("delivered", one.delivered).add("lost", one.lost).end();
    }
    to.end();
}

} // namespace

std::vector<std::string> WireCodec::names() { return {"compact-binary", "msgpack", "json"}; }

WireCodec::WireCodec(std::string_view name) : kind_(name == "msgpack" ? Kind::msgpack : name == "json" ? Kind::json : Kind::compact) {
    if (kind_ == Kind::json) json_ = std::make_unique<ipc::json::Reader>();
}

Status WireCodec::write(ipc::OutBuffer& to, const ipc::EnvelopeView& envelope) const {
    switch (kind_) {
    case Kind::msgpack: return ipc::msgpack::write(to, envelope);
    case Kind::json: return ipc::json::write(to, envelope);
    case Kind::compact: break;
    }
    return ipc::compact::write(to, envelope);
}

Status WireCodec::read(Bytes from, ipc::EnvelopeView& to) {
    ipc::ReadRules rules;
    rules.check_content = false;
    switch (kind_) {
    case Kind::msgpack: return ipc::msgpack::read(from, to, rules);
    case Kind::json: return json_->read(from, to, rules);
    case Kind::compact: break;
    }
    return ipc::compact::read(from, to, rules);
}

Status append_item(ipc::OutBuffer& to, std::uint32_t channel, const ipc::EnvelopeView& envelope, const WireCodec& codec) {
    const std::size_t start = to.size();
    to.commit(to.reserve(item_header_bytes) + item_header_bytes);
    if (auto status = codec.write(to, envelope); !status) {
        to.cut(start);
        return status;
    }
    write_u32(to.at(start), static_cast<std::uint32_t>(to.size() - start - item_header_bytes));
    write_u32(to.at(start) + 4, channel);
    return {};
}

void append_item(ipc::OutBuffer& to, std::uint32_t channel, Bytes encoded) {
    std::uint8_t* at = to.reserve(item_header_bytes + encoded.size());
    write_u32(at, static_cast<std::uint32_t>(encoded.size()));
    write_u32(at + 4, channel);
    std::memcpy(at + item_header_bytes, encoded.data(), encoded.size());
    to.commit(at + item_header_bytes + encoded.size());
}

Status read_frame(const Buffer& frame, std::vector<Item>& to) {
    to.clear();
    for (std::size_t at = 0; at < frame.size();) {
        if (frame.size() - at < item_header_bytes) return bad_frame("an item is cut off", at);
        const std::size_t size = read_u32(frame.data() + at);
        const std::uint32_t channel = read_u32(frame.data() + at + 4);
        if (size > frame.size() - at - item_header_bytes) return bad_frame("an item is longer than the frame", at);
        if (size == 0) return bad_frame("an item is empty", at);
        if (channel > channels_max) return bad_frame("a channel is larger than " + std::to_string(channels_max), at + 4);
        to.push_back({channel, frame.slice(at + item_header_bytes, size)});
        at += item_header_bytes + size;
    }
    return {};
}

Result<ports::Address> parse_address(std::string_view text) {
    const auto colon = text.find(':');
    const auto scheme = text.substr(0, colon);
    if (colon == std::string_view::npos || scheme.empty() || scheme.size() > 32 || scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos) {
        return Error(Code::invalid_argument, "bad-address", "address \"" + to_valid_utf8(text.substr(0, 200)) + "\" has no scheme", "write it as unix:/folder/name");
    }
    ports::Address out;
    out.scheme = scheme;
    out.path = text.substr(colon + 1);
    return out;
}

Value content_of(const ports::BusSubscription& from, std::uint32_t channel) {
    return ValueBuilder().map().add("channel", channel).add("pattern", from.pattern).add("kinds", from.kinds).add("sender", from.sender).add("policy", from.policy)
        .add("queue_max", from.queue_max).add("queue_bytes_max", from.queue_bytes_max).add("batch_max", from.batch_max).add("name", from.name).end().build();
}

Value content_of(const ports::BusEndpoint& from, std::uint32_t channel) {
    ValueBuilder out;
    out.map().add("channel", channel).add("name", from.name);
    add_texts(out, "capabilities", from.capabilities);
    return out.add("heartbeat_ms", from.heartbeat_ms).add("queue_max", from.queue_max).end().build();
}

Value content_of(const std::vector<ports::BusEndpointInfo>& from) {
    ValueBuilder out;
    out.map().key("endpoints");
    add_endpoints(out, from);
    return out.end().build();
}

Value content_of(const ports::BusStats& from) {
    ValueBuilder out;
    out.map().key("counters").map();
    for (const auto& [name, value] : from.counters) out.add(name, value);
    out.end().key("endpoints");
    add_endpoints(out, from.endpoints);
    out.key("subscriptions").list(from.subscriptions.size());
    for (const auto& one : from.subscriptions) {
        out.map().add("name", one.name).add("pattern", one.pattern).add("remote", one.remote).add("queued", one.queued);
        out.add("delivered", one.delivered).add("lost", one.lost).end();
    }
    return out.end().end().build();
}

Value content_of(const std::vector<ports::BusRoute>& from) {
    ValueBuilder out;
    out.map().key("routes").list(from.size());
    for (const auto& one : from) {
        out.map().add("pattern", one.pattern);
        add_texts(out, "endpoints", one.endpoints);
        out.add("capability", one.capability).add("priority", one.priority).end();
    }
    return out.end().end().build();
}

ports::BusSubscription subscription_of(ValueView from) {
    ports::BusSubscription out;
    out.pattern = from["pattern"].as_text();
    out.kinds = number<std::uint8_t>(from["kinds"]);
    out.sender = from["sender"].as_text();
    out.policy = number<std::uint8_t>(from["policy"]);
    out.queue_max = number<std::uint32_t>(from["queue_max"]);
    out.queue_bytes_max = number<std::uint64_t>(from["queue_bytes_max"]);
    out.batch_max = number<std::uint32_t>(from["batch_max"]);
    out.name = from["name"].as_text();
    return out;
}

ports::BusEndpoint endpoint_of(ValueView from) {
    return {std::string(from["name"].as_text()), texts(from["capabilities"]), number<std::uint32_t>(from["heartbeat_ms"]), number<std::uint32_t>(from["queue_max"])};
}

std::vector<ports::BusEndpointInfo> endpoints_of(ValueView from) {
    std::vector<ports::BusEndpointInfo> out;
    const ValueView list = from["endpoints"];
    if (!list.is_list()) return out;
    for (const ValueView item : list.items()) {
        if (out.size() == list_max) break;
        out.push_back({std::string(item["name"].as_text()), texts(item["capabilities"]), item["healthy"].as_bool(), item["remote"].as_bool(), number<std::uint32_t>(item["queued"]),
                       number<std::uint32_t>(item["open_requests"]), item["delivered"].as_uint(), item["lost"].as_uint()});
    }
    return out;
}

ports::BusStats stats_of(ValueView from) {
    ports::BusStats out;
    if (from["counters"].is_map()) {
        for (const auto& [name, value] : from["counters"].entries()) out.counters[std::string(name)] = value.as_uint();
    }
    out.endpoints = endpoints_of(from);
    if (!from["subscriptions"].is_list()) return out;
    for (const ValueView item : from["subscriptions"].items()) {
        out.subscriptions.push_back({std::string(item["name"].as_text()), std::string(item["pattern"].as_text()), item["remote"].as_bool(), number<std::uint32_t>(item["queued"]),
                                     item["delivered"].as_uint(), item["lost"].as_uint()});
    }
    return out;
}

std::vector<ports::BusRoute> bus_routes_of(ValueView from) {
    std::vector<ports::BusRoute> out;
    if (!from["routes"].is_list()) return out;
    for (const ValueView item : from["routes"].items()) {
        if (out.size() == list_max) break;
        const auto priority = item["priority"].as_int();
        const auto clamped = std::clamp<std::int64_t>(priority, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
        out.push_back({std::string(item["pattern"].as_text()), texts(item["endpoints"]), std::string(item["capability"].as_text()), static_cast<std::int32_t>(clamped)});
    }
    return out;
}

} // namespace symphony::bus
