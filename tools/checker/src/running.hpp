// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recorder.hpp"
#include "case.hpp"
#include "host_double.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace symphony::checker {

/// How long a call, a start or an end may take before it counts as hanging.
inline constexpr std::chrono::milliseconds patience{5000};

/// What symphony_plugin.create does, here or in a process of its own.
using Creator = std::function<symphony_status(const symphony_host*, const symphony_buf*, symphony_instance**, const symphony_instance_ops**, symphony_error*)>;

/// One instance of the plugin, whose functions are called in the order the case wants. Exceptions that leave a function are a
/// finding. Nothing is ended by itself: a case that is done ends its process.
class Running {
public:
    Running(Case& at, const HostDouble& host) : at_(at), host_(host) {}

    /// The library's own create. @return False: the library does not load.
    bool use_library();
    void use(Creator creator) { creator_ = std::move(creator); }

    /// create, init, activate. @return The error of the first that fails.
    Status start(const Value& configuration);
    Status create(const Value& configuration, bool guarded = false);
    Status init();
    Status activate();
    Status quiesce(std::chrono::milliseconds longest);
    Status deactivate();
    void destroy();
    /// quiesce, deactivate, destroy. @return The error of the first that fails; then it is not destroyed.
    Status end();
    Result<Buffer> save_state();
    Status load_state(const symphony_buf& state);
    const symphony_port_info* query(std::string_view id);

    /// Runs a call until its end, at most `patience`. `call` may be looked at afterwards, and has to stay until the instance ends.
    /// @return False: it was not taken, or did not end.
    bool call(Recorder& call, const Request& request);
    symphony_status invoke(Recorder& call, const Request& request);
    void cancel(symphony_handle id);

    const symphony_instance_ops* ops() const noexcept { return ops_; }
    symphony_instance* instance() const noexcept { return instance_; }

private:
    template <class Function>
    Status control(const char* name, Function function);

    Case& at_;
    const HostDouble& host_;
    Creator creator_;
    symphony_instance* instance_ = nullptr;
    const symphony_instance_ops* ops_ = nullptr;
    std::vector<std::unique_ptr<PassedCall>> gone_;
};

/// Judges what a plugin wrote into an error: rule typed-errors.
void judge_error(Case& at, const std::string& where, const symphony_error& error, symphony_status status);

} // namespace symphony::checker
