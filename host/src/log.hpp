// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace symphony::host {

/// `text` without control characters, turns of the direction of writing and broken UTF-8: what a plugin says must not drive a terminal or forge lines.
std::string printable(std::string_view text);
/// Reasons are names that callers branch on and people see in brackets: "no-such-host".
bool is_reason(std::string_view text) noexcept;

/// The host's only log. Lines go to a writer (standard error) and, when asked, to a file. [any]
class Log {
public:
    using Writer = std::function<void(std::string_view line)>;

    /// @param level  "trace", "debug", "info", "warn", "error" or "off".
    /// @param file   Appended to; empty: none. A file that cannot be opened is `io`.
    static Result<Log> create(std::string_view level, const std::string& file, Writer writer);
    Log(Log&&) noexcept;
    ~Log();

    /// @param level  One of SYMPHONY_LOG_*.
    /// @param who    The plugin, or empty for the host.
    void write(std::uint32_t level, std::string_view who, std::string_view text);
    void warn(std::string_view text);

private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::host
