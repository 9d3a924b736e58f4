// SPDX-License-Identifier: Apache-2.0
// Whose memory is whose, and how much of a struct there is.
#include "running.hpp"

namespace symphony::checker {
namespace {

/// Starts, calls every operation twice in the given way and ends.
void run_with(Case& at, HostDouble::Age age, const char* rule, void (*shape)(Request&)) {
    HostDouble host(at.manifest(), age);
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library()) return;
    const bool guarded = age == HostDouble::Age::own;
    const auto start = [&]() -> Status {
        SYMPHONY_TRY(running.create(at.subject.configuration(), guarded));
        SYMPHONY_TRY(running.init());
        return running.activate();
    };
    if (Status started = start(); !started) {
        // An older host than 1.0 does not exist, so who finds that too little may say so.
        if (age != HostDouble::Age::older) at.find(rule, "it does not start: " + started.error().message());
        return;
    }
    std::vector<std::unique_ptr<OperationCall>> kept;
    std::vector<std::unique_ptr<Recorder>> calls;
    for (int round = 0; round < 2; ++round) {
        for (const auto& [port, operation] : at.subject.operations()) {
            kept.push_back(std::make_unique<OperationCall>(operation->name, make_input(*operation, Style::plain, at.random)));
            calls.push_back(std::make_unique<Recorder>());
            Request request = kept.back()->request(port, operation->name);
            shape(request);
            if (running.invoke(*calls.back(), request) < 0) continue;
            at.step("the wait for the end of " + request.name);
            if (!calls.back()->wait(patience)) return at.find(rule, "a call of \"" + operation->name + "\" does not end");
        }
    }
    if (Status ended = running.end(); !ended) at.find(rule, "it does not end: " + ended.error().message());
}

std::string garbage(Random& random, std::size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

/// Argument records that no writer makes.
std::vector<std::vector<std::string>> malformed(Random& random) {
    const std::string far("\xFF\xFF\xFF\x7F", 4), zero(4, '\0');
    std::vector<std::vector<std::string>> out{{}, {""}, {"\x01"}, {far}, {far + "text"}, {std::string("\x08\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12)},
                                              {std::string("\x04\0\0\0\x05\0\0\x80", 8)}};
    for (int i = 0; i < 6; ++i) {
        // A length that is longer than what follows, so that no record is whole by chance and does something.
        std::string body = garbage(random, random() % 200);
        const auto claimed = static_cast<std::uint32_t>(body.size() + 1 + random() % 1000);
        std::string record(reinterpret_cast<const char*>(&claimed), sizeof claimed);
        out.push_back({record + body});
    }
    return out;
}

} // namespace

void check_borrowed_buffers(Case& at) {
    run_with(at, HostDouble::Age::own, "borrowed-buffers", [](Request& request) { request.guarded = true; });
}
void check_newer_host(Case& at) {
    run_with(at, HostDouble::Age::newer, "struct-size-newer", [](Request& request) { request.newer = true; });
}
void check_older_host(Case& at) {
    run_with(at, HostDouble::Age::older, "struct-size-older", [](Request&) {});
}

void check_malformed_records(Case& at) {
    HostDouble host(at.manifest());
    host.set_configuration(at.subject.configuration());
    Running running(at, host);
    if (!running.use_library() || !running.start(at.subject.configuration())) return;
    constexpr std::uint32_t methods_max = 64;
    for (const auto& provide : at.manifest().provides) {
        const auto* info = running.query(provide.port);
        for (std::uint32_t method = 1; info != nullptr && method <= std::min(info->method_max, methods_max); ++method) {
            for (const auto& record : malformed(at.random)) {
                Request request;
                request.port = provide.port;
                request.method = method;
                request.name = "method " + std::to_string(method) + " of " + provide.port + " with a malformed record";
                request.guarded = true;
                for (const auto& part : record) {
                    symphony_buf buf{};
                    buf.struct_size = sizeof buf;
                    buf.data = reinterpret_cast<const std::uint8_t*>(part.data());
                    buf.size = part.size();
                    request.arguments.push_back(buf);
                }
                auto* const call = new Recorder; // for late answers
                if (running.invoke(*call, request) < 0 || call->wait(std::chrono::milliseconds(500))) continue;
                // What takes no arguments may wait for something; cancelled, it has to end.
                call->cancel();
                running.cancel(call->id());
                at.step("the wait for the end of " + request.name);
                if (!call->wait(patience)) return at.find("malformed-records", request.name + " does not end");
            }
        }
    }
}

} // namespace symphony::checker
