// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/resolver.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

namespace symphony::brokers {
namespace {

/// One lookup, shared by who waits and the thread that does it; whichever ends last frees it.
struct Lookup {
    std::string name;
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<std::vector<IpAddress>>> answer;
};

std::vector<IpAddress> addresses_of(const addrinfo* list) {
    std::vector<IpAddress> out;
    for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
        std::optional<IpAddress> address;
        if (at->ai_family == AF_INET && at->ai_addrlen >= sizeof(sockaddr_in)) {
            sockaddr_in v4{};
            std::memcpy(&v4, at->ai_addr, sizeof v4);
            std::array<std::uint8_t, 4> bytes{};
            std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
            address = IpAddress::v4(bytes);
        } else if (at->ai_family == AF_INET6 && at->ai_addrlen >= sizeof(sockaddr_in6)) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, at->ai_addr, sizeof v6);
            std::array<std::uint8_t, 16> bytes{};
            std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
            address = IpAddress::v6(bytes);
        }
        if (address && std::find(out.begin(), out.end(), *address) == out.end()) out.push_back(*address);
    }
    return out;
}

Result<std::vector<IpAddress>> look_up(const std::string& name) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int status = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
    if (status == EAI_NONAME || status == EAI_NODATA) {
        return Error(Code::not_found, "no-such-host", "host \"" + name + "\": no such name", "check how it is written");
    }
    if (status != 0) {
        return Error(Code::io, "resolver-failed", "host \"" + name + "\": " + ::gai_strerror(status), "check this machine's network and name service");
    }
    auto addresses = addresses_of(list);
    ::freeaddrinfo(list);
    if (addresses.empty()) return Error(Code::not_found, "no-such-host", "host \"" + name + "\": it has no address");
    return addresses;
}

class SystemResolver final : public Resolver {
public:
    explicit SystemResolver(unsigned lookups_max) : running_(std::make_shared<std::atomic<unsigned>>(0)), lookups_max_(lookups_max) {}

    Result<std::vector<IpAddress>> resolve(const HostName& name, std::chrono::steady_clock::time_point deadline) override {
        if (name.address()) return std::vector{*name.address()};
        if (running_->fetch_add(1) >= lookups_max_) {
            running_->fetch_sub(1);
            return Error(Code::busy, "resolver-busy", "host \"" + name.text() + "\": " + std::to_string(lookups_max_) + " names are being looked up already",
                         "try again");
        }
        const auto lookup = std::make_shared<Lookup>();
        lookup->name = name.text();
        // getaddrinfo cannot be told to stop: a thread that hangs in it is left alone, and counts until it comes back.
        std::thread([lookup, running = running_] {
            auto answer = look_up(lookup->name);
            {
                const std::lock_guard lock(lookup->mutex);
                lookup->answer.emplace(std::move(answer));
                running->fetch_sub(1);
            }
            lookup->done.notify_all();
        }).detach();
        std::unique_lock lock(lookup->mutex);
        if (!lookup->done.wait_until(lock, deadline, [&] { return lookup->answer.has_value(); })) {
            return Error(Code::deadline, "resolver-slow", "host \"" + name.text() + "\": the name service did not answer in time",
                         "check this machine's name service");
        }
        return *std::move(lookup->answer);
    }

private:
    std::shared_ptr<std::atomic<unsigned>> running_;
    unsigned lookups_max_;
};

} // namespace

std::unique_ptr<Resolver> system_resolver(unsigned lookups_max) { return std::make_unique<SystemResolver>(lookups_max); }

} // namespace symphony::brokers
