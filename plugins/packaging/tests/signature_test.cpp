// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/signature.hpp>

#include <symphony/base64.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace symphony::packaging {
namespace {

const std::string body = "what is signed";

SecretKey a_key() { return *SecretKey::generate(); }

void expect_refused(const Status& status, std::string_view reason) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().reason(), reason) << status.error().message();
    EXPECT_FALSE(status.error().hint().empty());
}

template <class T>
void expect_unread(const Result<T>& read, std::string_view reason) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason(), reason) << read.error().message();
}

TEST(Signature, IsGoodForTheKeyTheBytesAndTheComment) {
    const auto key = a_key();
    const auto signature = key.sign(body, "of a test");
    ASSERT_TRUE(signature);
    const auto read = Signature::parse(signature->text());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->trusted_comment, "of a test");
    const auto status = verify(key.public_key(), *read, body);
    EXPECT_TRUE(status) << status.error().message();
}

TEST(Signature, SaysWhatDoesNotFit) {
    const auto key = a_key();
    const auto signature = *key.sign(body, "of a test");
    expect_refused(verify(a_key().public_key(), signature, body), "wrong-key");
    expect_refused(verify(key.public_key(), signature, body + "."), "altered-body");
    auto other = signature;
    other.trusted_comment += ".";
    expect_refused(verify(key.public_key(), other, body), "altered-comment");
    other = signature;
    other.body[3] ^= 1u;
    expect_refused(verify(key.public_key(), other, body), "altered-body");
    other = signature;
    other.comment[3] ^= 1u;
    expect_refused(verify(key.public_key(), other, body), "altered-comment");
}

TEST(Signature, EveryBitOfItCounts) {
    const auto key = a_key();
    const std::string text = key.sign(body, "id:x")->text();
    const auto second = text.find('\n') + 1; // the first line is anybody's
    for (std::size_t at = second; at + 1 < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        const auto read = Signature::parse(changed);
        EXPECT_FALSE(read && verify(key.public_key(), *read, body)) << "byte " << at << " of\n" << changed;
    }
}

TEST(Signature, TextsThatAreNoneHaveAReason) {
    const std::string good = a_key().sign(body, "c")->text();
    for (const std::string& text : {std::string(), std::string("x"), good.substr(0, 100), good + "more\n", "x" + good, std::string(100'000, '\n')}) {
        expect_unread(Signature::parse(text), "not-a-signature");
    }
    std::string old = good;
    old.replace(old.find("\nRU") + 1, 2, "RW"); // the algorithm "Ed" in place of "ED"
    expect_unread(Signature::parse(old), "legacy-signature");
    EXPECT_FALSE(a_key().sign(body, "two\nlines"));
    EXPECT_FALSE(a_key().sign(body, "no utf-8 \xff"));
    EXPECT_FALSE(a_key().sign(body, std::string(8193, 'c')));
}

TEST(PublicKey, IsReadFromAFileAndFromOneLine) {
    const auto key = a_key().public_key();
    for (const auto& text : {key.text(), key.text() + "\n", key.file()}) {
        const auto read = PublicKey::parse(text);
        ASSERT_TRUE(read) << read.error().message();
        EXPECT_EQ(*read, key);
    }
    EXPECT_TRUE(key.text().starts_with("RW"));
    EXPECT_EQ(key.text().size(), 56u);
    for (const auto& text : {std::string(), std::string("RWx"), key.text() + "A", "\n" + key.text(), std::string(56, 'A')}) {
        expect_unread(PublicKey::parse(text), "bad-public-key");
    }
}

TEST(SecretKey, ReadsWhatItWrote) {
    const auto key = a_key();
    const auto read = SecretKey::parse(key.file());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->public_key(), key.public_key());
    EXPECT_TRUE(verify(key.public_key(), *read->sign(body, ""), body));
}

TEST(SecretKey, TextsThatAreNoneHaveAReason) {
    const std::string good = a_key().file();
    const auto line = good.find('\n') + 1;
    for (const std::string& text : {std::string(), good.substr(line), good.substr(0, 60), good + good}) expect_unread(SecretKey::parse(text), "bad-secret-key");
    for (std::size_t at = line; at < line + 208; at += 4) { // whatever is changed in it is found, but for the salt and limits, which count for nothing here
        std::string changed = good;
        changed[at] = changed[at] == 'B' ? 'C' : 'B';
        const auto read = SecretKey::parse(changed);
        const bool nothing = at - line >= 8 && at - line < 72;
        const bool id_alone = at - line >= 72 && at - line < 84; // its number is not proved without a checksum
        EXPECT_TRUE(!read || nothing || id_alone) << at - line;
    }
}

TEST(SecretKey, AFileDoesNotDecideHowMuchMemoryItTakes) {
    std::vector<std::uint8_t> bytes(158, 0);
    bytes[0] = 'E', bytes[1] = 'd', bytes[2] = 'S', bytes[3] = 'c', bytes[4] = 'B', bytes[5] = '2';
    for (std::size_t at = 38; at < 54; ++at) bytes[at] = 0x7F;
    expect_unread(SecretKey::parse("untrusted comment: x\n" + to_base64(bytes) + "\n", "open"), "bad-secret-key");
    expect_unread(SecretKey::parse("untrusted comment: x\n" + to_base64(bytes) + "\n"), "passphrase-needed");
}

TEST(PackageClaim, IsReadAndCompared) {
    const PackageClaim claim{"org.example.greet", "1.2.0", std::string(64, 'a')};
    const auto read = PackageClaim::parse(claim.comment() + "\ttimestamp:1");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->matches(claim));
    for (auto member : {&PackageClaim::id, &PackageClaim::version, &PackageClaim::digest}) {
        auto other = claim;
        other.*member += "0";
        expect_refused(read->matches(other), "comment-mismatch");
    }
    expect_unread(PackageClaim::parse("timestamp:1\tfile:x\thashed"), "incomplete-comment");
}

/// The minisign program, in a folder of its own.
class Minisign : public ::testing::Test {
protected:
    void SetUp() override {
        if (std::system("command -v minisign > /dev/null 2>&1") != 0) GTEST_SKIP() << "this machine has no minisign program";
        write("body", body);
    }
    std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path(name), std::ios::binary) << text; }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name), std::ios::binary).rdbuf();
        return text.str();
    }
    int run(const std::string& words) const { return std::system(("cd '" + folder_.path().string() + "' && minisign " + words + " > /dev/null 2>&1").c_str()); }

private:
    testing::TempFolder folder_;
};

TEST_F(Minisign, VerifiesWhatWeSign) {
    const auto key = a_key();
    write("key.pub", key.public_key().file());
    write("body.minisig", key.sign(body, "id:a\tversion:1")->text());
    EXPECT_EQ(run("-V -p key.pub -m body"), 0);
    EXPECT_EQ(run("-V -P " + key.public_key().text() + " -m body"), 0);
    write("body", body + "!");
    EXPECT_NE(run("-V -p key.pub -m body"), 0);
}

TEST_F(Minisign, SignsWithOurKeyAndWeVerify) {
    const auto key = a_key();
    write("key.sec", key.file());
    ASSERT_EQ(run("-S -s key.sec -m body -t 'id:a\tversion:1'"), 0);
    const auto signature = Signature::parse(read("body.minisig"));
    ASSERT_TRUE(signature) << signature.error().message();
    EXPECT_EQ(signature->trusted_comment, "id:a\tversion:1");
    EXPECT_TRUE(verify(key.public_key(), *signature, body));
}

TEST_F(Minisign, MakesKeysThatWeSignWith) {
    ASSERT_EQ(run("-G -W -p key.pub -s key.sec"), 0);
    const auto key = SecretKey::parse(read("key.sec"));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(*PublicKey::parse(read("key.pub")), key->public_key());
    write("body.minisig", key->sign(body, "by us")->text());
    EXPECT_EQ(run("-V -p key.pub -m body"), 0);
}

TEST_F(Minisign, OpensKeysThatWeEncryptedAndWeItsOwn) {
    const auto key = a_key();
    const auto encrypted = key.file("open sesame");
    if (!encrypted && encrypted.error().reason() == "out-of-memory") GTEST_SKIP() << "this machine has no GiB for scrypt";
    ASSERT_TRUE(encrypted) << encrypted.error().message();
    expect_unread(SecretKey::parse(*encrypted, "wrong"), "wrong-passphrase");
    const auto opened = SecretKey::parse(*encrypted, "open sesame");
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_EQ(opened->public_key(), key.public_key());
    write("key.sec", *encrypted);
    write("phrase", "open sesame\n");
    ASSERT_EQ(run("-S -s key.sec -m body -t x < phrase"), 0);
    EXPECT_TRUE(verify(key.public_key(), *Signature::parse(read("body.minisig")), body));
    write("twice", "its own\nits own\n");
    ASSERT_EQ(run("-G -p its.pub -s its.sec < twice"), 0);
    const auto its = SecretKey::parse(read("its.sec"), "its own");
    ASSERT_TRUE(its) << its.error().message();
    EXPECT_EQ(its->public_key(), *PublicKey::parse(read("its.pub")));
}

TEST_F(Minisign, ItsOldFormIsRefused) {
    ASSERT_EQ(run("-G -W -p key.pub -s key.sec"), 0);
    ASSERT_EQ(run("-S -l -s key.sec -m body"), 0);
    expect_unread(Signature::parse(read("body.minisig")), "legacy-signature");
}

} // namespace
} // namespace symphony::packaging
