// SPDX-License-Identifier: Apache-2.0
#include "seal.hpp"

#include "digest.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t seal_bytes_max = 4 * 1024 * 1024, digest_digits = 64, named_max = 3;
constexpr std::string_view end_mark = "# sealed ";
/// What the host looks into; whatever else lies in the prefix, it does not see.
constexpr std::array<const char*, 6> folders{"bin", "etc", "lib", "plugins", "share", "workflows"};

using Listed = std::map<std::string, std::string>; // path, digest

/// Nothing when it is not as it was written.
bool read_list(std::string_view text, Listed& out) {
    const auto end = text.rfind(end_mark);
    if (end == std::string_view::npos || text.substr(end + end_mark.size()) != hex(sha256(text.substr(0, end))) + "\n") return false;
    for (std::size_t at = 0; at < end;) {
        const auto stop = std::min(text.find('\n', at), end);
        const auto line = text.substr(at, stop - at);
        at = stop + 1;
        if (line.starts_with('#')) continue;
        if (line.size() < digest_digits + 3) return false;
        out.emplace(line.substr(digest_digits + 2), line.substr(0, digest_digits));
    }
    return true;
}

std::string read_whole(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary | std::ios::ate);
    std::string bytes(stream ? static_cast<std::size_t>(std::max<std::streamoff>(stream.tellg(), 0)) : 0, '\0');
    stream.seekg(0);
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
    return bytes;
}

class Check {
public:
    Check(const fs::path& prefix, const fs::path& cache) : prefix_(prefix), cache_(cache) {}

    Status run() {
        std::error_code error;
        if (!fs::exists(prefix_ / seal_name, error)) {
            // A composed tree without its seal is one of which somebody lost a part.
            if (fs::exists(prefix_ / "distribution.lock", error)) damage(std::string(seal_name) + " is missing");
            return result();
        }
        if (fs::file_size(prefix_ / seal_name, error) > seal_bytes_max) damage(std::string(seal_name) + " is too large");
        const auto text = damages_ == 0 ? read_whole(prefix_ / seal_name) : std::string();
        const bool composed = fs::exists(prefix_ / "distribution.lock", error) || text.find(end_mark) != std::string::npos;
        if (damages_ == 0 && !composed) return {}; // somebody else's list, of a prefix that is shared
        if (damages_ == 0 && !read_list(text, listed_)) damage(std::string(seal_name) + " is not as it was written");
        if (damages_ != 0) return result();
        find_foreign();
        std::string seen = text;
        bool settled_all = true;
        for (const auto& [path, digest] : listed_) settled_all = look_at(path, seen) && settled_all;
        if (damages_ != 0) return result();
        const auto now = hex(sha256(seen));
        if (known() == now) return {};
        for (const auto& [path, digest] : listed_) {
            if (hex(sha256(read_whole(prefix_ / path))) != digest) damage(path + " was altered");
        }
        if (damages_ == 0 && settled_all) remember(now);
        return result();
    }

private:
    void damage(const std::string& what) {
        if (damages_++ < named_max) said_ += (said_.empty() ? "" : ", ") + what;
    }

    Status result() const {
        if (damages_ == 0) return {};
        return Error(Code::refused, "damaged-distribution", "the distribution in " + prefix_.string() + " is not as it was composed: " + said_ + (damages_ > named_max ? " and " + std::to_string(damages_ - named_max) + " more" : ""),
                     "take it from where it came from again; sha256sum --quiet -c " + std::string(seal_name) + " in that folder lists what was altered");
    }

    void find_foreign() {
        for (const auto* folder : folders) {
            std::error_code error;
            for (fs::recursive_directory_iterator item(prefix_ / folder, error), end; !error && item != end; item.increment(error)) {
                if (item->is_directory(error) && !item->is_symlink(error)) continue;
                const auto path = item->path().lexically_relative(prefix_).string();
                if (!listed_.contains(path)) damage(path + " is not of the distribution");
            }
        }
    }

    /// Adds what the file system says of a file. @return Whether its times prove something.
    bool look_at(const std::string& path, std::string& seen) {
        struct stat info{};
        if (::lstat((prefix_ / path).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
            damage(path + " is missing");
            return false;
        }
        const auto nanoseconds = [](const timespec& time) { return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec); };
        seen += path + " " + std::to_string(info.st_dev) + " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " + nanoseconds(info.st_mtim) + " " + nanoseconds(info.st_ctim) + "\n";
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        constexpr std::int64_t second_ns = 1'000'000'000, settled_ns = 50'000'000; // as the catalog: a file that changed just now may change again unseen
        return (now.tv_sec - info.st_ctim.tv_sec) * second_ns + (now.tv_nsec - info.st_ctim.tv_nsec) > settled_ns;
    }

    fs::path memory() const { return cache_ / ("seal-" + hex(sha256(prefix_.string())).substr(0, 16)); }
    std::string known() const { return cache_.empty() ? std::string() : read_whole(memory()); }

    /// That it cannot be kept is no loss: then all is read the next time.
    void remember(const std::string& now) const {
        if (cache_.empty()) return;
        std::error_code error;
        fs::create_directories(cache_, error);
        const auto beside = fs::path(memory().string() + "." + std::to_string(::getpid()));
        std::ofstream(beside, std::ios::binary) << now;
        fs::rename(beside, memory(), error);
        if (error) fs::remove(beside, error);
    }

    const fs::path& prefix_;
    const fs::path& cache_;
    Listed listed_;
    std::string said_;
    std::size_t damages_ = 0;
};

} // namespace

Status check_seal(const fs::path& prefix, const fs::path& cache) { return Check(prefix, cache).run(); }

} // namespace symphony::host
