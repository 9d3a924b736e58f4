// SPDX-License-Identifier: Apache-2.0
#include "security.hpp"

#include <aclapi.h>

namespace symphony::transport::windows {

Error failed(const ports::Address& address, std::string_view what, DWORD error) {
    const bool short_of = error == ERROR_TOO_MANY_OPEN_FILES || error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_NO_SYSTEM_RESOURCES;
    return {short_of ? Code::exhausted : Code::io, short_of ? "no-descriptor" : "io",
            "cannot " + std::string(what) + " \"" + address.path + "\": error " + std::to_string(error) + " of the system"};
}

Result<User> User::own() {
    HANDLE token = nullptr;
    if (::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &token) == 0) return Error(Code::io, "the system does not say whose process this is");
    User out;
    DWORD size = 0;
    ::GetTokenInformation(token, TokenUser, nullptr, 0, &size);
    out.token_.resize(size);
    const bool known = size != 0 && ::GetTokenInformation(token, TokenUser, out.token_.data(), size, &size) != 0;
    ::CloseHandle(token);
    if (!known) return Error(Code::io, "the system does not say whose process this is");
    return out;
}

bool User::owns(HANDLE pipe) const noexcept {
    PSID owner = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    if (::GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr, nullptr, nullptr, &descriptor) != ERROR_SUCCESS) return false;
    const bool same = owner != nullptr && ::EqualSid(owner, sid()) != 0;
    ::LocalFree(descriptor);
    return same;
}

Result<OwnerOnly> OwnerOnly::make(const User& user) {
    OwnerOnly out;
    out.descriptor_.resize(sizeof(SECURITY_DESCRIPTOR));
    out.acl_.resize(sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + ::GetLengthSid(user.sid()));
    auto* const acl = reinterpret_cast<ACL*>(out.acl_.data());
    auto* const descriptor = out.descriptor_.data();
    if (::InitializeAcl(acl, static_cast<DWORD>(out.acl_.size()), ACL_REVISION) == 0 || ::AddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, user.sid()) == 0 ||
        ::InitializeSecurityDescriptor(descriptor, SECURITY_DESCRIPTOR_REVISION) == 0 || ::SetSecurityDescriptorDacl(descriptor, TRUE, acl, FALSE) == 0 ||
        ::SetSecurityDescriptorOwner(descriptor, user.sid(), FALSE) == 0) {
        return Error(Code::io, "cannot say to the system that a pipe is for this user alone: error " + std::to_string(::GetLastError()));
    }
    return out;
}

} // namespace symphony::transport::windows
