// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/digest.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <openssl/evp.h>

namespace symphony::packaging {

namespace {

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4u];
        text += digits[byte & 15u];
    }
    return text;
}

} // namespace

struct Sha256::Context {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), &EVP_MD_CTX_free};

    /// Looked up once: it costs more than hashing a small file.
    static const EVP_MD* algorithm() {
        static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> found{EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
        return found.get();
    }

    // A digest that was not computed must never pass for one.
    static void must(int done) {
        if (done != 1) std::abort();
    }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { Context::must(EVP_DigestInit_ex2(context_->state.get(), Context::algorithm(), nullptr)); }
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) { Context::must(EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size())); }

std::string Sha256::end() {
    std::array<std::uint8_t, 32> digest{};
    Context::must(EVP_DigestFinal_ex(context_->state.get(), digest.data(), nullptr));
    Context::must(EVP_DigestInit_ex2(context_->state.get(), Context::algorithm(), nullptr));
    return hexadecimal(digest);
}

std::string sha256_of(std::string_view bytes) {
    Sha256 hash;
    hash.add(bytes);
    return hash.end();
}

Result<std::string> md5_of(std::string_view bytes) {
    std::array<std::uint8_t, 16> digest{};
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "MD5", nullptr, bytes.data(), bytes.size(), digest.data(), &size) == 1 && size == digest.size()) return hexadecimal(digest);
    return Error(Code::unsupported, "no-md5", "OpenSSL of this machine makes no MD5, which a Debian package lists its files with", "compose another format, or on a machine whose OpenSSL allows it");
}

bool is_sha256(std::string_view text) noexcept {
    constexpr std::size_t digits = 64;
    if (text.size() != digits) return false;
    // Without branches, which the compiler makes a few wide instructions of: an index has hundreds of thousands of them.
    std::uint8_t wrong = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        const bool digit = static_cast<std::uint8_t>(byte - '0') < 10, letter = static_cast<std::uint8_t>(byte - 'a') < 6;
        wrong = static_cast<std::uint8_t>(wrong | static_cast<std::uint8_t>(!(digit | letter)));
    }
    return wrong == 0;
}

} // namespace symphony::packaging
