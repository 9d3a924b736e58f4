// SPDX-License-Identifier: Apache-2.0
#include "debugger.hpp"
#include "dev.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/disk.hpp>

#include <algorithm>
#include <unistd.h>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds look_every{20};   // at the host, which looks at its folders twice a second
constexpr std::chrono::milliseconds listen_every{100}; // whether to stop
constexpr std::chrono::seconds taken_max{60};          // a plugin may be at work for others meanwhile

} // namespace

Result<Build> Build::read(const fs::path& folder) {
    const auto file = folder / "manifest.toml";
    const auto text = SYMPHONY_TRY(packaging::read_file(file, manifests::manifest_bytes_max));
    const auto parsed = manifests::parse(text, file.string(), manifests::Strictness::load);
    if (!parsed.manifest) {
        const auto first = std::find_if(parsed.diagnostics.begin(), parsed.diagnostics.end(), [](const auto& one) { return one.severity == manifests::Severity::error; });
        return Error(Code::invalid_argument, "bad-manifest", first == parsed.diagnostics.end() ? file.string() + " cannot be used" : manifests::format(*first), "symphony check " + folder.string());
    }
    const auto& manifest = *parsed.manifest;
    Build out{manifest.id(), manifest.name(), manifest.extension.version.text(), {}, false, packaging::sha256_of(text)};
    for (const auto& provide : manifest.provides) {
        if (out.port.empty() || provide.port == "operator/1" || provide.port == "instrument/1") out.port = provide.port;
    }
    out.instrument = out.port == "instrument/1";
    return out;
}

std::int64_t DevSession::ms_since(Clock::time_point begin) { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count(); }

Result<std::int32_t> DevSession::run() {
    SYMPHONY_TRY(begin());
    bool again = false; // saved while the last cycle was under way
    while (!typed_.cancelled()) {
        if (!again && !watch_.changed(listen_every)) continue;
        again = cycle();
    }
    return 0;
}

Status DevSession::begin() {
    now_ = SYMPHONY_TRY(Build::read(folder_));
    if (typed_.on("debugger")) allow_tracing();
    typed_.answer(to_json(Data::Map{{"event", "watching"}, {"plugin", now_.id}, {"version", now_.version}, {"folder", project_.folder.string()}, {"pid", static_cast<std::int64_t>(::getpid())}}));
    if (!typed_.json()) typed_.err("watching " + project_.folder.string() + ": " + now_.id + " " + now_.version + " in host " + std::to_string(::getpid()) + "; Ctrl-C ends");
    Cycle first{0, Clock::now(), 0, 0, 0};
    std::string answer;
    if (auto done = use(first, answer); !done) tell_failed(first, "start", done.error());
    else tell_done(first, answer);
    return {};
}

/// @return Whether something was saved meanwhile.
bool DevSession::cycle() {
    Cycle cycle{++cycles_, Clock::now(), 0, 0, 0};
    Steps steps(typed_, project_.folder);
    steps.quiet();
    const auto built = project_.make(steps);
    cycle.built_ms = ms_since(cycle.begin);
    if (typed_.cancelled()) return false;
    if (!built || !*built) {
        tell_failed(cycle, "build", built ? Error(Code::plugin_failed, "build-failed", "it was not built") : built.error(), steps.said());
        return false;
    }
    auto build = Build::read(folder_);
    if (!build) return tell_failed(cycle, "build", build.error()), false;
    if (build->manifest_sha256 == now_.manifest_sha256) {
        if (!typed_.json()) typed_.err("[" + std::to_string(cycle.number) + "] nothing new in the plugin, " + seconds_text(cycle.built_ms));
        else typed_.answer(to_json(Data::Map{{"event", "cycle"}, {"number", static_cast<std::int64_t>(cycle.number)}, {"ok", true}, {"changed", false}, {"built_ms", cycle.built_ms}}));
        return false;
    }
    const Build before = std::exchange(now_, *std::move(build));
    const auto seen = wait_until_taken();
    cycle.served_ms = ms_since(cycle.begin);
    if (seen && *seen == Seen::taken) {
        std::string answer;
        if (auto done = use(cycle, answer); !done) tell_failed(cycle, question_.empty() ? "start" : "answer", done.error());
        else tell_done(cycle, answer);
        return false;
    }
    if (!seen) tell_failed(cycle, "reload", seen.error());
    if (now_.id != before.id) held_ = PortHandle();
    return seen && *seen == Seen::edited;
}

Result<DevSession::Seen> DevSession::wait_until_taken() {
    if (now_.port.empty()) return Seen::taken; // nobody can ask for it
    const auto ports = SYMPHONY_TRY(typed_.host().ports());
    const auto limit = Clock::now() + taken_max;
    while (Clock::now() < limit) {
        if (typed_.cancelled()) return Seen::stopped;
        for (const auto& provider : SYMPHONY_TRY(ports.list(now_.port))) {
            if (provider.plugin != now_.id) continue;
            if (provider.manifest == now_.manifest_sha256) return Seen::taken;
            const auto& passed = provider.passed_over;
            if (passed && passed->manifest == now_.manifest_sha256) return Error(Code::plugin_failed, passed->reason, passed->message, passed->hint);
        }
        if (watch_.changed(look_every)) return Seen::edited;
    }
    return Error(Code::busy, "not-taken", "the host has not taken it over in a minute: the version before is at work", "symphony dev again");
}

/// Starts it when it does not run, holds for a debugger, and asks.
Status DevSession::use(Cycle& cycle, std::string& answer) {
    if (now_.port.empty()) return {};
    held_ = SYMPHONY_TRY(SYMPHONY_TRY(typed_.host().ports()).acquire(now_.port, now_.id));
    if (typed_.on("debugger")) SYMPHONY_TRY(hold_for_debugger());
    if (question_.empty()) return {};
    auto asked = question_.ask(typed_, now_.id, now_.instrument);
    cycle.answered_ms = ms_since(cycle.begin);
    if (!asked) return std::move(asked).error();
    answer = *std::move(asked);
    return {};
}

/// Nothing is asked of it before somebody is attached; a version in another process is another one to attach to. Saving something goes on without.
Status DevSession::hold_for_debugger() {
    const auto debuggee = SYMPHONY_TRY(find_debuggee(now_.name, now_.version));
    const std::string command = attach_command(debuggee, folder_ / ("lib" + now_.name + ".so"));
    const bool attached = is_traced(debuggee.pid);
    typed_.answer(to_json(Data::Map{{"event", "debugger"}, {"pid", static_cast<std::int64_t>(debuggee.pid)}, {"address", debuggee.address}, {"command", command}, {"attached", attached}}));
    if (!typed_.json()) typed_.err((attached ? "symbols of this version: " : "waiting for a debugger: ") + command);
    if (question_.empty()) return {};
    while (!is_traced(debuggee.pid) && !typed_.cancelled()) {
        if (watch_.changed(listen_every)) return Error(Code::cancelled, "edited", "something was saved before a debugger was attached", "save again to build it");
    }
    return {};
}

void DevSession::tell_done(const Cycle& cycle, const std::string& answer) const {
    if (typed_.json()) {
        std::string line = to_json(Data(Data::Map{{"event", "cycle"}, {"number", static_cast<std::int64_t>(cycle.number)}, {"ok", true}, {"changed", true}, {"version", now_.version},
                                                  {"built_ms", cycle.built_ms}, {"served_ms", cycle.served_ms}, {"answered_ms", cycle.answered_ms}}));
        if (!answer.empty()) line.insert(line.size() - 1, ", \"answer\": " + answer);
        typed_.answer(line);
        return;
    }
    if (!answer.empty()) typed_.out(answer);
    if (cycle.number == 0) return;
    typed_.err("[" + std::to_string(cycle.number) + "] built " + seconds_text(cycle.built_ms) + ", serves " + seconds_text(cycle.served_ms) +
                (question_.empty() ? "" : ", answered " + seconds_text(cycle.answered_ms)) + " after it was saved");
}

void DevSession::tell_failed(const Cycle& cycle, std::string_view step, const Error& why, std::string_view output) const {
    if (typed_.json()) {
        typed_.answer(to_json(Data::Map{{"event", "cycle"}, {"number", static_cast<std::int64_t>(cycle.number)}, {"ok", false}, {"step", step}, {"reason", why.reason()}, {"message", shown(why.message())},
                                        {"hint", shown(why.hint())}, {"output", to_valid_utf8(output)}, {"built_ms", cycle.built_ms}}));
        return;
    }
    // What a failed build said was shown with the step.
    const std::string place = cycle.number == 0 ? "" : "[" + std::to_string(cycle.number) + "] ";
    const bool goes_on = cycle.number != 0 && step != "answer";
    typed_.err(place + std::string(step) + " failed: " + why.message() + " [" + std::string(why.reason()) + "]" + (goes_on ? "; the version before goes on" : ""));
    if (!why.hint().empty()) typed_.err("hint: " + why.hint());
}

} // namespace symphony::kit
