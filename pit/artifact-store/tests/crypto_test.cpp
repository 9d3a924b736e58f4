// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

std::vector<std::uint8_t> unhex(std::string_view hex) {
    std::vector<std::uint8_t> out(hex.size() / 2);
    EXPECT_TRUE(bytes_of_hex(hex, out));
    return out;
}

TEST(Crypto, HmacIsThatOfRfc4231) {
    const std::vector<std::uint8_t> key(20, 0x0b);
    EXPECT_EQ(hmac_sha256(key, {bytes_of("Hi "), bytes_of("There")}).hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    const std::vector<std::uint8_t> long_key(131, 0xaa);
    EXPECT_EQ(Hmac(long_key).of(bytes_of("Test Using Larger Than Block-Size Key - Hash Key First")).hex(), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, AesGcmIsThatOfTheStandardsVectors) {
    // NIST GCM, 256-bit key of zeros, nonce of zeros, 16 zero bytes.
    const Aead aead(Suite::aes256_gcm, std::vector<std::uint8_t>(32));
    std::vector<std::uint8_t> out(32);
    ASSERT_TRUE(aead.seal(0, {}, std::vector<std::uint8_t>(16), out));
    EXPECT_EQ(hex_of(out), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(Crypto, OnlyTheSameKeyCounterAndAssociatedDataOpen) {
    for (const Suite suite : {Suite::aes256_gcm, Suite::xchacha20_poly1305}) {
        const SecretBytes key = random_secret(32);
        const Aead aead(suite, key.bytes());
        for (const std::size_t size : {0u, 1u, 1000u, 100'000u}) {
            const std::string plain = noise(size, size);
            std::vector<std::uint8_t> sealed(size + tag_bytes), back(size);
            ASSERT_TRUE(aead.seal(7, bytes_of("ad"), bytes_of(plain), sealed));
            EXPECT_TRUE(aead.open(7, bytes_of("ad"), sealed, back));
            EXPECT_EQ(text_of(back), plain);
            EXPECT_FALSE(aead.open(8, bytes_of("ad"), sealed, back));
            EXPECT_FALSE(aead.open(7, bytes_of("AD"), sealed, back));
            EXPECT_FALSE(Aead(suite, random_secret(32).bytes()).open(7, bytes_of("ad"), sealed, back));
            sealed[size / 2] ^= 1;
            EXPECT_FALSE(aead.open(7, bytes_of("ad"), sealed, back));
        }
    }
}

TEST(Crypto, WrappedKeysOpenOnlyInTheirPlace) {
    const SecretBytes key = random_secret(32);
    auto wrapped = wrap(key.bytes(), bytes_of("here"), bytes_of("a secret"));
    EXPECT_EQ(text_of(unwrap(key.bytes(), bytes_of("here"), wrapped)->bytes()), "a secret");
    EXPECT_FALSE(unwrap(key.bytes(), bytes_of("there"), wrapped));
    EXPECT_FALSE(unwrap(key.bytes(), bytes_of("here"), Bytes(wrapped).first(30)));
    wrapped[30] ^= 1;
    EXPECT_FALSE(unwrap(key.bytes(), bytes_of("here"), wrapped));
}

TEST(Crypto, DigestsReadOnlySixtyFourDigits) {
    const std::string hex(64, 'a');
    EXPECT_EQ(Digest::parse(hex)->hex(), hex);
    EXPECT_EQ(unhex("00ff"), (std::vector<std::uint8_t>{0, 255}));
    for (const std::string& bad : {std::string(63, 'a'), std::string(65, 'a'), std::string(62, 'a') + "g0", std::string(62, 'a') + "..", std::string()}) EXPECT_FALSE(Digest::parse(bad));
}

} // namespace
} // namespace symphony::store::test
