// SPDX-License-Identifier: Apache-2.0
#include "transport_echo.hpp"

namespace symphony::ipc_bench {
namespace {

class TransportEcho final : public Echo {
public:
    TransportEcho(const Ground& ground, Other other, ports::TransportClient transport, std::uint64_t connection)
        : ground_(ground), other_(std::move(other)), transport_(std::move(transport)), connection_(connection) {
        options_.cancel = ground.cancel();
        options_.on_part = [this](const ports::Frame& frame) { got_ = frame.content.size(); };
    }
    ~TransportEcho() override {
        if (connection_ != other_.connection()) transport_.close_async(connection_, [](const Result<void>&) {});
    }
    Status call(std::size_t bytes) override {
        if (content_.size() != bytes) content_ = Buffer::copy(std::string(bytes, 'x'));
        CallOptions<> sending;
        options_.deadline_ns = sending.deadline_ns = ground_.deadline_ns();
        sending.cancel = ground_.cancel();
        SYMPHONY_TRY(transport_.send(connection_, content_, true, sending));
        SYMPHONY_TRY(transport_.receive(connection_, 1, 0, true, options_));
        if (got_ != bytes) return Error(Code::data_corrupt, "a message of " + std::to_string(bytes) + " bytes came back with " + std::to_string(got_));
        return {};
    }

private:
    const Ground& ground_;
    Other other_;
    const ports::TransportClient transport_;
    const std::uint64_t connection_;
    CallOptions<ports::Frame> options_;
    Buffer content_;
    std::size_t got_ = 0;
};

} // namespace

Result<EchoPtr> over_transport(Ground& ground, const std::string& scheme) {
    auto transport = SYMPHONY_TRY(ground.transport(scheme));
    if (scheme == "stdio") {
        auto other = SYMPHONY_TRY(Other::start(ground, {"bench", "echo", scheme}));
        const auto connection = other.connection();
        return EchoPtr(std::make_unique<TransportEcho>(ground, std::move(other), std::move(transport), connection));
    }
    const std::string path = ground.new_path();
    auto other = SYMPHONY_TRY(Other::start(ground, {"bench", "echo", scheme, path}));
    SYMPHONY_TRY(other.ready(ground));
    ports::TransportLimits patient;
    patient.retries = 1000;
    patient.retry_ms_max = 20;
    CallOptions<> options;
    options.deadline_ns = ground.deadline_ns();
    options.cancel = ground.cancel();
    const auto made = SYMPHONY_TRY(transport.connect({scheme, path, {}}, patient, options));
    return EchoPtr(std::make_unique<TransportEcho>(ground, std::move(other), std::move(transport), made.connection));
}

void echo_frames(const ports::TransportClient& transport, std::uint64_t connection) {
    Buffer content;
    bool end = false;
    CallOptions<ports::Frame> options;
    options.on_part = [&](const ports::Frame& frame) { content = frame.content, end = frame.end; };
    while (transport.receive(connection, 1, 0, true, options) && !end && transport.send(connection, content, true)) {}
}

} // namespace symphony::ipc_bench
