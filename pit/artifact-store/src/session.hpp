// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "settings.hpp"
#include "store.hpp"

#include <symphony/host.hpp>

#include <condition_variable>
#include <mutex>

namespace symphony::store {

/// Where a store is: a root of the host's file service, and a folder beneath it.
struct Place {
    std::string root = "state";
    std::string path = "store";
    /// The plugin's own store, which is made when something is first put into it.
    bool own() const noexcept { return root == "state"; }
};

/// The secret that opens a store, if there is one. Asked for each time, so that none is kept in memory.
using SecretSource = std::function<Result<std::optional<Secret>>()>;

/// How to wait while another process writes.
struct Patience {
    std::chrono::milliseconds longest{0};
    std::function<bool()> cancelled{};                    ///< asked every 50 ms
    std::function<void(std::string_view note)> waiting{}; ///< told who has the lock
};

/// One store, opened when it is first needed and for as long as it is. Reading takes no lock; writing takes the writer's
/// lock, and gives it back after a while without use, so that other processes get their turn. [any thread, blocks]
class Session {
public:
    /// @param actor  Who changes things, for the audit trail.
    /// @param owner  What others are told who find the store locked.
    Session(Host host, Settings settings, Place place, SecretSource secret, std::string actor, std::string owner);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    const Settings& settings() const noexcept { return settings_; }
    const Place& place() const noexcept { return place_; }
    Host host() const noexcept { return host_; }

    /// The store for reading: the writer's when it is open. Keep it for one piece of work only.
    Result<std::shared_ptr<Store>> reader();
    /// The store for writing; `busy` / "store-locked" when the patience is over. With `make` and a place of its own, a
    /// missing store is made: encrypted when there is a secret.
    Result<std::shared_ptr<Store>> writer(const Patience& patience, bool make);
    /// What is open, without opening anything or counting as use; null when nothing is.
    std::shared_ptr<Store> look() const;
    /// The writer, if it is open or can be had at once.
    Result<std::shared_ptr<Store>> writer_at_once() { return writer({}, false); }

    Status init(InitOptions options);
    Result<Description> describe();
    Result<RepairReport> repair(const ProgressFn& progress);
    Result<std::optional<Secret>> secret() const { return secret_(); }

    /// Lets the lock go when nobody has used the store for `idle_close`. @return Whether anything is open.
    bool close_if_idle();
    /// True once anything was opened: there is work in the background.
    bool used() const;
    /// Ends everything; waits for nobody. Later calls are `cancelled` / "closing".
    void stop();
    /// What the store had to say while it was opened, at most 64, each once.
    std::vector<Notice> take_notices();

private:
    Result<std::shared_ptr<Store>> open(Access access);
    OpenOptions open_options(Access access);
    Error explained(Error error) const;
    Result<std::shared_ptr<Store>> make_and_open();
    void touch() { last_use_ = std::chrono::steady_clock::now(); }

    const Host host_;
    const Settings settings_;
    const Place place_;
    const SecretSource secret_;
    const std::string actor_, owner_;

    std::mutex opening_; ///< one thread opens; taken before mutex_
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<Folder> folder_;
    std::shared_ptr<Store> reader_, writer_;
    std::chrono::steady_clock::time_point last_use_{};
    bool used_ = false, stopping_ = false;

    std::mutex notices_mutex_;
    std::vector<Notice> notices_;
};

} // namespace symphony::store
