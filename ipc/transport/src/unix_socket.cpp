// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/unix_socket.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace symphony::transport {
namespace {

Error failed(const ports::Address& address, std::string_view what, int error) {
    const bool short_of = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
    return {short_of ? Code::exhausted : Code::io, short_of ? "no-descriptor" : "io", "cannot " + std::string(what) + " \"" + address.path + "\": " + std::strerror(error),
            short_of ? "raise the limit on open files" : ""};
}

sockaddr_un name_of(const ports::Address& address) noexcept {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.path.data(), std::min(address.path.size(), sizeof name.sun_path - 1));
    return name;
}

int connect_to(int fd, const ports::Address& address) noexcept {
    const sockaddr_un name = name_of(address);
    int done;
    do done = ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    while (done != 0 && errno == EINTR);
    return done == 0 ? 0 : errno;
}

/// The credentials are those of the moment of connect() or listen(): who got the socket from them is answered for by them.
Result<ports::Peer> peer_of(int fd) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return Error(Code::io, "the system does not say who the other side is");
    if (who.uid != ::geteuid()) {
        return Error(Code::not_granted, "other-user", "the other side is user " + std::to_string(who.uid) + ", and this program runs as user " + std::to_string(::geteuid()),
                     "connections are between programs of one user");
    }
    return ports::Peer{true, who.uid, static_cast<std::uint32_t>(who.pid)};
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

Status prepare_folder(const ports::Address& address) {
    const std::string folder = folder_of(address.path);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed(address, "make the folder of", errno);
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) return failed(address, "look at the folder of", errno);
    if (!S_ISDIR(info.st_mode)) return bad_address(address, "its folder is a file");
    if (info.st_uid != ::geteuid() || (info.st_mode & 0022) != 0) {
        return Error(Code::not_granted, "open-folder", "other users may write in \"" + folder + "\", and so could take the place of \"" + address.path + "\"",
                     "chmod 700 " + folder + ", or take a folder below $XDG_RUNTIME_DIR");
    }
    return {};
}

/// The file that is locked as long as somebody listens.
Result<Fd> lock_beside(const ports::Address& address) {
    const std::string path = address.path + ".lock";
    for (;;) {
        Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!lock) return failed(address, "make the lock beside", errno);
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) continue;
            if (errno != EWOULDBLOCK) return failed(address, "lock the file beside", errno);
            return Error(Code::conflict, "address-in-use", "somebody listens at \"" + address.path + "\" already", "take another path, or stop who listens there");
        }
        struct stat held{}, there{};
        if (::fstat(lock.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev) return lock;
        // The one before us removed it between our open and our lock.
    }
}

/// What a dead listener left is removed; what somebody listens at without our lock stays.
Status make_way(const ports::Address& address, int type) {
    struct stat info{};
    if (::lstat(address.path.c_str(), &info) != 0) return errno == ENOENT ? Status() : Status(failed(address, "look at", errno));
    if (!S_ISSOCK(info.st_mode)) return bad_address(address, "a file that is no socket is in its place");
    const Fd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return failed(address, "make a socket for", errno);
    if (const int error = connect_to(probe.get(), address); error != ECONNREFUSED && error != ENOENT) {
        return Error(Code::conflict, "address-in-use", "another program listens at \"" + address.path + "\"", "take another path, or stop who listens there");
    }
    if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) return failed(address, "remove the abandoned", errno);
    return {};
}

} // namespace

Status check_socket_path(const ports::Address& address) {
    constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
    if (address.path.empty() || address.path.front() != '/') return bad_address(address, "the path of a socket file begins with /");
    if (address.path.back() == '/') return bad_address(address, "a folder, and not a socket file");
    if (address.path.find('\0') != std::string::npos) return bad_address(address, "there is a zero byte in the path");
    if (address.path.size() > most) return bad_address(address, "longer than the " + std::to_string(most) + " bytes that the system allows for a socket file");
    return {};
}

Result<UnixPeer> dial_unix(const ports::Address& address, int type) {
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return failed(address, "make a socket for", errno);
    switch (const int error = connect_to(socket.get(), address)) {
    case 0: break;
    case ENOENT:
    case ENOTDIR:
    case EPROTOTYPE:
    case ECONNREFUSED: return Error(Code::not_found, "no-listener", "nobody listens at \"" + address.path + "\"", "start who should listen there, or try again with retries");
    case EAGAIN: return Error(Code::busy, "backlog-full", "too many wait at \"" + address.path + "\" to be let in");
    case EACCES:
    case EPERM: return Error(Code::not_granted, "other-user", "the system does not let this user connect to \"" + address.path + "\"");
    default: return failed(address, "connect to", error);
    }
    auto peer = SYMPHONY_TRY(peer_of(socket.get()));
    return UnixPeer{std::move(socket), peer};
}

Result<UnixListener> UnixListener::listen(const ports::Address& address, int type) {
    SYMPHONY_TRY(prepare_folder(address));
    Fd lock = SYMPHONY_TRY(lock_beside(address));
    SYMPHONY_TRY(make_way(address, type));
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return failed(address, "make a socket for", errno);
    ::fchmod(socket.get(), 0600); // before bind(): the file is never there with other rights
    const sockaddr_un name = name_of(address);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return failed(address, "bind to", errno);
    UnixListener made(address.path, std::move(lock), std::move(socket));
    if (::listen(made.socket_.get(), SOMAXCONN) != 0) return failed(address, "listen at", errno);
    return made;
}

UnixListener::~UnixListener() {
    if (!lock_) return;
    ::unlink(path_.c_str());
    ::unlink((path_ + ".lock").c_str());
}

Result<std::optional<UnixPeer>> UnixListener::accept() {
    for (;;) {
        Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) {
            if (errno == EAGAIN) return std::optional<UnixPeer>();
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return failed({"", path_, {}}, "accept at", errno);
        }
        auto peer = SYMPHONY_TRY(peer_of(socket.get()));
        return std::optional<UnixPeer>(UnixPeer{std::move(socket), peer});
    }
}

} // namespace symphony::transport
