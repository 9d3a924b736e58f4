// SPDX-License-Identifier: Apache-2.0
#include "paths.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <unistd.h>

extern char** environ; // NOLINT: POSIX names it so

namespace symphony::host {
namespace fs = std::filesystem;

Environment Environment::of_process() {
    std::vector<std::pair<std::string, std::string>> items;
    for (char** item = environ; item != nullptr && *item != nullptr; ++item) {
        const std::string_view text(*item);
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) items.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return Environment(std::move(items));
}

std::string Environment::get(std::string_view name) const {
    const auto found = std::find_if(items_.begin(), items_.end(), [name](const auto& item) { return item.first == name; });
    return found == items_.end() ? std::string() : found->second;
}

Paths Paths::find(const Environment& environment, const fs::path& executable) {
    Paths paths;
    paths.executable_dir = executable.parent_path();
    paths.prefix = paths.executable_dir.parent_path();
    const fs::path home = environment.get("HOME");
    bool missing = false;
    const auto folder = [&](std::string_view variable, std::string_view beneath_home) -> fs::path {
        const fs::path given = environment.get(variable);
        if (given.is_absolute()) return given / "symphony"; // the specification has relative ones ignored
        if (home.is_absolute()) return home / beneath_home / "symphony";
        missing = true;
        return {};
    };
    paths.config = folder("XDG_CONFIG_HOME", ".config");
    paths.state = folder("XDG_STATE_HOME", ".local/state");
    paths.cache = folder("XDG_CACHE_HOME", ".cache");
    paths.data = folder("XDG_DATA_HOME", ".local/share");
    if (missing) paths.warnings.push_back("HOME is not set: nothing is cached or remembered between runs");
    return paths;
}

Result<std::vector<Root>> plugin_roots(const Paths& paths, const std::vector<std::string>& flags,
                                       const Environment& environment, bool shipped_only) {
    std::vector<Root> roots;
    const auto add = [&roots](const fs::path& folder, Origin origin) {
        std::error_code error;
        auto real = fs::canonical(folder, error); // one name for one folder, and one cache file
        roots.push_back({error ? fs::absolute(folder, error).lexically_normal().string() : real.string(), origin});
    };
    if (!shipped_only) {
        for (const auto& flag : flags) {
            std::error_code error;
            if (!fs::is_directory(flag, error)) {
                return Error(Code::not_found, "no-plugin-folder", "--plugins " + flag + ": there is no such folder",
                             "name a folder that holds plugins, or a plugin's own folder");
            }
            add(flag, Origin::flag);
        }
        const auto list = environment.get("SYMPHONY_PLUGIN_PATH");
        for (std::size_t at = 0; at < list.size();) {
            const auto end = std::min(list.find(':', at), list.size());
            if (end > at) add(list.substr(at, end - at), Origin::environment);
            at = end + 1;
        }
    }
    add(paths.prefix / "plugins", Origin::distribution);
    add(paths.prefix / "lib/symphony/plugins", Origin::prefix);
    if (shipped_only || paths.data.empty()) return roots;
    // By its own name: what the link leads to is another folder after an installation, and this host is to follow.
    roots.push_back({(paths.data / packages_current / "plugins").string(), Origin::packages});
    add(paths.data / "plugins", Origin::user);
    return roots;
}

namespace {

std::array<fs::path, 2> workflow_folders(const Paths& paths) { return {paths.prefix / "workflows", paths.prefix / "share/symphony/workflows"}; }

} // namespace

std::vector<std::string> shipped_workflows(const Paths& paths) {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& folder : workflow_folders(paths)) {
        for (fs::directory_iterator item(folder, error), end; item != end; item.increment(error)) names.insert(item->path().stem().string());
    }
    return {names.begin(), names.end()};
}

fs::path find_workflow(const Paths& paths, const std::string& typed) {
    std::error_code error;
    if (fs::is_regular_file(typed, error)) return typed;
    if (typed.find('/') != std::string::npos) return {};
    for (const auto& folder : workflow_folders(paths)) {
        for (const auto* suffix : {"", ".toml", ".json"}) {
            auto file = folder / (typed + suffix);
            if (fs::is_regular_file(file, error)) return file;
        }
    }
    return {};
}

Status make_writable(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return Error(Code::io, folder.string() + ": " + error.message());
    // Tried and not asked: access() says yes to root on a read-only file system's neighbours and to a full disk.
    std::string probe = (folder / ".probe-XXXXXX").string();
    const int fd = ::mkostemp(probe.data(), O_CLOEXEC);
    if (fd < 0) return Error(Code::io, folder.string() + ": " + std::strerror(errno));
    const bool fits = ::write(fd, "x", 1) == 1;
    const int reason = errno;
    ::close(fd);
    ::unlink(probe.c_str());
    return fits ? Status() : Status(Error(Code::io, folder.string() + ": " + std::strerror(reason)));
}

} // namespace symphony::host
