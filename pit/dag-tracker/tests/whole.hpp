// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "expand.hpp"
#include "load_bodies.hpp"
#include "rig.hpp"

/// Workflows with what they are made of.
namespace symphony::tracker::test {

using FileTexts = std::map<std::string, std::string>;

/// A file with everything that it is made of, as it is run.
inline Read read_whole(std::string_view text, const FileTexts& texts = {}, const Limits& limits = {}) {
    Read out;
    Findings findings{"w.toml"};
    FileTexts kept;
    if (auto workflow = parse_workflow("w.toml", text, limits, findings)) {
        const ReadFile read = [&](const std::string& path) -> Result<std::string> {
            const auto found = texts.find(path);
            return found == texts.end() ? Result<std::string>(Error(Code::not_found, "there is none")) : Result<std::string>(found->second);
        };
        load_bodies(*workflow, "w.toml", limits, read, kept, findings);
        compile(*workflow);
        out.plan = std::make_shared<Plan>();
        out.plan->catalogue = catalogue();
        out.plan->binding = validate(*workflow, *out.plan->catalogue, limits, findings, [] { return steady_now_ns(); });
        if (!findings.has_errors()) {
            if (auto whole = expand(*workflow, limits.nodes_max, limits.edges_max, findings)) {
                compile(*whole);
                out.plan->binding = bind_expanded(*whole, *out.plan->catalogue);
                *workflow = *std::move(whole);
            }
        }
        out.plan->workflow = *std::move(workflow);
    }
    out.diagnostics = findings.take();
    return out;
}
inline std::shared_ptr<Plan> whole_plan(std::string_view text, const FileTexts& texts = {}) {
    auto out = read_whole(text, texts);
    EXPECT_TRUE(out.ok()) << manifests::format(out.diagnostics);
    return out.plan;
}

} // namespace symphony::tracker::test
