// SPDX-License-Identifier: Apache-2.0
#include "../pipe_driver.hpp"

#include "pipe_carrier.hpp"
#include "security.hpp"

namespace symphony::transport {
namespace {

using namespace windows;

constexpr std::string_view prefix = R"(\\.\pipe\)";
constexpr std::size_t path_bytes_max = 256;
constexpr DWORD buffer_bytes = 256 * 1024;
// So many may come at one moment before the loop's thread has made room for more.
constexpr std::size_t waiting_instances = 8;

/// ASCII alone, see check().
std::wstring wide(std::string_view text) { return {text.begin(), text.end()}; }

/// An object that is there as long as somebody listens. The pipe's own name lives on with its connections, and tells nothing.
std::wstring mark_of(const ports::Address& address) {
    std::wstring name = wide(std::string_view(address.path).substr(prefix.size()));
    for (auto& letter : name) letter = letter >= L'A' && letter <= L'Z' ? static_cast<wchar_t>(letter + 32) : letter; // names of pipes have no case
    return L"Local\\symphony-pipe-" + name;
}

Error no_listener(const ports::Address& address) {
    return {Code::not_found, "no-listener", "nobody listens at \"" + address.path + "\"", "start who should listen there, or try again with retries"};
}

ports::Peer peer_of(const User& user, ULONG pid) { return {true, user.uid(), static_cast<std::uint32_t>(pid)}; }

/// Some instances of the pipe wait for who connects; they share one event.
class PipeAcceptor final : public Acceptor {
public:
    PipeAcceptor(const ports::Address& address, User user, OwnerOnly security, Fd mark) : address_(address), user_(std::move(user)), security_(std::move(security)), mark_(std::move(mark)), event_(make_event()) {}
    ~PipeAcceptor() override {
        for (auto& one : waiting_) {
            if (!one->begun) continue;
            ::CancelIoEx(one->pipe.get(), &one->overlapped);
            while (!HasOverlappedIoCompleted(&one->overlapped)) ::WaitForSingleObject(event_.get(), 1); // which all of them set
        }
    }
    Descriptor descriptor() const noexcept override { return event_.get(); }

    Status fill() {
        while (waiting_.size() < waiting_instances) {
            auto attributes = security_.attributes();
            const HANDLE pipe = ::CreateNamedPipeW(wide(address_.path).c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                                                   PIPE_UNLIMITED_INSTANCES, buffer_bytes, buffer_bytes, 0, &attributes);
            if (pipe == INVALID_HANDLE_VALUE) {
                const DWORD error = ::GetLastError();
                if (error == ERROR_ACCESS_DENIED) return Error(Code::conflict, "address-in-use", "another user has a pipe \"" + address_.path + "\"", "take another name");
                return failed(address_, "listen at", error);
            }
            waiting_.push_back(std::make_unique<Waiting>(Fd(pipe)));
        }
        return {};
    }

    Result<std::optional<Dialed>> accept() override {
        SYMPHONY_TRY(begin());
        for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
            DWORD none = 0;
            if (!(*it)->connected && ::GetOverlappedResult((*it)->pipe.get(), &(*it)->overlapped, &none, FALSE) == 0) {
                if (::GetLastError() == ERROR_IO_INCOMPLETE) continue;
                waiting_.erase(it); // came and went
                SYMPHONY_TRY(fill());
                return accept();
            }
            Fd pipe = std::move((*it)->pipe);
            waiting_.erase(it);
            SYMPHONY_TRY(fill());
            ::SetEvent(event_.get()); // to come back for the new one
            ULONG pid = 0;
            ::GetNamedPipeClientProcessId(pipe.get(), &pid);
            return std::optional<Dialed>(Dialed{std::make_unique<PipeCarrier>(std::move(pipe)), peer_of(user_, pid)});
        }
        return std::optional<Dialed>();
    }

private:
    struct Waiting {
        explicit Waiting(Fd made) : pipe(std::move(made)) {}
        Fd pipe;
        OVERLAPPED overlapped{};
        bool begun = false, connected = false;
    };

    /// On the loop's thread: the system ends what a thread has begun together with the thread.
    Status begin() {
        for (auto& one : waiting_) {
            if (std::exchange(one->begun, true)) continue;
            one->overlapped.hEvent = event_.get();
            if (::ConnectNamedPipe(one->pipe.get(), &one->overlapped) != 0) continue;
            const DWORD error = ::GetLastError();
            one->connected = error == ERROR_PIPE_CONNECTED;
            if (!one->connected && error != ERROR_IO_PENDING) return failed(address_, "listen at", error);
        }
        return {};
    }

    const ports::Address address_;
    const User user_;
    OwnerOnly security_;
    const Fd mark_, event_;
    std::vector<std::unique_ptr<Waiting>> waiting_;
};

} // namespace

Status PipeDriver::check(const ports::Address& address) const {
    if (!address.path.starts_with(prefix) || address.path.size() == prefix.size()) return bad_address(address, R"(the name of a pipe begins with \\.\pipe\)");
    if (address.path.size() > path_bytes_max) return bad_address(address, "longer than the " + std::to_string(path_bytes_max) + " bytes that the system allows for a pipe");
    for (const char letter : std::string_view(address.path).substr(prefix.size())) {
        if (letter <= ' ' || letter > '~' || letter == '\\') return bad_address(address, R"(the name of a pipe has letters, digits and signs of ASCII, and no \)");
    }
    return check_options(address, {});
}

Result<Dialed> PipeDriver::dial(const ports::Address& address) {
    const User user = SYMPHONY_TRY(User::own());
    if (const Fd mark(::OpenEventW(SYNCHRONIZE, FALSE, mark_of(address).c_str())); !mark) return no_listener(address);
    // Who listens learns who we are, and cannot act as us.
    Fd pipe(::CreateFileW(wide(address.path).c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr));
    if (pipe.get() == INVALID_HANDLE_VALUE) {
        static_cast<void>(pipe.release());
        switch (const DWORD error = ::GetLastError()) {
        case ERROR_FILE_NOT_FOUND: return no_listener(address);
        case ERROR_PIPE_BUSY: return Error(Code::busy, "backlog-full", "too many wait at \"" + address.path + "\" to be let in");
        case ERROR_ACCESS_DENIED: return Error(Code::not_granted, "other-user", "the system does not let this user connect to \"" + address.path + "\"");
        default: return failed(address, "connect to", error);
        }
    }
    if (!user.owns(pipe.get())) return Error(Code::not_granted, "other-user", "the pipe \"" + address.path + "\" is of another user", "connections are between programs of one user");
    ULONG pid = 0;
    ::GetNamedPipeServerProcessId(pipe.get(), &pid);
    return Dialed{std::make_unique<PipeCarrier>(std::move(pipe)), peer_of(user, pid)};
}

Result<std::unique_ptr<Acceptor>> PipeDriver::listen(const ports::Address& address) {
    User user = SYMPHONY_TRY(User::own());
    OwnerOnly security = SYMPHONY_TRY(OwnerOnly::make(user));
    Fd mark(::CreateEventW(nullptr, TRUE, FALSE, mark_of(address).c_str()));
    if (!mark) return failed(address, "listen at", ::GetLastError());
    if (::GetLastError() == ERROR_ALREADY_EXISTS) {
        return Error(Code::conflict, "address-in-use", "somebody listens at \"" + address.path + "\" already", "take another name, or stop who listens there");
    }
    auto made = std::make_unique<PipeAcceptor>(address, std::move(user), std::move(security), std::move(mark));
    SYMPHONY_TRY(made->fill());
    return std::unique_ptr<Acceptor>(std::move(made));
}

} // namespace symphony::transport
