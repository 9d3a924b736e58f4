// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include <map>
#include <mutex>

namespace symphony::store {

/// Contents that arrive in parts, each under a handle that only its beginner knows. Threads: all methods may be called by
/// several; those of one upload wait for each other.
class Uploads {
public:
    static constexpr std::size_t uploads_max = 64;
    static constexpr std::size_t part_bytes_max = 16u << 20;
    using Clock = std::chrono::steady_clock;

    explicit Uploads(std::chrono::milliseconds idle_max) : idle_max_(idle_max) {}

    /// @return The handle, or `exhausted` / "too-many-uploads". `store` lives as long as the upload.
    Result<std::string> begin(std::shared_ptr<Store> store, const PutOptions& options);
    /// @return Bytes so far.
    Result<std::uint64_t> append(std::string_view handle, std::uint64_t offset, Bytes part);
    Result<ArtifactInfo> finish(std::string_view handle, std::uint64_t size);
    void abandon(std::string_view handle);
    /// Abandons what has been silent for too long.
    void sweep(Clock::time_point now);
    void abandon_all();
    std::size_t count() const;

private:
    struct Upload {
        std::mutex mutex; ///< about everything below
        std::shared_ptr<Store> store;
        std::unique_ptr<PutStream> stream; ///< null: it is over
        std::uint64_t size = 0;
        std::uint64_t last_offset = 0, last_size = 0;
        std::size_t last_hash = 0;
        Clock::time_point last_use;
    };
    std::shared_ptr<Upload> find(std::string_view handle) const;
    void forget(std::string_view handle);

    const std::chrono::milliseconds idle_max_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Upload>, std::less<>> uploads_;
};

} // namespace symphony::store
