// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/transport.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace symphony::ipc_bench {

/// How long the other process may take to be there, and a single message to come back.
inline constexpr std::chrono::seconds patience{10};

/// What a measurement stands on. [one thread]
class Ground {
public:
    /// @return `unsupported` "isolated" where this runs in a sandbox, `io`.
    static Result<std::unique_ptr<Ground>> make(Host host, CancelToken cancel);
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;
    /// Removes the folder.
    ~Ground();

    const Host& host() const noexcept { return host_; }
    const CancelToken& cancel() const noexcept { return cancel_; }
    /// The program that this is.
    const std::string& program() const noexcept { return program_; }
    /// A name in a folder of our own, 0700, another one each time.
    std::string new_path();
    std::uint64_t deadline_ns() const { return host_.deadline_in(patience); }
    Result<ports::TransportClient> transport(std::string_view scheme) const;

private:
    Ground(Host host, CancelToken cancel, std::string program, std::string folder)
        : host_(host), cancel_(std::move(cancel)), program_(std::move(program)), folder_(std::move(folder)) {}
    const Host host_;
    const CancelToken cancel_;
    const std::string program_, folder_;
    int paths_ = 0;
};

/// The process at the other end: this program with other words, started over `stdio`. It ends with this object.
class Other {
public:
    static Result<Other> start(const Ground& ground, const std::vector<std::string>& words);
    Other(Other&&) noexcept = default;
    Other& operator=(Other&&) = delete;
    ~Other();
    /// Waits until it says that it is ready. @return What it says that it cannot do; `peer_died`, `deadline`.
    Status ready(const Ground& ground);
    /// Ends it. [any]
    void end() const { transport_->close_async(connection_, [](const Result<void>&) {}); }
    const ports::TransportClient& transport() const noexcept { return *transport_; }
    std::uint64_t connection() const noexcept { return connection_; }

    /// How it is started, for who connects another way.
    static ports::Address address(const Ground& ground, const std::vector<std::string>& words);

private:
    Other(ports::TransportClient transport, std::uint64_t connection) : transport_(std::make_unique<ports::TransportClient>(std::move(transport))), connection_(connection) {}
    std::unique_ptr<ports::TransportClient> transport_; // null: moved away
    std::uint64_t connection_;
};

} // namespace symphony::ipc_bench
