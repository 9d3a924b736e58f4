// SPDX-License-Identifier: Apache-2.0
#include "digest.hpp"

#include <memory>

#include <openssl/evp.h>

namespace symphony::host {

Digest sha256(std::string_view bytes) {
    // Fetched once: a look-up by name costs more than hashing a manifest.
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                           &EVP_MD_free);
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    Digest digest{};
    if (EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1) {
        EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
    }
    return digest;
}

std::string hex(const Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const auto byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 15u];
    }
    return text;
}

} // namespace symphony::host
