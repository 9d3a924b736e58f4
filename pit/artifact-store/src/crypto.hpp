// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "secret.hpp"
#include "store.hpp"
#include "types.hpp"

#include <initializer_list>
#include <memory>

/// The primitives, each from a library that is known for it: OpenSSL 3 (SHA-256, HMAC, AES-GCM), libsodium (XChaCha20-Poly1305,
/// Argon2id, random, wiping), xxHash (rot). Nothing here keeps state between calls but the keys it was given.
namespace symphony::store {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t wrap_nonce_bytes = 24;

/// SHA-256 in parts. [one thread]
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void add(Bytes bytes);
    Digest finish(); ///< and begins anew

private:
    void* context_ = nullptr;
};
Digest sha256(Bytes bytes);
/// HMAC-SHA-256 (RFC 2104) over the parts one after the other.
Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts);
/// The same key many times: the two padded blocks are hashed once.
class Hmac {
public:
    explicit Hmac(Bytes key);
    ~Hmac();
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;
    Digest of(Bytes message) const; ///< [any]

private:
    void* inner_ = nullptr;
    void* outer_ = nullptr;
};
/// XXH3, 64 bits: finds rot, proves nothing against people.
std::uint64_t checksum(Bytes bytes, std::uint64_t seed = 0) noexcept;

void fill_random(std::span<std::uint8_t> to) noexcept;
SecretBytes random_secret(std::size_t size);
bool processor_has_aes() noexcept;
/// Constant time.
bool same_bytes(Bytes a, Bytes b) noexcept;

/// One data key in use: seals and opens blobs by a counter that the caller never repeats. [any thread]
class Aead {
public:
    /// @param key 32 bytes; empty for Suite::none.
    Aead(Suite suite, Bytes key);
    ~Aead();
    Aead(const Aead&) = delete;
    Aead& operator=(const Aead&) = delete;
    /// Bytes that sealing adds: 16, or 0 without encryption.
    std::size_t overhead() const noexcept { return suite_ == Suite::none ? 0 : tag_bytes; }
    /// @param to plain.size() + overhead() bytes, apart from `plain`.
    Status seal(std::uint64_t counter, Bytes associated, Bytes plain, std::span<std::uint8_t> to) const;
    /// @param to sealed.size() - overhead() bytes. False: key, counter, associated data or bytes are not those of seal().
    bool open(std::uint64_t counter, Bytes associated, Bytes sealed, std::span<std::uint8_t> to) const;

private:
    Suite suite_;
    SecretBytes key_;
};

/// Key wrapping and small sealed values: XChaCha20-Poly1305 with a random nonce; nonce (24) || sealed || tag (16).
std::vector<std::uint8_t> wrap(Bytes key, Bytes associated, Bytes plain);
std::optional<SecretBytes> unwrap(Bytes key, Bytes associated, Bytes wrapped);

/// The key that a secret stands for. Argon2id for a passphrase, HMAC-SHA-256 for a key file.
/// @param salt 16 bytes. `exhausted` / "no-memory" when Argon2id cannot have `cost.memory_bytes`; "weak-key-file" under 32 bytes.
Result<SecretBytes> key_of(const Secret& secret, Bytes salt, const PassphraseCost& cost);

} // namespace symphony::store
