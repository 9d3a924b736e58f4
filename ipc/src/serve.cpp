// SPDX-License-Identifier: Apache-2.0
#include <symphony/ipc/serve.hpp>

#include "control.hpp"
#include "services.hpp"

#include <exception>
#include <map>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace symphony::ipc {
namespace {

constexpr std::uint64_t leave_max_ns = 2'000'000'000;
constexpr std::uint64_t slab_buffer_min = 2048;  // smaller ones travel inside the message anyway

/// A secret in the plugin's process: the host's sealed memory file, mapped until the last release.
struct SecretView {
    std::atomic<std::uint64_t> references{1};
    void* memory;
    std::size_t size;
    static void retain(void* owner) noexcept { static_cast<SecretView*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
    static void release(void* owner) noexcept {
        auto* it = static_cast<SecretView*>(owner);
        if (it->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        if (it->size != 0) ::munmap(it->memory, it->size);
        delete it;
    }
    static constexpr symphony_buf_ops ops{sizeof(symphony_buf_ops), 0, &retain, &release};
};

symphony_status map_secret(int fd, symphony_buf* out, symphony_error* error) {
    struct stat info{};
    const bool known = ::fstat(fd, &info) == 0;
    const auto size = known ? static_cast<std::size_t>(info.st_size) : 0;
    void* memory = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (!known || memory == MAP_FAILED) return to_c(Error(Code::io, "cannot map a secret"), error);
    if (size != 0) {
        static_cast<void>(::madvise(memory, size, MADV_DONTDUMP));
        static_cast<void>(::mlock(memory, size));
    }
    *out = {};
    out->struct_size = sizeof *out;
    out->flags = SYMPHONY_BUF_COUNTED;
    out->data = static_cast<const std::uint8_t*>(memory);
    out->size = size;
    out->owner = new SecretView{{1}, memory, size};
    out->ops = &SecretView::ops;
    return SYMPHONY_OK;
}

/// The runner: what the plugin sees of the host, and what the host sees of the plugin.
class Server final : public Link::Receiver, public Inbound::Callee, public ServiceClient {
public:
    /// @pre The end has its memory.
    Server(ChannelEnd end, Loaded loaded, const ServeOptions& options)
        : end_(std::move(end)), loaded_(std::move(loaded)),
          link_(end_.memory(), end_.control(), *this, {"the host", false, true, options.threads_max, options.on_thread}),
          outbound_(link_), inbound_(link_, *this) {}
    ~Server() {
        for (const auto& [request, fd] : descriptors_) ::close(fd);
    }

    int run() {
        link_.run();
        link_.close();
        outbound_.end_all(Error(Code::peer_died, "channel-closed", "the host closed the channel"));
        inbound_.cancel_all();
        link_.stop_and_join();
        return broken_.load() ? serve_broken : serve_closed;
    }

    // --- ServiceClient ---
    Link& link() noexcept override { return link_; }
    Outbound& outbound() noexcept override { return outbound_; }
    int take_descriptor(std::uint64_t request) override {
        const std::lock_guard lock(descriptors_mutex_);
        for (;;) {
            if (const auto found = descriptors_.find(request); found != descriptors_.end()) {
                const int fd = found->second;
                descriptors_.erase(found);
                return fd;
            }
            // The host sent it before its answer, so it is there.
            std::uint64_t id = 0;
            int fd = -1;
            std::size_t count = 1;
            if (receive_with_descriptors(end_.control(), &id, sizeof id, &fd, count, false) != sizeof id || count != 1) {
                if (count == 1) ::close(fd);
                return -1;
            }
            descriptors_.emplace(id, fd);
        }
    }

    // --- Link::Receiver ---
    Task on_message(Message*& message) override {
        Task task;
        bool good = false;
        switch (message->head.kind) {
        case Kind::answer:
        case Kind::returned:
        case Kind::emit:
        case Kind::progress:
        case Kind::complete:
        case Kind::fail: good = outbound_.on_message(message, task); break;
        case Kind::invoke:
        case Kind::cancel:
        case Kind::accepted: good = inbound_.on_message(message, task); break;
        case Kind::request:
            task = {[](void* self, void* what) { static_cast<Server*>(self)->on_request(static_cast<Message*>(what)); }, this, std::exchange(message, nullptr),
                    [](void* self, void* what) { static_cast<Server*>(self)->link_.give(static_cast<Message*>(what)); }};
            good = true;
            break;
        case Kind::bye:
            link_.stop();
            good = true;
            break;
        default: break;
        }
        if (!good) link_.violate("a message is not expected");
        return task;
    }
    void on_violation(const Error&) override {
        broken_.store(true);
        link_.close();
        link_.stop();
    }
    void on_tick() override {
        outbound_.on_tick();
        char byte;
        if (::recv(end_.control(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) link_.stop(); // the host is gone
    }
    bool wants_ticks() const noexcept override { return outbound_.wants_ticks(); }

    // --- Inbound::Callee ---
    symphony_status enter(std::uint64_t, const symphony_call& call, symphony_handle*, symphony_error&) override {
        return ops_.invoke != nullptr ? ops_.invoke(instance_, &call) : SYMPHONY_E_MISUSE;
    }
    void cancel(symphony_handle id, const std::atomic<symphony_handle>&) override {
        if (ops_.cancel != nullptr) ops_.cancel(instance_, id);
    }
    void misuse(std::string_view reason, std::string_view what) override {
        Outgoing note(link_, Kind::note);
        note.head.method = method_misuse;
        note.put_text(reason.substr(0, 64));
        note.put_text(what.substr(0, 1024));
        static_cast<void>(link_.send(note));
    }
    bool is_serial() const noexcept override { return (ops_.flags & SYMPHONY_INSTANCE_CONCURRENT) == 0; }

private:
    static Server& self(void* ctx) { return *static_cast<Server*>(static_cast<ServiceClient*>(ctx)); }

    // --- symphony_host ---
    static const void* host_query(void* ctx, symphony_str id) {
        Server& server = self(ctx);
        for (std::size_t i = 0; i < services_count; ++i) {
            if (service_ids[i] != from_c(id)) continue;
            if (!server.granted_[i].load(std::memory_order_acquire)) {
                Outgoing request(server.link_, Kind::request);
                request.head.method = method_query;
                request.put_text(service_ids[i]);
                const Result<Message*> answer = server.outbound_.ask(request);
                if (!answer) return nullptr;
                const bool yes = (*answer)->head.status == 1;
                server.link_.give(*answer);
                if (!yes) return nullptr; // asked again next time: a grant may come
                server.granted_[i].store(true, std::memory_order_release);
            }
            return twins[i];
        }
        return nullptr;
    }
    static symphony_status host_buf_alloc(void* ctx, std::uint64_t size, symphony_buf* out) {
        if (out == nullptr) return SYMPHONY_E_INVALID_ARGUMENT;
        try {
            if (size >= slab_buffer_min && SlabBuffer::make(self(ctx).link_, size, *out) == SYMPHONY_OK) return SYMPHONY_OK;
            *out = Buffer::make(static_cast<std::size_t>(size)).release();
            return SYMPHONY_OK;
        } catch (const std::bad_alloc&) {
            return SYMPHONY_E_EXHAUSTED;
        }
    }
    static std::uint64_t host_now_ns(void*) { return now_ns(); }

    // --- what is not made from its type alone ---
    static symphony_status ports_invoke(void* ctx, symphony_handle port, const symphony_call* call, symphony_handle* call_out, symphony_error* error) {
        if (call == nullptr || call->struct_size < sizeof *call || !callable(call->ops, &symphony_call_ops::complete) || !callable(call->ops, &symphony_call_ops::fail)) {
            return to_c(Error(Code::misuse, "bad-call", "made a call without a place for its answer"), error);
        }
        try {
            return self(ctx).outbound_.invoke(port, *call, call_out, error);
        } catch (...) {
            return to_c(Error(Code::internal, "the call failed in the host"), error); // only memory can be short here
        }
    }
    static void ports_cancel(void* ctx, symphony_handle call) { self(ctx).outbound_.cancel(call); }
    static symphony_status secrets_get(void* ctx, symphony_str key, symphony_buf* out, symphony_error* error) {
        std::int32_t fd = -1;
        const symphony_status status = RemoteSecretsOpen::call(ctx, key, &fd, error);
        if (status < 0) return status;
        if (out == nullptr) {
            ::close(fd);
            return to_c(Error(Code::invalid_argument, "no place for the secret"), error);
        }
        return map_secret(fd, out, error);
    }

    static constexpr symphony_host_log log_twin{sizeof(symphony_host_log), 0, &RemoteLogWrite::call};
    static constexpr symphony_host_config config_twin{sizeof(symphony_host_config), 0, &RemoteConfigGet::call};
    static constexpr symphony_host_metrics metrics_twin{sizeof(symphony_host_metrics), 0, &RemoteMetricsCount::call, &RemoteMetricsGauge::call, &RemoteMetricsObserve::call};
    static constexpr symphony_host_fs fs_twin{sizeof(symphony_host_fs), 0, &RemoteFsOpen::call, &RemoteFsList::call, &RemoteFsRename::call, &RemoteFsRemove::call,
                                                &RemoteFsSyncFolder::call};
    static constexpr symphony_host_ports ports_twin{sizeof(symphony_host_ports), 0, &RemotePortsAcquire::call, &RemotePortsRelease::call, &ports_invoke, &ports_cancel, &RemotePortsList::call};
    static constexpr symphony_host_net net_twin{sizeof(symphony_host_net), 0, &RemoteNetConnect::call};
    static constexpr symphony_host_secrets secrets_twin{sizeof(symphony_host_secrets), 0, &secrets_get, &RemoteSecretsOpen::call};
    static constexpr symphony_host_models models_twin{sizeof(symphony_host_models), 0, &RemoteModelsList::call, &RemoteModelsOpen::call};
    static constexpr std::array<const void*, services_count> twins{
        &log_twin, &config_twin, &metrics_twin, &fs_twin, &ports_twin, &net_twin, &secrets_twin, &models_twin};

    // --- instance operations ---
    void on_request(Message* message) {
        Outgoing answer(link_, Kind::answer, message->head.call);
        symphony_error error{};
        error.struct_size = sizeof error;
        symphony_status status;
        symphony_buf state{};
        std::uint16_t threw = 0;
        BodyReader body(*message);
        try {
            status = operate(static_cast<Operation>(message->head.method), *message, body, error, state, answer);
        } catch (const std::exception& thrown) {
            threw = flag_threw;
            status = SYMPHONY_E_PLUGIN_FAILED;
            copy_cut(error.message, thrown.what());
        } catch (...) {
            threw = flag_threw;
            status = SYMPHONY_E_PLUGIN_FAILED;
            error.message[0] = '\0';
        }
        answer.head.status = status;
        answer.head.flags |= threw;
        if (status < 0) {
            if (threw != 0 || error.code != 0) answer.put_error(error);
        } else if (static_cast<Operation>(message->head.method) == Operation::save_state) {
            if (const Status put = answer.put_buffers(&state, 1, Patience::some, 0); !put) answer.head.status = SYMPHONY_E_EXHAUSTED;
        }
        if (state.ops != nullptr && (state.flags & SYMPHONY_BUF_COUNTED) != 0) state.ops->release(state.owner);
        link_.give(message);
        static_cast<void>(link_.send(answer));
    }

    symphony_status operate(Operation operation, const Message& message, BodyReader& body, symphony_error& error, symphony_buf& state, Outgoing& answer) {
        const auto control = [&](auto function) { return function != nullptr ? function(instance_, &error) : SYMPHONY_OK; };
        switch (operation) {
        case Operation::facts: put_facts(answer); return SYMPHONY_OK;
        case Operation::create: return create(message, body, error, answer);
        case Operation::init: return control(ops_.init);
        case Operation::query: {
            const symphony_str id = body.text();
            const auto* info = ops_.query != nullptr && !body.failed() ? static_cast<const symphony_port_info*>(ops_.query(instance_, id)) : nullptr;
            answer.put(std::uint64_t{info != nullptr && present(info, &symphony_port_info::method_max) ? info->method_max : 0});
            return info != nullptr ? 1 : 0;
        }
        case Operation::activate: return control(ops_.activate);
        case Operation::quiesce: return quiesce(message.head.value, error);
        case Operation::deactivate: return control(ops_.deactivate);
        case Operation::save_state: return ops_.save_state != nullptr ? ops_.save_state(instance_, &state, &error) : SYMPHONY_E_UNSUPPORTED;
        case Operation::load_state: {
            Received buffers;
            if (!buffers.read(link_, message, body)) return SYMPHONY_E_DATA_CORRUPT;
            return ops_.load_state != nullptr ? ops_.load_state(instance_, buffers.data(), &error) : SYMPHONY_E_UNSUPPORTED;
        }
        case Operation::destroy:
            // Who is still inside keeps what is left of it; the process ends in a moment.
            if (inbound_.wait_left(now_ns() + leave_max_ns) && ops_.destroy != nullptr && instance_ != nullptr) ops_.destroy(instance_);
            instance_ = nullptr;
            ops_ = {};
            return SYMPHONY_OK;
        }
        return SYMPHONY_E_UNSUPPORTED;
    }

    /// Quiet is a plugin when nobody is in its functions any more, also no thread that has just ended its call.
    symphony_status quiesce(std::uint64_t deadline_ns, symphony_error& error) {
        const symphony_status status = ops_.quiesce != nullptr ? ops_.quiesce(instance_, deadline_ns, &error) : SYMPHONY_OK;
        if (status < 0 || inbound_.wait_left(deadline_ns)) return status;
        return to_c(Error(Code::deadline, "still-inside", "a thread did not come back from a call that it had ended"), &error);
    }

    void put_facts(Outgoing& answer) {
        FactsBody facts;
        symphony_plugin seen{};
        facts.has_entry = loaded_.entry != nullptr;
        if (loaded_.entry != nullptr) {
            try {
                descriptor_ = loaded_.entry();
            } catch (...) {
                facts.entry_threw = 1;
            }
        }
        if (descriptor_ != nullptr) { // no further than it says; what it points to may be anything, and then only we fall
            std::memcpy(&seen, descriptor_, sizeof seen.struct_size + sizeof seen.magic);
            std::memcpy(&seen, descriptor_, std::min<std::size_t>(std::max<std::size_t>(seen.struct_size, 8), sizeof seen));
            facts.has_descriptor = 1;
            facts.has_create = seen.create != nullptr;
            facts.struct_size = seen.struct_size;
            facts.magic = seen.magic;
            facts.abi_major = seen.abi_major;
            facts.abi_built = seen.abi_built;
            facts.abi_required = seen.abi_required;
        }
        const bool readable = seen.magic == SYMPHONY_MAGIC && seen.struct_size >= sizeof seen;
        answer.put(facts);
        answer.put_text(std::string_view(loaded_.load_error).substr(0, 4096));
        answer.put_text(readable ? from_c(seen.id).substr(0, facts_text_max) : std::string_view());
        answer.put_text(readable ? from_c(seen.version).substr(0, facts_text_max) : std::string_view());
    }

    symphony_status create(const Message& message, BodyReader& body, symphony_error& error, Outgoing& answer) {
        if (descriptor_ == nullptr && loaded_.entry != nullptr) descriptor_ = loaded_.entry();
        if (descriptor_ == nullptr || descriptor_->create == nullptr || instance_ != nullptr) return to_c(Error(Code::misuse, "no-create", "there is nothing to create an instance with"), &error);
        Received config;
        if (!config.read(link_, message, body)) return SYMPHONY_E_DATA_CORRUPT;
        host_ = {sizeof(symphony_host), SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, static_cast<ServiceClient*>(this), &host_query, &host_buf_alloc, &host_now_ns};
        const symphony_instance_ops* ops = nullptr;
        const symphony_status status = descriptor_->create(&host_, config.size() != 0 ? config.data() : nullptr, &instance_, &ops, &error);
        if (status < 0) return status;
        CreatedBody made;
        made.has_instance = instance_ != nullptr;
        made.has_ops = ops != nullptr;
        if (ops != nullptr) {
            std::memcpy(&ops_, ops, std::min<std::size_t>(ops->struct_size, sizeof ops_));
            made.struct_size = ops->struct_size;
            made.flags = ops_.flags;
            const auto bit = [](auto function, std::uint32_t value) { return function != nullptr ? value : 0u; };
            made.functions = bit(ops_.init, has_init) | bit(ops_.query, has_query) | bit(ops_.activate, has_activate) | bit(ops_.invoke, has_invoke) |
                             bit(ops_.cancel, has_cancel) | bit(ops_.quiesce, has_quiesce) | bit(ops_.deactivate, has_deactivate) |
                             bit(ops_.save_state, has_save_state) | bit(ops_.load_state, has_load_state) | bit(ops_.destroy, has_destroy);
        }
        answer.put(made);
        return status;
    }

    const ChannelEnd end_;
    const Loaded loaded_;
    Link link_;
    Outbound outbound_;
    Inbound inbound_;
    const symphony_plugin* descriptor_ = nullptr;
    symphony_host host_{};
    symphony_instance* instance_ = nullptr;
    symphony_instance_ops ops_{};
    std::array<std::atomic<bool>, services_count> granted_{};
    std::mutex descriptors_mutex_;
    std::map<std::uint64_t, int> descriptors_;
    std::atomic<bool> broken_{false};
};

} // namespace

int serve(ChannelEnd end, Loaded loaded, const ServeOptions& options) {
    if (!end.take_memory()) return serve_broken;
    if (options.on_thread) options.on_thread();
    Server server(std::move(end), std::move(loaded), options);
    return server.run();
}

} // namespace symphony::ipc
