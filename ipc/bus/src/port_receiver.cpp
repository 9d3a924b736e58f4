// SPDX-License-Identifier: Apache-2.0
#include "port_receiver.hpp"

#include <symphony/envelope/codec_server.hpp>

namespace symphony::bus {
namespace {

/// Batches before other receivers get the thread.
constexpr int batches_max = 8;

} // namespace

void PortReceiver::wake() noexcept {
    try {
        dispatcher_.post(shared_from_this());
    } catch (...) { // no memory for the queue of jobs: deliver here and now
        while (work()) {}
    }
}

bool PortReceiver::emit() {
    if (!box_.take(batch_, batch_max_)) return false;
    ports::BusDelivery delivery;
    delivery.lost = batch_.lost;
    delivery.messages.reserve(batch_.messages.size());
    for (const auto& message : batch_.messages) delivery.messages.push_back(ipc::record_of(message->envelope()));
    call_.emit(delivery);
    batch_.messages.clear(); // they wait no longer, and keep no memory
    return true;
}

bool PortReceiver::work() {
    try {
        for (int i = 0; i < batches_max; ++i) {
            if (emit()) continue;
            if (!box_.closed()) return false;
            const std::lock_guard lock(mutex_);
            call_.answer(reason_);
            return false;
        }
        return true;
    } catch (...) {
        call_.fail(detail::current_exception_error());
        static_cast<void>(box_.close());
        return false;
    }
}

void PortReceiver::end(const Status& reason) noexcept {
    {
        const std::lock_guard lock(mutex_);
        reason_ = reason;
    }
    if (box_.close()) wake();
}

} // namespace symphony::bus
