// SPDX-License-Identifier: Apache-2.0
// Loading, and an instance's life.
#include "running.hpp"
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

namespace symphony::checker {
namespace {

std::size_t entries_of(const char* folder) {
    std::error_code ignored;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder, ignored), std::filesystem::directory_iterator()));
}

/// Whether it is no wonder: this host has nobody beside it and nothing in its folders.
bool environment_missing(const manifests::Manifest& manifest, const Error& why) {
    const bool needs = std::any_of(manifest.needs.begin(), manifest.needs.end(), [](const auto& need) { return !need.optional; }) ||
                       std::any_of(manifest.configuration.begin(), manifest.configuration.end(), [](const auto& key) { return key.secret && key.required; });
    return needs || (!HostDouble::grants(manifest).empty() && (why.code() == Code::not_found || why.code() == Code::not_granted));
}

std::uint32_t flags_of(manifests::Threads threads) {
    switch (threads) {
    case manifests::Threads::serial: return 0;
    case manifests::Threads::concurrent: return SYMPHONY_INSTANCE_CONCURRENT;
    case manifests::Threads::blocking: return SYMPHONY_INSTANCE_BLOCKING;
    case manifests::Threads::concurrent_blocking: return SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;
    }
    return 0;
}

} // namespace

void check_loads(Case& at) {
    const std::size_t threads = entries_of("/proc/self/task"), files = entries_of("/proc/self/fd");
    at.step("mapping the library");
    const auto library = at.subject.load();
    if (!library) {
        at.find(library.error().reason() == "identity-mismatch" ? "identity" : "loads", library.error().message(), library.error().hint());
        return at.stop();
    }
    constexpr std::size_t ours = 2; // the image, and the handle of the subject
    if (const std::size_t now = entries_of("/proc/self/task"); now > threads) {
        at.find("quiet-load", "mapping it leaves " + std::to_string(now - threads) + " thread running");
    }
    if (const std::size_t now = entries_of("/proc/self/fd"); now > files + ours) {
        at.find("quiet-load", "mapping it leaves " + std::to_string(now - files - ours) + " descriptor open");
    }
    const symphony_plugin* const first = &(*library)->descriptor();
    symphony_plugin copy;
    std::memcpy(&copy, first, sizeof copy);
    at.step("the entry, again and from other threads");
    std::atomic<const symphony_plugin*> answers[3] = {at.subject.entry()(), nullptr, nullptr};
    {
        std::jthread one([&] { answers[1] = at.subject.entry()(); });
        std::jthread other([&] { answers[2] = at.subject.entry()(); });
    }
    for (const auto& answer : answers) {
        if (answer != first) at.find("entry-pure", "the entry answers another descriptor when it is called again");
    }
    if (std::memcmp(&copy, first, sizeof copy) != 0) at.find("entry-pure", "the descriptor changes when the entry is called again");
}

void check_life(Case& at) {
    const Value configuration = at.subject.configuration();
    const auto limit = std::chrono::milliseconds(at.manifest().resources.start_timeout_ms.value_or(20'000));
    for (int life = 1; life <= 2; ++life) {
        HostDouble host(at.manifest());
        host.set_configuration(configuration);
        Running running(at, host);
        if (!running.use_library()) return;
        const auto begin = std::chrono::steady_clock::now();
        if (Status started = running.start(configuration); !started) {
            if (environment_missing(at.manifest(), started.error())) {
                at.skip("it does not start here: " + started.error().message());
            } else {
                at.find("life", (life == 1 ? "" : "the second time, ") + started.error().message());
            }
            return at.stop();
        }
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        if (took > limit) at.find("start-time", "its start takes " + std::to_string(took.count()) + " ms, its limit is " + std::to_string(limit.count()) + " ms");
        const auto& ops = *running.ops();
        if (const auto flags = ops.flags & (SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING); flags != flags_of(at.manifest().abi.threads)) {
            at.find("threads-flags", "the manifest says threads = \"" + std::string(name_of(at.manifest().abi.threads)) +
                "\", an instance has the flags " + std::to_string(flags));
            return at.stop();
        }
        const bool state = (ops.flags & SYMPHONY_INSTANCE_STATEFUL) != 0;
        if (ops.init == nullptr || ops.query == nullptr || ops.activate == nullptr || ops.cancel == nullptr || ops.quiesce == nullptr || ops.deactivate == nullptr ||
            (state && (ops.save_state == nullptr || ops.load_state == nullptr))) {
            at.find("functions", "an instance's table of functions has gaps");
        }
        const auto again = [&]() -> Status {
            SYMPHONY_TRY(running.quiesce(patience));
            SYMPHONY_TRY(running.deactivate());
            SYMPHONY_TRY(running.activate());
            return running.end();
        };
        // How it stops is a case of its own.
        if (Status ended = again(); !ended && !ended.error().message().starts_with("quiesce")) at.find("life",
            "activated a second time, " + ended.error().message());
    }
    HostDouble host(at.manifest());
    Running never(at, host);
    if (never.use_library() && never.create(configuration)) never.destroy(); // created and not wanted
}

void check_stops(Case& at) {
    HostDouble host(at.manifest());
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library()) return;
    const std::size_t threads = entries_of("/proc/self/task"); // those that mapping it started are another rule's
    if (Status started = running.start(at.subject.configuration()); !started) return at.stop();
    const auto operations = at.subject.operations();
    std::vector<std::unique_ptr<OperationCall>> kept;
    std::vector<std::unique_ptr<Recorder>> calls;
    std::vector<bool> taken;
    for (std::size_t i = 0; i < operations.size() && i < 16; ++i) {
        const auto& [port, operation] = operations[i];
        kept.push_back(std::make_unique<OperationCall>(operation->name, make_input(*operation, Style::plain, at.random)));
        calls.push_back(std::make_unique<Recorder>());
        taken.push_back(running.invoke(*calls.back(), kept.back()->request(port, operation->name)) >= 0);
    }
    if (Status quiet = running.quiesce(patience); !quiet) {
        at.find("quiesce-honest", quiet.error().message() + ", with " + std::to_string(patience.count()) + " ms of time and nothing that goes on for long");
        return at.stop();
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (taken[i] && calls[i]->ends() == 0) at.find("quiesce-honest", "quiesce succeeds while a call of \"" + operations[i].operation->name + "\" is open");
    }
    const auto begin = std::chrono::steady_clock::now();
    static_cast<void>(running.quiesce(std::chrono::milliseconds(0)));
    if (std::chrono::steady_clock::now() - begin > patience / 2) at.find("quiesce-honest", "quiesce stays long after its deadline");
    if (Status ended = running.deactivate(); !ended) {
        at.find("life", ended.error().message());
        return at.stop();
    }
    // A thread may be on its last instructions for a moment.
    for (int i = 0; i < 2000 && entries_of("/proc/self/task") > threads; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (const std::size_t more = entries_of("/proc/self/task"); more > threads) {
        // Of a library that it uses, such as a pool, threads may stay. One that is running, and not asleep, is not seen each time.
        const auto library = at.subject.load();
        std::size_t own = 0;
        for (int i = 0; i < 50 && own < more - threads; ++i) own = std::max(own, host::threads_inside((*library)->begin(), (*library)->end()));
        if (own > 0) at.find("threads-left", std::to_string(own) + " thread of the plugin runs on after deactivate");
    }
    running.destroy();
}

} // namespace symphony::checker
