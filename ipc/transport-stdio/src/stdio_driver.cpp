// SPDX-License-Identifier: Apache-2.0
#include "stdio_driver.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::transport {
namespace {

constexpr std::size_t arguments_max = 256;
constexpr std::string_view environment_prefix = "env.";

/// Options "1", "2" ... without a gap.
Result<std::vector<std::string>> command_of(const ports::Address& address) {
    std::vector<std::string> out;
    std::size_t others = 0;
    for (const auto& [name, value] : address.options) {
        if (value.find('\0') != std::string::npos) return bad_address(address, "there is a zero byte in option \"" + name + "\"");
        if (name == "command") out.insert(out.begin(), value);
        else if (!name.starts_with(environment_prefix)) ++others;
        else if (name.size() == environment_prefix.size() || name.find('=') != std::string::npos) return bad_address(address, "option \"" + name + "\" names no variable");
    }
    if (out.empty() && address.options.empty()) return out;
    if (out.empty() || out.front().empty()) return bad_address(address, "option \"command\" does not name a program");
    for (std::size_t i = 1; i <= others; ++i) {
        const auto found = address.options.find(std::to_string(i));
        if (found == address.options.end() || i > arguments_max) return bad_address(address, "its options are \"command\", \"env.NAME\" and the arguments \"1\", \"2\" and so on");
        out.push_back(found->second);
    }
    return out;
}

/// A descriptor that does not wait, for what another one stands for. Opened anew where that can be: the flag belongs to what is open, and
/// who gave us the descriptor may go on using it.
Result<Fd> own_copy(const ports::Address& address, int fd, int mode) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return bad_address(address, "descriptor " + std::to_string(fd) + " is closed");
    if (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode) && !S_ISCHR(info.st_mode)) return bad_address(address, "descriptor " + std::to_string(fd) + " is a file, and no pipe");
    Fd copy;
    if (S_ISFIFO(info.st_mode)) copy = Fd(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), mode | O_NONBLOCK | O_CLOEXEC));
    if (!copy) {
        copy = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (!copy || ::fcntl(copy.get(), F_SETFL, ::fcntl(copy.get(), F_GETFL) | O_NONBLOCK) != 0) return Error(Code::io, "cannot take descriptor " + std::to_string(fd) + ": " + std::strerror(errno));
    }
    return copy;
}

/// Where this program's standard output is. A host that points descriptor 1 elsewhere, so that nothing is printed into its output, says where in the environment, and of
/// which process, since programs that it starts inherit both.
int standard_output() {
    const auto number = [](const char* name) -> long {
        const char* const text = std::getenv(name); // NOLINT: set before there were threads, if at all
        return text == nullptr ? -1 : std::strtol(text, nullptr, 10);
    };
    const long fd = number("SYMPHONY_STDOUT_FD");
    return fd > STDERR_FILENO && fd < 1 << 20 && number("SYMPHONY_STDOUT_PID") == ::getpid() ? static_cast<int>(fd) : STDOUT_FILENO;
}

/// Comes once.
class OwnStdio final : public Acceptor {
public:
    OwnStdio(Fd in, Fd out) : dialed_(Dialed{std::make_unique<StreamCarrier>(std::move(in), std::move(out)), {}}) {}
    int descriptor() const noexcept override { return -1; }
    Result<std::optional<Dialed>> accept() override { return std::exchange(dialed_, std::nullopt); }

private:
    std::optional<Dialed> dialed_;
};

} // namespace

Status StdioDriver::check(const ports::Address& address) const {
    if (!address.path.empty()) return bad_address(address, "standard input and output have no path");
    SYMPHONY_TRY(command_of(address));
    return {};
}

Result<Dialed> StdioDriver::dial(const ports::Address& address) {
    const auto command = SYMPHONY_TRY(command_of(address));
    if (command.empty()) return bad_address(address, "option \"command\" does not name a program");
    std::vector<std::string> environment;
    for (const auto& [name, value] : address.options) {
        if (name.starts_with(environment_prefix)) environment.push_back(name.substr(environment_prefix.size()) + "=" + value);
    }
    auto started = SYMPHONY_TRY(Child::start(command, environment, options_));
    const ports::Peer peer{true, ::geteuid(), static_cast<std::uint32_t>(started.child->pid())};
    return Dialed{std::make_unique<ChildCarrier>(std::move(started)), peer};
}

Result<std::unique_ptr<Acceptor>> StdioDriver::listen(const ports::Address& address) {
    if (!address.options.empty()) return bad_address(address, "listening is at this program's own standard input and output, without options");
    if (taken_.exchange(true)) return Error(Code::conflict, "address-in-use", "this program's standard input and output were taken already; that can be done once");
    auto in = own_copy(address, STDIN_FILENO, O_RDONLY);
    const int output = standard_output();
    auto out = own_copy(address, output, O_WRONLY);
    if (!in || !out) {
        taken_.store(false);
        return !in ? in.error() : out.error();
    }
    // What is printed by mistake goes to the standard error, and nobody else reads what is for us.
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    if (output != STDOUT_FILENO) ::dup3(STDERR_FILENO, output, O_CLOEXEC);
    if (const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC)); nothing) ::dup2(nothing.get(), STDIN_FILENO);
    return std::unique_ptr<Acceptor>(std::make_unique<OwnStdio>(*std::move(in), *std::move(out)));
}

} // namespace symphony::transport
