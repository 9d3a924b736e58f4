// SPDX-License-Identifier: Apache-2.0
// A publisher and a subscriber in processes of their own that are stopped, killed and cut off from the bus, again and again, over a relay that cuts the stream into pieces of any
// size. What is lost must be counted, and nothing may come twice. SYMPHONY_BUS_MESSAGES says how many messages; a million takes minutes.
#include "served.hpp"
#include "storm.hpp"

#include <array>
#include <sys/socket.h>
#include <sys/un.h>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;
using symphony::testing::FakeHost;
using symphony::testing::TempFolder;
using transport::testing::pattern;
using transport::testing::Victim;

/// In memory that outlives each process.
struct Tally {
    std::atomic<std::uint64_t> published{0}, epochs{0}, came{0}, counted{0}, sessions{0};
    std::atomic<std::uint64_t> doubled{0}, not_counted{0}, damaged{0}, unanswered{0}, answered{0};
    std::atomic<std::uint32_t> cut_writer{0}, cut_reader{0}, cut_relay{0}, cuts{0}, done{0};
    std::uint64_t total = 0, seed = 0;

    /// All is published, and enough was cut on the way, however fast that was.
    bool enough() const noexcept { return published.load() >= total && cuts.load() >= 4; }
};

std::uint64_t messages() {
    const char* const wanted = std::getenv("SYMPHONY_BUS_MESSAGES");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 100'000;
}

std::size_t size_of(std::uint64_t number) { return number % 1000 == 0 ? 300'000 : number % 100 == 0 ? 5'000 : number % 90; }

std::shared_ptr<Client> connect(const FakeHost& host, const std::string& address, const Tally& tally) {
    while (tally.done.load() == 0) {
        if (auto client = Client::connect(host.host(), address, {})) return *client;
        ::poll(nullptr, 0, 2);
    }
    return nullptr;
}

/// What one subscription has seen. Numbers of an epoch, which is one connection of the writer, ascend by one; what is missing between two was said to be lost.
class Judge {
public:
    explicit Judge(Tally& tally) : tally_(tally) {}
    void lost(std::uint64_t many) {
        tally_.counted.fetch_add(many);
        lost_ += many;
    }
    void see(ValueView content) {
        const std::uint64_t epoch = content.at(0).as_uint(), number = content.at(1).as_uint();
        if (text_of(content.at(2).as_bytes()) != pattern(size_of(number), number)) tally_.damaged.fetch_add(1);
        const auto last = last_.find(epoch);
        if (last != last_.end()) {
            if (number <= last->second) tally_.doubled.fetch_add(1);
            else if (const std::uint64_t missing = number - last->second - 1; missing > lost_) tally_.not_counted.fetch_add(1);
            else lost_ -= missing;
        }
        last_[epoch] = number;
        tally_.came.fetch_add(1);
    }

private:
    Tally& tally_;
    std::map<std::uint64_t, std::uint64_t> last_;
    std::uint64_t lost_ = 0;
};

void read_all(const FakeHost& host, const std::string& address, Tally& tally) {
    while (tally.done.load() == 0) {
        const std::uint32_t cut = tally.cut_reader.load();
        const auto client = connect(host, address, tally);
        if (client == nullptr) return;
        const auto judge = std::make_shared<Judge>(tally);
        ports::BusSubscription subscription;
        subscription.pattern = "storm.#";
        subscription.queue_max = 256;
        const auto answer = [weak = std::weak_ptr(client), &tally](const Client::Delivered& request) {
            if (request.message.type == "ask.finish") tally.done.store(1);
            if (const auto held = weak.lock()) static_cast<void>(held->respond(request.message, {}));
        };
        const bool began = client->subscribe(subscription, [judge](const Client::Delivered& event) { judge->see(ValueView(ipc::content_of(event.message))); }, [judge](std::uint64_t many) { judge->lost(many); }) &&
                           client->serve({"storm.reader", {"ask.*"}, 0, 0}, answer); // taken as long as the bus has not noticed the end of the one before
        if (began) tally.sessions.fetch_add(1);
        while (began && tally.cut_reader.load() == cut && tally.done.load() == 0 && !client->wait_closed(5ms)) {}
        if (tally.done.load() != 0) ::poll(nullptr, 0, 200); // its last answer is on its way
        client->close();
    }
}

/// Requests that are under way while events are published. Each must end, with an answer or not.
class Asking {
public:
    explicit Asking(Tally& tally) : tally_(tally) {}
    void ask(Client& client, std::string_view type) {
        ipc::Envelope request;
        request.id = ids_.next();
        request.unix_us = 1;
        request.type = type;
        request.payload = ipc::Request{30'000, {}};
        open_->fetch_add(1);
        client.request_async(std::move(request), [&tally = tally_, open = open_](const Result<ipc::Envelope>& answer) {
            if (answer) tally.answered.fetch_add(1);
            else if (answer.error().code() == Code::deadline) tally.unanswered.fetch_add(1);
            open->fetch_sub(1);
        });
    }
    /// After the end of the connection, or before it for those that were answered.
    bool wait_ended() const {
        for (int i = 0; i < 60'000 && open_->load() != 0; ++i) ::poll(nullptr, 0, 1);
        return open_->load() == 0;
    }

private:
    Tally& tally_;
    ipc::UuidSource ids_;
    const std::shared_ptr<std::atomic<int>> open_ = std::make_shared<std::atomic<int>>(0);
};

void write_all(const FakeHost& host, const std::string& address, Tally& tally) {
    while (tally.done.load() == 0) {
        const std::uint32_t cut = tally.cut_writer.load();
        const auto client = connect(host, address, tally);
        if (client == nullptr) return;
        const std::uint64_t epoch = tally.epochs.fetch_add(1) + 1;
        Asking asking(tally);
        bool open = true;
        while (open && !tally.enough() && tally.cut_writer.load() == cut) {
            const std::uint64_t number = tally.published.fetch_add(1);
            open = static_cast<bool>(client->publish("storm.event", ValueBuilder().list().unsigned_integer(epoch).unsigned_integer(number).bytes(bytes_of(pattern(size_of(number), number))).end().build()));
            if (number % 500 == 499) asking.ask(*client, "ask.echo");
        }
        if (open && tally.enough()) {
            asking.ask(*client, "ask.finish");
            if (!asking.wait_ended()) tally.unanswered.fetch_add(1);
        }
        client->close();
        if (!asking.wait_ended()) tally.unanswered.fetch_add(1);
    }
}

int listen_at(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path - 1));
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, 16) != 0) ::_exit(4);
    return fd;
}

/// Passes bytes on, the first hundreds one by one and then in pieces of any size, until one side goes or the relay is told to cut.
void relay_one(int from, const std::string& to, Tally& tally, std::uint64_t seed) {
    const int up = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, to.data(), std::min(to.size(), sizeof name.sun_path - 1));
    bool open = ::connect(up, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    std::mt19937_64 random(seed);
    std::array<char, 65'536> bytes;
    const std::uint32_t cut = tally.cut_relay.load();
    for (std::uint64_t passed = 0; open && tally.cut_relay.load() == cut;) {
        std::array<pollfd, 2> ready{pollfd{from, POLLIN, 0}, pollfd{up, POLLIN, 0}};
        if (::poll(ready.data(), ready.size(), 20) <= 0) continue;
        for (std::size_t side = 0; side < 2 && open; ++side) {
            if (ready[side].revents == 0) continue;
            const std::size_t most = passed < 500 ? 1 : random() % 50 == 0 ? 1 + random() % 20 : 1 + random() % bytes.size();
            const ssize_t got = ::recv(ready[side].fd, bytes.data(), most, 0);
            open = got > 0;
            for (ssize_t at = 0; open && at < got;) {
                const ssize_t sent = ::send(ready[1 - side].fd, bytes.data() + at, static_cast<std::size_t>(got - at), MSG_NOSIGNAL);
                open = sent > 0;
                at += std::max<ssize_t>(sent, 0);
            }
            passed += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
            if (random() % 5000 == 0) ::poll(nullptr, 0, static_cast<int>(random() % 20));
        }
    }
    ::close(up);
    ::close(from);
}

void relay(const std::string& at, const std::string& to, Tally& tally) {
    const int listener = listen_at(at);
    std::uint64_t seed = tally.seed;
    for (;;) {
        const int from = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (from >= 0) std::thread([from, to, &tally, own = ++seed] { relay_one(from, to, tally, own); }).detach();
    }
}

TEST(BusStorm, CountsWhatIsLostAndDoublesNothing) {
    void* const memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto& tally = *new (memory) Tally;
    tally.total = messages();
    tally.seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(tally.seed));
    std::mt19937_64 random(tally.seed);
    const TempFolder folder;
    const std::string bus = (folder.path() / "bus.sock").string(), through = (folder.path() / "relay.sock").string();
    const auto program = [&tally](auto body, const std::string& address) {
        return [&tally, body, address] {
            FakeHost host;
            if (!host.add("transport-unix", testing::transport_unix())) ::_exit(3);
            body(host, address, tally);
        };
    };
    const Victim server([&] {
        FakeHost host;
        constexpr std::uint32_t flags = SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;
        if (!host.add("transport-unix", testing::transport_unix()) || !host.add("bus", symphony::testing::descriptor_of<Plugin, flags>())) ::_exit(3);
        static_cast<void>(ports::CommandClient::acquire(host.host(), "bus")->run("serve", ValueBuilder().map().key("listen").list().text("unix:" + bus).end().end().build(), {}));
    });
    const Victim middle([&] { relay(through, bus, tally); });
    Victim reader(program(read_all, "unix:" + bus)), writer(program(write_all, "unix:" + through));
    std::uint64_t last = 0;
    int idle = 0;
    while (tally.done.load() == 0 && idle < 1000) {
        ::poll(nullptr, 0, static_cast<int>(5 + random() % 60));
        Victim& victim = random() % 2 == 0 ? reader : writer;
        const auto chance = random() % 8;
        if (chance == 0 || (chance >= 3 && chance <= 5)) tally.cuts.fetch_add(1);
        switch (chance) {
        case 0:
            victim.kill();
            victim.start();
            break;
        case 1:
        case 2:
            victim.stop();
            ::poll(nullptr, 0, static_cast<int>(random() % (random() % 3 == 0 ? 400 : 30))); // the long ones are longer than what lies between the two can hold
            victim.go_on();
            break;
        case 3: tally.cut_writer.fetch_add(1); break;
        case 4: tally.cut_reader.fetch_add(1); break;
        case 5: tally.cut_relay.fetch_add(1); break;
        default: break;
        }
        const std::uint64_t now = tally.published.load() + tally.epochs.load() + tally.sessions.load();
        idle = now == last ? idle + 1 : 0;
        last = now;
    }
    EXPECT_EQ(tally.done.load(), 1u) << "stands still at " << tally.published.load() << " of " << tally.total;
    EXPECT_EQ(tally.doubled.load(), 0u);
    EXPECT_EQ(tally.not_counted.load(), 0u) << "lost, and nobody said so";
    EXPECT_EQ(tally.damaged.load(), 0u);
    EXPECT_EQ(tally.unanswered.load(), 0u) << "requests that never ended";
    EXPECT_GT(tally.came.load(), 0u);
    EXPECT_GT(tally.epochs.load() + tally.sessions.load(), 2u) << "it was no storm";
    RecordProperty("came", std::to_string(tally.came.load()));
    std::printf("%llu published over %llu connections; %llu came in %llu sessions, %llu counted as lost; %llu answers\n", static_cast<unsigned long long>(tally.published.load()),
                static_cast<unsigned long long>(tally.epochs.load()), static_cast<unsigned long long>(tally.came.load()), static_cast<unsigned long long>(tally.sessions.load()),
                static_cast<unsigned long long>(tally.counted.load()), static_cast<unsigned long long>(tally.answered.load()));
    ::munmap(memory, sizeof(Tally));
}

} // namespace
} // namespace symphony::bus
