// SPDX-License-Identifier: Apache-2.0
#include "supervisor.hpp"

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace {

namespace fs = std::filesystem;
using std::chrono::sys_seconds;

constexpr std::size_t record_bytes_max = 64 * 1024;

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out.append({'\\', c});
        else if (c == '\n') out += "\\n";
        else if (byte < 0x20 || byte == 0x7F) out += ' ';
        else out += c;
    }
    return out + "\"";
}

std::string time_text(sys_seconds time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string read_small(int fd) {
    std::string out(record_bytes_max, '\0');
    const ssize_t n = ::pread(fd, out.data(), out.size(), 0);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
}
std::string read_small(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return {};
    std::string out = read_small(fd);
    ::close(fd);
    return out;
}

std::optional<Quarantine> parse_record(std::string_view text) {
    if (manifests::toml_trouble(text, "quarantine record", record_bytes_max)) return std::nullopt;
    toml::table table;
    try {
        table = toml::parse(text);
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
    const auto get = [&table](std::string_view key) { return table[key].value_or(std::string()); };
    Quarantine record;
    record.id = get("id");
    record.name = get("name");
    record.version = get("version");
    record.digest = get("sha256");
    record.reason = get("reason");
    record.message = get("message");
    record.log = get("log");
    record.count = static_cast<std::uint32_t>(std::clamp<std::int64_t>(table["count"].value_or(std::int64_t{1}), 1, 1'000'000));
    record.time = sys_seconds(std::chrono::seconds(table["unix_seconds"].value_or(std::int64_t{0})));
    if (const auto probe = table["probe_unix_seconds"].value<std::int64_t>()) record.probe_at = sys_seconds(std::chrono::seconds(*probe));
    if (record.id.empty()) return std::nullopt;
    return record;
}

std::string print_record(const Quarantine& r) {
    std::string out = "# This plugin is not started any more. To try it again:\n#   symphony doctor --release " + r.name + "\n";
    const auto line = [&out](std::string_view key, const std::string& value) { out.append(key).append(" = ").append(value).append("\n"); };
    line("id", toml_text(r.id));
    line("name", toml_text(r.name));
    line("version", toml_text(r.version));
    line("sha256", toml_text(r.digest));
    line("reason", toml_text(r.reason));
    line("message", toml_text(r.message));
    line("log", toml_text(r.log));
    line("count", std::to_string(r.count));
    line("time", toml_text(time_text(r.time)));
    line("unix_seconds", std::to_string(r.time.time_since_epoch().count()));
    if (r.probe_at) line("probe_unix_seconds", std::to_string(r.probe_at->time_since_epoch().count()));
    return out;
}

/// A plugin's id is [a-z0-9.-] and so is a file name; anything else never gets a record.
bool is_file_name(std::string_view id) {
    return !id.empty() && id.size() <= 100 && id.front() != '.' &&
           id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
}

Status write_atomically(const fs::path& path, const std::string& text) {
    std::string temporary = path.string() + ".XXXXXX";
    const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
    const auto failed = [&] { return Error(Code::io, "state-unwritable", "cannot write " + path.string() + ": " + std::strerror(errno), "make the folder writable, or set XDG_STATE_HOME"); };
    if (fd < 0) return failed();
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
        Error error = failed();
        ::unlink(temporary.c_str());
        ::close(fd);
        return error;
    }
    ::close(fd);
    return {};
}

/// key=value lines, as the signal handler writes them.
Crash parse_crash(std::string_view text) {
    std::map<std::string_view, std::string_view> values;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (const std::size_t sign = line.find('='); sign != std::string_view::npos) values[line.substr(0, sign)] = line.substr(sign + 1);
    }
    Crash crash;
    crash.id = values["id"];
    crash.name = values["name"];
    crash.version = values["version"];
    crash.digest = values["sha256"];
    crash.text = values["what"];
    crash.time = sys_seconds(std::chrono::seconds(std::strtoll(std::string(values["time"]).c_str(), nullptr, 10)));
    return crash;
}

} // namespace

std::optional<Quarantine> Supervisor::find(std::string_view id) const {
    if (dir_.empty() || !is_file_name(id)) return std::nullopt;
    const std::string text = read_small(dir_ / "quarantine" / (std::string(id) + ".toml"));
    if (text.empty()) return std::nullopt;
    auto record = parse_record(text);
    if (record && record->id == id) return record;
    // Somebody edited it, or the disk was full: that it is there says enough.
    Quarantine damaged;
    damaged.id = damaged.name = id;
    damaged.reason = "unknown";
    damaged.message = "its quarantine record cannot be read";
    return damaged;
}

std::vector<Quarantine> Supervisor::all() const {
    std::vector<Quarantine> out;
    std::error_code failed;
    if (dir_.empty()) return out;
    for (auto it = fs::directory_iterator(dir_ / "quarantine", failed); !failed && it != fs::directory_iterator(); it.increment(failed)) {
        if (it->path().extension() != ".toml") continue;
        if (auto record = find(it->path().stem().string())) out.push_back(std::move(*record));
    }
    std::sort(out.begin(), out.end(), [](const Quarantine& a, const Quarantine& b) { return a.id < b.id; });
    return out;
}

Status Supervisor::quarantine(Quarantine record) const {
    if (dir_.empty() || !is_file_name(record.id)) return {};
    if (const auto old = find(record.id)) record.count = std::max(record.count, old->count + 1);
    std::error_code failed;
    fs::create_directories(dir_ / "quarantine", failed);
    return write_atomically(dir_ / "quarantine" / (record.id + ".toml"), print_record(record));
}

Status Supervisor::release(std::string_view id) const {
    std::error_code failed;
    if (dir_.empty() || !is_file_name(id) || !fs::remove(dir_ / "quarantine" / (std::string(id) + ".toml"), failed)) {
        if (failed) return Error(Code::io, "state-unwritable", "cannot release \"" + std::string(id) + "\": " + failed.message());
        return Error(Code::not_found, "not-quarantined", "plugin \"" + std::string(id) + "\" is in no quarantine", "symphony doctor lists the ones that are");
    }
    forget_crashes(id);
    return {};
}

std::vector<Crash> Supervisor::recent_crashes(sys_seconds now) const {
    std::vector<Crash> out;
    std::error_code failed;
    if (dir_.empty()) return out;
    for (auto it = fs::directory_iterator(dir_ / "crashes", failed); !failed && it != fs::directory_iterator(); it.increment(failed)) {
        if (it->path().extension() != ".crash") continue;
        const int fd = ::open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) continue;
        // Locked: its host still runs. Empty and not locked: its host was killed from outside.
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
            Crash crash = parse_crash(read_small(fd));
            const bool recent = !crash.id.empty() && crash.time <= now + std::chrono::minutes(1) && now - crash.time <= crashes_window;
            if (recent) out.push_back(std::move(crash));
            else ::unlink(it->path().c_str());
        }
        ::close(fd);
    }
    std::sort(out.begin(), out.end(), [](const Crash& a, const Crash& b) { return a.time < b.time; });
    return out;
}

void Supervisor::forget_crashes(std::string_view id) const {
    std::error_code failed;
    for (auto it = fs::directory_iterator(dir_ / "crashes", failed); !failed && it != fs::directory_iterator(); it.increment(failed)) {
        if (it->path().extension() == ".crash" && parse_crash(read_small(it->path())).id == id) ::unlink(it->path().c_str());
    }
}

int Supervisor::open_crash_file() const {
    if (dir_.empty()) return -1;
    std::error_code failed;
    fs::create_directories(dir_ / "crashes", failed);
    std::string path = (dir_ / "crashes" / (std::to_string(::getpid()) + "-XXXXXX.crash")).string();
    const int fd = ::mkostemps(path.data(), 6, O_CLOEXEC);
    if (fd >= 0) ::flock(fd, LOCK_EX | LOCK_NB);
    return fd;
}

void Supervisor::remove_crash_file(int fd) {
    if (fd < 0) return;
    std::error_code failed;
    const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), failed);
    if (!failed) ::unlink(path.c_str());
    ::close(fd);
}

Error refusal_of(const Quarantine& record) {
    return Error(Code::refused, "quarantined",
                 "plugin \"" + record.name + "\" " + record.version + ": in quarantine since " + time_text(record.time) + " [" + record.reason + "]: " + record.message,
                 (record.probe_at ? "it gets another chance at " + time_text(*record.probe_at) + "; at once: " : "to try it again: ") +
                     "symphony doctor --release " + record.name);
}

} // namespace symphony::host
