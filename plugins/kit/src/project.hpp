// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace symphony::kit {

/// Programs that do the work, one after the other, and how long each took.
class Steps {
public:
    /// @param folder  Where they run.
    Steps(const Typed& typed, std::filesystem::path folder);

    /// @param keep  Its output goes to stdout; else it is shown when the step fails.
    /// @return Whether it succeeded; `not_found`, "no-program"; `cancelled`.
    Result<bool> run(std::string name, const std::vector<std::string>& words, bool keep = false);
    Data data() const;
    bool ok() const noexcept;
    /// What the last step said.
    const std::string& said() const noexcept { return said_; }
    /// Says nothing of steps that succeed.
    void quiet() noexcept { quiet_ = true; }

private:
    struct Step {
        std::string name;
        bool ok = false;
        std::int64_t took_ms = 0;
    };
    const Typed& typed_;
    std::filesystem::path folder_;
    std::vector<std::string> environment_;
    std::vector<Step> steps_;
    std::string said_;
    bool quiet_ = false;
};

/// Sources of a plugin, and where they are built.
struct Project {
    std::filesystem::path folder, build;
    std::vector<std::string> settings{"-DCMAKE_BUILD_TYPE=Release"}; ///< for CMake, when it is configured

    /// @param build  "" = `build` beneath the folder. @return `not_found`, "no-plugin", when it has no manifest.toml and CMakeLists.txt.
    static Result<Project> at(const std::filesystem::path& folder, const std::filesystem::path& build = {});
    /// Configures when that was never done, and builds. @return Whether it succeeded, as Steps::run().
    Result<bool> make(Steps& steps) const;
    /// The folders of the plugins that were built, by name. @return `not_found`, "no-plugin", when there is none.
    Result<std::vector<std::filesystem::path>> plugins() const;
};

/// The checker is installed beside the host.
std::filesystem::path checker_of(const About& host);
std::string seconds_text(std::int64_t ms);

} // namespace symphony::kit
