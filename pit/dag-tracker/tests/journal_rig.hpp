// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"
#include "rig.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

#include <filesystem>
#include <random>
#include <unistd.h>

/// Runs that are recorded in a temporary folder.
namespace symphony::tracker::test {

using sqlite_files::Folder;

struct Temporary {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("symphony-journal-" + std::to_string(::getpid()) + "-" + std::to_string(std::random_device{}()));
    Temporary() { std::filesystem::create_directories(path); }
    ~Temporary() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    std::unique_ptr<Folder> folder() const { return *sqlite_files::PosixFolder::open(path); }
};

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
    (*log)->attach(plan.workflow);
    return *std::move(log);
}
inline std::shared_ptr<RunLog> resume(Journal& journal, const Plan& plan, std::string_view id = "last") {
    auto log = journal.resume(id);
    EXPECT_TRUE(log) << log.error().message();
    if (!log) return nullptr;
    (*log)->attach(plan.workflow);
    return *std::move(log);
}

} // namespace symphony::tracker::test
