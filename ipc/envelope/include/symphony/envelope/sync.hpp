// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/envelope.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// What an editor and who works beside it tell each other about files and buffers: the events `sync.*` of ipc/docs/bus.md.
namespace symphony::ipc {

enum class SyncKind : std::uint8_t { file_changed, project_structure_changed, workspace_reload, buffer_updated, cursor_moved, file_modified, view_closed };
inline constexpr std::array<std::string_view, 7> sync_types{"sync.file-changed",   "sync.project-structure-changed", "sync.workspace-reload", "sync.buffer-updated",
                                                            "sync.cursor-moved", "sync.file-modified",             "sync.view-closed"};

/// One replacement in a text; positions and lengths in bytes.
struct SyncEdit {
    std::uint64_t at = 0, removed = 0;
    std::string text{};
    friend bool operator==(const SyncEdit&, const SyncEdit&) = default;
};
inline constexpr std::size_t sync_edits_max = 100'000;

struct SyncEvent {
    SyncKind kind = SyncKind::file_changed;
    std::string file{};             ///< absolute path
    std::uint64_t revision = 0;     ///< counts one sender's events about this file, from 1
    std::string change{};           ///< file_changed: created, changed, removed
    std::vector<SyncEdit> edits{};  ///< buffer_updated: each on the text that the one before it made
    std::uint64_t at = 0, anchor = 0; ///< cursor_moved
    friend bool operator==(const SyncEvent&, const SyncEvent&) = default;
};

/// The content of the event; its type is `sync_types[kind]`.
Value content_of(const SyncEvent& event);
/// @return `invalid_argument` "bad-sync" naming the member, or that the type is none of these.
Result<SyncEvent> read_sync(std::string_view type, const Value& content);

/// Follows the revisions of the files of one sender. Used by one thread at a time.
class SyncOrder {
public:
    enum class Seen : std::uint8_t { next, repeated, gap, full };
    /// @param files_max  Files that are followed; of more, each event is `full` and is to be treated as a gap.
    explicit SyncOrder(std::size_t files_max = 100'000) : files_max_(files_max) {}

    /// `gap`: events before this one are missing, and the whole file is to be asked for; what follows it is `next`. `view_closed` forgets the file. Revision 1 begins anew.
    Seen see(const SyncEvent& event);
    std::size_t files() const noexcept { return last_.size(); }

private:
    const std::size_t files_max_;
    std::unordered_map<std::string, std::uint64_t> last_;
};

} // namespace symphony::ipc
