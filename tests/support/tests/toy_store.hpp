// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sqlite_files/folder.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace symphony::test_support {

/// What a program may forget on its way to the disk.
struct Habits {
    bool syncs_file = true;
    bool syncs_folder = true;
    bool syncs_before_renaming = true;
    bool checks_writes = true; ///< looks at what write and sync answer
};

/// A store that keeps each thing in a file, written beside and renamed. With all habits it loses nothing that it acknowledged.
inline Status toy_put(sqlite_files::Folder& folder, const std::string& id, std::string_view text, const Habits& habits = {}) {
    const auto look = [&](Status done) { return habits.checks_writes ? done : Status(); };
    const std::string beside = "new/" + id;
    const auto file = SYMPHONY_TRY(folder.open(beside, sqlite_files::Folder::Mode::create));
    SYMPHONY_TRY(look(file->truncate(0)));
    SYMPHONY_TRY(look(file->write_at(0, bytes_of(text))));
    if (habits.syncs_file && habits.syncs_before_renaming) SYMPHONY_TRY(look(file->sync()));
    SYMPHONY_TRY(folder.rename(beside, "things/" + id));
    if (habits.syncs_folder) SYMPHONY_TRY(look(folder.sync_folder("things")));
    if (habits.syncs_file && !habits.syncs_before_renaming) SYMPHONY_TRY(look(file->sync()));
    return {};
}

/// A text of its own for each id, of more than one block.
inline std::string toy_text(const std::string& id) {
    std::string text;
    while (text.size() < 9000) text += id + " " + std::to_string(text.size()) + "\n";
    return text;
}

/// @return "" or what is wrong with a thing that was acknowledged.
inline std::string toy_check(sqlite_files::Folder& folder, const std::string& id) {
    const auto file = folder.open("things/" + id, sqlite_files::Folder::Mode::read);
    if (!file) return id + " is lost: " + file.error().message();
    std::string text((*file)->size().value_or(0), '\0');
    const auto n = (*file)->read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!n) return id + " cannot be read: " + n.error().message();
    return text == toy_text(id) ? "" : id + " is wrong, " + std::to_string(text.size()) + " bytes";
}

} // namespace symphony::test_support
