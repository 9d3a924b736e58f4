// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <dlfcn.h>

#include <thread>

namespace symphony::bus::testing {

/// The transport from its library: plugins meet through ports, in tests too.
inline const symphony_plugin* transport_unix() {
    void* library = ::dlopen(BUS_TEST_TRANSPORT, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    return reinterpret_cast<const symphony_plugin* (*)()>(::dlsym(library, "symphony_plugin_v1"))();
}

/// A host with a transport and a bus that serves.
class Served {
public:
    explicit Served(const Value& config = ValueBuilder().map().end().build()) {
        constexpr std::uint32_t flags = SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;
        EXPECT_TRUE(host.add("transport-unix", transport_unix()));
        EXPECT_TRUE(host.add("bus", symphony::testing::descriptor_of<Plugin, flags>(), config));
        const auto command = *ports::CommandClient::acquire(host.host(), "bus");
        CallOptions<ports::CommandOutput> options;
        options.cancel = stop.token();
        options.on_part = [this](const ports::CommandOutput& output) {
            if (output.text.text() != "READY=1") return;
            ready_ = true;
            ready_.notify_all();
        };
        serving_ = std::thread([this, command, options] {
            const auto status = command.run("serve", ValueBuilder().map().key("listen").list().text(address()).end().end().build(), {}, options);
            EXPECT_TRUE(status) << status.error().message();
            EXPECT_EQ(std::move(Result<std::int32_t>(status)).value_or(-1), 0);
            ready_ = true;
            ready_.notify_all();
        });
        ready_.wait(false);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    ~Served() {
        stop.cancel();
        serving_.join();
    }
    std::string address() const { return "unix:" + (folder.path() / "bus.sock").string(); }
    /// A client with a host, and so a transport's thread, of its own, as in another program. It must go before this object.
    std::shared_ptr<Client> connect() {
        const symphony::testing::FakeHost* other = nullptr;
        {
            const std::lock_guard lock(mutex_);
            others_.push_back(std::make_unique<symphony::testing::FakeHost>());
            EXPECT_TRUE(others_.back()->add("transport-unix", transport_unix()));
            other = others_.back().get();
        }
        auto client = Client::connect(other->host(), address(), {});
        EXPECT_TRUE(client) << client.error().message();
        return client ? *client : nullptr;
    }

    symphony::testing::TempFolder folder;
    symphony::testing::FakeHost host;
    CancelSource stop;

private:
    std::atomic<bool> ready_{false};
    std::thread serving_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<symphony::testing::FakeHost>> others_;
};

} // namespace symphony::bus::testing
