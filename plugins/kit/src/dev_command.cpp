// SPDX-License-Identifier: Apache-2.0
// `dev`: a first build, and then a host that follows what is built, with the plugin in front of what is installed.
#include "dev.hpp"
#include "program.hpp"

#include <algorithm>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds listen_every{100};
constexpr std::chrono::seconds grace{15}; // for the session to end its build, its plugins and their processes

/// Nothing is watched that a build writes.
Result<Watch> watch_of(const Project& project) {
    return Watch::open(project.folder, {project.build, project.folder / "build", project.folder / "dist", project.folder / "target"});
}

/// A build of its own: quick, for debuggers, and without the tests.
Result<Project> project_of(const Typed& typed) {
    const fs::path folder = typed.path(typed.text("folder", "."));
    auto project = SYMPHONY_TRY(Project::at(folder, typed.given("build") ? typed.path(typed.text("build")) : folder / "build/dev"));
    project.settings = {"-DCMAKE_BUILD_TYPE=Debug", "-DBUILD_TESTING=OFF", "-DSYMPHONY_PRECOMPILE=ON"};
    return project;
}

/// Builds until it succeeds, once for each change. @return False: it was given up.
Result<bool> build_first(const Typed& typed, const Project& project, Watch& watch) {
    while (true) {
        Steps steps(typed, project.folder);
        const auto made = project.make(steps);
        if (typed.cancelled()) return false;
        if (!made) return std::move(made).error();
        if (*made) return true;
        if (!typed.json()) typed.err("it is built again when something is saved");
        else typed.answer(to_json(Data::Map{{"event", "cycle"}, {"number", 0}, {"ok", false}, {"step", "build"}, {"reason", "build-failed"}, {"output", to_valid_utf8(steps.said())}}));
        while (!watch.changed(listen_every)) {
            if (typed.cancelled()) return false;
        }
    }
}

std::vector<std::string> words_of(const Typed& typed, const Project& project, const fs::path& plugin, const std::string& id) {
    std::vector<std::string> words{typed.about().program, "--plugins", (project.build / "plugins").string(), typed.on("isolated") ? "--isolate" : "--in-process", id};
    if (typed.json()) words.emplace_back("--json");
    words.insert(words.end(), {"dev", project.folder.string(), "--here", "--build", project.build.string(), "--plugin", plugin.filename().string()});
    for (const std::string_view flag : {"call", "with", "run"}) {
        if (!typed.given(flag)) continue;
        words.push_back("--" + std::string(flag));
        words.push_back(flag == "run" ? typed.path(typed.text(flag)).string() : typed.text(flag));
    }
    if (typed.on("debugger")) words.emplace_back("--debugger");
    return words;
}

} // namespace

Result<fs::path> chosen_plugin(const Typed& typed, const Project& project) {
    const auto plugins = SYMPHONY_TRY(project.plugins());
    const std::string wanted = typed.text("plugin");
    std::string names;
    for (const auto& plugin : plugins) {
        if (plugin.filename() == wanted || (wanted.empty() && plugins.size() == 1)) return plugin;
        names += (names.empty() ? "" : ", ") + plugin.filename().string();
    }
    return usage(wanted.empty() ? "the project builds several plugins" : "the project builds no plugin \"" + shown(wanted) + "\"", "--plugin NAME chooses one of: " + names);
}

Result<std::int32_t> dev_command(const Typed& typed) {
    const Project project = SYMPHONY_TRY(project_of(typed));
    auto question = SYMPHONY_TRY(Question::typed(typed));
    auto watch = SYMPHONY_TRY(watch_of(project));
    if (typed.on("here")) {
        auto plugin = SYMPHONY_TRY(chosen_plugin(typed, project));
        return DevSession(typed, project, std::move(plugin), std::move(question), std::move(watch)).run();
    }
    if (!SYMPHONY_TRY(build_first(typed, project, watch))) return 0;
    const auto plugin = SYMPHONY_TRY(chosen_plugin(typed, project));
    const auto build = SYMPHONY_TRY(Build::read(plugin));
    ProgramOptions options;
    options.cancelled = [&] { return typed.cancelled(); };
    options.grace = grace;
    options.on_output = [&](bool error, std::string_view text) { typed.write(error ? ports::CommandStream::err : ports::CommandStream::out, text); };
    const auto ended = run_program(words_of(typed, project, plugin, build.id), options);
    if (!ended && ended.error().code() == Code::cancelled) return 0; // that is how it ends
    return ended;
}

} // namespace symphony::kit
