// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::test_support {

/// A file or folder, as programs see it and as it is on the pretended disk.
struct ForgetfulNode {
    bool folder = false;
    unsigned mode = 0644;
    timespec changed{};
    std::vector<char> content, synced;                                       ///< of a file
    std::map<std::string, std::shared_ptr<ForgetfulNode>> names, names_synced; ///< of a folder
};
using NodePtr = std::shared_ptr<ForgetfulNode>;

/// The files of a forgetful file system: what is not synced is gone after forget(). A file's sync keeps its content and
/// size, a folder's the names in it; a folder whose own name is not synced is lost with all that is in it. A renaming is kept
/// whole by the sync of either folder. Numbers are negative errors of errno.h. [one thread]
class ForgetfulTree {
public:
    ForgetfulTree();

    /// Null when it is not there. Paths begin with '/'.
    NodePtr find(std::string_view path) const;
    /// @param made  The new node. @return 0, ENOENT, ENOTDIR or EEXIST.
    int make(std::string_view path, bool folder, unsigned mode, NodePtr& made);
    int remove(std::string_view path, bool folder);
    int rename(std::string_view from, std::string_view to, bool replaces);
    /// ENOSPC beyond the room: as much of it as fits is written. @return Bytes.
    int write(ForgetfulNode& file, std::uint64_t offset, std::string_view bytes);
    int truncate(ForgetfulNode& file, std::uint64_t size);
    static void sync(ForgetfulNode& file) { file.synced = file.content; }
    void sync_names(const NodePtr& folder);

    /// The power goes. Open files stay open, on what is left of them.
    void forget();
    /// Bytes that all files may have together; 0 = no limit.
    void set_room(std::uint64_t bytes) { room_ = bytes; }
    std::uint64_t used() const { return used(*root_); }

private:
    struct Move {
        NodePtr from, to;
        std::string from_name, to_name;
        NodePtr node;
    };
    NodePtr parent_of(std::string_view path, std::string& leaf) const;
    static std::uint64_t used(const ForgetfulNode& node);
    static void forget(ForgetfulNode& node);
    bool has_room(std::uint64_t more) const { return room_ == 0 || used() + more <= room_; }

    NodePtr root_;
    std::vector<Move> moves_; ///< between folders, not synced
    std::uint64_t room_ = 0;
};

/// Which calls fail: "fail OPERATION NTH ERROR GLOB [sticky]".
struct FailRule {
    std::string operation; ///< "read", "write", "truncate", "fsync", "fsyncdir", "create", "open", "rename", "unlink", "mkdir" or "*"
    std::string glob;      ///< of the path beneath the mount, such as "*.pack"; '*' also matches '/'
    std::uint64_t nth = 1; ///< of the calls that match, from 1
    int error = EIO;
    bool sticky = false;
    std::uint64_t seen = 0;
};

/// What the control file is told. [one thread]
class ForgetfulControl {
public:
    explicit ForgetfulControl(ForgetfulTree& tree) : tree_(tree) {}
    /// "forget", "fail ...", "well" (no rules any more), or "room BYTES". @return 0, or EINVAL for other words.
    int command(std::string_view line);
    /// 0 or the negative error that a rule wants for this call.
    int check(std::string_view operation, std::string_view path);
    /// "fired N\n": how many calls were made to fail.
    std::string status() const { return "fired " + std::to_string(fired_) + "\n"; }

private:
    ForgetfulTree& tree_;
    std::vector<FailRule> rules_;
    std::uint64_t fired_ = 0;
};

} // namespace symphony::test_support
