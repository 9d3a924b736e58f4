// SPDX-License-Identifier: Apache-2.0
#include "forgetful_tree.hpp"

#include <algorithm>
#include <charconv>
#include <fnmatch.h>
#include <sstream>

namespace symphony::test_support {
namespace {

timespec now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

int error_of(const std::string& word) {
    if (word == "EIO") return EIO;
    if (word == "ENOSPC") return ENOSPC;
    if (word == "EDQUOT") return EDQUOT;
    if (word == "EROFS") return EROFS;
    if (word == "EACCES") return EACCES;
    return 0;
}

} // namespace

ForgetfulTree::ForgetfulTree() : root_(std::make_shared<ForgetfulNode>()) {
    root_->folder = true;
    root_->mode = 0755;
    root_->changed = now();
}

NodePtr ForgetfulTree::find(std::string_view path) const {
    NodePtr at = root_;
    for (std::size_t start = 1; at && start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const auto next = at->names.find(std::string(path.substr(start, end - start)));
        at = next == at->names.end() ? nullptr : next->second;
        start = end + 1;
    }
    return at;
}

NodePtr ForgetfulTree::parent_of(std::string_view path, std::string& leaf) const {
    const std::size_t slash = path.rfind('/');
    leaf = std::string(path.substr(slash + 1));
    return find(path.substr(0, slash));
}

int ForgetfulTree::make(std::string_view path, bool folder, unsigned mode, NodePtr& made) {
    std::string leaf;
    const NodePtr parent = parent_of(path, leaf);
    if (!parent) return -ENOENT;
    if (!parent->folder) return -ENOTDIR;
    if (parent->names.contains(leaf)) return -EEXIST;
    made = std::make_shared<ForgetfulNode>();
    made->folder = folder;
    made->mode = mode & 07777;
    made->changed = parent->changed = now();
    parent->names[leaf] = made;
    return 0;
}

int ForgetfulTree::remove(std::string_view path, bool folder) {
    std::string leaf;
    const NodePtr parent = parent_of(path, leaf);
    const NodePtr node = find(path);
    if (!parent || !node) return -ENOENT;
    if (node->folder != folder) return folder ? -ENOTDIR : -EISDIR;
    if (folder && !node->names.empty()) return -ENOTEMPTY;
    parent->names.erase(leaf);
    parent->changed = now();
    return 0;
}

int ForgetfulTree::rename(std::string_view from, std::string_view to, bool replaces) {
    std::string from_leaf, to_leaf;
    const NodePtr from_parent = parent_of(from, from_leaf), to_parent = parent_of(to, to_leaf), node = find(from), old = find(to);
    if (!from_parent || !to_parent || !node) return -ENOENT;
    if (old == node) return 0;
    if (old && !replaces) return -EEXIST;
    if (old && old->folder != node->folder) return old->folder ? -EISDIR : -ENOTDIR;
    if (old && !old->names.empty()) return -ENOTEMPTY;
    from_parent->names.erase(from_leaf);
    to_parent->names[to_leaf] = node;
    from_parent->changed = to_parent->changed = now();
    if (from_parent != to_parent) moves_.push_back({from_parent, to_parent, from_leaf, to_leaf, node});
    return 0;
}

int ForgetfulTree::write(ForgetfulNode& file, std::uint64_t offset, std::string_view bytes) {
    const std::uint64_t end = offset + bytes.size();
    if (end > file.content.size()) {
        std::uint64_t more = end - file.content.size();
        if (!has_room(more)) {
            const std::uint64_t left = room_ > used() ? room_ - used() : 0;
            if (left + file.content.size() <= offset) return -ENOSPC;
            more = left;
        }
        file.content.resize(file.content.size() + static_cast<std::size_t>(more));
    }
    const std::size_t size = std::min<std::size_t>(bytes.size(), file.content.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes.begin(), size, file.content.begin() + static_cast<std::ptrdiff_t>(offset));
    file.changed = now();
    return static_cast<int>(size);
}

int ForgetfulTree::truncate(ForgetfulNode& file, std::uint64_t size) {
    if (size > file.content.size() && !has_room(size - file.content.size())) return -ENOSPC;
    file.content.resize(static_cast<std::size_t>(size));
    file.changed = now();
    return 0;
}

void ForgetfulTree::sync_names(const NodePtr& folder) {
    folder->names_synced = folder->names;
    std::erase_if(moves_, [&](const Move& move) {
        if (move.from != folder && move.to != folder) return false;
        // The other half of the renaming, unless something else has that name by now.
        const auto old = move.from->names_synced.find(move.from_name);
        if (old != move.from->names_synced.end() && old->second == move.node) move.from->names_synced.erase(old);
        const auto current = move.to->names.find(move.to_name);
        if (current != move.to->names.end() && current->second == move.node) move.to->names_synced[move.to_name] = move.node;
        return true;
    });
}

void ForgetfulTree::forget(ForgetfulNode& node) {
    node.content = node.synced;
    for (const auto& [name, child] : node.names) {
        // What is lost is emptied too: a program may still hold it open.
        if (const auto kept = node.names_synced.find(name); kept == node.names_synced.end() || kept->second != child) forget(*child);
    }
    node.names = node.names_synced;
    for (const auto& [name, child] : node.names) forget(*child);
}

void ForgetfulTree::forget() {
    forget(*root_);
    moves_.clear();
}

std::uint64_t ForgetfulTree::used(const ForgetfulNode& node) {
    std::uint64_t bytes = node.content.size();
    for (const auto& [name, child] : node.names) bytes += used(*child);
    return bytes;
}

int ForgetfulControl::command(std::string_view line) {
    std::istringstream words{std::string(line)};
    std::string word, error, how;
    words >> word;
    if (word == "forget") {
        tree_.forget();
        return 0;
    }
    if (word == "well") {
        rules_.clear();
        return 0;
    }
    if (word == "room") {
        std::uint64_t bytes = 0;
        if (!(words >> bytes)) return -EINVAL;
        tree_.set_room(bytes);
        return 0;
    }
    FailRule rule;
    if (word != "fail" || !(words >> rule.operation >> rule.nth >> error >> rule.glob) || rule.nth == 0) return -EINVAL;
    rule.error = error_of(error);
    rule.sticky = (words >> how) && how == "sticky";
    if (rule.error == 0 || (!how.empty() && !rule.sticky)) return -EINVAL;
    rules_.push_back(std::move(rule));
    return 0;
}

int ForgetfulControl::check(std::string_view operation, std::string_view path) {
    const std::string beneath(path.substr(std::min<std::size_t>(1, path.size())));
    for (FailRule& rule : rules_) {
        if (rule.operation != "*" && rule.operation != operation) continue;
        if (::fnmatch(rule.glob.c_str(), beneath.c_str(), 0) != 0) continue;
        ++rule.seen;
        if (rule.sticky ? rule.seen < rule.nth : rule.seen != rule.nth) continue;
        ++fired_;
        return -rule.error;
    }
    return 0;
}

} // namespace symphony::test_support
