// SPDX-License-Identifier: Apache-2.0
#include <symphony/ipc/remote_instance.hpp>

#include "control.hpp"
#include "services.hpp"

#include <map>
#include <stdexcept>
#include <sys/socket.h>

namespace symphony::ipc {
namespace {

constexpr std::uint64_t gone_ns = 2'000'000'000; // without a control socket, before a process that nobody watches counts as dead

/// A control operation's exception in the runner, thrown again.
[[noreturn]] void throw_again(const symphony_error& error) {
    std::string what(read_bounded(error.message));
    if (what.empty()) throw what;
    throw std::runtime_error(what);
}

} // namespace

class RemoteInstance::Core final : public Link::Receiver, public Inbound::Callee {
public:
    Core(ChannelEnd end, Options options)
        : options_(std::move(options)), end_(std::move(end)),
          link_(end_.memory(), end_.control(), *this, {"plugin \"" + options_.name + "\"", true, false, options_.threads_max, {}}),
          outbound_(link_), inbound_(link_, *this), services_(link_) {}

    ~Core() {
        if (!abandoned_.load()) say_bye();
        abandon(Error(Code::cancelled, "stopped", link_.options().peer + ": was stopped before it answered"));
        link_.stop_and_join();
    }

    void start() { link_.start(); }
    static Core& of(symphony_instance* instance) noexcept { return *reinterpret_cast<Core*>(instance); }

    Result<Facts> facts(std::uint64_t until_ns);
    symphony_status create(const symphony_host* host, const symphony_buf* config, symphony_instance** out, const symphony_instance_ops** ops, symphony_error* error);

    void abandon(const Error& why) {
        if (abandoned_.exchange(true)) return;
        outbound_.remember(why); // before anybody finds the link closed
        link_.close();
        outbound_.end_all(why);
        inbound_.cancel_all();
    }

    void ping() {
        std::uint64_t number;
        {
            const std::lock_guard lock(ping_mutex_);
            if (answered()) {
                ++ping_number_;
                ping_sent_ns_ = now_ns();
                ping_in_ring_ = false;
            }
            if (ping_in_ring_) return;
            ping_in_ring_ = true;
            number = ping_number_;
        }
        Outgoing message(link_, Kind::ping);
        message.head.value = number;
        if (link_.send(message, Patience::none)) return;
        const std::lock_guard lock(ping_mutex_);
        if (number == ping_number_) ping_in_ring_ = false; // the next ping() tries again; the time runs on
    }
    std::chrono::nanoseconds unanswered() const {
        const std::lock_guard lock(ping_mutex_);
        return answered() ? std::chrono::nanoseconds(0) : std::chrono::nanoseconds(now_ns() - ping_sent_ns_);
    }

    Outbound& outbound() noexcept { return outbound_; }
    const Outbound& outbound() const noexcept { return outbound_; }

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
        case Kind::accepted: good = created_.load(std::memory_order_relaxed) && inbound_.on_message(message, task); break;
        case Kind::request:
            // Requests that wait for a thread are bounded like calls.
            if (!created_.load(std::memory_order_relaxed) || requests_.fetch_add(1, std::memory_order_relaxed) >= calls_max) break;
            task = {[](void* self, void* what) { static_cast<Core*>(self)->on_request(static_cast<Message*>(what)); }, this, std::exchange(message, nullptr),
                    [](void* self, void* what) { static_cast<Core*>(self)->link_.give(static_cast<Message*>(what)); }};
            good = true;
            break;
        case Kind::note: good = on_note(*message); break;
        case Kind::bye: good = true; break; // it says so before it exits; how it exits the supervisor sees
        default: break;
        }
        if (!good && !link_.closed()) link_.violate("a message is not expected, or names a call that is not there");
        return task;
    }

    void on_violation(const Error& why) override {
        if (abandoned_.exchange(true)) return;
        outbound_.remember(why); // before anybody finds the link closed
        link_.close();
        outbound_.end_all(why);
        inbound_.cancel_all();
        if (options_.on_broken) options_.on_broken(why);
    }

    void on_tick() override {
        outbound_.on_tick();
        // The supervisor knows better and sooner; this is for who has none. A dying process closes its sockets before the kernel
        // has freed its memory and tells of its death.
        char byte;
        const std::uint64_t now = now_ns();
        if (::recv(end_.control(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
            gone_since_ns_ = 0;
        } else if (gone_since_ns_ == 0) {
            gone_since_ns_ = now;
        } else if (now - gone_since_ns_ > gone_ns) {
            abandon(Error(Code::peer_died, "runner-gone", link_.options().peer + ": its process is gone"));
        }
    }
    bool wants_ticks() const noexcept override { return outbound_.wants_ticks(); }

    // --- Inbound::Callee: the plugin's own calls, through the host's ports ---

    symphony_status enter(std::uint64_t target, const symphony_call& call, symphony_handle* call_out, symphony_error& error) override {
        const auto* ports = static_cast<const symphony_host_ports*>(services_.table_of(ServiceNumber::ports));
        if (!callable(ports, &symphony_host_ports::invoke)) return SYMPHONY_E_NOT_GRANTED;
        return ports->invoke(services_.host.ctx, target, &call, call_out, &error);
    }
    void cancel(symphony_handle, const std::atomic<symphony_handle>& call_out) override {
        const auto* ports = static_cast<const symphony_host_ports*>(services_.table_of(ServiceNumber::ports));
        // The thread that makes the call sets it almost at once; without it the callee still sees `cancelled`.
        for (int tries = 0; tries < 1000 && call_out.load(std::memory_order_acquire) == 0; ++tries) std::this_thread::yield();
        const symphony_handle call = call_out.load(std::memory_order_acquire);
        if (call != 0 && callable(ports, &symphony_host_ports::cancel)) ports->cancel(services_.host.ctx, call);
    }
    void misuse(std::string_view, std::string_view) override {} // by another plugin or the host's ports, which keep their own books
    bool is_serial() const noexcept override { return false; }

private:
    bool answered() const noexcept { return link_page().pong.load(std::memory_order_acquire) == ping_number_; }
    const RingPage& link_page() const noexcept { return end_.memory()->peer_page(); }

    void on_request(Message* message) {
        bool good = false;
        try {
            if (message->head.method == method_query) {
                BodyReader body(*message);
                const std::string_view id = from_c(body.text());
                const void* table = nullptr;
                for (std::size_t i = 0; i < services_count && !body.failed(); ++i) {
                    if (service_ids[i] == id) table = services_.table_of(static_cast<ServiceNumber>(i + 1));
                }
                Outgoing answer(link_, Kind::answer, message->head.call);
                answer.head.status = table != nullptr ? 1 : 0;
                good = !body.failed() && (link_.send(answer) || link_.closed());
            } else {
                good = services_.request(*message);
            }
        } catch (const std::bad_alloc&) {
            Outgoing answer(link_, Kind::answer, message->head.call);
            answer.head.status = SYMPHONY_E_EXHAUSTED;
            good = link_.send(answer) || link_.closed();
        }
        link_.give(message);
        requests_.fetch_sub(1, std::memory_order_relaxed);
        if (!good) link_.break_off("a request is not one, or its answer is not read");
    }

    bool on_note(const Message& message) {
        if (message.head.method != method_misuse) return created_.load(std::memory_order_relaxed) && services_.note(message);
        BodyReader body(message);
        const std::string_view reason = from_c(body.text()), what = from_c(body.text());
        if (body.failed() || reason.size() > 64 || what.size() > 1024) return false;
        if (options_.on_misuse) options_.on_misuse(reason, what);
        return true;
    }

    struct Answer {
        Link& link;
        Message* message;
        Answer(Link& of, Message* got) : link(of), message(got) {}
        Answer(const Answer&) = delete;
        Answer& operator=(const Answer&) = delete;
        ~Answer() { link.give(message); }
    };

    /// Sends a control request, waits, and puts what was said where the caller wants it. `use` gets the answer of a success.
    template <class Use>
    symphony_status run(Outgoing& request, Operation operation, symphony_error* error, Use use) {
        request.head.method = static_cast<std::uint32_t>(operation);
        const Result<Message*> got = outbound_.ask(request);
        if (!got) return to_c(got.error(), error);
        const Answer answer(link_, *got);
        BodyReader body(**got);
        symphony_error said{};
        said.struct_size = sizeof said;
        if (((*got)->head.flags & flag_error) != 0) body.error(said);
        if (((*got)->head.flags & flag_threw) != 0) throw_again(said);
        if (((*got)->head.flags & flag_error) != 0) detail::give_error(error, said);
        if ((*got)->head.status >= 0) use(**got, body);
        if (body.failed()) {
            link_.break_off("an answer is not one");
            return to_c(Error(Code::peer_died, "protocol-violation", link_.options().peer + ": its process broke the channel's protocol"), error);
        }
        return (*got)->head.status;
    }
    symphony_status run(Operation operation, symphony_error* error) {
        Outgoing request(link_, Kind::request);
        return run(request, operation, error, [](const Message&, BodyReader&) {});
    }

    // --- symphony_instance_ops ---

    static symphony_status on_init(symphony_instance* self, symphony_error* error) { return of(self).run(Operation::init, error); }
    static symphony_status on_activate(symphony_instance* self, symphony_error* error) { return of(self).run(Operation::activate, error); }
    static symphony_status on_deactivate(symphony_instance* self, symphony_error* error) { return of(self).run(Operation::deactivate, error); }
    static symphony_status on_quiesce(symphony_instance* self, std::uint64_t deadline_ns, symphony_error* error) {
        Outgoing request(of(self).link_, Kind::request);
        request.head.value = deadline_ns;
        return of(self).run(request, Operation::quiesce, error, [](const Message&, BodyReader&) {});
    }
    static const void* on_query(symphony_instance* self, symphony_str id) {
        Core& core = of(self);
        const std::string name(from_c(id));
        {
            const std::lock_guard lock(core.ports_mutex_);
            if (const auto known = core.ports_.find(name); known != core.ports_.end()) return &known->second;
        }
        symphony_port_info info{sizeof(symphony_port_info), 0};
        Outgoing request(core.link_, Kind::request);
        request.put_text(name);
        const symphony_status status = core.run(request, Operation::query, nullptr, [&](const Message&, BodyReader& body) { info.method_max = static_cast<std::uint32_t>(body.get<std::uint64_t>()); });
        if (status != 1) return nullptr;
        const std::lock_guard lock(core.ports_mutex_);
        return &core.ports_.emplace(name, info).first->second;
    }
    static symphony_status on_invoke(symphony_instance* self, const symphony_call* call) { return of(self).outbound_.invoke(0, *call, nullptr, nullptr); }
    static void on_cancel(symphony_instance* self, symphony_handle call_id) { of(self).outbound_.cancel_by_caller_id(call_id); }
    static symphony_status on_save_state(symphony_instance* self, symphony_buf* out, symphony_error* error) {
        Core& core = of(self);
        Outgoing request(core.link_, Kind::request);
        bool read = true;
        const symphony_status status = core.run(request, Operation::save_state, error, [&](const Message& answer, BodyReader& body) {
            Received buffers;
            read = buffers.read(core.link_, answer, body);
            if (read && out != nullptr) *out = buffers.release_first();
        });
        if (!read) core.link_.break_off("an answer is not one");
        return read ? status : SYMPHONY_E_DATA_CORRUPT;
    }
    static symphony_status on_load_state(symphony_instance* self, const symphony_buf* in, symphony_error* error) {
        Core& core = of(self);
        Outgoing request(core.link_, Kind::request);
        if (const Status put = request.put_buffers(in, in != nullptr ? 1 : 0, Patience::some, 0); !put) return to_c(put.error(), error);
        return core.run(request, Operation::load_state, error, [](const Message&, BodyReader&) {});
    }
    static void on_destroy(symphony_instance* self) {
        Core& core = of(self);
        static_cast<void>(core.run(Operation::destroy, nullptr));
        core.say_bye();
    }
    /// The runner ends at once, instead of when it finds the socket closed.
    void say_bye() {
        if (said_bye_.exchange(true)) return;
        Outgoing bye(link_, Kind::bye);
        static_cast<void>(link_.send(bye, Patience::none));
    }

    const Options options_;
    const ChannelEnd end_;
    Link link_;
    Outbound outbound_;
    Inbound inbound_;
    ServiceServer services_;
    symphony_instance_ops ops_{};
    std::atomic<bool> created_{false}, abandoned_{false}, said_bye_{false};
    std::atomic<std::uint32_t> requests_{0};
    std::atomic<std::uint64_t> gone_since_ns_{0}; // several threads tick
    std::mutex ports_mutex_;
    std::map<std::string, symphony_port_info, std::less<>> ports_;
    std::mutex facts_mutex_;
    std::optional<Facts> facts_;
    mutable std::mutex ping_mutex_;
    std::uint64_t ping_number_ = 0, ping_sent_ns_ = 0;
    bool ping_in_ring_ = false;
};

Result<Facts> RemoteInstance::Core::facts(std::uint64_t until_ns) {
    const std::lock_guard lock(facts_mutex_);
    if (facts_) return *facts_;
    Outgoing request(link_, Kind::request);
    request.head.method = static_cast<std::uint32_t>(Operation::facts);
    const Answer answer(link_, SYMPHONY_TRY(outbound_.ask(request, until_ns)));
    BodyReader body(*answer.message);
    const auto read = body.get<FactsBody>();
    Facts facts;
    const std::string_view load_error = from_c(body.text()), id = from_c(body.text()), version = from_c(body.text());
    if (body.failed() || id.size() > facts_text_max || version.size() > facts_text_max) {
        link_.break_off("an answer is not one");
        return Error(Code::peer_died, "protocol-violation", link_.options().peer + ": its process broke the channel's protocol");
    }
    facts.load_error = load_error.substr(0, 4096);
    facts.has_entry = read.has_entry != 0;
    facts.entry_threw = read.entry_threw != 0;
    facts.has_descriptor = read.has_descriptor != 0;
    facts.has_create = read.has_create != 0;
    facts.struct_size = read.struct_size;
    facts.magic = read.magic;
    facts.abi_major = read.abi_major;
    facts.abi_built = read.abi_built;
    facts.abi_required = read.abi_required;
    facts.id = id;
    facts.version = version;
    facts_ = facts;
    return facts;
}

symphony_status RemoteInstance::Core::create(const symphony_host* host, const symphony_buf* config, symphony_instance** out,
                                             const symphony_instance_ops** ops, symphony_error* error) {
    std::memcpy(&services_.host, host, std::min<std::size_t>(host->struct_size, sizeof services_.host));
    created_.store(true); // before the plugin can ask for anything
    Outgoing request(link_, Kind::request);
    if (const Status put = request.put_buffers(config, config != nullptr ? 1 : 0, Patience::some, 0); !put) return to_c(put.error(), error);
    CreatedBody made;
    const symphony_status status = run(request, Operation::create, error, [&](const Message&, BodyReader& body) { made = body.get<CreatedBody>(); });
    if (status < 0) return status;
    const auto present = [&](std::uint32_t bit, auto function) { return (made.functions & bit) != 0 ? function : nullptr; };
    ops_.struct_size = std::min<std::uint32_t>(made.struct_size, sizeof ops_);
    ops_.flags = made.flags;
    ops_.init = present(has_init, &on_init);
    ops_.query = present(has_query, &on_query);
    ops_.activate = present(has_activate, &on_activate);
    ops_.invoke = present(has_invoke, &on_invoke);
    ops_.cancel = present(has_cancel, &on_cancel);
    ops_.quiesce = present(has_quiesce, &on_quiesce);
    ops_.deactivate = present(has_deactivate, &on_deactivate);
    ops_.save_state = present(has_save_state, &on_save_state);
    ops_.load_state = present(has_load_state, &on_load_state);
    ops_.destroy = present(has_destroy, &on_destroy);
    if (out != nullptr) *out = made.has_instance != 0 ? reinterpret_cast<symphony_instance*>(this) : nullptr;
    if (ops != nullptr) *ops = made.has_ops != 0 ? &ops_ : nullptr;
    return status;
}

// --- RemoteInstance ----------------------------------------------------------------------------------------------

RemoteInstance::RemoteInstance(std::shared_ptr<Core> core) : core_(std::move(core)) {}
RemoteInstance::~RemoteInstance() = default;

Result<std::unique_ptr<RemoteInstance>> RemoteInstance::connect(ChannelEnd end, Options options) {
    if (end.memory() == nullptr) return Error(Code::invalid_argument, "no-memory", "this end of the channel is the runner's");
    auto core = std::make_shared<Core>(std::move(end), std::move(options));
    core->start();
    return std::unique_ptr<RemoteInstance>(new RemoteInstance(std::move(core)));
}

Result<Facts> RemoteInstance::facts(std::chrono::steady_clock::time_point limit) {
    const auto until = std::chrono::duration_cast<std::chrono::nanoseconds>(limit.time_since_epoch()).count();
    return core_->facts(static_cast<std::uint64_t>(std::max<std::int64_t>(until, 1)));
}
symphony_status RemoteInstance::create(const symphony_host* host, const symphony_buf* config, symphony_instance** out,
                                       const symphony_instance_ops** ops, symphony_error* error) {
    return core_->create(host, config, out, ops, error);
}
void RemoteInstance::abandon(const Error& why) { core_->abandon(why); }
void RemoteInstance::ping() { core_->ping(); }
std::chrono::nanoseconds RemoteInstance::unanswered() const { return core_->unanswered(); }
bool RemoteInstance::overdue(std::chrono::nanoseconds grace) const { return core_->outbound().overdue(static_cast<std::uint64_t>(std::max<std::int64_t>(grace.count(), 0))); }
std::size_t RemoteInstance::in_flight() const { return core_->outbound().in_flight(); }
std::uint64_t RemoteInstance::calls_ended() const { return core_->outbound().ended(); }

} // namespace symphony::ipc
