// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/plugin.h>
#include <symphony/ipc/channel.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace symphony::ipc {

/// What the runner found when it mapped the library, copied out of the runner. Not trusted: for the host's own checks,
/// which are those of the same plugin in process.
struct Facts {
    std::string load_error;        ///< the dynamic linker's text; "" = mapped
    bool has_entry = false;        ///< SYMPHONY_ENTRY_NAME is exported
    bool entry_threw = false;      ///< the entry function let an exception escape
    bool has_descriptor = false;   ///< the entry function returned one
    bool has_create = false;
    std::uint32_t struct_size = 0; ///< members beyond it are zero
    std::uint32_t magic = 0;
    std::uint16_t abi_major = 0, abi_built = 0, abi_required = 0;
    std::string id, version;       ///< at most 1,024 bytes each, any bytes
};

/// A plugin instance in another process, behind a channel: the same instance operations, and the plugin's requests for
/// host services answered with the host's own tables. Whatever the other process writes, every call ends exactly once.
///
/// A thread inside invoke reads the channel itself, without a hand-off; one more thread waits for everything else.
class RemoteInstance {
public:
    struct Options {
        std::string name;  ///< the plugin's, for messages
        /// The runner broke the protocol (reason `protocol-violation`): every call has failed with this error. Once, any
        /// thread, the runner should be killed. Must not destroy the RemoteInstance.
        std::function<void(const Error&)> on_broken;
        /// The plugin broke a rule of calls in its own process, such as ending one twice. [any]
        std::function<void(std::string_view reason, std::string_view what)> on_misuse;
        unsigned threads_max = 64;  ///< for the plugin's requests that may block
    };

    /// @return `io` when the memory cannot be mapped.
    static Result<std::unique_ptr<RemoteInstance>> connect(ChannelEnd end, Options options);
    RemoteInstance(const RemoteInstance&) = delete;
    RemoteInstance& operator=(const RemoteInstance&) = delete;
    /// Abandons what is left and joins its threads. Nobody may be inside a function of it, and no answer to a call that the
    /// plugin made may come any more (CallTable::detach).
    ~RemoteInstance();

    /// What the runner mapped. Waits for it until `limit`. @return `deadline`, or why it was abandoned.
    Result<Facts> facts(std::chrono::steady_clock::time_point limit);

    /// Shaped like symphony_plugin.create: one code path for both placements. `host` is copied and serves the plugin until
    /// the instance is destroyed. A function that the plugin's own table lacks is null in `*ops`, whose struct_size is the
    /// plugin's when smaller; a plugin that gives no instance or no table leaves `*out` or `*ops` null. An exception that left
    /// the plugin's function is thrown again here and in the operations: std::runtime_error with its text, or a std::string.
    /// [control]
    symphony_status create(const symphony_host* host, const symphony_buf* config, symphony_instance** out,
                           const symphony_instance_ops** ops, symphony_error* error);

    /// The process is dead or must not be listened to: every call in flight and every later one fails with `why`, control
    /// functions return it, the plugin's own calls are cancelled. The first one counts. [any]
    void abandon(const Error& why);

    /// Asks for a sign of life, which the runner's reader gives while plugin code runs elsewhere. Never blocks. [any]
    void ping();
    /// How long the oldest ping has no answer; 0 = all have one. [any]
    std::chrono::nanoseconds unanswered() const;
    /// Whether a call whose cancel was sent longer than `grace` ago still has not ended. [any]
    bool overdue(std::chrono::nanoseconds grace) const;
    /// Calls into the plugin that have not ended. [any]
    std::size_t in_flight() const;
    /// Answered calls since the start, for metrics. [any]
    std::uint64_t calls_ended() const;

private:
    class Core;
    explicit RemoteInstance(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;
};

} // namespace symphony::ipc
