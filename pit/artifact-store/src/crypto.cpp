// SPDX-License-Identifier: Apache-2.0
#include "crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>

namespace symphony::store {
namespace {

/// Neither library can fail here but for want of memory, and half a hash must never be believed.
void must(bool good) {
    if (!good) std::abort();
}

EVP_MD_CTX* context_of(void* context) noexcept { return static_cast<EVP_MD_CTX*>(context); }

const EVP_MD* sha256_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return method;
}
const EVP_CIPHER* gcm_method() {
    static const EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return method;
}

bool sodium_ready() noexcept {
    static const bool ready = ::sodium_init() >= 0;
    return ready;
}

struct CipherContext {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    CipherContext() { must(context != nullptr); }
    ~CipherContext() { EVP_CIPHER_CTX_free(context); }
    CipherContext(const CipherContext&) = delete;
    CipherContext& operator=(const CipherContext&) = delete;
};

std::array<std::uint8_t, 24> nonce_of(std::uint64_t counter, std::size_t size) noexcept {
    std::array<std::uint8_t, 24> nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[size - 8 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
    return nonce;
}

int length(std::size_t size) noexcept { return static_cast<int>(size); }

bool gcm_seal(Bytes key, const std::uint8_t* nonce, Bytes associated, Bytes plain, std::uint8_t* to) {
    CipherContext cipher;
    int done = 0;
    return EVP_EncryptInit_ex2(cipher.context, gcm_method(), key.data(), nonce, nullptr) == 1 &&
           EVP_EncryptUpdate(cipher.context, nullptr, &done, associated.data(), length(associated.size())) == 1 &&
           EVP_EncryptUpdate(cipher.context, to, &done, plain.data(), length(plain.size())) == 1 &&
           EVP_EncryptFinal_ex(cipher.context, to + plain.size(), &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_GCM_GET_TAG, tag_bytes, to + plain.size()) == 1;
}

bool gcm_open(Bytes key, const std::uint8_t* nonce, Bytes associated, Bytes sealed, std::uint8_t* to) {
    const std::size_t size = sealed.size() - tag_bytes;
    std::array<std::uint8_t, tag_bytes> tag{};
    std::copy_n(sealed.data() + size, tag_bytes, tag.begin());
    CipherContext cipher;
    int done = 0;
    std::uint8_t nothing = 0;
    return EVP_DecryptInit_ex2(cipher.context, gcm_method(), key.data(), nonce, nullptr) == 1 &&
           EVP_DecryptUpdate(cipher.context, nullptr, &done, associated.data(), length(associated.size())) == 1 &&
           EVP_DecryptUpdate(cipher.context, to, &done, sealed.data(), length(size)) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(cipher.context, &nothing, &done) == 1;
}

} // namespace

void SecretBytes::wipe() noexcept {
    if (!bytes_.empty()) ::sodium_memzero(bytes_.data(), bytes_.size());
    bytes_.clear();
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    must(context_ != nullptr && EVP_DigestInit_ex2(context_of(context_), sha256_method(), nullptr) == 1);
}
Sha256::~Sha256() { EVP_MD_CTX_free(context_of(context_)); }
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256& Sha256::operator=(Sha256&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
}
void Sha256::add(Bytes bytes) { must(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1); }
Digest Sha256::finish() {
    Digest digest;
    must(EVP_DigestFinal_ex(context_of(context_), digest.bytes.data(), nullptr) == 1);
    must(EVP_DigestInit_ex2(context_of(context_), sha256_method(), nullptr) == 1);
    return digest;
}

Digest sha256(Bytes bytes) {
    thread_local Sha256 hash;
    hash.add(bytes);
    return hash.finish();
}

Hmac::Hmac(Bytes key) {
    std::array<std::uint8_t, 64> block{};
    Digest shortened;
    if (key.size() > block.size()) {
        shortened = sha256(key);
        key = shortened.bytes;
    }
    std::copy(key.begin(), key.end(), block.begin());
    const auto begun = [&](std::uint8_t pad) {
        std::array<std::uint8_t, 64> padded = block;
        for (std::uint8_t& byte : padded) byte ^= pad;
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        must(context != nullptr && EVP_DigestInit_ex2(context, sha256_method(), nullptr) == 1);
        must(EVP_DigestUpdate(context, padded.data(), padded.size()) == 1);
        ::sodium_memzero(padded.data(), padded.size());
        return context;
    };
    inner_ = begun(0x36);
    outer_ = begun(0x5c);
    ::sodium_memzero(block.data(), block.size());
}
Hmac::~Hmac() {
    EVP_MD_CTX_free(context_of(inner_));
    EVP_MD_CTX_free(context_of(outer_));
}
Digest Hmac::of(Bytes message) const {
    thread_local Sha256 own; // keeps the library's thread state alive for as long as the thread
    struct Held {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        ~Held() { EVP_MD_CTX_free(context); }
    };
    thread_local Held held;
    Digest digest;
    must(EVP_MD_CTX_copy_ex(held.context, context_of(inner_)) == 1);
    must(EVP_DigestUpdate(held.context, message.data(), message.size()) == 1);
    must(EVP_DigestFinal_ex(held.context, digest.bytes.data(), nullptr) == 1);
    must(EVP_MD_CTX_copy_ex(held.context, context_of(outer_)) == 1);
    must(EVP_DigestUpdate(held.context, digest.bytes.data(), digest.bytes.size()) == 1);
    must(EVP_DigestFinal_ex(held.context, digest.bytes.data(), nullptr) == 1);
    return digest;
}

Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) {
    std::vector<std::uint8_t> message;
    for (const Bytes part : parts) message.insert(message.end(), part.begin(), part.end());
    return Hmac(key).of(message);
}

std::uint64_t checksum(Bytes bytes, std::uint64_t seed) noexcept { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

void fill_random(std::span<std::uint8_t> to) noexcept {
    must(sodium_ready());
    ::randombytes_buf(to.data(), to.size());
}
SecretBytes random_secret(std::size_t size) {
    SecretBytes secret(size);
    fill_random({secret.data(), secret.size()});
    return secret;
}
bool processor_has_aes() noexcept { return sodium_ready() && ::crypto_aead_aes256gcm_is_available() == 1; }
bool same_bytes(Bytes a, Bytes b) noexcept { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

Aead::Aead(Suite suite, Bytes key) : suite_(suite), key_(key) { must(sodium_ready() && (suite == Suite::none || key.size() == key_bytes)); }
Aead::~Aead() = default;

Status Aead::seal(std::uint64_t counter, Bytes associated, Bytes plain, std::span<std::uint8_t> to) const {
    bool good = to.size() == plain.size() + overhead();
    if (good && suite_ == Suite::none) {
        std::copy(plain.begin(), plain.end(), to.begin());
    } else if (good && suite_ == Suite::aes256_gcm) {
        good = gcm_seal(key_.bytes(), nonce_of(counter, 12).data(), associated, plain, to.data());
    } else if (good) {
        good = ::crypto_aead_xchacha20poly1305_ietf_encrypt(to.data(), nullptr, plain.data(), plain.size(), associated.data(), associated.size(),
                                                            nullptr, nonce_of(counter, 24).data(), key_.data()) == 0;
    }
    if (!good) return Error(Code::internal, "seal-failed", "the cipher refused " + std::to_string(plain.size()) + " bytes");
    return {};
}

bool Aead::open(std::uint64_t counter, Bytes associated, Bytes sealed, std::span<std::uint8_t> to) const {
    if (sealed.size() < overhead() || to.size() != sealed.size() - overhead()) return false;
    if (suite_ == Suite::none) {
        std::copy(sealed.begin(), sealed.end(), to.begin());
        return true;
    }
    if (suite_ == Suite::aes256_gcm) return gcm_open(key_.bytes(), nonce_of(counter, 12).data(), associated, sealed, to.data());
    return ::crypto_aead_xchacha20poly1305_ietf_decrypt(to.data(), nullptr, nullptr, sealed.data(), sealed.size(), associated.data(),
                                                        associated.size(), nonce_of(counter, 24).data(), key_.data()) == 0;
}

std::vector<std::uint8_t> wrap(Bytes key, Bytes associated, Bytes plain) {
    must(sodium_ready() && key.size() == key_bytes);
    std::vector<std::uint8_t> out(wrap_nonce_bytes + plain.size() + tag_bytes);
    fill_random({out.data(), wrap_nonce_bytes});
    must(::crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + wrap_nonce_bytes, nullptr, plain.data(), plain.size(), associated.data(),
                                                      associated.size(), nullptr, out.data(), key.data()) == 0);
    return out;
}

std::optional<SecretBytes> unwrap(Bytes key, Bytes associated, Bytes wrapped) {
    must(sodium_ready() && key.size() == key_bytes);
    if (wrapped.size() < wrap_nonce_bytes + tag_bytes) return std::nullopt;
    SecretBytes plain(wrapped.size() - wrap_nonce_bytes - tag_bytes);
    if (::crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, wrapped.data() + wrap_nonce_bytes,
                                                     wrapped.size() - wrap_nonce_bytes, associated.data(), associated.size(), wrapped.data(),
                                                     key.data()) != 0) {
        return std::nullopt;
    }
    return plain;
}

Result<SecretBytes> key_of(const Secret& secret, Bytes salt, const PassphraseCost& cost) {
    must(sodium_ready() && salt.size() == crypto_pwhash_argon2id_SALTBYTES);
    if (secret.kind == Secret::Kind::key_file) {
        if (secret.bytes.size() < key_bytes || secret.bytes.size() > 65'536) {
            return Error(Code::invalid_argument, "weak-key-file", "a key file has 32 to 65536 random bytes, this one has " + std::to_string(secret.bytes.size()),
                         "make one with `head -c 32 /dev/urandom`");
        }
        return SecretBytes(hmac_sha256(secret.bytes.bytes(), {bytes_of("symphony-store key file 1"), salt}).bytes);
    }
    if (secret.bytes.empty()) return Error(Code::invalid_argument, "empty-passphrase", "the passphrase is empty", "choose one of several words");
    if (cost.operations < crypto_pwhash_argon2id_OPSLIMIT_MIN || cost.operations > 1000 || cost.memory_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
        cost.memory_bytes > (4ull << 30)) {
        return Error(Code::invalid_argument, "bad-passphrase-cost", "a passphrase costs 1 to 1000 operations and 8 KiB to 4 GiB of memory");
    }
    SecretBytes key(key_bytes);
    if (::crypto_pwhash_argon2id(key.data(), key.size(), reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size(), salt.data(),
                                 cost.operations, static_cast<std::size_t>(cost.memory_bytes), crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
        return Error(Code::exhausted, "no-memory", "the passphrase needs " + std::to_string(cost.memory_bytes >> 20) + " MiB of memory to be tried",
                     "free some memory and try again");
    }
    return key;
}

} // namespace symphony::store
