// SPDX-License-Identifier: Apache-2.0
// `test` and `conformance`: programs that do the work, one after the other.
#include "kit.hpp"
#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace symphony::kit {
namespace {

namespace fs = std::filesystem;

/// The checker is installed beside the host.
fs::path checker_of(const About& host) { return fs::path(host.program).parent_path() / "symphony-checker"; }

void add_flag(std::vector<std::string>& words, const Typed& typed, std::string_view name) {
    const ValueView value = typed.arguments[name];
    const auto add = [&](std::string_view text) {
        words.push_back("--" + std::string(name));
        words.emplace_back(text);
    };
    if (value.is_list()) {
        for (const ValueView item : value.items()) add(item.as_text());
    } else if (value.exists()) {
        add(value.as_text());
    }
}

/// What a step came to.
struct Step {
    std::string name;
    bool ok = false;
    std::int64_t took_ms = 0;
};

std::string seconds(std::int64_t ms) { return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s"; }

/// Steps one after the other, until one fails.
class Steps {
public:
    Steps(const Typed& typed, fs::path folder) : typed_(typed), folder_(std::move(folder)) {
        // The SDK that belongs to this host is the one that is found.
        const char* set = std::getenv("CMAKE_PREFIX_PATH"); // NOLINT: read once per command, and nobody sets it
        environment_.push_back("CMAKE_PREFIX_PATH=" + typed.host.prefix + (set == nullptr || *set == '\0' ? "" : ":" + std::string(set)));
    }

    /// @param keep  Its output goes to stdout; else it is shown when the step fails.
    Result<bool> run(std::string name, const std::vector<std::string>& words, bool keep = false) {
        const auto begin = std::chrono::steady_clock::now();
        if (!typed_.context.json) typed_.err(name + " ...\n");
        std::string said;
        ProgramOptions options;
        options.folder = folder_.string();
        options.environment = environment_;
        options.cancelled = [this] { return typed_.call.cancelled(); };
        options.on_output = [&](bool, std::string_view text) {
            constexpr std::size_t said_bytes_max = 1024 * 1024; // the end of it tells what went wrong
            said += text;
            if (said.size() > said_bytes_max) said.erase(0, said.size() - said_bytes_max);
        };
        const int status = SYMPHONY_TRY(run_program(words, options));
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
        steps_.push_back({name, status == 0, took});
        if (keep && !typed_.context.json) typed_.out(said);
        else if (status != 0 || keep) typed_.err(said);
        if (!typed_.context.json) typed_.err(name + ": " + (status == 0 ? "ok" : "failed, status " + std::to_string(status)) + ", " + seconds(took) + "\n");
        return status == 0;
    }

    std::string json() const {
        bool ok = true;
        std::string list;
        for (const Step& step : steps_) {
            ok = ok && step.ok;
            list += (list.empty() ? "" : ", ") + std::string("{\"step\": \"") + step.name + "\", \"ok\": " + (step.ok ? "true" : "false") +
                ", \"ms\": " + std::to_string(step.took_ms) + "}";
        }
        return std::string("{\"ok\": ") + (ok ? "true" : "false") + ", \"steps\": [" + list + "]}\n";
    }

private:
    const Typed& typed_;
    fs::path folder_;
    std::vector<std::string> environment_;
    std::vector<Step> steps_;
};

/// The plugins that a build made, by name.
std::vector<fs::path> built_plugins(const fs::path& build) {
    std::vector<fs::path> out;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(build / "plugins", failed)) {
        if (fs::exists(entry.path() / "manifest.toml", failed)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<bool> test_steps(const Typed& typed, Steps& steps, const fs::path& folder, const fs::path& build) {
    std::error_code failed;
    if (!fs::exists(build / "CMakeCache.txt", failed)) {
        std::vector<std::string> words{"cmake", "-S", folder.string(), "-B", build.string(), "-DCMAKE_BUILD_TYPE=Release"};
        if (run_program({"ninja", "--version"}, {}).value_or(1) == 0) words.insert(words.end(), {"-G", "Ninja"});
        if (!SYMPHONY_TRY(steps.run("configure", words))) return false;
    }
    if (!SYMPHONY_TRY(steps.run("build", {"cmake", "--build", build.string()}))) return false;
    if (!SYMPHONY_TRY(steps.run("tests", {"ctest", "--test-dir", build.string(), "--output-on-failure", "--no-tests=error"}))) return false;
    const auto plugins = built_plugins(build);
    if (plugins.empty()) {
        return Error(Code::not_found, "no-plugin", "the build made no plugin in " + (build / "plugins").string(), "call symphony_add_plugin in CMakeLists.txt");
    }
    for (const fs::path& plugin : plugins) {
        std::vector<std::string> words{checker_of(typed.host).string(), plugin.string()};
        for (const std::string_view flag : {"level", "seed"}) add_flag(words, typed, flag);
        if (!SYMPHONY_TRY(steps.run("contract of " + plugin.filename().string(), words, true))) return false;
    }
    return true;
}

} // namespace

Result<std::int32_t> conformance_command(const Typed& typed) {
    std::vector<std::string> words{checker_of(typed.host).string()};
    if (typed.given("rules")) {
        words.emplace_back("--rules");
    } else if (!typed.given("path")) {
        return Error(Code::invalid_argument, "usage", "name a plugin's folder", "such as build/plugins/NAME; --rules lists the rules");
    } else {
        words.push_back(typed.path(typed.text("path")).string());
    }
    for (const std::string_view flag : {"level", "only", "seed", "timeout"}) add_flag(words, typed, flag);
    if (typed.context.json) words.emplace_back("--json");
    ProgramOptions options;
    options.cancelled = [&] { return typed.call.cancelled(); };
    options.on_output = [&](bool error, std::string_view text) { error ? typed.err(text) : typed.out(text); };
    return SYMPHONY_TRY(run_program(words, options));
}

Result<std::int32_t> test_command(const Typed& typed) {
    const fs::path folder = typed.path(typed.text("folder", "."));
    std::error_code failed;
    if (!fs::exists(folder / "manifest.toml", failed) || !fs::exists(folder / "CMakeLists.txt", failed)) {
        return Error(Code::not_found, "no-plugin", folder.string() + " has no manifest.toml and CMakeLists.txt",
            "name a plugin's source folder, or make one: symphony new NAME");
    }
    const fs::path build = typed.given("build") ? typed.path(typed.text("build")) : folder / "build";
    Steps steps(typed, folder);
    const bool ok = SYMPHONY_TRY(test_steps(typed, steps, folder, build));
    if (typed.context.json) typed.out(steps.json());
    return ok ? 0 : 1;
}

} // namespace symphony::kit
