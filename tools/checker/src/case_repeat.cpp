// SPDX-License-Identifier: Apache-2.0
// The same again: later, in other instances, on other threads, a hundred times.
#include "running.hpp"

#include <filesystem>
#include <malloc.h>
#include <mutex>
#include <thread>

namespace symphony::checker {
namespace {

constexpr std::string_view no_end = "not taken, or without end";

std::string outcome_of(Running& running, const Subject::Callable& callable, const Value& input) {
    OperationCall arguments(callable.operation->name, input);
    auto* const call = new Recorder; // for late answers
    if (!running.call(*call, arguments.request(callable.port, callable.operation->name))) return std::string(no_end);
    return call->outcome();
}

std::size_t count(const char* folder) {
    std::error_code ignored;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder, ignored), std::filesystem::directory_iterator()));
}

struct Use {
    std::size_t bytes, descriptors, threads;
    static Use now() {
        const auto heap = ::mallinfo2();
        return {heap.uordblks + heap.hblkhd, count("/proc/self/fd"), count("/proc/self/task")};
    }
};

} // namespace

void check_pure(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    host.set_configuration(configuration);
    Running one(at, host), other(at, host);
    if (!one.use_library() || !other.use_library() || !one.start(configuration) || !other.start(configuration)) return;
    bool any = false;
    for (const auto& callable : at.subject.operations()) {
        if (!callable.operation->pure) continue;
        any = true;
        for (int i = 0; i < 6; ++i) {
            const Value input = make_input(*callable.operation, i % 2 == 0 ? Style::plain : Style::declared, at.random);
            const auto first = outcome_of(one, callable, input);
            if (outcome_of(one, callable, input) != first) at.find("pure", "\"" + callable.operation->name +
                "\" is marked pure and answers the same input differently the second time");
            else if (outcome_of(other, callable, input) != first) at.find("pure", "\"" + callable.operation->name +
                "\" is marked pure and answers the same input differently in another instance");
        }
    }
    if (!any) at.skip("no operation is marked pure");
}

void check_threads(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    host.set_configuration(configuration);
    Running running(at, host);
    if (!running.use_library() || !running.start(configuration)) return;
    const auto operations = at.subject.operations();
    if (operations.empty()) return at.skip("no operations to call");
    const bool concurrent = (running.ops()->flags & SYMPHONY_INSTANCE_CONCURRENT) != 0;
    struct Job {
        Subject::Callable callable;
        Value input;
        std::string alone;
    };
    std::vector<Job> jobs;
    constexpr std::size_t jobs_max = 12;
    for (std::size_t i = 0; i < jobs_max; ++i) {
        const auto& callable = operations[i % operations.size()];
        Value input = make_input(*callable.operation, Style::plain, at.random);
        std::string alone = outcome_of(running, callable, input);
        jobs.push_back({callable, std::move(input), std::move(alone)});
    }
    std::mutex turn;
    const auto work = [&](std::size_t from) {
        constexpr std::size_t rounds = 60;
        for (std::size_t i = 0; i < rounds; ++i) {
            const Job& job = jobs[(from + i) % jobs.size()];
            std::unique_lock lock(turn, std::defer_lock);
            if (!concurrent) lock.lock();
            const auto outcome = outcome_of(running, job.callable, job.input);
            if (job.callable.operation->pure ? outcome != job.alone : outcome == no_end && job.alone != no_end) { // the others may answer with what is kept
                return at.find("thread-contract", "\"" + job.callable.operation->name +
                    "\" answers differently when calls come from several threads" + (concurrent ? " at once" : ", one at a time"));
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < 4; ++i) threads.emplace_back(work, i * 3);
    }
    std::jthread([&] { static_cast<void>(running.end()); }); // control calls come on any thread, too
}

void check_reload(Case& at) {
    const Value configuration = at.subject.configuration();
    const auto operations = at.subject.operations();
    const auto limit = std::chrono::steady_clock::now() + at.limit / 2;
    Use quarter{}, half{}, full{};
    constexpr std::size_t lives = 100;
    std::size_t life = 0;
    const std::uint64_t seed = at.random();
    // The middle and the end are compared with what is there after caches have filled.
    for (; life < lives && std::chrono::steady_clock::now() < limit; ++life) {
        if (life == 20) quarter = Use::now();
        if (life == 60) half = Use::now();
        HostDouble host(at.manifest()); // a new one each time, with empty folders and an empty log
        host.set_configuration(configuration);
        Running running(at, host);
        if (!running.use_library() || !running.start(configuration)) return at.find("reload", "it does not start the " + std::to_string(life + 1) + "th time");
        Random random(seed);
        std::vector<std::unique_ptr<OperationCall>> kept;
        std::vector<std::unique_ptr<Recorder>> calls;
        for (std::size_t i = 0; i < operations.size() && i < 8; ++i) {
            kept.push_back(std::make_unique<OperationCall>(operations[i].operation->name, make_input(*operations[i].operation, Style::plain, random)));
            calls.push_back(std::make_unique<Recorder>());
            static_cast<void>(running.call(*calls.back(), kept.back()->request(operations[i].port, operations[i].operation->name)));
        }
        if (Status ended = running.end(); !ended) return at.find("reload", "it does not end the " + std::to_string(life + 1) +
            "th time: " + ended.error().message());
    }
    if (life < lives) return at.skip("only " + std::to_string(life) + " of 100 lives in the time there is");
    full = Use::now();
    for (int i = 0; i < 2000 && full.threads > quarter.threads; ++i) { // the last thread may be on its last instructions
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        full = Use::now();
    }
    if (full.bytes == 0) at.skip("how much memory lives take: the heap is not that of the C library");
    // Of both halves, so that something that grows once is no leak.
    constexpr std::size_t bytes_a_life = 32, lives_between = 40;
    if (half.bytes > quarter.bytes + lives_between * bytes_a_life && full.bytes > half.bytes + lives_between * bytes_a_life) {
        at.find("leaks-memory", "80 lives leave " + std::to_string(full.bytes - quarter.bytes) + " bytes behind, " +
            std::to_string((full.bytes - quarter.bytes) / 80) + " each");
    }
    if (half.descriptors > quarter.descriptors && full.descriptors > half.descriptors) {
        at.find("leaks-descriptors", "80 lives leave " + std::to_string(full.descriptors - quarter.descriptors) + " descriptors open");
    }
    if (half.threads > quarter.threads && full.threads > half.threads) at.find("leaks-threads", "80 lives leave " +
        std::to_string(full.threads - quarter.threads) + " threads running");
}

void check_cancel(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    host.set_configuration(configuration);
    Running running(at, host);
    if (!running.use_library() || !running.start(configuration)) return;
    constexpr std::chrono::milliseconds grace{2000};
    std::vector<std::unique_ptr<OperationCall>> kept;
    for (const auto& [port, operation] : at.subject.operations()) {
        for (const bool deadline : {false, true}) {
            kept.push_back(std::make_unique<OperationCall>(operation->name, make_input(*operation, Style::plain, at.random)));
            auto* const call = new Recorder; // for late answers
            Request request = kept.back()->request(port, operation->name);
            if (deadline) request.deadline_ns = 1; // long ago
            call->cancel();                        // from the start: it is cancelled while it runs
            const auto begin = std::chrono::steady_clock::now();
            if (running.invoke(*call, request) < 0) continue;
            running.cancel(call->id());
            at.step("the wait for the end of the cancelled \"" + operation->name + "\"");
            const bool ended = call->wait(grace);
            if (!ended || std::chrono::steady_clock::now() - begin > grace + patience) {
                const std::string why = deadline ? "whose deadline is over" : "that is cancelled";
                return at.find("ends-after-cancel", "a call of \"" + operation->name + "\" " + why + " goes on for two seconds and more");
            }
        }
    }
    static_cast<void>(running.end());
}

void check_late_cancel(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    host.set_configuration(configuration);
    Running running(at, host);
    if (!running.use_library() || !running.start(configuration)) return;
    constexpr symphony_handle never = 0x7FFF'0000'0001u;
    running.cancel(never);
    for (const auto& [port, operation] : at.subject.operations()) {
        OperationCall arguments(operation->name, make_input(*operation, Style::plain, at.random));
        auto* const call = new Recorder; // for late answers
        static_cast<void>(running.call(*call, arguments.request(port, operation->name)));
        running.cancel(call->id());
    }
    running.cancel(0);
    if (Status ended = running.end(); !ended) at.find("late-cancel", "after cancels of calls that had ended, " + ended.error().message());
}

} // namespace symphony::checker
