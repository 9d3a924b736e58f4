// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/ports.h>
#include <symphony/bytes.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace symphony {

namespace detail {

class CancelLink;

struct CancelState {
    std::atomic<bool> cancelled{false};
    std::mutex mutex;
    std::vector<const CancelLink*> links; // calls under way
    void send() noexcept;
};

} // namespace detail

/// Lets calls ask whether they were cancelled. An empty token never is. Copies are cheap.
class CancelToken {
public:
    CancelToken() noexcept = default;
    bool cancelled() const noexcept { return state_ != nullptr && state_->cancelled.load(std::memory_order_acquire); }
    /// Tells calls that began while cancel() ran. Only the client code needs it.
    void cancel_again() const noexcept {
        if (cancelled()) state_->send();
    }

private:
    friend class CancelSource;
    friend class detail::CancelLink;
    std::shared_ptr<detail::CancelState> state_;
};

/// Cancels every call made with its token, from any thread. The calls still end by themselves,
/// mostly with `cancelled`. Cancelling twice is allowed.
class CancelSource {
public:
    CancelSource() { token_.state_ = std::make_shared<detail::CancelState>(); }
    CancelToken token() const { return token_; }
    bool cancelled() const noexcept { return token_.cancelled(); }
    void cancel() noexcept {
        token_.state_->cancelled.store(true, std::memory_order_release);
        token_.state_->send();
    }

private:
    CancelToken token_;
};

namespace detail {

/// Ties one call to its token from before invoke to its answer. Costs nothing without a token.
class CancelLink {
public:
    CancelLink(const CancelToken& token, const symphony_host_ports* service, void* ctx) : service_(service), ctx_(ctx) {
        if (token.state_ == nullptr) return;
        state_ = token.state_;
        const std::lock_guard lock(state_->mutex);
        state_->links.push_back(this);
    }
    CancelLink(const CancelLink&) = delete;
    CancelLink& operator=(const CancelLink&) = delete;
    ~CancelLink() { close(); }

    void close() noexcept {
        if (state_ == nullptr) return;
        {
            const std::lock_guard lock(state_->mutex);
            std::erase(state_->links, this);
        }
        state_.reset();
    }
    /// Where the host writes the call's handle, with one 64-bit store, before it enters the callee.
    symphony_handle* handle() const noexcept { return &handle_; }
    void cancel_if_asked() const noexcept {
        if (state_ != nullptr && state_->cancelled.load(std::memory_order_acquire)) state_->send();
    }

private:
    friend struct CancelState;
    const symphony_host_ports* service_;
    void* ctx_;
    std::shared_ptr<CancelState> state_;
    alignas(8) mutable symphony_handle handle_ = 0;
};

inline void CancelState::send() noexcept {
    struct Target {
        const symphony_host_ports* service;
        void* ctx;
        symphony_handle handle;
    };
    std::vector<Target> targets;
    {
        const std::lock_guard lock(mutex);
        try {
            targets.reserve(links.size());
        } catch (...) {
            return; // without memory the flag alone has to do; callees see it when they ask
        }
        for (const CancelLink* link : links) {
            targets.push_back({link->service_, link->ctx_, std::atomic_ref(link->handle_).load(std::memory_order_acquire)});
        }
    }
    // Outside the lock: a callee may answer from inside cancel. A handle that is stale by now is ignored.
    for (const Target& target : targets) {
        if (target.handle != 0 && callable(target.service, &symphony_host_ports::cancel)) target.service->cancel(target.ctx, target.handle);
    }
}

} // namespace detail

} // namespace symphony
