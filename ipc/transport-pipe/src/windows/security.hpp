// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/transport.hpp>

#include <vector>
#include <windows.h>

namespace symphony::transport::windows {

/// Of Windows, a user is a SID. `uid` of a peer is its last number, which tells the users of one machine apart.
class User {
public:
    /// Whose process this is. @return `io`
    static Result<User> own();
    PSID sid() const noexcept { return reinterpret_cast<TOKEN_USER*>(const_cast<std::uint8_t*>(token_.data()))->User.Sid; }
    std::uint32_t uid() const noexcept { return *::GetSidSubAuthority(sid(), static_cast<DWORD>(*::GetSidSubAuthorityCount(sid()) - 1)); }
    /// Whether a pipe was made by this user. A pipe that somebody else made under a name that we expect is not to be spoken to.
    bool owns(HANDLE pipe) const noexcept;

private:
    std::vector<std::uint8_t> token_;
};

/// Lets in the own user and nobody else.
class OwnerOnly {
public:
    /// @return `io`
    static Result<OwnerOnly> make(const User& user);
    SECURITY_ATTRIBUTES attributes() noexcept { return {sizeof(SECURITY_ATTRIBUTES), descriptor_.data(), FALSE}; }

private:
    std::vector<std::uint8_t> descriptor_, acl_;
};

Error failed(const ports::Address& address, std::string_view what, DWORD error);

} // namespace symphony::transport::windows
