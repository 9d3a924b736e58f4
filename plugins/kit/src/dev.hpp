// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "project.hpp"
#include "question.hpp"
#include "watch.hpp"

#include <symphony/client.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace symphony::kit {

/// The folder of the plugin that is worked on: the only one that the project builds, or the one of `--plugin`. @return `invalid_argument`, "usage"; as Project::plugins().
Result<std::filesystem::path> chosen_plugin(const Typed& typed, const Project& project);

/// What a build made, as its manifest says it.
struct Build {
    std::string id, name, version;
    std::string port;            ///< one that it provides; empty: none
    bool instrument = false;     ///< operations are those of instrument/1
    std::string manifest_sha256; ///< of the whole manifest: what the host tells versions apart by

    /// @return What is wrong with the manifest, or why it cannot be read.
    static Result<Build> read(const std::filesystem::path& folder);
};

/// `dev --here`: builds what was saved, waits until this host, which follows its plugin folders (decision 0035), has taken it over or says why
/// not, and asks again. [one thread]
class DevSession {
public:
    DevSession(const Typed& typed, Project project, std::filesystem::path folder, Question question, Watch watch)
        : typed_(typed), project_(std::move(project)), folder_(std::move(folder)), question_(std::move(question)), watch_(std::move(watch)) {}
    /// Until the call is cancelled.
    Result<std::int32_t> run();

private:
    using Clock = std::chrono::steady_clock;
    enum class Seen : std::uint8_t { taken, edited, stopped };
    struct Cycle {
        std::uint64_t number = 0;
        Clock::time_point begin;
        std::int64_t built_ms = 0, served_ms = 0, answered_ms = 0;
    };

    Status begin();
    bool cycle();
    Result<Seen> wait_until_taken();
    Status use(Cycle& cycle, std::string& answer);
    Status hold_for_debugger();
    static std::int64_t ms_since(Clock::time_point begin);
    void tell_done(const Cycle& cycle, const std::string& answer) const;
    void tell_failed(const Cycle& cycle, std::string_view step, const Error& why, std::string_view output = {}) const;

    const Typed& typed_;
    const Project project_;
    const std::filesystem::path folder_;
    const Question question_;
    Watch watch_;
    Build now_;
    PortHandle held_; // so that it is started, and its state has somewhere to go
    std::uint64_t cycles_ = 0;
};

} // namespace symphony::kit
