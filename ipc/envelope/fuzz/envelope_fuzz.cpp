// SPDX-License-Identifier: Apache-2.0
// libFuzzer: every reader over arbitrary bytes; the first byte chooses. Nothing may crash, and what one reader takes comes back whole
// from every codec that can write it.
#include <symphony/envelope/compact.hpp>
#include <symphony/envelope/greeting.hpp>
#include <symphony/envelope/json.hpp>
#include <symphony/envelope/json_rpc.hpp>
#include <symphony/envelope/msgpack.hpp>

#include <cstdlib>

using namespace symphony;
using namespace symphony::ipc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t codecs = 3;

Status read(std::size_t codec, json::Reader& reader, Bytes bytes, EnvelopeView& to) {
    return codec == 0 ? compact::read(bytes, to) : codec == 1 ? ipc::msgpack::read(bytes, to) : reader.read(bytes, to);
}
Status write(std::size_t codec, OutBuffer& to, const EnvelopeView& envelope) {
    return codec == 0 ? compact::write(to, envelope) : codec == 1 ? ipc::msgpack::write(to, envelope) : json::write(to, envelope);
}

void must(bool right) {
    if (!right) std::abort();
}

/// Every codec gives it back as it is, and writes the same bytes again.
void carry(const Envelope& envelope) {
    for (std::size_t codec = 0; codec < codecs; ++codec) {
        json::Reader reader;
        OutBuffer once, twice;
        const auto written = write(codec, once, view_of(envelope));
        if (!written) {
            must(codec == 2 && written.error().reason() == "not-expressible");
            continue;
        }
        EnvelopeView view;
        must(static_cast<bool>(read(codec, reader, once.bytes(), view)));
        const Envelope back = own(view);
        must(back == envelope);
        must(static_cast<bool>(write(codec, twice, view)) && twice.text() == once.text());
    }
}

void run_rpc(Bytes bytes) {
    UuidSource ids;
    json_rpc::Session session(ids, "peer");
    json_rpc::LineCutter cutter(4096);
    // A line that is refused does not end the stream.
    const auto fed = cutter.feed(bytes, [&](Bytes line) -> Status {
        const auto envelope = session.read(line, 1);
        if (!envelope) return {};
        carry(*envelope);
        if (envelope->kind() != PayloadKind::request) return {};
        Envelope answer;
        answer.id = ids.next();
        answer.correlation = envelope->id;
        answer.payload = Response{std::get<Request>(envelope->payload).content};
        OutBuffer out;
        const auto written = session.write(out, view_of(answer));
        must(written ? out.text().ends_with("}\n") && session.open() == 0 : written.error().reason() == "not-expressible");
        answer.payload = Failure{};
        if (!written) must(static_cast<bool>(session.write(out, view_of(answer))));
        return {};
    });
    must(fed || fed.error().reason() == "too-large");
}

void run_greeting(Bytes bytes) {
    const auto greeting = read_greeting(bytes);
    if (!greeting) return;
    OutBuffer out;
    must(static_cast<bool>(write(out, *greeting)));
    must(*read_greeting(out.bytes()) == *greeting);
    const auto agreed = agree(*greeting, Greeting()), turned = agree(Greeting(), *greeting);
    must(agreed.operator bool() == turned.operator bool());
    if (agreed) must(agreed->version == turned->version);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // From memory of exactly the right size, so that a sanitizer sees one byte too many.
    const Buffer held = Buffer::copy({data + 1, size - 1});
    const std::size_t choice = data[0] % 5;
    if (choice == 3) {
        run_rpc(held);
    } else if (choice == 4) {
        run_greeting(held);
    } else {
        json::Reader reader;
        EnvelopeView view;
        if (read(choice, reader, held, view)) carry(own(view, held));
    }
    return 0;
}
