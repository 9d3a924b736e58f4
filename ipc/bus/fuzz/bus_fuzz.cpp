// SPDX-License-Identifier: Apache-2.0
// What a client may send after its greeting. The first byte chooses the codec, the rest is one frame: it is taken apart, its envelopes are read, and contents of requests to the
// bus become subscriptions, endpoints and routes. What was read is written again and must be read as the same.
#include "specs.hpp"

#include <symphony/bus/frame.hpp>

#include <cstdlib>

namespace symphony::bus {
namespace {

void must(bool right) {
    if (!right) std::abort();
}

void ask(ValueView content) {
    if (const auto spec = spec_of(subscription_of(content))) {
        must(spec->limits.queue_max > 0 && spec->limits.bytes_max > 0);
        const auto again = spec_of(subscription_of(content_of(subscription_of(content), 1)));
        must(again && again->subscription.pattern.text() == spec->subscription.pattern.text());
    }
    if (const auto spec = spec_of(endpoint_of(content))) must(static_cast<bool>(check_name(spec->endpoint->name)));
    const auto routes = bus_routes_of(content);
    if (routes_of(routes)) must(bus_routes_of(content_of(routes)) == routes);
    static_cast<void>(stats_of(content));
}

void one(const Item& item, WireCodec& codec) {
    ipc::EnvelopeView view;
    if (!codec.read(item.envelope, view)) return;
    const ipc::Envelope read = ipc::own(view);
    ask(ValueView(ipc::content_of(ipc::view_of(read))));
    if (const auto pattern = Pattern::parse(read.type)) must(!pattern->exact() || pattern->matches(read.type));
    ipc::OutBuffer again;
    if (!append_item(again, item.channel, ipc::view_of(read), codec)) return; // contents are not looked at when they are read
    std::vector<Item> items;
    must(read_frame(again.take(), items) && items.size() == 1 && items[0].channel == item.channel);
}

} // namespace
} // namespace symphony::bus

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace symphony::bus;
    if (size == 0) return 0;
    const auto names = WireCodec::names();
    WireCodec codec(names[data[0] % names.size()]);
    std::vector<Item> items;
    if (!read_frame(symphony::Buffer::copy(symphony::Bytes(data + 1, size - 1)), items)) return 0;
    for (const auto& item : items) one(item, codec);
    return 0;
}
