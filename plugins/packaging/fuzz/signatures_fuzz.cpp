// SPDX-License-Identifier: Apache-2.0
// Keys, signatures and trusted comments, as anybody may write them.
#include <symphony/packaging/signature.hpp>

#include <cstdlib>

namespace {

using namespace symphony::packaging;

void must(bool holds) {
    if (!holds) std::abort();
}

/// Of what can be read there is one text, which is read as the same.
void check_keys(std::string_view text) {
    if (const auto key = PublicKey::parse(text)) {
        must(*PublicKey::parse(key->text()) == *key);
        must(*PublicKey::parse(key->file()) == *key);
    }
    if (const auto key = SecretKey::parse(text)) {
        const auto again = SecretKey::parse(key->file());
        must(again && again->public_key() == key->public_key());
        const auto signature = key->sign(text, "c");
        must(signature && verify(key->public_key(), *signature, text));
    }
}

void check_signature(std::string_view text) {
    static const PublicKey key = SecretKey::generate()->public_key();
    const auto signature = Signature::parse(text);
    if (!signature) return must(!signature.error().hint().empty());
    const auto again = Signature::parse(signature->text());
    must(again && again->text() == signature->text() && again->trusted_comment == signature->trusted_comment);
    must(!verify(key, *signature, text)); // of a key that was made just now
    if (const auto claim = PackageClaim::parse(signature->trusted_comment)) must(static_cast<bool>(claim->matches(*claim)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_keys(text);
    check_signature(text);
    return 0;
}
