// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

#include "message.hpp"

#include <charconv>
#include <cstdlib>
#include <unistd.h>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;

// The host ends a cancelled call after two seconds.
constexpr std::chrono::milliseconds drain_ms_max = 1500ms;
constexpr std::uint32_t request_ms_otherwise = 30'000;

/// Where `serve` listens and the others connect when nothing else is said. A folder that somebody else made first in /tmp is refused by the transport.
std::string usual_address() {
    const char* folder = std::getenv("XDG_RUNTIME_DIR"); // NOLINT: read once per command, and nobody sets it
    if (folder != nullptr && *folder == '/') return "unix:" + std::string(folder) + "/symphony-bus.sock";
    return "unix:/tmp/symphony-" + std::to_string(::geteuid()) + "/bus.sock";
}

std::vector<std::string> texts(ValueView from) {
    std::vector<std::string> out;
    if (from.is_list()) {
        for (const ValueView item : from.items()) out.emplace_back(item.as_text());
    }
    return out;
}

Result<std::uint64_t> number(const Value& arguments, std::string_view name, std::uint64_t otherwise) {
    const auto text = arguments[name].as_text();
    if (text.empty()) return otherwise;
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) {
        return Error(Code::invalid_argument, "bad-number", "--" + std::string(name) + ": \"" + std::string(text) + "\" is no whole number");
    }
    return value;
}

Result<Value> content(const Value& arguments) {
    const auto text = arguments["content"].as_text();
    if (text.empty()) return Value();
    ipc::json::Reader reader;
    auto value = reader.read_value(bytes_of(text));
    if (!value) return std::move(value).error().in("the content").with_hint("content is JSON, such as '{\"file\": \"a\"}' or '\"text\"'");
    return value;
}

std::string json_of(ValueView value) {
    ipc::OutBuffer out;
    if (!ipc::json::write_value(out, value)) return "null";
    return std::string(out.text());
}

Value shown(const ipc::EnvelopeView& view) {
    ValueBuilder out;
    out.map().add("kind", ipc::payload_kind_names[static_cast<std::size_t>(view.kind()) - 1]).add("id", view.id.text()).add("type", view.type).add("sender", view.sender);
    out.add("recipient", view.recipient).add("unix_us", view.unix_us);
    if (view.correlation) out.add("correlation", view.correlation->text());
    if (const auto* failure = std::get_if<ipc::FailureView>(&view.payload)) out.add("reason", failure->reason).add("message", failure->message);
    else out.add("content", ValueView(ipc::content_of(view)));
    return out.end().build();
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string endpoint_line(const ports::BusEndpointInfo& one) {
    std::string line = padded(one.name, 24) + "  " + padded(one.healthy ? "healthy" : "hung", 8) + "  " + padded(std::to_string(one.open_requests), 5) + "  " + padded(std::to_string(one.queued), 6) + "  ";
    for (const auto& capability : one.capabilities) line += capability + " ";
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

} // namespace

void Plugin::Typed::json(const Value& value) const { out(json_of(value)); }

void Plugin::cancelled_call(std::uint64_t) {
    const std::lock_guard lock(commands_mutex_);
    ++cancels_;
    cancelled_.notify_all();
}

bool Plugin::wait_cancelled(const Typed& typed, std::chrono::milliseconds longest, const std::atomic<bool>& also) {
    const auto over = [&] { return typed.call.cancelled() || also.load(); };
    std::unique_lock lock(commands_mutex_);
    const std::uint64_t before = cancels_;
    if (over()) return true; // what comes after this changes the count
    cancelled_.wait_for(lock, longest, [&] { return cancels_ != before; });
    return over();
}

Result<std::int32_t> Plugin::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    const Typed typed{call, arguments, context};
    if (command == "serve") return serve_command(typed);
    if (command == "bus endpoints") return endpoints_command(typed);
    if (command == "bus tap") return tap_command(typed);
    if (command == "bus publish") return publish_command(typed);
    if (command == "bus request") return request_command(typed);
    if (command == "bus stats") return stats_command(typed);
    return Error(Code::not_found, "unknown-command", "the bus has no command \"" + std::string(command) + "\"");
}

Result<std::int32_t> Plugin::serve_command(const Typed& typed) {
    auto addresses = texts(typed.arguments["listen"]);
    if (addresses.empty()) addresses.push_back(usual_address());
    const auto starter_gone = std::make_shared<std::atomic<bool>>(false);
    listeners().on_starter_gone([this, starter_gone] {
        starter_gone->store(true);
        cancelled_call(0);
    });
    ValueBuilder listening;
    listening.map().key("listening").list();
    for (const auto& address : addresses) {
        SYMPHONY_TRY(listeners().listen(address));
        listening.text(address);
    }
    listening.end().end();
    // Behind all of them: one may be the standard output, which is then no place for words, and what is printed goes to the standard error.
    for (const auto& address : addresses) {
        if (!typed.context.json) typed.out("listening on " + address);
    }
    if (typed.context.json) typed.json(listening.build());
    typed.print(ports::CommandStream::notice, "READY=1");
    const std::chrono::milliseconds beat = typed.context.watchdog_ms == 0 ? std::chrono::milliseconds(60'000) : std::chrono::milliseconds(std::max(1u, typed.context.watchdog_ms / 2));
    while (!wait_cancelled(typed, beat, *starter_gone)) {
        // Said only when a thread of the bus has done something: a bus that hangs is to be restarted.
        if (typed.context.watchdog_ms != 0 && alive(beat)) typed.print(ports::CommandStream::notice, "WATCHDOG=1");
    }
    typed.print(ports::CommandStream::notice, "STOPPING=1");
    const bool drained = listeners().stop(drain_ms_max);
    if (!drained) typed.print(ports::CommandStream::err, "not everything could be delivered before the end\n");
    return drained ? 0 : 1;
}

Result<std::shared_ptr<Client>> Plugin::connect(const Typed& typed) const {
    const auto named = typed.arguments["at"].as_text();
    const std::string address = named.empty() ? usual_address() : std::string(named);
    Client::Options options;
    options.name = "symphony bus";
    if (const auto secrets = host().secrets()) {
        if (const auto token = secrets->get("token")) options.token = token->text();
    }
    auto client = Client::connect(host(), address, options);
    if (!client && client.error().code() == Code::not_found) return std::move(client).error().with_hint("start it with: symphony serve --listen " + address);
    return client;
}

Result<std::int32_t> Plugin::endpoints_command(const Typed& typed) {
    const auto client = SYMPHONY_TRY(connect(typed));
    const auto endpoints = SYMPHONY_TRY(client->endpoints(typed.arguments["type"].as_text()));
    if (typed.context.json) {
        typed.json(content_of(endpoints));
        return 0;
    }
    if (!endpoints.empty()) typed.out(padded("ENDPOINT", 24) + "  " + padded("STATE", 8) + "  OPEN   QUEUED  TAKES");
    for (const auto& one : endpoints) typed.out(endpoint_line(one));
    if (endpoints.empty()) typed.print(ports::CommandStream::err, "no endpoint is there\n");
    return 0;
}

Result<std::int32_t> Plugin::tap_command(const Typed& typed) {
    const std::uint64_t count = SYMPHONY_TRY(number(typed.arguments, "count", 0));
    const auto client = SYMPHONY_TRY(connect(typed));
    struct State {
        std::mutex mutex; // the handler prints while the call lasts, and not after
        bool over = false;
        std::uint64_t seen = 0;
    };
    const auto state = std::make_shared<State>();
    ports::BusSubscription subscription;
    const auto pattern = typed.arguments["pattern"].as_text();
    subscription.pattern = pattern.empty() ? "#" : pattern;
    subscription.kinds = typed.arguments["events"].as_bool() ? ports::BusKinds::event : 15;
    subscription.name = "symphony bus tap";
    const auto line = [&typed, state, count](const Client::Delivered& got) {
        const std::lock_guard lock(state->mutex);
        if (state->over || (count != 0 && state->seen >= count)) return;
        ++state->seen;
        const auto& view = got.message;
        if (typed.context.json) return typed.json(shown(view));
        const std::string what = view.kind() == ipc::PayloadKind::error ? std::string(std::get<ipc::FailureView>(view.payload).reason) : json_of(ValueView(ipc::content_of(view)));
        typed.out(padded(std::string(ipc::payload_kind_names[static_cast<std::size_t>(view.kind()) - 1]), 8) + "  " + padded(std::string(view.type), 24) + "  " +
                  padded(std::string(view.sender) + (view.recipient.empty() ? "" : " > " + std::string(view.recipient)), 24) + "  " + what);
    };
    const auto lost = [&typed, state](std::uint64_t many) {
        const std::lock_guard lock(state->mutex);
        if (!state->over) typed.print(ports::CommandStream::err, std::to_string(many) + " messages were lost: this tap is too slow\n");
    };
    SYMPHONY_TRY(client->subscribe(subscription, line, lost));
    typed.print(ports::CommandStream::err, "listening to " + subscription.pattern + "\n");
    std::optional<Error> closed;
    const std::atomic<bool> never{false};
    const auto enough = [&] {
        const std::lock_guard lock(state->mutex);
        return count != 0 && state->seen >= count;
    };
    while (!enough() && !closed && !wait_cancelled(typed, 20ms, never)) closed = client->wait_closed(0ms);
    client->close();
    const std::lock_guard lock(state->mutex);
    state->over = true;
    if (closed) return *closed;
    return 0;
}

Result<std::int32_t> Plugin::publish_command(const Typed& typed) {
    SYMPHONY_TRY(check_type(typed.arguments["type"].as_text())); // the bus would drop it, and nobody waits for its answer
    const Value value = SYMPHONY_TRY(content(typed.arguments));
    const auto client = SYMPHONY_TRY(connect(typed));
    SYMPHONY_TRY(client->publish(typed.arguments["type"].as_text(), value, typed.arguments["sender"].as_text()));
    SYMPHONY_TRY(client->stats()); // is answered behind the event: the bus has it
    if (typed.context.json) typed.json(ValueBuilder().map().add("published", true).end().build());
    return 0;
}

Result<std::int32_t> Plugin::request_command(const Typed& typed) {
    const Value value = SYMPHONY_TRY(content(typed.arguments));
    const std::uint64_t timeout_ms = SYMPHONY_TRY(number(typed.arguments, "timeout", request_ms_otherwise));
    const auto client = SYMPHONY_TRY(connect(typed));
    const auto answer = SYMPHONY_TRY(client->request(typed.arguments["type"].as_text(), value, typed.arguments["to"].as_text(),
                                                     static_cast<std::uint32_t>(std::clamp<std::uint64_t>(timeout_ms, 1, 86'400'000))));
    const auto view = ipc::view_of(answer);
    if (typed.context.json) typed.json(shown(view));
    else typed.out(json_of(ValueView(ipc::content_of(view))));
    return 0;
}

Result<std::int32_t> Plugin::stats_command(const Typed& typed) {
    const auto client = SYMPHONY_TRY(connect(typed));
    const auto stats = SYMPHONY_TRY(client->stats());
    if (typed.context.json) {
        typed.json(content_of(stats));
        return 0;
    }
    for (const auto& [name, value] : stats.counters) typed.out(padded(name, 20) + "  " + std::to_string(value));
    typed.out("");
    typed.out(padded("SUBSCRIPTION", 24) + "  " + padded("PATTERN", 24) + "  QUEUED  DELIVERED  LOST");
    for (const auto& one : stats.subscriptions) {
        typed.out(padded(one.name.empty() ? "-" : one.name, 24) + "  " + padded(one.pattern, 24) + "  " + padded(std::to_string(one.queued), 6) + "  " + padded(std::to_string(one.delivered), 9) +
                  "  " + std::to_string(one.lost));
    }
    return 0;
}

} // namespace symphony::bus
