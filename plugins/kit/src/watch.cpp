// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
// Written and closed, moved here or away, made, removed: what editors and version control do. Not each write: a half file is nothing to build.
constexpr std::uint32_t wanted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW;

bool waits(int fd, std::chrono::milliseconds longest) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, static_cast<int>(longest.count())) > 0;
}

} // namespace

Result<Watch> Watch::open(const fs::path& folder, std::vector<fs::path> without) {
    packaging::Descriptor fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return packaging::disk_error("cannot watch", folder, errno);
    Watch watch(std::move(fd), folder, std::move(without));
    SYMPHONY_TRY(watch.add(folder));
    return watch;
}

Status Watch::add(const fs::path& folder) {
    if (folders_.size() == folders_max) {
        return Error(Code::exhausted, "too-many-folders", folder_.string() + " has more than " + std::to_string(folders_max) + " folders to watch", "name the plugin's own folder");
    }
    const int watch = ::inotify_add_watch(fd_.get(), folder.c_str(), wanted);
    if (watch < 0 && errno == ENOSPC) {
        return Error(Code::exhausted, "too-many-folders", "the system watches no more folders", "as root: sysctl fs.inotify.max_user_watches=524288");
    }
    if (watch < 0 && (errno == ENOENT || errno == ENOTDIR) && folder != folder_) return {}; // it went while it was looked at
    if (watch < 0) return packaging::disk_error("cannot watch", folder, errno);
    folders_[watch] = folder;
    std::error_code failed;
    for (fs::directory_iterator item(folder, failed), end; !failed && item != end; item.increment(failed)) {
        const auto& path = item->path();
        if (item->is_symlink(failed) || !item->is_directory(failed) || path.filename().string().starts_with(".")) continue;
        if (std::find(without_.begin(), without_.end(), path) == without_.end()) SYMPHONY_TRY(add(path));
    }
    return {};
}

/// Everything that has come. @return Whether there was something that counts.
bool Watch::take() {
    bool counts = false;
    alignas(inotify_event) char events[16 * 1024];
    while (true) {
        const ssize_t n = ::read(fd_.get(), events, sizeof events);
        if (n <= 0) return counts;
        for (ssize_t at = 0; at < n;) {
            inotify_event event{};
            std::memcpy(&event, events + at, sizeof event);
            const std::string name = event.len == 0 ? "" : std::string(events + at + sizeof event);
            at += static_cast<ssize_t>(sizeof event + event.len);
            if ((event.mask & IN_Q_OVERFLOW) != 0) counts = true;
            const auto folder = folders_.find(event.wd);
            if (folder == folders_.end() || name.empty()) continue;
            if ((event.mask & IN_IGNORED) != 0) {
                folders_.erase(folder);
                continue;
            }
            const fs::path path = folder->second / name;
            const bool left_out = name.starts_with(".") || std::find(without_.begin(), without_.end(), path) != without_.end();
            if (left_out) continue;
            const bool is_folder = (event.mask & IN_ISDIR) != 0, came = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
            if (is_folder && came) static_cast<void>(add(path)); // at the limit it is not watched, and the rest is
            // A file that was made is not written yet: its close follows.
            if (is_folder || (event.mask & IN_CREATE) == 0) counts = true;
        }
    }
}

bool Watch::changed(std::chrono::milliseconds longest, std::chrono::milliseconds quiet) {
    if (!waits(fd_.get(), longest) || !take()) return false;
    const auto limit = Clock::now() + std::chrono::seconds(1);
    while (Clock::now() < limit && waits(fd_.get(), quiet)) take();
    return true;
}

} // namespace symphony::kit
