// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calls.hpp"

#include <symphony/abi/host.h>
#include <symphony/abi/services/config.h>
#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/services/metrics.h>
#include <symphony/abi/services/models.h>
#include <symphony/abi/services/net.h>
#include <symphony/abi/services/ports.h>
#include <symphony/abi/services/secrets.h>

#include <tuple>
#include <unistd.h>

/// Host services over a channel. A function of a service's table becomes a pair, made from its type alone: one that sends its
/// arguments and one that receives them and calls the real table.
namespace symphony::ipc {

/// `method` of a request or a note from the host.
enum class Operation : std::uint32_t { facts = 1, create, init, query, activate, quiesce, deactivate, save_state, load_state, destroy };

/// `method` of a request or a note from the runner: these, or service << 8 | function.
inline constexpr std::uint32_t method_misuse = 1;
inline constexpr std::uint32_t method_query = 2;

enum class ServiceNumber : std::uint8_t { log = 1, config, metrics, fs, ports, net, secrets, models };
inline constexpr std::size_t services_count = 8;
inline constexpr std::array<std::string_view, services_count> service_ids{
    SYMPHONY_HOST_LOG, SYMPHONY_HOST_CONFIG, SYMPHONY_HOST_METRICS, SYMPHONY_HOST_FS,
    SYMPHONY_HOST_PORTS, SYMPHONY_HOST_NET, SYMPHONY_HOST_SECRETS, SYMPHONY_HOST_MODELS};

constexpr std::uint32_t method_of(ServiceNumber service, std::uint32_t function) noexcept {
    return static_cast<std::uint32_t>(service) << 8 | function;
}

/// What the sending half needs of its side.
class ServiceClient {
public:
    ServiceClient() = default;
    ServiceClient(const ServiceClient&) = delete;
    ServiceClient& operator=(const ServiceClient&) = delete;
    virtual Link& link() noexcept = 0;
    virtual Outbound& outbound() noexcept = 0;
    /// The descriptor that came with the answer to `request`, or -1.
    virtual int take_descriptor(std::uint64_t request) = 0;

protected:
    ~ServiceClient() = default;
};

namespace detail {

/// An argument on its way there, and back.
template <class T>
struct Argument { // u32, u64, double
    T value{};
    static void put(Outgoing& out, T given) { out.put(std::uint64_t{std::bit_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(given)}); }
    void take(BodyReader& body) { value = std::bit_cast<T>(static_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(body.get<std::uint64_t>())); }
    T get() { return value; }
    static void read_back(T, BodyReader&, const Message&, ServiceClient&, symphony_status&) {}
    void answer(Outgoing&, Status&) {}
    int descriptor() { return -1; }
};

template <>
struct Argument<symphony_str> {
    symphony_str value{};
    static void put(Outgoing& out, symphony_str given) { out.put_text(from_c(given)); }
    void take(BodyReader& body) { value = body.text(); }
    symphony_str get() { return value; }
    static void read_back(symphony_str, BodyReader&, const Message&, ServiceClient&, symphony_status&) {}
    void answer(Outgoing&, Status&) {}
    int descriptor() { return -1; }
};

/// A place for a result; the other side hears whether there is one.
template <class T>
struct Place {
    T value{};
    bool there = false;
    static void put(Outgoing& out, const void* place) { out.put(std::uint64_t{place != nullptr}); }
    void take(BodyReader& body) { there = body.get<std::uint64_t>() != 0; }
    T* get() { return there ? &value : nullptr; }
    int descriptor() { return -1; }
};

template <>
struct Argument<symphony_handle*> : Place<symphony_handle> {
    static void read_back(symphony_handle* to, BodyReader& body, const Message&, ServiceClient&, symphony_status&) {
        const auto value = body.get<symphony_handle>();
        if (to != nullptr) *to = value;
    }
    void answer(Outgoing& out, Status&) { out.put(value); }
};

template <>
struct Argument<std::int32_t*> : Place<std::int32_t> { // a descriptor
    Argument() { value = -1; }
    ~Argument() {
        if (value >= 0) ::close(value);
    }
    Argument(const Argument&) = delete;
    Argument& operator=(const Argument&) = delete;
    static void read_back(std::int32_t* to, BodyReader&, const Message& message, ServiceClient& client, symphony_status& status) {
        const int fd = (message.head.flags & flag_descriptor) != 0 ? client.take_descriptor(message.head.call) : -1;
        if (fd < 0) status = SYMPHONY_E_IO;
        if (to != nullptr) *to = fd;
        else if (fd >= 0) ::close(fd);
    }
    void answer(Outgoing&, Status&) {}
    int descriptor() { return value; }
};

template <>
struct Argument<symphony_buf*> : Place<symphony_buf> {
    Argument() = default;
    Argument(const Argument&) = delete;
    Argument& operator=(const Argument&) = delete;
    ~Argument() {
        if (value.ops != nullptr && (value.flags & SYMPHONY_BUF_COUNTED) != 0) value.ops->release(value.owner);
    }
    static void read_back(symphony_buf* to, BodyReader& body, const Message& message, ServiceClient& client, symphony_status& status) {
        Received buffers;
        if (!buffers.read(client.link(), message, body)) status = SYMPHONY_E_DATA_CORRUPT;
        else if (to != nullptr) *to = buffers.release_first();
    }
    void answer(Outgoing& out, Status& done) {
        done = out.put_buffers(&value, 1, Patience::some, 0);
    }
};

template <>
struct Argument<symphony_error*> : Place<symphony_error> {
    Argument() { value.struct_size = sizeof value; }
    static void read_back(symphony_error*, BodyReader&, const Message&, ServiceClient&, symphony_status&) {}
    void answer(Outgoing&, Status&) {}
};

/// Writes an error where a caller wants it, no further than there is room.
inline void give_error(symphony_error* to, const symphony_error& error) noexcept {
    if (to == nullptr) return;
    const std::uint32_t room = to->struct_size != 0 ? to->struct_size : sizeof error;
    std::memcpy(to, &error, std::min<std::size_t>(room, sizeof error));
}
template <class T>
void error_place(T, symphony_error**) noexcept {}
inline void error_place(symphony_error* argument, symphony_error** place) noexcept { *place = argument; }
template <class T>
const symphony_error* said_error(T&) noexcept { return nullptr; }
inline const symphony_error* said_error(Argument<symphony_error*>& argument) noexcept { return argument.value.code != 0 ? &argument.value : nullptr; }

} // namespace detail

/// One function of a service's table: `call` is its twin in the runner, `serve` runs the host's own.
template <auto Member, std::uint32_t Method>
struct Remote;

template <class Table, class R, class... A, R (*Table::*Member)(void*, A...), std::uint32_t Method>
struct Remote<Member, Method> {
    static constexpr bool quick = std::is_void_v<R>;

    static R call(void* ctx, A... arguments) noexcept {
        auto& client = *static_cast<ServiceClient*>(ctx);
        symphony_error* place = nullptr;
        (detail::error_place(arguments, &place), ...);
        try {
            Outgoing message(client.link(), quick ? Kind::note : Kind::request);
            message.head.method = Method;
            (detail::Argument<A>::put(message, arguments), ...);
            if constexpr (quick) {
                static_cast<void>(client.link().send(message));
            } else {
                const Result<Message*> answer = client.outbound().ask(message);
                if (!answer) return to_c(answer.error(), place);
                symphony_status status = (*answer)->head.status;
                BodyReader body(**answer);
                if (((*answer)->head.flags & flag_error) != 0) {
                    symphony_error error{};
                    body.error(error);
                    detail::give_error(place, error);
                }
                if (status >= 0) (detail::Argument<A>::read_back(arguments, body, **answer, client, status), ...);
                client.link().give(*answer);
                return status;
            }
        } catch (const std::bad_alloc&) {
            if constexpr (!quick) return to_c(Error(Code::exhausted, "out of memory"), place);
        }
    }

    /// @param table  The host's, or null when it was not granted. @return False: the message is not of its kind.
    static bool serve(Link& link, const void* table, void* ctx, const Message& message) {
        BodyReader body(message);
        std::tuple<detail::Argument<A>...> arguments;
        std::apply([&](auto&... argument) { (argument.take(body), ...); }, arguments);
        if (body.failed()) return false;
        const auto* functions = static_cast<const Table*>(table);
        const bool there = callable(functions, Member);
        const auto enter = [&](auto&... argument) { return (functions->*Member)(ctx, argument.get()...); };
        if constexpr (quick) {
            if (there) std::apply(enter, arguments);
        } else {
            const symphony_status status = there ? std::apply(enter, arguments) : (table == nullptr ? SYMPHONY_E_NOT_GRANTED : SYMPHONY_E_UNSUPPORTED);
            answer(link, message, status, arguments);
        }
        return true;
    }

private:
    static void answer(Link& link, const Message& message, symphony_status status, std::tuple<detail::Argument<A>...>& arguments) {
        Outgoing out(link, Kind::answer, message.head.call);
        out.head.status = status;
        Status done;
        if (status < 0) {
            const symphony_error* error = nullptr;
            std::apply([&](auto&... argument) { ((error = detail::said_error(argument) != nullptr ? detail::said_error(argument) : error), ...); }, arguments);
            if (error != nullptr) out.put_error(*error);
        } else {
            int fd = -1;
            std::apply([&](auto&... argument) { ((fd = argument.descriptor() >= 0 ? argument.descriptor() : fd), ...); }, arguments);
            if (fd >= 0) {
                out.head.flags |= flag_descriptor;
                const std::uint64_t id = message.head.call;
                if (!send_with_descriptors(link.control(), &id, sizeof id, &fd, 1)) done = Error(Code::exhausted, "channel-full", link.options().peer + ": its process does not take its descriptors").as_retryable();
            }
            if (done) std::apply([&](auto&... argument) { (argument.answer(out, done), ...); }, arguments);
        }
        if (done) {
            done = link.send(out);
        } else {
            Outgoing failure(link, Kind::answer, message.head.call);
            symphony_error error{};
            failure.head.status = to_c(done.error(), &error);
            failure.put_error(error);
            done = link.send(failure);
        }
        if (!done && !link.closed()) link.break_off("it does not read what it is sent");
    }
};

#define SYMPHONY_REMOTE_(service, table, member, function) Remote<&table::member, method_of(ServiceNumber::service, function)>
using RemoteLogWrite = SYMPHONY_REMOTE_(log, symphony_host_log, write, 1);
using RemoteConfigGet = SYMPHONY_REMOTE_(config, symphony_host_config, get, 1);
using RemoteMetricsCount = SYMPHONY_REMOTE_(metrics, symphony_host_metrics, count, 1);
using RemoteMetricsGauge = SYMPHONY_REMOTE_(metrics, symphony_host_metrics, gauge, 2);
using RemoteMetricsObserve = SYMPHONY_REMOTE_(metrics, symphony_host_metrics, observe, 3);
using RemoteFsOpen = SYMPHONY_REMOTE_(fs, symphony_host_fs, open, 1);
using RemoteFsList = SYMPHONY_REMOTE_(fs, symphony_host_fs, list, 2);
using RemoteFsRename = SYMPHONY_REMOTE_(fs, symphony_host_fs, rename, 3);
using RemoteFsRemove = SYMPHONY_REMOTE_(fs, symphony_host_fs, remove, 4);
using RemoteFsSyncFolder = SYMPHONY_REMOTE_(fs, symphony_host_fs, sync_folder, 5);
using RemotePortsAcquire = SYMPHONY_REMOTE_(ports, symphony_host_ports, acquire, 1);
using RemotePortsRelease = SYMPHONY_REMOTE_(ports, symphony_host_ports, release, 2);
using RemotePortsList = SYMPHONY_REMOTE_(ports, symphony_host_ports, list, 3);
using RemoteNetConnect = SYMPHONY_REMOTE_(net, symphony_host_net, connect, 1);
using RemoteSecretsOpen = SYMPHONY_REMOTE_(secrets, symphony_host_secrets, open, 1);
using RemoteModelsList = SYMPHONY_REMOTE_(models, symphony_host_models, list, 1);
using RemoteModelsOpen = SYMPHONY_REMOTE_(models, symphony_host_models, open, 2);
#undef SYMPHONY_REMOTE_

/// Serves what a runner asks of the host. @return False: it asks for what there is not.
struct ServiceServer {
    Link& link;
    symphony_host host{};
    std::array<std::atomic<const void*>, services_count> tables{};

    explicit ServiceServer(Link& to) : link(to) {}
    const void* table_of(ServiceNumber service);
    bool request(const Message& message);
    /// In the reader's role: only what is quick.
    bool note(const Message& message);
};

} // namespace symphony::ipc
