// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::packaging {

// Signatures in the format of minisign 0.11, which makes and verifies the same files. Ed25519 over BLAKE2b-512 (RFC 8032, RFC 7693);
// only this, the prehashed form, is accepted. All of it is const, pure and free of state. [any]

/// The eight bytes by which a signature names its key. They are chosen at random and prove nothing.
using KeyId = std::array<std::uint8_t, 8>;
/// As minisign prints it: 16 hexadecimal digits in capitals.
std::string text_of(const KeyId& id);

class PublicKey {
public:
    /// Reads a public key file (a comment line and the key), or the key alone: 56 characters that begin with "RW".
    /// @return `invalid_argument`, reason "bad-public-key".
    static Result<PublicKey> parse(std::string_view text);

    const KeyId& id() const noexcept { return id_; }
    const std::array<std::uint8_t, 32>& bytes() const noexcept { return bytes_; }
    /// The 56 characters.
    std::string text() const;
    /// The file that minisign reads.
    std::string file() const;

    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

private:
    friend class SecretKey;
    KeyId id_{};
    std::array<std::uint8_t, 32> bytes_{};
};

/// What stands in a .minisig file.
struct Signature {
    KeyId key_id{};
    std::array<std::uint8_t, 64> body{};    ///< of the BLAKE2b-512 of the signed bytes
    std::array<std::uint8_t, 64> comment{}; ///< of `body` and the trusted comment
    std::string trusted_comment;            ///< UTF-8, one line, at most `comment_bytes_max`

    static constexpr std::size_t comment_bytes_max = 8192;

    /// @return `invalid_argument`, reason "not-a-signature" or "legacy-signature".
    static Result<Signature> parse(std::string_view text);
    std::string text() const;
};

/// A key that signs. Its bytes are wiped when it dies.
class SecretKey {
public:
    static Result<SecretKey> generate();
    /// Reads what minisign writes, with or without (`minisign -G -W`) a passphrase. An encrypted one takes seconds and up to 1 GiB (scrypt).
    /// @return `invalid_argument`: "bad-secret-key", "passphrase-needed", "wrong-passphrase"; `exhausted`, "out-of-memory".
    static Result<SecretKey> parse(std::string_view text, std::string_view passphrase = {});
    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey();

    /// The file that minisign reads, without a passphrase.
    std::string file() const;
    /// The same, encrypted by scrypt as minisign does it. @return `exhausted` when there is no memory for it.
    Result<std::string> file(std::string_view passphrase) const;
    PublicKey public_key() const;
    /// @param trusted_comment  One line of UTF-8, at most `Signature::comment_bytes_max`. @return `invalid_argument`, "bad-comment".
    Result<Signature> sign(std::string_view body, std::string_view trusted_comment) const;

private:
    SecretKey() = default;
    KeyId id_{};
    std::array<std::uint8_t, 64> bytes_{}; // the seed, and the public key behind it
};

/// Whether `key` signed these bytes and this comment.
/// @return `refused`: "wrong-key" (another key signed), "altered-body", "altered-comment".
Status verify(const PublicKey& key, const Signature& signature, std::string_view body);

/// What the trusted comment of a package says: that the signature is for this package and not for another one under its name.
struct PackageClaim {
    std::string id;
    std::string version;
    std::string digest; ///< SHA-256 of FILES
    /// "id:ID<tab>version:VERSION<tab>digest:SHA256".
    std::string comment() const;
    /// Reads a trusted comment; other words in it say nothing. @return `refused`, reason "incomplete-comment".
    static Result<PackageClaim> parse(std::string_view comment);
    /// @return `refused`, reason "comment-mismatch", when `found` is another package.
    Status matches(const PackageClaim& found) const;
};

} // namespace symphony::packaging
