// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bus_plugin.hpp"

#include <symphony/bus/client.hpp>
#include <symphony/ports/command.hpp>


namespace symphony::bus {

/// The plugin: the bus, and the commands `serve` and `bus ...`.
class Plugin final : public BusPlugin, public ports::Command {
public:
    explicit Plugin(Host host) : BusPlugin(host) {}

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override;

protected:
    void cancelled_call(std::uint64_t call_id) override;

private:
    struct Typed {
        Call& call;
        const Value& arguments;
        const ports::CommandContext& context;

        void print(std::uint8_t stream, std::string_view text) const { call.emit(ports::CommandOutput{stream, Buffer::copy(text)}); }
        void out(const std::string& line) const { print(ports::CommandStream::out, line + "\n"); }
        void json(const Value& value) const;
    };
    Result<std::int32_t> serve_command(const Typed& typed);
    Result<std::int32_t> endpoints_command(const Typed& typed);
    Result<std::int32_t> tap_command(const Typed& typed);
    Result<std::int32_t> publish_command(const Typed& typed);
    Result<std::int32_t> request_command(const Typed& typed);
    Result<std::int32_t> stats_command(const Typed& typed);

    /// A connection to the bus that `--at` names, or to the one at the usual place.
    Result<std::shared_ptr<Client>> connect(const Typed& typed) const;
    /// Waits until the call is cancelled or `also` is set (and cancelled_call() is called), at most `longest`. @return Whether it is.
    bool wait_cancelled(const Typed& typed, std::chrono::milliseconds longest, const std::atomic<bool>& also);

    std::mutex commands_mutex_;
    std::condition_variable cancelled_;
    std::uint64_t cancels_ = 0;
};

} // namespace symphony::bus
