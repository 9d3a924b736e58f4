// SPDX-License-Identifier: Apache-2.0
// Any bytes as a workflow file: TOML, or JSON behind a leading '{'. Read, compiled, checked against no plugins, drawn.
#include "draw.hpp"
#include "parse.hpp"
#include "validate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace symphony::tracker;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Limits limits;
    limits.nodes_max = 200;
    limits.edges_max = 400;
    Findings findings{"fuzz"};
    auto workflow = parse_workflow("fuzz", text, limits, findings);
    if (!workflow) {
        if (!findings.has_errors()) __builtin_trap();
        return 0;
    }
    compile(*workflow);
    const Catalogue none;
    validate(*workflow, none, limits, findings, [] { return std::uint64_t{0}; });
    if (workflow->order.size() < workflow->nodes.size() && !findings.has_errors()) __builtin_trap();
    static_cast<void>(draw(*workflow));
    return 0;
}
