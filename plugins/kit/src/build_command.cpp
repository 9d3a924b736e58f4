// SPDX-License-Identifier: Apache-2.0
// `test` and `conformance`: programs that do the work, one after the other.
#include "program.hpp"
#include "project.hpp"

namespace symphony::kit {
namespace {

namespace fs = std::filesystem;

void add_flag(std::vector<std::string>& words, const Typed& typed, std::string_view name) {
    for (const auto& text : typed.texts(name)) {
        words.push_back("--" + std::string(name));
        words.push_back(text);
    }
}

Result<bool> test_steps(const Typed& typed, Steps& steps, const Project& project) {
    if (!SYMPHONY_TRY(project.make(steps))) return false;
    if (!SYMPHONY_TRY(steps.run("tests", {"ctest", "--test-dir", project.build.string(), "--output-on-failure", "--no-tests=error"}))) return false;
    for (const fs::path& plugin : SYMPHONY_TRY(project.plugins())) {
        std::vector<std::string> words{checker_of(typed.about()).string(), plugin.string()};
        for (const std::string_view flag : {"level", "seed"}) add_flag(words, typed, flag);
        if (!SYMPHONY_TRY(steps.run("contract of " + plugin.filename().string(), words, true))) return false;
    }
    return true;
}

} // namespace

Result<std::int32_t> conformance_command(const Typed& typed) {
    std::vector<std::string> words{checker_of(typed.about()).string()};
    if (typed.given("rules")) {
        words.emplace_back("--rules");
    } else if (!typed.given("path")) {
        return usage("name a plugin's folder", "such as build/plugins/NAME; --rules lists the rules");
    } else {
        words.push_back(typed.path(typed.text("path")).string());
    }
    for (const std::string_view flag : {"level", "only", "seed", "timeout"}) add_flag(words, typed, flag);
    if (typed.json()) words.emplace_back("--json");
    ProgramOptions options;
    options.cancelled = [&] { return typed.cancelled(); };
    options.on_output = [&](bool error, std::string_view text) { typed.write(error ? ports::CommandStream::err : ports::CommandStream::out, text); };
    return SYMPHONY_TRY(run_program(words, options));
}

Result<std::int32_t> test_command(const Typed& typed) {
    const Project project = SYMPHONY_TRY(Project::at(typed.path(typed.text("folder", ".")), typed.given("build") ? typed.path(typed.text("build")) : fs::path()));
    Steps steps(typed, project.folder);
    const bool ok = SYMPHONY_TRY(test_steps(typed, steps, project));
    typed.answer(to_json(Data::Map{{"ok", ok}, {"steps", steps.data()}}));
    return ok ? 0 : 1;
}

} // namespace symphony::kit
