// SPDX-License-Identifier: Apache-2.0
#include "services.hpp"

namespace symphony::ipc {
namespace {

struct Entry {
    std::uint32_t method;
    bool (*serve)(Link& link, const void* table, void* ctx, const Message& message);
};
template <class R>
struct EntryOf;
template <auto Member, std::uint32_t Method>
struct EntryOf<Remote<Member, Method>> {
    static constexpr Entry value{Method, &Remote<Member, Method>::serve};
};

constexpr Entry requests[] = {
    EntryOf<RemoteConfigGet>::value,    EntryOf<RemoteFsOpen>::value,     EntryOf<RemoteFsList>::value,    EntryOf<RemoteFsRename>::value,
    EntryOf<RemoteFsRemove>::value,     EntryOf<RemoteFsSyncFolder>::value, EntryOf<RemotePortsAcquire>::value, EntryOf<RemotePortsList>::value, EntryOf<RemoteNetConnect>::value,
    EntryOf<RemoteSecretsOpen>::value,  EntryOf<RemoteModelsList>::value, EntryOf<RemoteModelsOpen>::value,
};
constexpr Entry notes[] = {
    EntryOf<RemoteLogWrite>::value, EntryOf<RemoteMetricsCount>::value, EntryOf<RemoteMetricsGauge>::value,
    EntryOf<RemoteMetricsObserve>::value, EntryOf<RemotePortsRelease>::value,
};

template <std::size_t N>
const Entry* find(const Entry (&entries)[N], std::uint32_t method) noexcept {
    for (const Entry& entry : entries) {
        if (entry.method == method) return &entry;
    }
    return nullptr;
}

} // namespace

const void* ServiceServer::table_of(ServiceNumber service) {
    const auto index = static_cast<std::size_t>(service) - 1;
    if (index >= services_count || host.query == nullptr) return nullptr;
    const void* table = tables[index].load(std::memory_order_acquire);
    if (table == nullptr) {
        table = host.query(host.ctx, to_c(service_ids[index]));
        tables[index].store(table, std::memory_order_release);
    }
    return table;
}

bool ServiceServer::request(const Message& message) {
    const Entry* entry = find(requests, message.head.method);
    return entry != nullptr && entry->serve(link, table_of(static_cast<ServiceNumber>(message.head.method >> 8)), host.ctx, message);
}

bool ServiceServer::note(const Message& message) {
    const Entry* entry = find(notes, message.head.method);
    return entry != nullptr && entry->serve(link, table_of(static_cast<ServiceNumber>(message.head.method >> 8)), host.ctx, message);
}

} // namespace symphony::ipc
