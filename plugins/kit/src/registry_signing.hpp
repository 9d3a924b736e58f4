// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <symphony/packaging/publish.hpp>

#include <string_view>
#include <vector>

namespace symphony::kit {

/// The secret keys that a command was given, and how long what they sign is good.
struct RegistryKeys {
    std::vector<packaging::SecretKey> keys;
    packaging::RegistryFolder::Signing signing() const;
    std::vector<const packaging::SecretKey*> pointers() const;
    std::int64_t days = 14;
};

packaging::UnixTime unix_now();
constexpr packaging::UnixTime day_s = 86'400;

/// The keys that `flag` names (it may be given several times), else the person's own signing key. Each is asked for its passphrase. @return As read_key().
Result<RegistryKeys> read_keys(const Typed& typed, std::string_view flag);
/// The same for snapshots, with `--days`. A key that the registry does not know signs nothing, so it is not even opened.
/// @return Besides: `invalid_argument`, "missing-key".
Result<RegistryKeys> snapshot_keys(const Typed& typed, const packaging::RegistryRoot& root);
/// The registry in the folder that an argument names, opened.
Result<packaging::RegistryFolder> open_registry(const Typed& typed, std::string_view argument);

} // namespace symphony::kit
