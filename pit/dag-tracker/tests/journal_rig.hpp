// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"
#include "rig.hpp"
#include "temporary.hpp"

/// Runs that are recorded in a temporary folder.
namespace symphony::tracker::test {

using sqlite_files::Folder;

inline std::shared_ptr<Journal> open(std::unique_ptr<Folder> folder, Journal::Options options = {}) {
    auto opened = Journal::open(std::move(folder), std::move(options));
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
}

inline NewRun new_run(const Plan& plan, std::string_view source, Durability durability = Durability::durable) {
    NewRun run;
    run.workflow = plan.workflow.id;
    run.version = plan.workflow.version;
    run.path = "steps.toml";
    run.source = source;
    run.inputs = ValueBuilder().map(0).end().build();
    run.options = run.plugins = run.inputs;
    run.steps = static_cast<std::uint32_t>(plan.workflow.nodes.size());
    run.durability = durability;
    return run;
}

inline std::shared_ptr<RunLog> begin(Journal& journal, const Plan& plan, std::string_view source = {}, Durability durability = Durability::durable) {
    auto log = journal.begin(new_run(plan, source, durability));
    EXPECT_TRUE(log) << log.error().message();
    EXPECT_TRUE((*log)->attach(plan.workflow));
    return *std::move(log);
}
inline std::shared_ptr<RunLog> resume(Journal& journal, const Plan& plan, std::string_view id = "last") {
    auto log = journal.resume(id);
    EXPECT_TRUE(log) << log.error().message();
    if (!log) return nullptr;
    EXPECT_TRUE((*log)->attach(plan.workflow));
    return *std::move(log);
}

} // namespace symphony::tracker::test
