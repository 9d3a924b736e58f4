// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/publishers.hpp>

#include "toml_fields.hpp"

#include <algorithm>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t file_bytes_max = 4ull * 1024 * 1024;

Error bad_publishers(const std::string& what, std::uint32_t line = 0) {
    return {Code::data_corrupt, "bad-publishers", "publishers.toml" + (line == 0 ? std::string() : ":" + std::to_string(line)) + ": " + what,
            "mend the file; until then no publisher is trusted"};
}

Result<Publisher> read_publisher(const toml::table& table) {
    const auto line = static_cast<std::uint32_t>(table.source().begin.line);
    const auto key = text_in(table, "key"), name = text_in(table, "name"), why = text_in(table, "why");
    const auto parsed = key ? PublicKey::parse(*key) : Result<PublicKey>(Error(Code::invalid_argument, ""));
    if (!parsed) return bad_publishers("a publisher has no public key", line);
    if (!name || !why) return bad_publishers("name or why is no text", line);
    Publisher out{*parsed, *name, {}, false, *why};
    const toml::node* revoked = table.get("revoked");
    // Whatever is written there but a plain false keeps the key out.
    if (revoked != nullptr) out.revoked = revoked->value<bool>() != false;
    if (const toml::node* plugins = table.get("plugins")) {
        if (!plugins->is_array()) return bad_publishers("plugins is no list", line);
        for (const auto& node : *plugins->as_array()) {
            const auto id = node.value<std::string>();
            if (!id || id->empty() || id->size() > 100) return bad_publishers("plugins has something that is no id", line);
            out.plugins.push_back(*id);
        }
    }
    std::sort(out.plugins.begin(), out.plugins.end());
    return out;
}

Error revoked_key(const Publisher& publisher) {
    return {Code::refused, "revoked-key", "the key " + publisher.key.text() + " was revoked" + (publisher.why.empty() ? "" : ": " + publisher.why),
            "do not install it; symphony packages keys shows who is trusted"};
}

} // namespace

Result<Publishers> Publishers::parse(std::string_view text) {
    const auto table = parse_toml(text, "publishers.toml", "bad-publishers", file_bytes_max);
    if (!table) return std::move(table).error();
    Publishers out;
    const toml::node* list = table->get("publisher");
    if (list == nullptr) return out;
    if (!list->is_array()) return bad_publishers("publisher is no list of tables");
    std::vector<std::string> pins;
    for (const auto& node : *list->as_array()) {
        if (!node.is_table()) return bad_publishers("publisher is no list of tables");
        auto one = SYMPHONY_TRY(read_publisher(*node.as_table()));
        if (out.find(one.key) != nullptr) return bad_publishers("the key " + one.key.text() + " is there twice");
        pins.insert(pins.end(), one.plugins.begin(), one.plugins.end());
        out.entry(one.key) = std::move(one);
    }
    std::sort(pins.begin(), pins.end());
    const auto twice = std::adjacent_find(pins.begin(), pins.end());
    if (twice != pins.end()) return bad_publishers("the plugin " + *twice + " has two keys");
    return out;
}

Result<Publishers> Publishers::load(const std::filesystem::path& file) {
    const auto text = read_file(file, file_bytes_max);
    if (!text && text.error().code() == Code::not_found) return Publishers();
    if (!text) return std::move(text).error();
    return parse(*text);
}

Status Publishers::save(const std::filesystem::path& file, const Disk& disk) const {
    SYMPHONY_TRY(disk.make_folders(file.parent_path()));
    return disk.replace_file(file, text());
}

std::string Publishers::text() const {
    std::string text = "# Whose plugins are trusted; see symphony packages keys.\n";
    for (const auto& one : all_) {
        text += "\n[[publisher]]\nkey = " + toml_text(one.key.text()) + "\n";
        if (!one.name.empty()) text += "name = " + toml_text(one.name) + "\n";
        if (!one.plugins.empty()) {
            text += "plugins = [";
            for (const auto& id : one.plugins) text += (id == one.plugins.front() ? "" : ", ") + toml_text(id);
            text += "]\n";
        }
        if (one.revoked) text += "revoked = true\n";
        if (!one.why.empty()) text += "why = " + toml_text(one.why) + "\n";
    }
    return text;
}

const Publisher* Publishers::find(const PublicKey& key) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Publisher& one) { return one.key == key; });
    return found == all_.end() ? nullptr : &*found;
}

const Publisher* Publishers::pinned(std::string_view plugin) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Publisher& one) { return std::find(one.plugins.begin(), one.plugins.end(), plugin) != one.plugins.end(); });
    return found == all_.end() ? nullptr : &*found;
}

Result<PublicKey> Publishers::key_for(const std::string& plugin, const KeyId& signed_by, const std::optional<PublicKey>& offered) const {
    const Publisher* pin = pinned(plugin);
    const Publisher* named = offered ? find(*offered) : nullptr;
    if (named != nullptr && named->revoked) return revoked_key(*named);
    if (pin != nullptr) {
        if (pin->key.id() != signed_by || (offered && *offered != pin->key)) {
            const std::string other = offered ? offered->text() : "with the number " + text_of(signed_by);
            return Error(Code::refused, "publisher-changed",
                         "plugin \"" + plugin + "\" was signed with the key " + pin->key.text() + " so far, and now with the key " + other,
                         "if its publisher says on another way that this is right: symphony packages trust " + (offered ? offered->text() : "KEY") + " --plugin " + plugin);
        }
        if (pin->revoked) return revoked_key(*pin);
        return pin->key;
    }
    if (offered) {
        if (offered->id() == signed_by) return *offered;
        return Error(Code::refused, "wrong-key", "plugin \"" + plugin + "\" was signed with the key " + text_of(signed_by) + ", not with " + text_of(offered->id()),
                     "ask its publisher which key is right; nothing was installed");
    }
    for (const auto& one : all_) {
        if (one.key.id() != signed_by) continue;
        if (one.revoked) return revoked_key(one);
        return one.key;
    }
    return Error(Code::refused, "unknown-publisher", "plugin \"" + plugin + "\" was signed with the key " + text_of(signed_by) + ", which nobody here knows",
                 "get the public key from its publisher and name it: --trust-key KEY (56 characters that begin with RW, or a .pub file)");
}

Publisher& Publishers::entry(const PublicKey& key) {
    const auto at = std::lower_bound(all_.begin(), all_.end(), key, [](const Publisher& one, const PublicKey& wanted) { return one.key < wanted; });
    if (at != all_.end() && at->key == key) return *at;
    return *all_.insert(at, Publisher{key, {}, {}, false, {}});
}

Status Publishers::trust(const PublicKey& key, std::string_view name) {
    Publisher& one = entry(key);
    if (one.revoked) return revoked_key(one);
    if (!name.empty()) one.name = name;
    return {};
}

Status Publishers::pin(const std::string& plugin, const PublicKey& key) {
    SYMPHONY_TRY(trust(key));
    for (auto& one : all_) std::erase(one.plugins, plugin);
    auto& plugins = entry(key).plugins;
    plugins.insert(std::lower_bound(plugins.begin(), plugins.end(), plugin), plugin);
    return {};
}

bool Publishers::unpin(std::string_view plugin) {
    std::size_t gone = 0;
    for (auto& one : all_) gone += std::erase(one.plugins, plugin);
    return gone > 0;
}

void Publishers::revoke(const PublicKey& key, std::string_view why) {
    Publisher& one = entry(key);
    one.revoked = true;
    one.why = why;
}

} // namespace symphony::packaging
