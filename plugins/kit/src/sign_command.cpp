// SPDX-License-Identifier: Apache-2.0
// `sign`: a signature in minisign's format beside a file.
#include "keys.hpp"

#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/package.hpp>

#include <ctime>

namespace symphony::kit {
namespace {

/// What is signed besides the bytes: of a package what it is, of another file what minisign itself says.
Result<std::string> comment_for(const Typed& typed, const std::filesystem::path& file, const std::string& bytes) {
    if (file.extension() == ".sympkg") return SYMPHONY_TRY(packaging::read_package(bytes)).claim().comment();
    if (typed.given("comment")) return typed.text("comment");
    return "timestamp:" + std::to_string(std::time(nullptr)) + "\tfile:" + shown(file.filename().string()) + "\thashed";
}

} // namespace

Result<std::int32_t> sign_command(const Typed& typed) {
    const auto file = typed.path(typed.text("file"));
    auto read = packaging::read_file(file, packaging::package_bytes_max);
    if (!read && read.error().reason() == "missing") return std::move(read).error().with_hint("check the path; symphony pack makes a package");
    const auto bytes = SYMPHONY_TRY(std::move(read));
    const auto comment = SYMPHONY_TRY(comment_for(typed, file, bytes)); // before anybody is asked for a passphrase
    const auto key = SYMPHONY_TRY(read_key(typed, key_file(typed)));
    const auto signature = SYMPHONY_TRY(key.sign(bytes, comment));
    const std::string beside = file.string() + ".minisig";
    SYMPHONY_TRY(packaging::Disk().replace_file(beside, signature.text()));
    typed.answer(to_json(Data::Map{{"file", file.string()}, {"signature", beside}, {"key", key.public_key().text()}, {"comment", comment}}));
    typed.out(beside);
    if (!typed.json()) typed.err("signed with " + key.public_key().text());
    return 0;
}

} // namespace symphony::kit
