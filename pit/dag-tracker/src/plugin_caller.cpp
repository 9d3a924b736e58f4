// SPDX-License-Identifier: Apache-2.0
#include "plugin_caller.hpp"

namespace symphony::tracker {

Result<std::shared_ptr<PluginCaller>> PluginCaller::acquire(const Host& host, const Plan& plan) {
    auto caller = std::make_shared<PluginCaller>();
    for (const Provider* provider : plan.binding.providers) {
        if (provider == nullptr || caller->clients_.contains(provider)) continue;
        if (provider->instrument) {
            caller->clients_.emplace(provider, SYMPHONY_TRY(ports::InstrumentClient::acquire(host, provider->id)));
        } else {
            caller->clients_.emplace(provider, SYMPHONY_TRY(ports::OperatorClient::acquire(host, provider->id)));
        }
    }
    return caller;
}

void PluginCaller::call(CallRequest request, Progress progress, Done done) {
    const auto found = clients_.find(request.provider);
    if (found == clients_.end()) return done(Error(Code::internal, "the provider was not acquired"));
    CallOptions<Value> options;
    options.deadline_ns = request.deadline_ns;
    options.cancel = sources_[now_.load(std::memory_order_acquire)].token();
    options.on_progress = std::move(progress);
    if (const auto* client = std::get_if<ports::OperatorClient>(&found->second)) {
        client->apply_async(request.operation, request.input, std::move(done), std::move(options));
    } else {
        std::get<ports::InstrumentClient>(found->second).infer_async(request.operation, request.input, std::move(done), std::move(options));
    }
}

} // namespace symphony::tracker
