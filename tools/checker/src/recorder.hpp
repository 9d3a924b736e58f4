// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guard.hpp"

#include <symphony/abi/call.h>
#include <symphony/bytes.hpp>
#include <symphony/manifests/manifest.hpp>
#include <symphony/value.hpp>
#include <symphony/wire.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::checker {

/// What is called, and how its arguments lie in memory.
struct Request {
    std::string port;
    std::uint32_t method = 1;
    std::vector<symphony_buf> arguments;  ///< borrowed from who makes the request
    std::string name;                     ///< for people: "count of operator/1"
    std::uint64_t deadline_ns = 0;
    bool guarded = false;                 ///< in read-only pages that end at a guard and are gone after invoke
    bool newer = false;                   ///< the struct is longer than anybody knows
};

/// An operation's argument record. Keeps its bytes.
class OperationCall {
public:
    OperationCall(std::string_view operation, const Value& input);
    Request request(std::string_view port, std::string_view name);

private:
    Value input_;
    WireWriter writer_;
};

/// Receives what one call gives, and counts what must not come. Shared by the threads of a plugin; lives until the plugin is ended.
class Recorder {
public:
    Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// Waits for the end. @return Whether it came.
    bool wait(std::chrono::milliseconds longest);
    /// What cancelled() answers from now on.
    void cancel() noexcept { cancelled_.store(true, std::memory_order_release); }

    symphony_handle id() const noexcept { return id_; }
    unsigned ends() const;
    unsigned late_parts() const;
    bool failed() const;                ///< ended by fail
    symphony_error error() const;
    /// What was wrong with buffers it gave; "" = nothing.
    std::string broken() const;
    /// The result's buffers: record, attachments.
    std::vector<std::string> result() const;
    /// Its only field, when it is a value. @return Why it cannot be read.
    Result<Value> value() const;
    /// Everything that can be compared: the result's bytes, or the error's code and reason.
    std::string outcome() const;

    static const symphony_call_ops ops;
    static const symphony_call_ops& newer_ops();

private:
    static Recorder& of(void* ctx) { return *static_cast<Recorder*>(ctx); }
    static void complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count);
    static void fail(void* ctx, symphony_handle id, const symphony_error* error);
    static void emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count);
    static void progress(void* ctx, symphony_handle id, std::uint32_t permille, symphony_str note);
    static std::uint32_t cancelled(void* ctx, symphony_handle id);
    bool mine(symphony_handle id);

    const symphony_handle id_;
    std::atomic<bool> cancelled_{false};
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    unsigned ends_ = 0;
    unsigned late_parts_ = 0;
    bool failed_ = false;
    std::string broken_;
    std::vector<std::string> result_;
    symphony_error error_{};
};

/// The struct and its buffers as the request wants them in memory, until the object is gone.
class PassedCall {
public:
    PassedCall(const Request& request, Recorder& recorder);
    const symphony_call* get() const noexcept { return call_; }
    /// invoke has returned: nothing of it may be touched.
    void returned() noexcept;

private:
    std::vector<Guarded> guarded_;
    std::vector<symphony_buf> arguments_;
    std::vector<std::uint8_t> long_call_;
    symphony_call own_{};
    const symphony_call* call_;
};

} // namespace symphony::checker
