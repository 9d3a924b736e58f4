// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/call.h>
#include <symphony/wire.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace symphony {

namespace detail {

template <class T>
inline constexpr char type_tag = 0;

/// The exception that is being handled, as an Error of the C ABI's terms. Call inside a handler.
inline Error current_exception_error() noexcept {
    try {
        try {
            throw;
        } catch (const std::bad_alloc&) {
            return {Code::exhausted, "out-of-memory", "out of memory"};
        } catch (const std::exception& thrown) {
            return {Code::plugin_failed, "exception", "exception: " + to_valid_utf8(thrown.what())};
        } catch (...) {
            return {Code::plugin_failed, "exception", "exception that is no std::exception"};
        }
    } catch (...) {
        return {Code::exhausted, ""};
    }
}

/// Answers of one instance that are still owed after their methods returned.
class InFlight {
public:
    void enter() {
        const std::lock_guard lock(mutex_);
        ++count_;
    }
    void leave() noexcept {
        const std::lock_guard lock(mutex_);
        if (--count_ == 0) none_.notify_all();
    }
    /// @return How many were still owed at the end of the wait.
    std::size_t wait_for(std::chrono::nanoseconds longest) {
        std::unique_lock lock(mutex_);
        none_.wait_for(lock, longest, [this] { return count_ == 0; });
        return count_;
    }

private:
    std::mutex mutex_;
    std::condition_variable none_;
    std::size_t count_ = 0;
};

/// Where the answers of one call go. Usable until the call is answered.
struct CallRef {
    void* ctx = nullptr;
    const symphony_call_ops* ops = nullptr;
    symphony_handle id = 0;

    void fail(const Error& error) const noexcept {
        symphony_error out;
        out.struct_size = sizeof out;
        symphony::to_c(error, &out);
        if (callable(ops, &symphony_call_ops::fail)) ops->fail(ctx, id, &out);
    }
    void complete(WireWriter& record) const noexcept {
        if (callable(ops, &symphony_call_ops::complete)) ops->complete(ctx, id, record.buffers(), record.buffer_count());
    }
    template <class T>
    void answer(const Result<T>& result) const noexcept {
        if (!result) return fail(result.error());
        try {
            WireWriter record;
            if constexpr (std::is_void_v<T>) write_fields(record);
            else write_fields(record, *result);
            complete(record);
        } catch (...) {
            fail(current_exception_error());
        }
    }
    template <class Part>
    void emit(const Part& part) const {
        WireWriter record;
        write_fields(record, part);
        if (callable(ops, &symphony_call_ops::emit)) ops->emit(ctx, id, record.buffers(), record.buffer_count());
    }
    void progress(std::uint32_t permille, std::string_view note) const noexcept {
        if (callable(ops, &symphony_call_ops::progress)) ops->progress(ctx, id, permille < 1000 ? permille : 1000, symphony::to_c(note));
    }
    bool cancelled() const noexcept {
        return callable(ops, &symphony_call_ops::cancelled) && ops->cancelled(ctx, id) != 0;
    }
};

} // namespace detail

/// The answer to a call that outlives its method. Movable, usable on any thread, not by two at once.
/// Destroyed without an answer, it fails the call with `internal`, reason `dropped-completion`.
template <class T>
class Completion {
public:
    Completion(Completion&& other) noexcept
        : to_(other.to_), deadline_ns_(other.deadline_ns_), in_flight_(std::move(other.in_flight_)), part_tag_(other.part_tag_) {}
    Completion& operator=(Completion&& other) noexcept {
        if (this == &other) return *this;
        drop();
        to_ = other.to_;
        deadline_ns_ = other.deadline_ns_;
        in_flight_ = std::move(other.in_flight_);
        part_tag_ = other.part_tag_;
        return *this;
    }
    ~Completion() { drop(); }

    /// Ends the call. A second answer is ignored.
    void answer(const Result<T>& result) noexcept {
        if (in_flight_ == nullptr) return;
        to_.answer(result);
        std::exchange(in_flight_, nullptr)->leave();
    }
    void operator()(const Result<T>& result) noexcept { answer(result); }
    void fail(Error error) noexcept { answer(Result<T>(std::move(error))); }

    /// False after the answer.
    bool pending() const noexcept { return in_flight_ != nullptr; }
    bool cancelled() const noexcept { return in_flight_ != nullptr && to_.cancelled(); }
    std::uint64_t deadline_ns() const noexcept { return deadline_ns_; }
    std::uint64_t id() const noexcept { return to_.id; }
    void progress(std::uint32_t permille, std::string_view note = {}) const noexcept {
        if (in_flight_ != nullptr) to_.progress(permille, note);
    }
    template <class Part>
    void emit(const Part& part) const {
        if (part_tag_ != &detail::type_tag<Part>) throw std::logic_error("emit: not the part type of this method");
        if (in_flight_ != nullptr) to_.emit(part);
    }

private:
    friend class Call;
    Completion(detail::CallRef to, std::uint64_t deadline_ns, std::shared_ptr<detail::InFlight> in_flight, const void* part_tag)
        : to_(to), deadline_ns_(deadline_ns), in_flight_(std::move(in_flight)), part_tag_(part_tag) {
        in_flight_->enter();
    }
    void drop() noexcept {
        if (in_flight_ == nullptr) return;
        fail(Error(Code::internal, "dropped-completion", "the plugin dropped the call without an answer"));
    }

    detail::CallRef to_;
    std::uint64_t deadline_ns_ = 0;
    std::shared_ptr<detail::InFlight> in_flight_;
    const void* part_tag_ = nullptr;
};

/// The call a method is answering. Valid until the method returns; may be used by several threads of
/// that method except for defer().
class Call {
public:
    Call(const symphony_call& raw, const std::shared_ptr<detail::InFlight>& in_flight) noexcept
        : raw_(raw), to_{raw.ctx, raw.ops, raw.id}, in_flight_(in_flight) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() = default;

    /// True once the caller gave up or the deadline passed: stop soon; what is returned then is dropped.
    bool cancelled() const noexcept { return to_.cancelled(); }
    /// Nanoseconds of Host::now_ns(); 0 = none.
    std::uint64_t deadline_ns() const noexcept { return raw_.deadline_ns; }
    /// 0 to 1000 and one short line for people.
    void progress(std::uint32_t permille, std::string_view note = {}) const noexcept { to_.progress(permille, note); }
    /// Streams one part to the caller.
    /// @throws std::logic_error when Part is not what the method's port declares.
    template <class Part>
    void emit(const Part& part) const {
        if (part_tag_ != &detail::type_tag<Part>) throw std::logic_error("emit: not the part type of this method");
        to_.emit(part);
    }
    /// Takes the duty to answer away from the method: what it returns is then ignored. T is the
    /// method's result type; `call.defer<void>()` where it has none.
    /// @throws std::logic_error when T is another type, or on a second defer().
    template <class T>
    Completion<T> defer() {
        if (deferred_) throw std::logic_error("defer: the call is deferred already");
        if (result_tag_ != &detail::type_tag<T>) throw std::logic_error("defer: not the result type of this method");
        Completion<T> completion(to_, raw_.deadline_ns, in_flight_, part_tag_);
        deferred_ = true;
        return completion;
    }

    std::uint64_t id() const noexcept { return raw_.id; }
    std::string_view port() const noexcept { return from_c(raw_.port); }
    std::uint32_t method() const noexcept { return raw_.method; }
    const symphony_call& raw() const noexcept { return raw_; }

    /// For generated code and the thunks.
    bool deferred() const noexcept { return deferred_; }
    const detail::CallRef& answers() const noexcept { return to_; }
    template <class T, class Part>
    void expect() noexcept {
        result_tag_ = &detail::type_tag<T>;
        part_tag_ = &detail::type_tag<Part>;
    }

private:
    const symphony_call& raw_;
    detail::CallRef to_;
    const std::shared_ptr<detail::InFlight>& in_flight_;
    const void* result_tag_ = nullptr;
    const void* part_tag_ = nullptr;
    bool deferred_ = false;
};

namespace detail {

/// Stands for "no parts" where a type is needed.
struct NoPart {};

/// Decodes the arguments, runs the method, answers unless it deferred. Exceptions go to the caller.
template <class T, class Part, class... Args, class Method>
void serve_method(Call& call, Method&& method) {
    std::tuple<Args...> args;
    WireReader reader(call.raw().args, call.raw().arg_count, WireKeep::borrow);
    std::apply([&](auto&... each) { read_fields(reader, each...); }, args);
    reader.finish();
    if (!reader.ok()) return call.answers().fail(reader.status().error());
    call.expect<T, Part>();
    const Result<T> result = std::apply(std::forward<Method>(method), args);
    if (!call.deferred()) call.answers().answer(result);
}

inline void unknown_method(Call& call) noexcept {
    try {
        call.answers().fail(Error(Code::unsupported, "unknown-method",
                                  std::string(call.port()) + ": no method " + std::to_string(call.method())));
    } catch (...) {
        call.answers().fail(current_exception_error());
    }
}

} // namespace detail

} // namespace symphony
