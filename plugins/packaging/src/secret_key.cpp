// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/signature.hpp>

#include "minisign_text.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace symphony::packaging {
namespace {

// "Ed", KDF ("Sc" or two zeros), "B2", salt, opslimit, memlimit, then what is encrypted: key id, secret key, checksum.
constexpr std::size_t salt_at = 6, ops_at = 38, memory_at = 46, secret_at = 54, file_bytes = 158, secret_bytes = file_bytes - secret_at;
constexpr std::size_t key_at = secret_at + 8, checksum_at = key_at + 64;
using Blob = std::array<std::uint8_t, file_bytes>;

Error bad_key(std::string_view what) {
    return {Code::invalid_argument, "bad-secret-key", "is no minisign secret key: " + std::string(what), "make one with: minisign -G"};
}

Result<Blob> read_blob(std::string_view text) {
    const auto lines = minisign::lines_of(text);
    if (lines.size() != 2 || !lines[0].starts_with(minisign::untrusted)) return bad_key("it has not a comment and a line with the key");
    auto bytes = minisign::blob(lines[1], file_bytes);
    if (!bytes) return bad_key("the key is not 158 bytes in base64");
    Blob blob{};
    std::copy(bytes->begin(), bytes->end(), blob.begin());
    sodium_memzero(bytes->data(), bytes->size());
    return blob;
}

std::string text_of_blob(const Blob& blob) { return "untrusted comment: minisign encrypted secret key\n" + to_base64(blob) + "\n"; }

std::uint64_t number_at(const Blob& blob, std::size_t at) {
    std::uint64_t number = 0;
    for (std::size_t i = 8; i-- > 0;) number = number << 8u | blob[at + i];
    return number;
}

void put_number(Blob& blob, std::size_t at, std::uint64_t number) {
    for (std::size_t i = 0; i < 8; ++i) blob[at + i] = static_cast<std::uint8_t>(number >> (8u * i));
}

/// Encrypts and decrypts: the secret part is combined with the bytes that scrypt makes of the passphrase.
Status combine(Blob& blob, std::string_view passphrase) {
    const std::uint64_t ops = number_at(blob, ops_at), memory = number_at(blob, memory_at);
    // What minisign writes, and no more: a file must not decide how much memory and time it takes.
    if (ops > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE || memory > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE) {
        return bad_key("it wants more time or memory for its passphrase than minisign ever asks for");
    }
    std::array<std::uint8_t, secret_bytes> stream{};
    if (crypto_pwhash_scryptsalsa208sha256(stream.data(), stream.size(), passphrase.data(), passphrase.size(), blob.data() + salt_at, ops, static_cast<std::size_t>(memory)) != 0) {
        return Error(Code::exhausted, "out-of-memory", "the passphrase needs " + std::to_string(memory >> 20u) + " MiB of memory", "use a machine with more memory, or a key without a passphrase");
    }
    for (std::size_t i = 0; i < stream.size(); ++i) blob[secret_at + i] ^= stream[i];
    sodium_memzero(stream.data(), stream.size());
    return {};
}

std::array<std::uint8_t, 32> checksum_of(const Blob& blob) {
    std::array<std::uint8_t, 32> sum{};
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, sum.size());
    crypto_generichash_update(&state, blob.data(), 2);
    crypto_generichash_update(&state, blob.data() + secret_at, checksum_at - secret_at);
    crypto_generichash_final(&state, sum.data(), sum.size());
    return sum;
}

/// Wipes what it looks at when it dies.
struct Wiped {
    Blob blob{};
    Wiped() = default;
    explicit Wiped(const Blob& from) : blob(from) {}
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    ~Wiped() { sodium_memzero(blob.data(), blob.size()); }
};

void fill(Blob& blob, const KeyId& id, const std::array<std::uint8_t, 64>& key) {
    blob[0] = 'E', blob[1] = 'd', blob[4] = 'B', blob[5] = '2';
    std::copy(id.begin(), id.end(), blob.begin() + secret_at);
    std::copy(key.begin(), key.end(), blob.begin() + key_at);
}

} // namespace

SecretKey::~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

Result<SecretKey> SecretKey::generate() {
    if (sodium_init() < 0) return Error(Code::internal, "no-randomness", "libsodium could not be started");
    SecretKey key;
    randombytes_buf(key.id_.data(), key.id_.size());
    std::array<std::uint8_t, 32> unused{};
    crypto_sign_keypair(unused.data(), key.bytes_.data());
    return key;
}

Result<SecretKey> SecretKey::parse(std::string_view text, std::string_view passphrase) {
    auto read = read_blob(text);
    if (!read) return std::move(read).error();
    Wiped wiped(*read);
    sodium_memzero(read->data(), read->size());
    Blob& blob = wiped.blob;
    if (blob[0] != 'E' || blob[1] != 'd' || blob[4] != 'B' || blob[5] != '2') return bad_key("its algorithms are not Ed25519 and BLAKE2b");
    const bool encrypted = blob[2] == 'S' && blob[3] == 'c';
    if (!encrypted && (blob[2] != 0 || blob[3] != 0)) return bad_key("it is encrypted in an unknown way");
    if (encrypted) {
        if (passphrase.empty()) return Error(Code::invalid_argument, "passphrase-needed", "the secret key is encrypted", "give its passphrase");
        SYMPHONY_TRY(combine(blob, passphrase));
    }
    const auto sum = checksum_of(blob);
    // minisign 0.11 leaves the checksum of a key without passphrase empty.
    const bool empty = std::all_of(blob.begin() + checksum_at, blob.end(), [](std::uint8_t byte) { return byte == 0; });
    if (!std::equal(sum.begin(), sum.end(), blob.begin() + checksum_at) && (encrypted || !empty)) {
        if (encrypted) return Error(Code::invalid_argument, "wrong-passphrase", "the passphrase does not open the secret key", "give the passphrase that it was made with");
        return bad_key("its checksum is wrong");
    }
    SecretKey key;
    std::copy_n(blob.begin() + secret_at, 8, key.id_.begin());
    std::array<std::uint8_t, 32> made{};
    crypto_sign_seed_keypair(made.data(), key.bytes_.data(), blob.data() + key_at);
    // Signing with a public half that is not the secret one's gives the secret away.
    if (!std::equal(made.begin(), made.end(), blob.begin() + key_at + 32)) return bad_key("its two halves do not belong together");
    return key;
}

std::string SecretKey::file() const {
    Wiped wiped;
    fill(wiped.blob, id_, bytes_);
    return text_of_blob(wiped.blob);
}

Result<std::string> SecretKey::file(std::string_view passphrase) const {
    if (passphrase.empty()) return Error(Code::invalid_argument, "passphrase-needed", "the passphrase is empty", "give one, or write the key without");
    Wiped wiped;
    Blob& blob = wiped.blob;
    fill(blob, id_, bytes_);
    blob[2] = 'S', blob[3] = 'c';
    randombytes_buf(blob.data() + salt_at, ops_at - salt_at);
    put_number(blob, ops_at, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE);
    put_number(blob, memory_at, crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE);
    const auto sum = checksum_of(blob);
    std::copy(sum.begin(), sum.end(), blob.begin() + checksum_at);
    SYMPHONY_TRY(combine(blob, passphrase));
    return text_of_blob(blob);
}

PublicKey SecretKey::public_key() const {
    PublicKey key;
    key.id_ = id_;
    std::copy_n(bytes_.begin() + 32, 32, key.bytes_.begin());
    return key;
}

} // namespace symphony::packaging
