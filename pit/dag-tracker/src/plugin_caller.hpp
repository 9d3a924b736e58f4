// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run.hpp"

#include <symphony/host.hpp>
#include <symphony/ports/instrument.hpp>
#include <symphony/ports/operator.hpp>

#include <array>
#include <atomic>
#include <unordered_map>
#include <variant>

namespace symphony::tracker {

/// Reaches plugins through the host's ports. Every provider that a plan uses is acquired before the run, so that loading
/// never happens on a compute worker and a refusal is known before anything has started.
class PluginCaller final : public Caller {
public:
    /// @return `refused`, `abi_mismatch` or what else the host says of the first provider that cannot be had. [may block]
    static Result<std::shared_ptr<PluginCaller>> acquire(const Host& host, const Plan& plan);

    void call(CallRequest request, Progress progress, Done done) override;
    void cancel_all() noexcept override { sources_[now_.load(std::memory_order_acquire)].cancel(); }
    void begin_anew() override { now_.store(1, std::memory_order_release); }

private:
    using Client = std::variant<ports::OperatorClient, ports::InstrumentClient>;
    std::unordered_map<const Provider*, Client> clients_;
    std::array<CancelSource, 2> sources_;  // before begin_anew(), and behind it
    std::atomic<std::size_t> now_{0};
};

} // namespace symphony::tracker
