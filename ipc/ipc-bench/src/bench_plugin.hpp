// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench_command.hpp"
#include "echo_command.hpp"

#include <symphony/ports/command.hpp>

#include <map>
#include <mutex>

namespace symphony::ipc_bench {

class Plugin final : public ports::Command {
public:
    explicit Plugin(Host host) : host_(host) {}

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
        CancelSource cancel;
        const Running running(*this, call.id(), cancel);
        if (call.cancelled()) cancel.cancel(); // before it could be found by its number
        if (command == "bench ipc") return bench(host_, {call, arguments, context, cancel.token()});
        if (command == "bench echo") return echo(host_, arguments, cancel.token());
        return Error(Code::not_found, "unknown-command", "ipc-bench has no command \"" + std::string(command) + "\"");
    }
    void on_cancel(std::uint64_t call_id) {
        const std::lock_guard lock(mutex_);
        if (const auto found = running_.find(call_id); found != running_.end()) found->second->cancel();
    }

private:
    class Running {
    public:
        Running(Plugin& plugin, std::uint64_t call_id, CancelSource& cancel) : plugin_(plugin), call_id_(call_id) {
            const std::lock_guard lock(plugin_.mutex_);
            plugin_.running_.emplace(call_id, &cancel);
        }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            const std::lock_guard lock(plugin_.mutex_);
            plugin_.running_.erase(call_id_);
        }

    private:
        Plugin& plugin_;
        const std::uint64_t call_id_;
    };

    const Host host_;
    std::mutex mutex_;
    std::map<std::uint64_t, CancelSource*> running_;
};

} // namespace symphony::ipc_bench
