// SPDX-License-Identifier: Apache-2.0
#include "fuse_mount.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::test_support {
namespace {

Error not_here(std::string why) { return {Code::unsupported, "no-fuse", std::move(why)}; }

/// Starts the program with its output in a pipe. @return Its pid, or -1.
pid_t start_program(const char* program, const char* folder, int& output) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::execl(program, program, folder, static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::close(ends[1]);
    output = ends[0];
    return pid;
}

void wait_for(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
}

} // namespace

Result<std::unique_ptr<ForgetfulMount>> ForgetfulMount::start() {
    constexpr std::string_view program = SYMPHONY_FORGETFUL_FS;
    if (program.empty()) return not_here("this build has no FUSE file system: libfuse3-dev was not there when it was configured");
    if (::access("/dev/fuse", R_OK | W_OK) != 0) return not_here(std::string("this machine has no usable /dev/fuse: ") + std::strerror(errno));
    std::string folder = (std::filesystem::temp_directory_path() / "symphony-forgetful-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return Error(Code::io, "cannot make a temporary folder");
    int output = -1;
    const pid_t pid = start_program(program.data(), folder.c_str(), output);
    char word[6] = {};
    std::size_t got = 0;
    for (ssize_t n = 1; pid > 0 && got < sizeof word && n > 0; got += n > 0 ? static_cast<std::size_t>(n) : 0) n = ::read(output, word + got, sizeof word - got);
    if (output >= 0) ::close(output);
    if (got == sizeof word && std::memcmp(word, "ready\n", sizeof word) == 0) return std::unique_ptr<ForgetfulMount>(new ForgetfulMount(pid, folder));
    if (pid > 0) wait_for(pid);
    std::filesystem::remove(folder);
    return not_here("mounting a FUSE file system is refused here");
}

ForgetfulMount::~ForgetfulMount() {
    ::kill(pid_, SIGTERM);
    // The program ends its loop and takes the mount away; a second time for one that died without doing so.
    wait_for(pid_);
    ::umount2(path_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

Status ForgetfulMount::command(const std::string& line) {
    const int fd = ::open((path_ / ".forgetful").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return Error(Code::io, "the forgetful file system does not answer: " + std::string(std::strerror(errno)));
    const ssize_t n = ::write(fd, line.data(), line.size());
    const int number = errno;
    ::close(fd);
    if (n == static_cast<ssize_t>(line.size())) return {};
    return Error(number == EINVAL ? Code::invalid_argument : Code::io, "\"" + line + "\": " + std::strerror(number));
}

std::uint64_t ForgetfulMount::fired() {
    char text[64] = {};
    const int fd = ::open((path_ / ".forgetful").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t n = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    constexpr std::string_view begin = "fired ";
    return n > 0 && std::string_view(text).starts_with(begin) ? std::strtoull(text + begin.size(), nullptr, 10) : 0;
}

} // namespace symphony::test_support
