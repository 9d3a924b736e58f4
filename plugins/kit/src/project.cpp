// SPDX-License-Identifier: Apache-2.0
#include "project.hpp"

#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace symphony::kit {
namespace fs = std::filesystem;

fs::path checker_of(const About& host) { return fs::path(host.program).parent_path() / "symphony-checker"; }

std::string seconds_text(std::int64_t ms) { return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s"; }

Steps::Steps(const Typed& typed, fs::path folder) : typed_(typed), folder_(std::move(folder)) {
    // The SDK that belongs to this host is the one that is found.
    const char* set = std::getenv("CMAKE_PREFIX_PATH"); // NOLINT: read once per command, and nobody sets it
    environment_.push_back("CMAKE_PREFIX_PATH=" + typed.about().prefix + (set == nullptr || *set == '\0' ? "" : ":" + std::string(set)));
}

Result<bool> Steps::run(std::string name, const std::vector<std::string>& words, bool keep) {
    const auto begin = std::chrono::steady_clock::now();
    const bool tell = !typed_.json() && !quiet_;
    if (tell) typed_.err(name + " ...");
    said_.clear();
    ProgramOptions options;
    options.folder = folder_.string();
    options.environment = environment_;
    options.cancelled = [this] { return typed_.cancelled(); };
    options.grace = std::chrono::seconds(3); // ninja's compilers are groups of their own, and it ends them when it is told to
    options.on_output = [&](bool, std::string_view text) {
        constexpr std::size_t said_bytes_max = 1024 * 1024; // the end of it tells what went wrong
        said_ += text;
        if (said_.size() > said_bytes_max) said_.erase(0, said_.size() - said_bytes_max);
    };
    const int status = SYMPHONY_TRY(run_program(words, options));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
    steps_.push_back({name, status == 0, took});
    if (keep && !typed_.json()) typed_.write(ports::CommandStream::out, said_);
    else if (status != 0 || keep) typed_.write(ports::CommandStream::err, said_);
    if (tell) typed_.err(name + ": " + (status == 0 ? "ok" : "failed, status " + std::to_string(status)) + ", " + seconds_text(took));
    return status == 0;
}

bool Steps::ok() const noexcept {
    return std::all_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.ok; });
}

Data Steps::data() const {
    Data::List list;
    for (const Step& step : steps_) list.push_back(Data(Data::Map{{"step", step.name}, {"ok", step.ok}, {"ms", step.took_ms}}));
    return Data(std::move(list));
}

Result<Project> Project::at(const fs::path& folder, const fs::path& build) {
    std::error_code failed;
    if (!fs::exists(folder / "manifest.toml", failed) || !fs::exists(folder / "CMakeLists.txt", failed)) {
        return Error(Code::not_found, "no-plugin", folder.string() + " has no manifest.toml and CMakeLists.txt",
                     "name a plugin's source folder, or make one: symphony new NAME");
    }
    Project out;
    out.folder = folder;
    out.build = build.empty() ? folder / "build" : build;
    return out;
}

Result<bool> Project::make(Steps& steps) const {
    std::error_code failed;
    if (!fs::exists(build / "build.ninja", failed) && !fs::exists(build / "Makefile", failed)) {
        std::vector<std::string> words{"cmake", "-S", folder.string(), "-B", build.string()};
        words.insert(words.end(), settings.begin(), settings.end());
        if (run_program({"ninja", "--version"}, {}).value_or(1) == 0) words.insert(words.end(), {"-G", "Ninja"});
        if (!SYMPHONY_TRY(steps.run("configure", words))) {
            if (steps.said().find("SymphonyConfig.cmake") == std::string::npos) return false;
            return Error(Code::not_found, "no-sdk", "CMake finds no SDK of Symphony: this symphony has none beside it, as in a folder in which it was built",
                         "cmake --install BUILD --prefix DIR, then use DIR/bin/symphony; or set CMAKE_PREFIX_PATH to where Symphony is installed");
        }
    }
    return steps.run("build", {"cmake", "--build", build.string()});
}

Result<std::vector<fs::path>> Project::plugins() const {
    std::vector<fs::path> out;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(build / "plugins", failed)) {
        if (fs::exists(entry.path() / "manifest.toml", failed)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    if (!out.empty()) return out;
    return Error(Code::not_found, "no-plugin", "the build made no plugin in " + (build / "plugins").string(), "call symphony_add_plugin in CMakeLists.txt");
}

} // namespace symphony::kit
