// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/change.hpp>

namespace symphony::packaging {

Result<Change> Change::begin(const std::filesystem::path& folder, std::chrono::milliseconds longest, const std::function<bool()>& stop, const Disk& disk) {
    SYMPHONY_TRY(disk.make_folders(folder));
    Change change(SYMPHONY_TRY(WriteLock::take(folder / "lock", longest, stop)), Store(folder, disk), Generations(folder, disk));
    SYMPHONY_TRY(change.store_.sweep());
    SYMPHONY_TRY(change.generations_.sweep());
    change.current_ = SYMPHONY_TRY(change.generations_.current());
    change.profile_ = SYMPHONY_TRY(change.generations_.read(change.current_));
    if (auto lock = change.generations_.lock(change.current_)) change.known_ = *std::move(lock);
    return change;
}

Result<std::uint64_t> Change::commit(std::string action) {
    profile_.action = std::move(action);
    profile_.previous = current_;
    auto lock = SYMPHONY_TRY(lock_of(profile_, store_, known_, host_));
    const std::uint64_t number = SYMPHONY_TRY(generations_.add(profile_, store_, print(lock)));
    SYMPHONY_TRY(generations_.switch_to(number));
    current_ = number;
    known_ = std::move(lock);
    return number;
}

} // namespace symphony::packaging
