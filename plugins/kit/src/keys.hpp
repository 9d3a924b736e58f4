// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <symphony/packaging/signature.hpp>

#include <filesystem>
#include <vector>

namespace symphony::kit {

// A person's signing key: a secret key of minisign's and, beside it, the public one (`.pub` in place of `.key`).

/// The key that is used when none is named: `signing.key` in the user's configuration folder.
std::filesystem::path default_key(const Typed& typed);
/// What `--key` names, else the default.
std::filesystem::path key_file(const Typed& typed);
std::filesystem::path public_file(const std::filesystem::path& key);

/// Makes a key that only its owner can read, encrypted by a passphrase unless `--no-passphrase` says otherwise. Takes seconds when encrypted.
/// @return The public key; `conflict`, "exists"; errors of ask_passphrase().
Result<packaging::PublicKey> make_key(const Typed& typed, const std::filesystem::path& file);
/// Reads a secret key and asks for its passphrase when it has one.
/// @return `not_found`, "no-key"; `refused`, "open-key" when others can read the file; errors of SecretKey::parse() and ask_passphrase().
Result<packaging::SecretKey> read_key(const Typed& typed, const std::filesystem::path& file);
/// The public half of a key that is on this machine, without its passphrase. @return `not_found`, "no-key".
Result<packaging::PublicKey> public_half(const std::filesystem::path& key);
/// A public key as it was typed: its 56 characters, or a file that has it.
Result<packaging::PublicKey> public_key(const Typed& typed, const std::string& word);

} // namespace symphony::kit
