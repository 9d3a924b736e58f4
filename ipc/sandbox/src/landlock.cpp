// SPDX-License-Identifier: Apache-2.0
#include "landlock.hpp"

#include "fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace symphony::sandbox::landlock {
namespace {

// Our own constants: Debian 12's header stops at ABI 2. linux/landlock.h of Linux 6.15.
constexpr long create_ruleset = 444, add_rule = 445, restrict_self_call = 446;
constexpr unsigned flag_version = 1, flag_errata = 2;
constexpr int abi_known = 7;
constexpr int rule_path_beneath = 1;

constexpr std::uint64_t fs_write_file = 1u << 1, fs_read_file = 1u << 2, fs_read_dir = 1u << 3;
constexpr std::uint64_t net_bind_tcp = 1u << 0, net_connect_tcp = 1u << 1;
constexpr std::uint64_t scope_abstract_socket = 1u << 0, scope_signal = 1u << 1;

struct RulesetAttr {
    std::uint64_t handled_fs, handled_net, scoped;
};
struct [[gnu::packed]] PathBeneathAttr {
    std::uint64_t allowed;
    std::int32_t parent;
};

/// Bits 0 to 12 are the first ABI's; then rename across folders, truncate, ioctl on devices.
constexpr std::uint64_t fs_rights(int abi) {
    if (abi >= 5) return (1u << 16) - 1;
    if (abi >= 3) return (1u << 15) - 1;
    if (abi >= 2) return (1u << 14) - 1;
    return (1u << 13) - 1;
}
constexpr std::size_t attr_size(int abi) {
    if (abi >= 6) return sizeof(RulesetAttr);
    return abi >= 4 ? offsetof(RulesetAttr, scoped) : offsetof(RulesetAttr, handled_net);
}

} // namespace

int abi() noexcept {
    const long answer = ::syscall(create_ruleset, nullptr, 0, flag_version);
    return answer > 0 ? static_cast<int>(answer) : 0;
}

int errata() noexcept {
    const long answer = ::syscall(create_ruleset, nullptr, 0, flag_errata);
    return answer > 0 ? static_cast<int>(answer) : 0;
}

int restrict_self(std::span<const Rule> rules) noexcept {
    const int known = std::min(abi(), abi_known);
    if (known == 0) return errno != 0 ? errno : ENOSYS;
    RulesetAttr attr{fs_rights(known), 0, 0};
    if (known >= 4) attr.handled_net = net_bind_tcp | net_connect_tcp;
    if (known >= 6) attr.scoped = scope_abstract_socket | scope_signal;
    const Fd ruleset(static_cast<int>(::syscall(create_ruleset, &attr, attr_size(known), 0)));
    if (!ruleset.open()) return errno;
    for (const Rule& rule : rules) {
        const Fd path(::open(rule.path, O_PATH | O_CLOEXEC));
        if (!path.open() && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) continue; // EACCES: this user could not go there anyway
        struct stat info{};
        if (!path.open() || ::fstat(path.get(), &info) != 0) return errno;
        std::uint64_t allowed = fs_read_file;
        if (S_ISDIR(info.st_mode)) allowed |= fs_read_dir;
        if (rule.right == Right::read_write) allowed |= fs_write_file;
        const PathBeneathAttr beneath{allowed, path.get()};
        if (::syscall(add_rule, ruleset.get(), rule_path_beneath, &beneath, 0) != 0) return errno;
    }
    return ::syscall(restrict_self_call, ruleset.get(), 0) == 0 ? 0 : errno;
}

} // namespace symphony::sandbox::landlock
