// SPDX-License-Identifier: Apache-2.0
#include "workflow.hpp"

#include "formats.hpp"
#include "parse.hpp"
#include "workflow_plain.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>

#if SYMPHONY_BENCH_HAS_CEREAL
#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#endif
#if SYMPHONY_BENCH_HAS_MSGPACK
#include <msgpack.hpp>
#endif

namespace symphony::bench::plain {

#if SYMPHONY_BENCH_HAS_CEREAL
template <class Archive>
void serialize(Archive& archive, Param& param) { archive(param.key, param.number, param.text); }
template <class Archive>
void serialize(Archive& archive, Input& input) { archive(input.port, input.from); }
template <class Archive>
void serialize(Archive& archive, Node& node) { archive(node.id, node.type, node.plugin, node.operation, node.description, node.inputs, node.with); }
template <class Archive>
void serialize(Archive& archive, Workflow& workflow) { archive(workflow.id, workflow.name, workflow.version, workflow.nodes); }
#endif

} // namespace symphony::bench::plain

namespace symphony::bench {
namespace {

using nlohmann::json;
using tracker::Format;

/// 1,000 nodes with six constants and two inputs each: the workflow of the seed's table.
plain::Workflow make() {
    std::minstd_rand engine(20261127);
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(engine()) % bound; };
    plain::Workflow w{"data-processing", "data-processing", "1.0.0", {}};
    for (unsigned i = 0; i < 1000; ++i) {
        plain::Node node;
        node.id = "node-" + std::to_string(i);
        node.type = i % 3 == 0 ? "instrument" : "operator";
        node.plugin = i % 3 == 0 ? "language-model" : "json-tools";
        node.operation = i % 3 == 0 ? "complete" : "parse";
        node.description = "json-parser-" + std::to_string(i);
        node.with = {{"endpoint", 0, "api.openai.com"}, {"max_tokens", double(256u << below(4)), ""}, {"mode", 0, "strict"},
                     {"temperature", 0.25 * below(8), ""}, {"x", below(4000) / 4.0, ""}, {"y", below(4000) / 4.0, ""}};
        if (i > 0) node.inputs = {{"first", "node-" + std::to_string(below(i)) + ".out"}, {"second", "node-" + std::to_string(below(i)) + ".out"}};
        w.nodes.push_back(std::move(node));
    }
    // Sorted as text is, so that what comes back from any format can be compared.
    std::sort(w.nodes.begin(), w.nodes.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return w;
}

// ---- nlohmann: a tree, then text ----

json tree_of(const plain::Workflow& w) {
    json nodes = json::object();
    for (const auto& node : w.nodes) {
        json made{{"plugin", node.plugin}, {"operation", node.operation}, {"description", node.description}};
        if (node.type != "operator") made["type"] = node.type;
        for (const auto& input : node.inputs) made["inputs"][input.port] = input.from;
        for (const auto& param : node.with) {
            if (param.text.empty()) made["with"][param.key] = param.number;
            else made["with"][param.key] = param.text;
        }
        nodes[node.id] = std::move(made);
    }
    return {{"workflow", {{"schema", 1}, {"id", w.id}, {"name", w.name}, {"version", w.version}}}, {"nodes", std::move(nodes)}};
}

plain::Workflow of_tree(const json& tree) {
    plain::Workflow w;
    const json& head = tree.at("workflow");
    w.id = head.at("id");
    w.name = head.at("name");
    w.version = head.at("version");
    for (const auto& [id, from] : tree.at("nodes").items()) {
        plain::Node node;
        node.id = id;
        node.type = from.contains("type") ? from.at("type").get<std::string>() : "operator";
        node.plugin = from.at("plugin");
        node.operation = from.at("operation");
        node.description = from.at("description");
        if (from.contains("inputs")) {
            for (const auto& [port, source] : from.at("inputs").items()) node.inputs.push_back({port, source});
        }
        for (const auto& [key, value] : from.at("with").items()) {
            plain::Param param{key, 0, {}};
            if (value.is_string()) param.text = value;
            else param.number = value;
            node.with.push_back(std::move(param));
        }
        w.nodes.push_back(std::move(node));
    }
    return w;
}

// ---- msgpack-cxx ----

#if SYMPHONY_BENCH_HAS_MSGPACK
using Pack = ::msgpack::packer<::msgpack::sbuffer>;

void text(Pack& pack, std::string_view text) {
    pack.pack_str(static_cast<std::uint32_t>(text.size()));
    pack.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}
/// The same document as ours: maps with the same keys.
void pack_maps(Pack& pack, const plain::Workflow& w) {
    const auto member = [&](std::string_view key, const std::string& value) {
        text(pack, key);
        text(pack, value);
    };
    pack.pack_map(2);
    text(pack, "workflow");
    pack.pack_map(4);
    text(pack, "schema");
    pack.pack(1);
    member("id", w.id);
    member("name", w.name);
    member("version", w.version);
    text(pack, "nodes");
    pack.pack_map(static_cast<std::uint32_t>(w.nodes.size()));
    for (const auto& node : w.nodes) {
        text(pack, node.id);
        pack.pack_map(4u + (node.type != "operator" ? 1u : 0u) + (node.inputs.empty() ? 0u : 1u));
        if (node.type != "operator") member("type", node.type);
        member("plugin", node.plugin);
        member("operation", node.operation);
        member("description", node.description);
        if (!node.inputs.empty()) {
            text(pack, "inputs");
            pack.pack_map(static_cast<std::uint32_t>(node.inputs.size()));
            for (const auto& input : node.inputs) member(input.port, input.from);
        }
        text(pack, "with");
        pack.pack_map(static_cast<std::uint32_t>(node.with.size()));
        for (const auto& param : node.with) {
            text(pack, param.key);
            if (param.text.empty()) pack.pack(param.number);
            else text(pack, param.text);
        }
    }
}
plain::Workflow of_maps(const ::msgpack::object& root) {
    plain::Workflow w;
    const auto each = [](const ::msgpack::object& map, auto&& visit) {
        for (std::uint32_t i = 0; i < map.via.map.size; ++i) visit(std::string_view(map.via.map.ptr[i].key.via.str.ptr, map.via.map.ptr[i].key.via.str.size), map.via.map.ptr[i].val);
    };
    each(root, [&](std::string_view part, const ::msgpack::object& value) {
        if (part == "workflow") {
            each(value, [&](std::string_view key, const ::msgpack::object& member) {
                if (key == "id") member.convert(w.id);
                else if (key == "name") member.convert(w.name);
                else if (key == "version") member.convert(w.version);
            });
            return;
        }
        w.nodes.reserve(value.via.map.size);
        each(value, [&](std::string_view id, const ::msgpack::object& from) {
            plain::Node& node = w.nodes.emplace_back();
            node.id = id;
            node.type = "operator";
            each(from, [&](std::string_view key, const ::msgpack::object& member) {
                if (key == "type") member.convert(node.type);
                else if (key == "plugin") member.convert(node.plugin);
                else if (key == "operation") member.convert(node.operation);
                else if (key == "description") member.convert(node.description);
                else if (key == "inputs") each(member, [&](std::string_view port, const ::msgpack::object& source) { node.inputs.push_back({std::string(port), source.as<std::string>()}); });
                else each(member, [&](std::string_view name, const ::msgpack::object& constant) {
                    plain::Param& param = node.with.emplace_back();
                    param.key = name;
                    if (constant.type == ::msgpack::type::STR) constant.convert(param.text);
                    else param.number = constant.as<double>();
                });
            });
        });
    });
    return w;
}
#endif

// ---- the measurement ----

/// What both sides make of it must be the workflow, or a figure means nothing.
void must(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "%s: did not come back whole\n", what);
    std::exit(1);
}

template <class Ours, class Peer>
void compare(Report& report, const std::string& figure, Ours&& ours, const std::string& peer_name, Peer&& peer, const std::string& goal) {
    std::vector<double> our_us, peer_us;
    for (int round = 0; round < 61; ++round) {
        our_us.push_back(time_ns(3, ours) / 1e3);
        peer_us.push_back(time_ns(3, peer) / 1e3);
    }
    report.add(figure, "us", our_us, peer_name, peer_us, goal);
}

void sizes(Report& report, const std::string& figure, std::size_t ours, const std::string& peer_name, std::size_t peer, const std::string& goal) {
    report.add(figure, "bytes", {static_cast<double>(ours)}, peer_name, {static_cast<double>(peer)}, goal);
}

} // namespace

void measure_formats(Report& report) {
    const plain::Workflow w = make();
    const std::string peer_text = tree_of(w).dump();
    const auto parsed = tracker::parse_flawless_workflow("w", peer_text, {});
    must(parsed.has_value(), "the workflow itself");
    const auto& workflow = *parsed;
    const std::string digest = tracker::digest_of(workflow);
    const auto read = [&](const std::string& bytes) {
        auto made = tracker::parse_flawless_workflow("w", bytes, {});
        keep(made);
        return made;
    };
    const auto compact = write_workflow(workflow, Format::json_compact);
    const auto pretty = write_workflow(workflow, Format::json);
    const auto toml = write_workflow(workflow, Format::toml);
    const auto pack = write_workflow(workflow, Format::msgpack);
    const auto binary = write_workflow(workflow, Format::binary);
    for (const auto* bytes : {&compact, &pretty, &toml, &pack, &binary}) must(tracker::digest_of(*read(*bytes)) == digest, "one of ours");
    must(of_tree(json::parse(compact)) == w && of_tree(json::parse(peer_text)) == w, "nlohmann");

    const auto write = [&](Format format) { return [&workflow, format] { keep(write_workflow(workflow, format)); }; };
    compare(report, "json-compact: write", write(Format::json_compact), "nlohmann", [&] { keep(tree_of(w).dump()); }, "ratio <= 0.15");
    compare(report, "json-compact: read", [&] { read(compact); }, "nlohmann", [&] { keep(of_tree(json::parse(compact))); }, "ratio <= 0.15");
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(compact);
    compare(report, "json-compact: read", [&] { read(compact); }, "simdjson, parse only", [&] { keep(parser.parse(padded).error()); }, "");
    compare(report, "json: write", write(Format::json), "nlohmann", [&] { keep(tree_of(w).dump(2)); }, "ratio <= 0.15");
    compare(report, "json: read", [&] { read(pretty); }, "nlohmann", [&] { keep(of_tree(json::parse(pretty))); }, "ratio <= 0.15");
    {
        std::vector<double> write_us, read_us;
        for (int round = 0; round < 15; ++round) {
            write_us.push_back(time_ns(1, write(Format::toml)) / 1e3);
            read_us.push_back(time_ns(1, [&] { read(toml); }) / 1e3);
        }
        report.add("toml: write", "us", write_us);
        report.add("toml: read", "us", read_us);
    }
#if SYMPHONY_BENCH_HAS_MSGPACK
    ::msgpack::sbuffer buffer(1024);
    const auto peer_write = [&] {
        buffer.clear();
        Pack packer(buffer);
        pack_maps(packer, w);
    };
    peer_write();
    const auto peer_read = [&] {
        const auto handle = ::msgpack::unpack(buffer.data(), buffer.size());
        return of_maps(handle.get());
    };
    must(peer_read() == w, "msgpack-cxx");
    compare(report, "msgpack: write", write(Format::msgpack), "msgpack-cxx", peer_write, "ratio <= 1.2");
    compare(report, "msgpack: read", [&] { read(pack); }, "msgpack-cxx", [&] { keep(peer_read()); }, "ratio <= 1.2");
    sizes(report, "msgpack: size", pack.size(), "msgpack-cxx", buffer.size(), "ratio <= 1.2");
#else
    std::fputs("msgpack-cxx is left out: its package conflicts with Boost 1.81; -DSYMPHONY_BENCH_MSGPACK=FOLDER names unpacked headers\n", stderr);
    std::vector<double> pack_write_us, pack_read_us;
    for (int round = 0; round < 61; ++round) {
        pack_write_us.push_back(time_ns(3, write(Format::msgpack)) / 1e3);
        pack_read_us.push_back(time_ns(3, [&] { read(pack); }) / 1e3);
    }
    report.add("msgpack: write", "us", pack_write_us);
    report.add("msgpack: read", "us", pack_read_us);
#endif
#if SYMPHONY_BENCH_HAS_CEREAL
    std::string archive;
    const auto cereal_write = [&] {
        std::ostringstream out;
        {
            cereal::BinaryOutputArchive to(out);
            to(w);
        }
        archive = std::move(out).str();
    };
    cereal_write();
    const auto cereal_read = [&] {
        std::istringstream in(archive);
        cereal::BinaryInputArchive from(in);
        plain::Workflow made;
        from(made);
        return made;
    };
    must(cereal_read() == w, "cereal");
    compare(report, "binary: write", write(Format::binary), "cereal", cereal_write, "ratio <= 0.35");
    compare(report, "binary: read", [&] { read(binary); }, "cereal", [&] { keep(cereal_read()); }, "ratio <= 0.35");
    sizes(report, "binary: size", binary.size(), "cereal", archive.size(), "");
#else
    std::fputs("cereal is left out: libcereal-dev is not installed\n", stderr);
#endif
    sizes(report, "binary: size", binary.size(), "json-compact", compact.size(), "ratio <= 0.40");
    sizes(report, "msgpack: size", pack.size(), "json-compact", compact.size(), "");
    sizes(report, "binary in zstd: size", tracker::zstd_of(binary).size(), "json-compact", compact.size(), "");
    sizes(report, "json: size", pretty.size(), "json-compact", compact.size(), "");
    sizes(report, "toml: size", toml.size(), "json-compact", compact.size(), "");
    std::vector<double> digest_us;
    for (int round = 0; round < 31; ++round) digest_us.push_back(time_ns(3, [&] { keep(tracker::digest_of(workflow)); }) / 1e3);
    report.add("digest", "us", digest_us);
}

} // namespace symphony::bench
