// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/generations.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/store.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace symphony::packaging {

/// One change of what is installed, from the lock to the switch. Whenever it ends before `commit` returned, by an error or by SIGKILL, what is installed is as
/// it was, or the change whole; what lies about is swept by the next one. For one thread.
class Change {
public:
    /// Takes the lock of the packages' folder (made when missing), sweeps, and reads what is installed.
    /// @param longest, stop  As for WriteLock::take. @return `busy` "locked"; `data_corrupt` "bad-current", "bad-profile"; `io`, `exhausted`.
    static Result<Change> begin(const std::filesystem::path& folder, std::chrono::milliseconds longest, const std::function<bool()>& stop = {}, const Disk& disk = {});

    const Store& store() const noexcept { return store_; }
    const Generations& generations() const noexcept { return generations_; }
    std::uint64_t current() const noexcept { return current_; }
    /// What will be installed. Its packages have to be in the store when it is committed.
    Profile& profile() noexcept { return profile_; }
    const Profile& profile() const noexcept { return profile_; }

    /// The lock of what is installed; what is to be installed is put into it with its package files and registries. One that cannot be read is an empty one.
    Lock& lock() noexcept { return known_; }
    const Lock& lock() const noexcept { return known_; }
    /// The ABI that the host offers, for the lock.
    void set_host(manifests::Version host) { host_ = std::move(host); }

    /// Makes the next generation of the profile and switches to it. @param action  For people. @return Its number.
    Result<std::uint64_t> commit(std::string action);

private:
    Change(WriteLock lock, Store store, Generations generations) : lock_(std::move(lock)), store_(std::move(store)), generations_(std::move(generations)) {}

    WriteLock lock_;
    Store store_;
    Generations generations_;
    std::uint64_t current_ = 0;
    Profile profile_;
    Lock known_;
    manifests::Version host_{1, 0, 0, {}, {}};
};

} // namespace symphony::packaging
