// SPDX-License-Identifier: Apache-2.0
// The envelope with 256 bytes of content, written and read: ours in three codecs beside memcpy, a copy of the struct, msgpack-cxx, FlatBuffers,
// nlohmann and simdjson. Peers write the same fields from a plain struct, and what comes back from each is compared before it is measured.
#include "bench.hpp"

#include <symphony/base64.hpp>
#include <symphony/envelope/compact.hpp>
#include <symphony/envelope/json.hpp>
#include <symphony/envelope/msgpack.hpp>

#include <nlohmann/json.hpp>
#include <simdjson.h>
#if SYMPHONY_BENCH_HAS_FLATBUFFERS
#include <flatbuffers/flatbuffers.h>
#endif
#if SYMPHONY_BENCH_HAS_MSGPACK
#include <msgpack.hpp>
#endif

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace symphony;
using nlohmann::json;

namespace {

/// What a program without Symphony would send.
struct Plain {
    std::array<std::uint8_t, 16> id{}, correlation{};
    std::uint64_t unix_us = 0;
    std::uint32_t timeout_ms = 0;
    std::string type, sender, recipient;
    std::vector<std::uint8_t> payload;
    bool operator==(const Plain&) const = default;
};

Plain make(bool text) {
    Plain out;
    std::uint64_t state = 6;
    const auto random = [&] { return static_cast<std::uint8_t>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56); };
    for (auto& byte : out.id) byte = random();
    for (auto& byte : out.correlation) byte = random();
    out.unix_us = 1'763'935'200'123'456;
    out.timeout_ms = 5000;
    out.type = "pool.lease";
    out.sender = "symphony.pit.pool-manager";
    out.recipient = "symphony.conductor.main";
    constexpr std::string_view words = "{\"model\":\"gpt-4\",\"prompt\":\"summarise the artifact and list its risks\",\"n\":3} ";
    for (std::size_t i = 0; i < 256; ++i) out.payload.push_back(text ? static_cast<std::uint8_t>(words[i % words.size()]) : random());
    return out;
}

ipc::Envelope ours_of(const Plain& from, bool text) {
    ipc::Envelope out;
    out.id.bytes = from.id;
    out.correlation.emplace().bytes = from.correlation;
    out.unix_us = from.unix_us;
    out.type = from.type;
    out.sender = from.sender;
    out.recipient = from.recipient;
    ValueBuilder content;
    if (text) content.text(text_of(from.payload));
    else content.bytes(from.payload);
    out.payload = ipc::Request{from.timeout_ms, content.build()};
    return out;
}

void must(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "error: %s did not come back whole\n", what);
    std::exit(1);
}

// ---- nlohmann ----

std::string uuid_text(const std::array<std::uint8_t, 16>& bytes) { return ipc::Uuid{bytes}.text(); }

json tree_of(const Plain& from, bool text) {
    return {{"version", "1.0"},
            {"header", {{"id", uuid_text(from.id)}, {"unix_us", from.unix_us}, {"correlation", uuid_text(from.correlation)}, {"type", from.type}, {"sender", from.sender},
                        {"recipient", from.recipient}}},
            {"kind", "request"},
            {"payload", {{"timeout_ms", from.timeout_ms}, {"content", text ? json(text_of(from.payload)) : json{{"$bytes", to_base64(from.payload)}}}}}};
}
Plain of_tree(const json& tree, bool text) {
    Plain out;
    const json& header = tree.at("header");
    out.id = ipc::Uuid::parse(header.at("id").get_ref<const std::string&>())->bytes;
    out.correlation = ipc::Uuid::parse(header.at("correlation").get_ref<const std::string&>())->bytes;
    out.unix_us = header.at("unix_us");
    out.type = header.at("type");
    out.sender = header.at("sender");
    out.recipient = header.at("recipient");
    out.timeout_ms = tree.at("payload").at("timeout_ms");
    const json& content = tree.at("payload").at("content");
    if (text) {
        const auto& raw = content.get_ref<const std::string&>();
        out.payload.assign(raw.begin(), raw.end());
    } else {
        out.payload = *from_base64(content.at("$bytes").get_ref<const std::string&>());
    }
    return out;
}

// ---- msgpack-cxx ----

#if SYMPHONY_BENCH_HAS_MSGPACK
void pack(::msgpack::sbuffer& to, const Plain& from) {
    ::msgpack::packer<::msgpack::sbuffer> p(to);
    const auto bin = [&](const auto& bytes) {
        p.pack_bin(static_cast<std::uint32_t>(bytes.size()));
        p.pack_bin_body(reinterpret_cast<const char*>(bytes.data()), static_cast<std::uint32_t>(bytes.size()));
    };
    p.pack_array(8);
    bin(from.id);
    bin(from.correlation);
    p.pack(from.unix_us);
    p.pack(from.timeout_ms);
    p.pack(from.type);
    p.pack(from.sender);
    p.pack(from.recipient);
    bin(from.payload);
}
Plain unpack(const ::msgpack::object& from) {
    Plain out;
    const auto* const items = from.via.array.ptr;
    std::memcpy(out.id.data(), items[0].via.bin.ptr, 16);
    std::memcpy(out.correlation.data(), items[1].via.bin.ptr, 16);
    items[2].convert(out.unix_us);
    items[3].convert(out.timeout_ms);
    items[4].convert(out.type);
    items[5].convert(out.sender);
    items[6].convert(out.recipient);
    out.payload.assign(items[7].via.bin.ptr, items[7].via.bin.ptr + items[7].via.bin.size);
    return out;
}
#endif

// ---- FlatBuffers: what its compiler makes of a table with these eight fields ----

#if SYMPHONY_BENCH_HAS_FLATBUFFERS
namespace fb = ::flatbuffers;
void build(fb::FlatBufferBuilder& to, const Plain& from) {
    to.Clear();
    const auto id = to.CreateVector(from.id.data(), from.id.size()), correlation = to.CreateVector(from.correlation.data(), from.correlation.size());
    const auto type = to.CreateString(from.type), sender = to.CreateString(from.sender), recipient = to.CreateString(from.recipient);
    const auto payload = to.CreateVector(from.payload);
    const auto start = to.StartTable();
    to.AddElement<std::uint64_t>(8, from.unix_us, 0);
    to.AddOffset(18, payload);
    to.AddOffset(16, recipient);
    to.AddOffset(14, sender);
    to.AddOffset(12, type);
    to.AddElement<std::uint32_t>(10, from.timeout_ms, 0);
    to.AddOffset(6, correlation);
    to.AddOffset(4, id);
    to.Finish(fb::Offset<fb::Table>(to.EndTable(start)));
}
Plain of_table(const std::uint8_t* bytes) {
    const auto* const table = fb::GetRoot<fb::Table>(bytes);
    const auto vector = [&](fb::voffset_t field) { return table->GetPointer<const fb::Vector<std::uint8_t>*>(field); };
    const auto string = [&](fb::voffset_t field) { return table->GetPointer<const fb::String*>(field)->str(); };
    Plain out;
    std::memcpy(out.id.data(), vector(4)->data(), 16);
    std::memcpy(out.correlation.data(), vector(6)->data(), 16);
    out.unix_us = table->GetField<std::uint64_t>(8, 0);
    out.timeout_ms = table->GetField<std::uint32_t>(10, 0);
    out.type = string(12);
    out.sender = string(14);
    out.recipient = string(16);
    out.payload.assign(vector(18)->begin(), vector(18)->end());
    return out;
}
#endif

// ---- the measurement ----

template <class Ours, class Peer>
void compare(bench::Report& report, const std::string& figure, Ours&& ours, const std::string& peer_name, Peer&& peer, const std::string& goal = "", std::size_t inner = 2000) {
    std::vector<double> our_ns, peer_ns;
    bench::time_ns(inner, ours);
    bench::time_ns(inner, peer);
    for (int round = 0; round < 101; ++round) {
        our_ns.push_back(bench::time_ns(inner, ours));
        peer_ns.push_back(bench::time_ns(inner, peer));
    }
    report.add(figure, "ns", our_ns, peer_name, peer_ns, goal);
}

void size(bench::Report& report, const std::string& figure, std::size_t ours, std::size_t peer, const std::string& goal) {
    report.add(figure, "bytes", {static_cast<double>(ours)}, "json", {static_cast<double>(peer)}, goal);
}

void clobber() { asm volatile("" ::: "memory"); }

void measure(bench::Report& report, bool text) {
    const std::string what = text ? " (256 B of text)" : " (256 B of bytes)";
    const Plain plain = make(text);
    const ipc::Envelope envelope = ours_of(plain, text);
    const ipc::EnvelopeView view = ipc::view_of(envelope);
    ipc::OutBuffer compact_out, msgpack_out, json_out;
    const auto write_compact = [&] {
        compact_out.clear();
        must(static_cast<bool>(ipc::compact::write(compact_out, view)), "compact");
        clobber();
    };
    const auto write_msgpack = [&] {
        msgpack_out.clear();
        must(static_cast<bool>(ipc::msgpack::write(msgpack_out, view)), "msgpack");
        clobber();
    };
    const auto write_json = [&] {
        json_out.clear();
        must(static_cast<bool>(ipc::json::write(json_out, view)), "json");
        clobber();
    };
    write_compact();
    write_msgpack();
    write_json();
    const Buffer compact_bytes = Buffer::copy(compact_out.bytes()), msgpack_bytes = Buffer::copy(msgpack_out.bytes()), json_bytes = Buffer::copy(json_out.bytes());
    ipc::json::Reader reader;
    const auto read = [](auto&& from, const Buffer& bytes) {
        ipc::EnvelopeView found;
        must(static_cast<bool>(from(bytes, found)), "a read");
        return ipc::own(found, bytes);
    };
    const auto read_compact = [&] { return read([](const Buffer& b, ipc::EnvelopeView& v) { return ipc::compact::read(b, v); }, compact_bytes); };
    const auto read_msgpack = [&] { return read([](const Buffer& b, ipc::EnvelopeView& v) { return ipc::msgpack::read(b, v); }, msgpack_bytes); };
    const auto read_json = [&] { return read([&](const Buffer& b, ipc::EnvelopeView& v) { return reader.read(b, v); }, json_bytes); };
    must(read_compact() == envelope && read_msgpack() == envelope && read_json() == envelope, "ours");
    const std::string peer_json = tree_of(plain, text).dump();
    must(of_tree(json::parse(peer_json), text) == plain && of_tree(json::parse(json_bytes.text()), text) == plain, "nlohmann");

    std::vector<std::uint8_t> copied(compact_bytes.size());
    const auto copy_bytes = [&] {
        std::memcpy(copied.data(), compact_bytes.data(), copied.size());
        clobber();
    };
    const auto copy_struct = [&] {
        const Plain copy = plain;
        bench::keep(&copy);
    };
    ipc::EnvelopeView seen;
    compare(report, "compact: write" + what, write_compact, "memcpy of the bytes", copy_bytes, "ratio <= 2");
    compare(report, "compact: read, owned" + what, [&] { bench::keep(read_compact()); }, "copy of the struct", copy_struct, "ratio <= 1.5");
    compare(report, "compact: read, view" + what, [&] {
        must(static_cast<bool>(ipc::compact::read(compact_bytes, seen)), "a view");
        bench::keep(&seen);
    }, "copy of the struct", copy_struct);
    compare(report, "compact: read, view of a router" + what, [&] {
        must(static_cast<bool>(ipc::compact::read(compact_bytes, seen, {.check_content = false})), "a view");
        bench::keep(&seen);
    }, "copy of the struct", copy_struct);
#if SYMPHONY_BENCH_HAS_MSGPACK
    ::msgpack::sbuffer packed(1024);
    const auto peer_write = [&] {
        packed.clear();
        pack(packed, plain);
        clobber();
    };
    peer_write();
    const auto peer_read = [&] { return unpack(::msgpack::unpack(packed.data(), packed.size()).get()); };
    must(peer_read() == plain, "msgpack-cxx");
    compare(report, "compact: write" + what, write_compact, "msgpack-cxx", peer_write, "ratio <= 0.5");
    compare(report, "msgpack: write" + what, write_msgpack, "msgpack-cxx", peer_write, "ratio <= 1.2");
    compare(report, "msgpack: read, owned" + what, [&] { bench::keep(read_msgpack()); }, "msgpack-cxx", [&] { bench::keep(peer_read()); }, "ratio <= 1.2");
#endif
#if SYMPHONY_BENCH_HAS_FLATBUFFERS
    fb::FlatBufferBuilder builder(1024);
    const auto build_peer = [&] {
        build(builder, plain);
        clobber();
    };
    build_peer();
    must(of_table(builder.GetBufferPointer()) == plain, "FlatBuffers");
    compare(report, "compact: write" + what, write_compact, "FlatBuffers", build_peer);
    compare(report, "compact: read, owned" + what, [&] { bench::keep(read_compact()); }, "FlatBuffers, copied out and not verified",
            [&] { bench::keep(of_table(builder.GetBufferPointer())); });
#endif
    compare(report, "json: write" + what, write_json, "nlohmann", [&] { bench::keep(tree_of(plain, text).dump()); }, "ratio <= 0.3", 200);
    compare(report, "json: read, owned" + what, [&] { bench::keep(read_json()); }, "nlohmann", [&] { bench::keep(of_tree(json::parse(json_bytes.text()), text)); }, "ratio <= 0.15", 200);
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(json_bytes.text());
    compare(report, "json: read, owned" + what, [&] { bench::keep(read_json()); }, "simdjson, parse only", [&] { bench::keep(parser.parse(padded).error()); }, "", 200);
    size(report, "compact: size" + what, compact_bytes.size(), json_bytes.size(), "ratio <= 0.61");
    size(report, "msgpack: size" + what, msgpack_bytes.size(), json_bytes.size(), "ratio <= 0.62");
}

} // namespace

int main(int argc, char** argv) {
    bench::Report report("codec", argc, argv);
    measure(report, true);
    measure(report, false);
    ipc::UuidSource ids;
    std::vector<double> id_ns, clock_ns;
    for (int round = 0; round < 101; ++round) {
        id_ns.push_back(bench::time_ns(2000, [&] { bench::keep(ids.next()); }));
        clock_ns.push_back(bench::time_ns(2000, [] { bench::keep(ipc::UuidSource::system_clock_ns()); }));
    }
    report.add("uuid: next", "ns", id_ns, "reading the clock", clock_ns, "");
    return report.write();
}
