// SPDX-License-Identifier: Apache-2.0
// Keys on the disk, and the commands `key make` and `key show`.
#include "keys.hpp"

#include "passphrase.hpp"

#include <symphony/packaging/disk.hpp>

#include <sys/stat.h>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t key_bytes_max = 4096;
constexpr std::uint32_t for_its_owner = 0600;

} // namespace

fs::path default_key(const Typed& typed) { return typed.about().config.empty() ? fs::path() : fs::path(typed.about().config) / "signing.key"; }

fs::path key_file(const Typed& typed) { return typed.given("key") ? typed.path(typed.text("key")) : default_key(typed); }

fs::path public_file(const fs::path& key) { return fs::path(key).replace_extension(".pub"); }

Result<packaging::PublicKey> make_key(const Typed& typed, const fs::path& file) {
    if (file.empty()) return Error(Code::unsupported, "no-home", "there is no folder for the key: HOME is not set", "set HOME or XDG_CONFIG_HOME, or name a file: --key FILE");
    std::error_code failed;
    for (const auto& path : {file, public_file(file)}) {
        if (fs::symlink_status(path, failed).type() != fs::file_type::not_found) {
            return Error(Code::conflict, "exists", path.string() + " is there already", "a key that is lost cannot be made again: move it away, or name another file: --key FILE");
        }
    }
    const auto key = SYMPHONY_TRY(packaging::SecretKey::generate());
    Secret text;
    if (typed.on("no-passphrase")) {
        text = Secret(key.file());
    } else {
        const Secret passphrase = SYMPHONY_TRY(ask_passphrase(typed, "a passphrase for the new key " + file.filename().string(), true));
        text = Secret(SYMPHONY_TRY(key.file(passphrase.text())));
    }
    const packaging::Disk disk;
    SYMPHONY_TRY(disk.make_folders(file.parent_path()));
    SYMPHONY_TRY(disk.write_file(file, text.text(), for_its_owner));
    SYMPHONY_TRY(disk.write_file(public_file(file), key.public_key().file()));
    SYMPHONY_TRY(disk.sync_folder(file.parent_path()));
    return key.public_key();
}

Result<packaging::SecretKey> read_key(const Typed& typed, const fs::path& file) {
    struct stat info{};
    if (file.empty() || ::lstat(file.c_str(), &info) != 0) {
        return Error(Code::not_found, "no-key", file.empty() ? "there is no folder for keys: HOME is not set" : "there is no key " + file.string(),
                     "symphony key make makes one; --key FILE names another");
    }
    if ((info.st_mode & 0077) != 0) {
        return Error(Code::refused, "open-key", "others can read the secret key " + file.string(), "chmod 600 " + file.string() + "; if somebody may have read it, make a new one");
    }
    const Secret text(SYMPHONY_TRY(packaging::read_file(file, key_bytes_max)));
    auto key = packaging::SecretKey::parse(text.text());
    if (!key && key.error().reason() == "passphrase-needed") {
        const Secret passphrase = SYMPHONY_TRY(ask_passphrase(typed, "the passphrase of " + file.string(), false));
        key = packaging::SecretKey::parse(text.text(), passphrase.text());
    }
    if (!key) return std::move(key).error().in(file.string());
    return key;
}

Result<packaging::PublicKey> public_half(const fs::path& key) {
    const auto text = key.empty() ? Result<std::string>(Error(Code::not_found, "missing")) : packaging::read_file(public_file(key), key_bytes_max);
    if (!text) return Error(Code::not_found, "no-key", "there is no public key " + public_file(key).string(), "symphony key make makes a key; --key FILE names another");
    auto read = packaging::PublicKey::parse(*text);
    if (!read) return std::move(read).error().in(public_file(key).string());
    return read;
}

Result<packaging::PublicKey> public_key(const Typed& typed, const std::string& word) {
    if (auto key = packaging::PublicKey::parse(word)) return key;
    const auto text = packaging::read_file(typed.path(word), key_bytes_max);
    if (!text) {
        return Error(Code::invalid_argument, "bad-public-key", "\"" + shown(word) + "\" is neither a public key nor a file that has one", "a public key is 56 characters that begin with RW");
    }
    auto key = packaging::PublicKey::parse(*text);
    if (!key) return std::move(key).error().in(shown(word));
    return key;
}

Result<std::int32_t> key_make_command(const Typed& typed) {
    const auto file = key_file(typed);
    const auto key = SYMPHONY_TRY(make_key(typed, file));
    typed.answer(to_json(Data::Map{{"file", file.string()}, {"key", key.text()}, {"encrypted", !typed.on("no-passphrase")}}));
    typed.out(key.text());
    if (!typed.json()) {
        typed.err("the secret key is " + file.string() + ": keep a copy of it in a safe place, and give it to nobody");
        typed.err("give the line above to whoever installs what you publish");
    }
    return 0;
}

Result<std::int32_t> key_show_command(const Typed& typed) {
    const auto file = key_file(typed);
    const auto key = SYMPHONY_TRY(public_half(file));
    typed.answer(to_json(Data::Map{{"file", file.string()}, {"key", key.text()}, {"number", packaging::text_of(key.id())}}));
    typed.out(key.text());
    return 0;
}

} // namespace symphony::kit
