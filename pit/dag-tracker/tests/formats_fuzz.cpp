// SPDX-License-Identifier: Apache-2.0
// Any bytes as a workflow in whatever format they are by content. What is read without a fault comes back equal from every
// format, and its pictures can be drawn and read.
#include "draw.hpp"
#include "formats.hpp"
#include "parse.hpp"
#include "validate.hpp"

namespace {

using namespace symphony::tracker;

Limits small() {
    Limits limits;
    limits.nodes_max = 200;
    limits.edges_max = 400;
    limits.file_bytes_max = 1u << 16;
    return limits;
}

std::optional<Workflow> read(std::string_view bytes, const Limits& limits, bool& errors) {
    Findings findings{"fuzz"};
    auto workflow = parse_workflow("fuzz", bytes, limits, findings);
    errors = findings.has_errors();
    if (!workflow && !errors) __builtin_trap();
    return workflow;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Limits limits = small();
    bool errors = false;
    auto workflow = read(bytes, limits, errors);
    if (!workflow) return 0;
    Findings findings{"fuzz"};
    compile(*workflow);
    validate(*workflow, Catalogue(), limits, findings, [] { return std::uint64_t{0}; });
    if (workflow->order.size() < workflow->nodes.size() && !findings.has_errors()) __builtin_trap();
    static_cast<void>(draw(*workflow));
    if (errors) return 0;
    const std::string binary = write_workflow(*workflow, Format::binary);
    Limits larger = limits;
    larger.file_bytes_max *= 64;  // another format may take more bytes, and a marked constant more
    for (const Format format : {Format::toml, Format::json, Format::msgpack, Format::binary}) {
        const auto back = read(write_workflow(*workflow, format), larger, errors);
        if (!back || errors || write_workflow(*back, Format::binary) != binary) __builtin_trap();
    }
    for (const Format format : {Format::mermaid, Format::dot}) {
        if (!read(write_workflow(*workflow, format), larger, errors) && workflow->edges.size() + workflow->outputs.size() <= limits.edges_max) __builtin_trap();
    }
    return 0;
}
