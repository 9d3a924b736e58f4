// SPDX-License-Identifier: Apache-2.0
#include "bus_echo.hpp"

#include <symphony/bus/client.hpp>
#include <symphony/ports/bus.hpp>

#include <random>

namespace symphony::ipc_bench {
namespace {

constexpr const char *event_type = "ipc-bench.event", *request_type = "ipc-bench.ask", *endpoint_name = "ipc-bench";
constexpr std::size_t batch_max = 64;

/// What has come back, for the thread that waits for it.
class Arrived {
public:
    void add(std::uint64_t more) {
        const std::lock_guard lock(mutex_);
        count_ += more;
        changed_.notify_all();
    }
    std::uint64_t count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    Status wait(std::uint64_t count, const CancelToken& cancel) {
        const auto end = std::chrono::steady_clock::now() + patience;
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return count_ >= count; })) {
            if (cancel.cancelled()) return Error(Code::cancelled, "cancelled");
            if (std::chrono::steady_clock::now() >= end) return Error(Code::deadline, "an event did not come back through the bus");
        }
        return {};
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t count_ = 0;
};

Value content_of(std::size_t bytes) {
    const std::string text(bytes, 'x');
    return ValueBuilder().bytes(bytes_of(text)).build();
}

/// Two ways into a bus: this process's own, and a client of another one.
class Way {
public:
    Way() = default;
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;
    virtual ~Way() = default;
    virtual Status publish(const Value& content, std::size_t count) = 0;
    virtual Status ask(const Value& content) = 0;

    Arrived& arrived() noexcept { return *arrived_; }

protected:
    const std::shared_ptr<Arrived> arrived_ = std::make_shared<Arrived>(); // also of handlers that come late
};

class Here final : public Way {
public:
    Here(const Ground& ground, ports::BusClient bus) : ground_(ground), bus_(std::move(bus)) {}
    ~Here() override {
        cancel_.cancel();
        std::unique_lock lock(ends_->mutex);
        ends_->changed.wait(lock, [this] { return ends_->open == 0; });
    }

    Status open() {
        ports::BusSubscription subscription;
        subscription.pattern = event_type;
        subscription.policy = ports::BusPolicy::block;
        subscription.name = endpoint_name;
        ends_->open = 2;
        bus_.subscribe_async(subscription, ended(), {.cancel = cancel_.token(), .on_part = [arrived = arrived_](const ports::BusDelivery& got) { arrived->add(got.messages.size()); }});
        bus_.serve_async({endpoint_name, {request_type}, 0, 0}, ended(), {.cancel = cancel_.token(), .on_part = [bus = bus_](const ports::BusDelivery& got) { answer(bus, got); }});
        const std::lock_guard lock(ends_->mutex);
        if (ends_->error) return *ends_->error;
        return {};
    }
    Status publish(const Value& content, std::size_t count) override {
        const ports::EnvelopeRecord event{.type = event_type, .kind = 3, .content = content};
        CallOptions<> options;
        options.deadline_ns = ground_.deadline_ns();
        SYMPHONY_TRY(bus_.publish(std::vector(count, event), options));
        return {};
    }
    Status ask(const Value& content) override {
        CallOptions<> options;
        options.deadline_ns = ground_.deadline_ns();
        options.cancel = ground_.cancel();
        SYMPHONY_TRY(bus_.request({.type = request_type, .kind = 1, .content = content}, options));
        return {};
    }

private:
    struct Ends {
        std::mutex mutex;
        std::condition_variable changed;
        int open = 0;
        std::optional<Error> error; // of one that did not begin
    };
    static void answer(const ports::BusClient& bus, const ports::BusDelivery& got) {
        std::vector<ports::EnvelopeRecord> answers;
        for (const auto& request : got.messages) answers.push_back({.correlation = request.id, .sender = endpoint_name, .recipient = request.sender, .kind = 2, .content = request.content});
        static_cast<void>(bus.publish(answers));
    }
    std::function<void(Result<void>)> ended() {
        return [ends = ends_](const Result<void>& result) {
            const std::lock_guard lock(ends->mutex);
            if (!result) ends->error = result.error();
            --ends->open;
            ends->changed.notify_all();
        };
    }

    const Ground& ground_;
    const ports::BusClient bus_;
    CancelSource cancel_;
    const std::shared_ptr<Ends> ends_ = std::make_shared<Ends>();
};

class Elsewhere final : public Way {
public:
    /// @param starter  The connection that keeps the other process.
    Elsewhere(std::shared_ptr<bus::Client> starter, std::shared_ptr<bus::Client> asker, std::shared_ptr<bus::Client> other)
        : starter_(std::move(starter)), asker_(std::move(asker)), other_(std::move(other)) {}
    Status open() {
        ports::BusSubscription subscription;
        subscription.pattern = event_type;
        subscription.policy = ports::BusPolicy::block;
        SYMPHONY_TRY(other_->subscribe(subscription, [arrived = arrived_](const bus::Client::Delivered&) { arrived->add(1); }));
        return other_->serve({endpoint_name, {request_type}, 0, 0}, [weak = std::weak_ptr(other_)](const bus::Client::Delivered& request) {
            if (const auto client = weak.lock()) static_cast<void>(client->respond(request.message, Value::copy(ValueView(ipc::content_of(request.message)))));
        });
    }
    Status publish(const Value& content, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) SYMPHONY_TRY(asker_->publish(event_type, content));
        return {};
    }
    Status ask(const Value& content) override {
        SYMPHONY_TRY(asker_->request(request_type, content, {}, static_cast<std::uint32_t>(std::chrono::milliseconds(patience).count())));
        return {};
    }

private:
    const std::shared_ptr<bus::Client> starter_, asker_, other_;
};

class BusEcho final : public Echo {
public:
    BusEcho(const Ground& ground, std::shared_ptr<Way> way, bool event) : ground_(ground), way_(std::move(way)), event_(event) {}
    Status call(std::size_t bytes) override {
        if (bytes != bytes_) content_ = content_of(bytes_ = bytes);
        if (!event_) return way_->ask(content_);
        const std::uint64_t before = way_->arrived().count();
        SYMPHONY_TRY(way_->publish(content_, 1));
        return way_->arrived().wait(before + 1, ground_.cancel());
    }

private:
    const Ground& ground_;
    const std::shared_ptr<Way> way_;
    const bool event_;
    Value content_;
    std::size_t bytes_ = 0;
};

Result<double> rate_of(const Ground& ground, Way& way, std::chrono::nanoseconds longest) {
    const Value content = content_of(64);
    const std::uint64_t before = way.arrived().count(), start = ground.host().now_ns();
    std::uint64_t count = 0;
    do {
        SYMPHONY_TRY(way.publish(content, batch_max));
        count += batch_max;
        if (ground.cancel().cancelled()) return Error(Code::cancelled, "cancelled");
    } while (ground.host().now_ns() - start < static_cast<std::uint64_t>(longest.count()));
    SYMPHONY_TRY(way.arrived().wait(before + count, ground.cancel()));
    return static_cast<double>(count) * 1e9 / static_cast<double>(ground.host().now_ns() - start);
}

BusEchoes echoes_of(Ground& ground, const std::shared_ptr<Way>& way) {
    return {std::make_unique<BusEcho>(ground, way, true), std::make_unique<BusEcho>(ground, way, false), [&ground, way](std::chrono::nanoseconds longest) { return rate_of(ground, *way, longest); }};
}

std::string random_token() {
    std::random_device source;
    std::string out;
    for (int i = 0; i < 4; ++i) out += std::to_string(source());
    return out;
}

} // namespace

Result<BusEchoes> over_bus_here(Ground& ground) {
    const auto way = std::make_shared<Here>(ground, SYMPHONY_TRY(ports::BusClient::acquire(ground.host())));
    SYMPHONY_TRY(way->open());
    return echoes_of(ground, way);
}

Result<BusEchoes> over_bus_elsewhere(Ground& ground) {
    const std::string address = "unix:" + ground.new_path();
    bus::Client::Options options;
    options.name = "symphony bench ipc";
    options.connect_ms_max = patience;
    options.token = random_token();
    auto starter = SYMPHONY_TRY(bus::Client::connect(ground.host(), Other::address(ground, {"serve", "--listen", address, "--listen", "stdio:", "--set", "bus.token=" + options.token}), options));
    options.token.clear(); // the system says who we are
    auto asker = SYMPHONY_TRY(bus::Client::connect(ground.host(), address, options)), other = SYMPHONY_TRY(bus::Client::connect(ground.host(), address, options));
    const auto way = std::make_shared<Elsewhere>(std::move(starter), std::move(asker), std::move(other));
    SYMPHONY_TRY(way->open());
    return echoes_of(ground, way);
}

} // namespace symphony::ipc_bench
