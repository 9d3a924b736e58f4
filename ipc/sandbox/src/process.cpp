// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include "fd.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <sstream>

namespace symphony::sandbox {

std::string read_file(const char* path) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::string text;
    char part[4096];
    for (ssize_t n = 0; file.open() && (n = ::read(file.get(), part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
    return text;
}

namespace {

/// The line of proc(5)'s stat behind the name, which may hold anything, also brackets and blanks.
std::string stat_after_name(pid_t pid) {
    const std::string text = read_file(("/proc/" + std::to_string(pid) + "/stat").c_str());
    const auto end = text.rfind(')');
    return end == std::string::npos ? std::string() : text.substr(end + 1);
}

} // namespace

bool is_stopped(pid_t pid) {
    const std::string text = stat_after_name(pid);
    return text.size() > 1 && (text[1] == 'T' || text[1] == 't');
}

pid_t parent_of(pid_t pid) {
    std::istringstream fields(stat_after_name(pid));
    std::string state;
    pid_t parent = 0;
    fields >> state >> parent;
    return parent;
}

std::uint64_t start_time(pid_t pid) {
    // The 22nd field, the 20th after the name.
    std::istringstream fields(stat_after_name(pid));
    std::string field;
    for (int i = 0; i < 19 && fields >> field; ++i) {}
    std::uint64_t start = 0;
    fields >> start;
    return start;
}

pid_t pid_of(int pidfd) {
    const std::string text = read_file(("/proc/self/fdinfo/" + std::to_string(pidfd)).c_str());
    const auto at = text.find("\nPid:");
    return at == std::string::npos ? -1 : static_cast<pid_t>(std::atol(text.c_str() + at + 5));
}

} // namespace symphony::sandbox
