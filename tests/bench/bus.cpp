// SPDX-License-Identifier: Apache-2.0
// The bus. In process: one publish to 1, 8 and 1,000 subscribers beside a plain loop of virtual calls and boost::signals2; two threads that publish at once; between threads beside ZeroMQ's inproc, where
// its headers are. Across processes: events a second and the round trip of a request, publisher, `serve` and receiver each in a process of its own, over transport-unix.
#include "bench.hpp"
#include "bus_peers.hpp"

#include "commands.hpp"

#include <symphony/testing.hpp>

#include <boost/signals2.hpp>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

using namespace symphony;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t rounds = 25;

bus::MessageRef event_of(ipc::UuidSource& ids, std::string_view type, std::size_t bytes) {
    ipc::Envelope out;
    out.id = ids.next();
    out.unix_us = 1'763'935'200'123'456;
    out.type = type;
    out.sender = "bench.publisher";
    out.payload = ipc::Event{ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(bytes, 7))).build()};
    return std::make_shared<const bus::Message>(std::move(out));
}

struct Listener {
    virtual ~Listener() = default;
    virtual void on(const bus::Message& message) = 0;
};
struct Counting final : Listener {
    std::uint64_t count = 0, sum = 0;
    void on(const bus::Message& message) override {
        ++count;
        sum += message.view().unix_us;
    }
};

/// A receiver on the publisher's thread: what the bus costs without a queue.
class Direct final : public bus::Receiver {
public:
    bus::Offer deliver(const bus::MessageRef& message, bool&) noexcept override {
        listener_.on(*message);
        return bus::Offer::taken;
    }
    void end(const Status&) noexcept override {}
    Figures figures() const noexcept override { return {0, listener_.count, 0}; }

private:
    Counting listener_;
};

std::uint64_t monotonic_ns() { return static_cast<std::uint64_t>(bench::now_ns()); }

std::unique_ptr<bus::Core> make_core() {
    return std::make_unique<bus::Core>(bus::CoreLimits(), &monotonic_ns);
}

void listen(bus::Core& core, std::string_view pattern, std::shared_ptr<bus::Receiver> receiver) {
    bus::Subscription subscription{*bus::Pattern::parse(pattern)};
    subscription.receiver = std::move(receiver);
    if (!core.subscribe(std::move(subscription))) std::abort();
}

void in_process(bench::Report& report, std::size_t subscribers, const std::string& goal, const std::string& signals_goal) {
    const auto core = make_core();
    ipc::UuidSource ids;
    for (std::size_t i = 0; i < subscribers; ++i) listen(*core, i % 2 == 0 ? "bench.event" : "bench.*", std::make_shared<Direct>());
    bus::Publisher publisher(*core);
    const auto message = event_of(ids, "bench.event", 256);
    std::vector<std::unique_ptr<Listener>> listeners;
    boost::signals2::signal<void(const bus::Message&)> signal;
    for (std::size_t i = 0; i < subscribers; ++i) {
        listeners.push_back(std::make_unique<Counting>());
        signal.connect([one = listeners.back().get()](const bus::Message& got) { one->on(got); });
    }
    std::vector<double> ours, plain, theirs;
    const std::size_t inner = 200'000 / subscribers;
    bus::Publisher::Outcome outcome;
    for (std::size_t i = 0; i < rounds; ++i) {
        ours.push_back(bench::time_ns(inner, [&] { if (!publisher.publish(message, outcome)) std::abort(); }));
        plain.push_back(bench::time_ns(inner, [&] { for (auto& one : listeners) one->on(*message); bench::keep(listeners); }));
        theirs.push_back(bench::time_ns(inner, [&] { signal(*message); }));
    }
    const std::string to = "publish to " + std::to_string(subscribers);
    report.add(to, "ns", ours, "a loop of virtual calls", plain, goal);
    report.add(to + ", beside signals2", "ns", ours, "boost::signals2", theirs, signals_goal);
}

/// Two threads publish at once, each through a publisher of its own.
void two_threads(bench::Report& report) {
    const auto core = make_core();
    ipc::UuidSource ids;
    listen(*core, "bench.one", std::make_shared<Direct>());
    listen(*core, "bench.two", std::make_shared<Direct>());
    std::vector<double> alone, both;
    const auto run = [&](std::string_view type) {
        bus::Publisher publisher(*core);
        const auto message = event_of(ids, type, 256);
        bus::Publisher::Outcome outcome;
        return bench::time_ns(200'000, [&] { if (!publisher.publish(message, outcome)) std::abort(); });
    };
    for (std::size_t i = 0; i < rounds; ++i) {
        alone.push_back(run("bench.one"));
        double other = 0;
        std::thread second([&] { other = run("bench.two"); });
        const double first = run("bench.one");
        second.join();
        both.push_back((first + other) / 2);
    }
    report.add("publish from two threads", "ns", both, "from one", alone, "<= 2x");
}

/// A queue that a thread of the benchmark reads.
class Queue final : public bus::Receiver {
public:
    Queue() : box_({ports::BusPolicy::block, 8192, 1u << 30}) {}
    bus::Offer deliver(const bus::MessageRef& message, bool& woken) noexcept override { return box_.offer(message, woken); }
    bus::Offer deliver_waiting(const bus::MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& woken) noexcept override {
        return box_.offer_waiting(message, deadline, woken);
    }
    void wake() noexcept override {
        ready_.store(true, std::memory_order_release);
        ready_.notify_one();
    }
    void end(const Status&) noexcept override {}
    Figures figures() const noexcept override { return box_.figures(); }

    void read(std::size_t count) {
        bus::Mailbox::Batch batch;
        for (std::size_t got = 0; got < count;) {
            ready_.wait(false, std::memory_order_acquire);
            ready_.store(false, std::memory_order_relaxed);
            while (box_.take(batch, 256)) got += batch.messages.size();
        }
    }

private:
    bus::Mailbox box_;
    std::atomic<bool> ready_{false};
};

void between_threads(bench::Report& report) {
    constexpr std::size_t count = 200'000;
    ipc::UuidSource ids;
    std::vector<double> ours, fresh;
    std::vector<std::vector<double>> theirs(std::size(bench::bus_peers));
    for (std::size_t round = 0; round < 9; ++round) {
        for (const bool anew : {false, true}) {
            const auto core = make_core();
            const auto queue = std::make_shared<Queue>();
            listen(*core, "bench.#", queue);
            std::thread reader([&] { queue->read(count); });
            bus::Publisher publisher(*core);
            auto message = event_of(ids, "bench.event", 256);
            const double start = bench::now_ns();
            bus::Publisher::Outcome outcome;
            for (std::size_t i = 0; i < count; ++i) {
                if (anew) message = event_of(ids, "bench.event", 256);
                if (!publisher.publish(message, outcome)) std::abort();
                if (!outcome.blocked.empty()) publisher.finish(message, outcome, std::chrono::steady_clock::now() + 10s);
                if (i % 64 == 63) outcome.wake();
            }
            outcome.wake();
            reader.join();
            (anew ? fresh : ours).push_back((bench::now_ns() - start) / static_cast<double>(count));
        }
        for (std::size_t i = 0; i < theirs.size(); ++i) {
            if (const double ns = bench::bus_peers[i].to_a_thread(count); ns > 0) theirs[i].push_back(ns);
        }
    }
    report.add("to another thread, one message again", "ns", ours, "<= 50");
    report.add("to another thread, a new message each", "ns", fresh);
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        if (theirs[i].empty()) continue;
        const auto& peer = bench::bus_peers[i];
        report.add("to another thread, one message again", "ns", ours, peer.name, theirs[i], peer.goal);
        report.add("to another thread, a new message each", "ns", fresh, peer.name, theirs[i], peer.goal);
    }
}

/// A host with the unix transport from its library, and with the bus where it is wanted.
class Program {
public:
    explicit Program(bool with_bus) {
        void* library = ::dlopen(SYMPHONY_BENCH_TRANSPORT, RTLD_NOW | RTLD_LOCAL);
        const auto entry = library == nullptr ? nullptr : reinterpret_cast<const symphony_plugin* (*)()>(::dlsym(library, "symphony_plugin_v1"));
        if (entry == nullptr || !host.add("transport-unix", entry())) fail("no transport");
        constexpr std::uint32_t flags = SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;
        if (with_bus && !host.add("bus", symphony::testing::descriptor_of<bus::Plugin, flags>())) fail("no bus");
    }
    [[noreturn]] static void fail(const std::string& what) {
        std::fprintf(stderr, "error: %s\n", what.c_str());
        std::exit(1);
    }
    std::shared_ptr<bus::Client> connect(const std::string& address) {
        for (int attempt = 0; attempt < 500; ++attempt) {
            if (auto client = bus::Client::connect(host.host(), address, {})) return *client;
            std::this_thread::sleep_for(10ms);
        }
        fail("cannot connect to " + address);
    }

    symphony::testing::FakeHost host;
};

template <class Body>
pid_t child(Body&& body) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    body();
    ::_exit(0);
}

[[noreturn]] void serve(const std::string& address) {
    Program program(true);
    const auto command = *ports::CommandClient::acquire(program.host.host(), "bus");
    const auto status = command.run("serve", ValueBuilder().map().key("listen").list().text(address).end().end().build(), {});
    if (!status) std::fprintf(stderr, "error: serve: %s\n", status.error().message().c_str());
    ::_exit(status ? 0 : 1);
}

/// Tells how many events it has got every time that it is asked, and answers requests.
[[noreturn]] void receive(const std::string& address) {
    Program program(false);
    const auto client = program.connect(address);
    std::atomic<std::uint64_t> got{0}, lost{0};
    ports::BusSubscription subscription;
    subscription.pattern = "bench.event";
    subscription.policy = ports::BusPolicy::block;
    subscription.queue_max = 8192;
    subscription.batch_max = 1024;
    if (!client->subscribe(subscription, [&](const bus::Client::Delivered&) { ++got; }, [&](std::uint64_t many) { lost += many; })) Program::fail("cannot subscribe");
    const auto answer = [&](const bus::Client::Delivered& request) {
        static_cast<void>(client->respond(request.message, ValueBuilder().list().unsigned_integer(got).unsigned_integer(lost).end().build()));
    };
    if (!client->serve({"bench.receiver", {"bench.ask"}, 0, 0}, answer)) Program::fail("cannot serve");
    client->wait_closed(10min);
    ::_exit(0);
}

void across_processes(bench::Report& report) {
    const symphony::testing::TempFolder folder;
    const std::string address = "unix:" + (folder.path() / "bus.sock").string();
    const pid_t server = child([&] { serve(address); }), receiver = child([&] { receive(address); });
    Program program(false);
    const auto client = program.connect(address);
    while (client->endpoints("bench.ask").value_or({}).empty()) std::this_thread::sleep_for(5ms);
    const auto state = [&] {
        auto answer = client->request("bench.ask", {});
        if (!answer) Program::fail("the receiver: " + answer.error().message());
        const Value content = std::get<ipc::Response>(answer->payload).content;
        if (content.at(1).as_uint() != 0) Program::fail("events were lost");
        return content.at(0).as_uint();
    };
    std::vector<double> rates, trips;
    constexpr std::uint64_t count = 200'000;
    const auto message = event_of(*std::make_unique<ipc::UuidSource>(), "bench.event", 64);
    for (int round = 0; round < 7; ++round) {
        const std::uint64_t before = state();
        const double start = bench::now_ns();
        for (std::uint64_t i = 0; i < count; ++i) {
            while (!client->publish(message->view())) std::this_thread::yield();
        }
        while (state() < before + count) std::this_thread::yield();
        rates.push_back(static_cast<double>(count) / (bench::now_ns() - start) * 1e9);
    }
    for (int i = 0; i < 3'000; ++i) trips.push_back(bench::time_ns(1, [&] { state(); }) / 1000);
    report.add("events of 64 bytes across three processes", "/s", rates, ">= 1000000");
    report.add("request across three processes, p50", "us", trips);
    std::sort(trips.begin(), trips.end());
    report.add("request across three processes, p99", "us", {trips[trips.size() * 99 / 100]});
    client->close();
    for (const pid_t pid : {receiver, server}) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
}

} // namespace

int main(int argc, char** argv) {
    bench::Report report("bus", argc, argv);
    across_processes(report); // first: forks before there are threads
    in_process(report, 1, "<= 10x", "<= 0.3x");
    in_process(report, 8, "<= 4x", "<= 0.3x");
    in_process(report, 1000, "", "<= 0.3x");
    two_threads(report);
    between_threads(report);
    return report.write();
}
