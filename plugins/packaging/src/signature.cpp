// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/signature.hpp>

#include "minisign_text.hpp"

#include <symphony/utf8.hpp>

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace symphony::packaging {
namespace {

constexpr std::size_t body_bytes = 2 + 8 + 64;

std::array<std::uint8_t, 64> hash_of(std::string_view body) {
    std::array<std::uint8_t, 64> hash{};
    crypto_generichash(hash.data(), hash.size(), minisign::unsigned_data(body), body.size(), nullptr, 0);
    return hash;
}

std::vector<std::uint8_t> commented(const Signature& signature) {
    std::vector<std::uint8_t> bytes(signature.body.begin(), signature.body.end());
    bytes.insert(bytes.end(), signature.trusted_comment.begin(), signature.trusted_comment.end());
    return bytes;
}

Error no_signature(std::string_view what) {
    return {Code::invalid_argument, "not-a-signature", "is no minisign signature: " + std::string(what),
            "give the .minisig file that was made with the package, or sign it again: minisign -S -m FILE"};
}

} // namespace

std::string text_of(const KeyId& id) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (auto byte = id.rbegin(); byte != id.rend(); ++byte) { // minisign prints a little-endian number
        text += digits[*byte >> 4u];
        text += digits[*byte & 15u];
    }
    return text;
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
    const auto bad = [](std::string_view what) {
        return Error(Code::invalid_argument, "bad-public-key", "is no minisign public key: " + std::string(what),
                     "a public key is 56 characters that begin with RW; minisign -R -s KEYFILE prints it again");
    };
    const auto lines = minisign::lines_of(text);
    if (lines.empty() || lines.size() > 2) return bad("it has not one or two lines");
    if (lines.size() == 2 && !lines[0].starts_with(minisign::untrusted)) return bad("its first line is no comment");
    const auto bytes = minisign::blob(lines.back(), 42);
    if (!bytes) return bad("the key is not 42 bytes in base64");
    if ((*bytes)[0] != 'E' || (*bytes)[1] != 'd') return bad("its algorithm is not Ed25519");
    PublicKey key;
    std::copy_n(bytes->begin() + 2, 8, key.id_.begin());
    std::copy_n(bytes->begin() + 10, 32, key.bytes_.begin());
    return key;
}

std::string PublicKey::text() const {
    std::vector<std::uint8_t> bytes{'E', 'd'};
    bytes.insert(bytes.end(), id_.begin(), id_.end());
    bytes.insert(bytes.end(), bytes_.begin(), bytes_.end());
    return to_base64(bytes);
}

std::string PublicKey::file() const { return "untrusted comment: minisign public key " + text_of(id_) + "\n" + text() + "\n"; }

Result<Signature> Signature::parse(std::string_view text) {
    if (text.size() > 2 * comment_bytes_max) return no_signature("it is too long");
    const auto lines = minisign::lines_of(text);
    if (lines.size() != 4) return no_signature("it has not four lines");
    if (!lines[0].starts_with(minisign::untrusted)) return no_signature("its first line is no comment");
    if (!lines[2].starts_with(minisign::trusted)) return no_signature("its third line is no trusted comment");
    const auto body = minisign::blob(lines[1], body_bytes);
    if (!body) return no_signature("its second line is not 74 bytes in base64");
    if ((*body)[0] == 'E' && (*body)[1] == 'd') {
        return Error(Code::invalid_argument, "legacy-signature", "is a signature of minisign's old form, which is not accepted",
                     "sign it again without -l: minisign -S -m FILE");
    }
    if ((*body)[0] != 'E' || (*body)[1] != 'D') return no_signature("its algorithm is not Ed25519 over BLAKE2b-512");
    const auto comment = minisign::blob(lines[3], 64);
    if (!comment) return no_signature("its fourth line is not 64 bytes in base64");
    Signature signature;
    std::copy_n(body->begin() + 2, 8, signature.key_id.begin());
    std::copy_n(body->begin() + 10, 64, signature.body.begin());
    std::copy_n(comment->begin(), 64, signature.comment.begin());
    signature.trusted_comment = lines[2].substr(minisign::trusted.size());
    if (!minisign::is_comment(signature.trusted_comment)) return no_signature("its trusted comment is no line of UTF-8, or too long");
    return signature;
}

std::string Signature::text() const {
    std::vector<std::uint8_t> bytes{'E', 'D'};
    bytes.insert(bytes.end(), key_id.begin(), key_id.end());
    bytes.insert(bytes.end(), body.begin(), body.end());
    return "untrusted comment: signature from symphony\n" + to_base64(bytes) + "\n" + std::string(minisign::trusted) + trusted_comment + "\n" + to_base64(comment) + "\n";
}

Result<Signature> SecretKey::sign(std::string_view body, std::string_view trusted_comment) const {
    if (!minisign::is_comment(trusted_comment)) return Error(Code::invalid_argument, "bad-comment", "a trusted comment is one line of UTF-8, at most 8192 bytes");
    Signature signature;
    signature.key_id = id_;
    signature.trusted_comment = trusted_comment;
    const auto hash = hash_of(body);
    crypto_sign_detached(signature.body.data(), nullptr, hash.data(), hash.size(), bytes_.data());
    const auto bytes = commented(signature);
    crypto_sign_detached(signature.comment.data(), nullptr, bytes.data(), bytes.size(), bytes_.data());
    return signature;
}

Status verify(const PublicKey& key, const Signature& signature, std::string_view body) {
    if (signature.key_id != key.id()) {
        return Error(Code::refused, "wrong-key", "was signed with the key " + text_of(signature.key_id) + ", not with " + text_of(key.id()),
                     "ask its publisher which key is right; nothing was installed");
    }
    const auto hash = hash_of(body);
    if (crypto_sign_verify_detached(signature.body.data(), hash.data(), hash.size(), key.bytes().data()) != 0) {
        return Error(Code::refused, "altered-body", "is not what the key " + text_of(key.id()) + " signed: file or signature were altered",
                     "fetch the file and its .minisig again; if it stays so, tell the publisher");
    }
    const auto bytes = commented(signature);
    if (crypto_sign_verify_detached(signature.comment.data(), bytes.data(), bytes.size(), key.bytes().data()) != 0) {
        return Error(Code::refused, "altered-comment", "has a trusted comment that the key " + text_of(key.id()) + " did not sign",
                     "fetch the .minisig file again; if it stays so, tell the publisher");
    }
    return {};
}

std::string PackageClaim::comment() const { return "id:" + id + "\tversion:" + version + "\tdigest:" + digest; }

Result<PackageClaim> PackageClaim::parse(std::string_view comment) {
    PackageClaim claim;
    const std::pair<std::string_view, std::string PackageClaim::*> words[] = {
        {"id:", &PackageClaim::id}, {"version:", &PackageClaim::version}, {"digest:", &PackageClaim::digest}};
    while (!comment.empty()) {
        const auto end = std::min(comment.find('\t'), comment.size());
        const auto word = comment.substr(0, end);
        for (const auto& [name, member] : words) {
            if (word.starts_with(name) && (claim.*member).empty()) claim.*member = word.substr(name.size());
        }
        comment.remove_prefix(std::min(end + 1, comment.size()));
    }
    if (claim.id.empty() || claim.version.empty() || claim.digest.empty()) {
        return Error(Code::refused, "incomplete-comment", "has a signature whose trusted comment does not say id, version and digest of the package",
                     "its publisher signs with: symphony sign, or minisign -t with the comment that plugins/packaging/docs/package.md describes");
    }
    return claim;
}

Status PackageClaim::matches(const PackageClaim& found) const {
    const auto differs = [](std::string_view what, const std::string& said, const std::string& is) {
        return Error(Code::refused, "comment-mismatch", "was signed as " + std::string(what) + " " + said + " and is " + is,
                     "fetch the package and its .minisig again; if it stays so, tell the publisher");
    };
    if (id != found.id) return differs("plugin", id, found.id);
    if (version != found.version) return differs("version", version, found.version);
    if (digest != found.digest) return differs("digest", digest, found.digest);
    return {};
}

} // namespace symphony::packaging
