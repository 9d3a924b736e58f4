// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/registries.hpp>

#include "toml_fields.hpp"

#include <algorithm>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t file_bytes_max = 1024ull * 1024;

Error bad_registries(const std::string& what, std::uint32_t line = 0) {
    return {Code::data_corrupt, "bad-registries", "registries.toml" + (line == 0 ? std::string() : ":" + std::to_string(line)) + ": " + what, "mend the file, or make it anew: symphony packages registry add"};
}

Result<RegistryList::Entry> read_entry(const toml::table& table) {
    const auto line = static_cast<std::uint32_t>(table.source().begin.line);
    const auto name = text_in(table, "name", 64), address = text_in(table, "address", 4096);
    if (!name || !RegistryList::is_name(*name)) return bad_registries("a registry has no name of lower-case letters, digits and dashes", line);
    if (!address || address->empty()) return bad_registries("the registry " + *name + " has no address", line);
    RegistryList::Entry out{*name, *address, {}};
    const toml::node* keys = table.get("root_keys");
    if (keys == nullptr || !keys->is_array() || keys->as_array()->empty()) return bad_registries("the registry " + *name + " has no root_keys", line);
    for (const auto& node : *keys->as_array()) {
        const auto text = node.value<std::string>();
        const auto key = text ? PublicKey::parse(*text) : Result<PublicKey>(Error(Code::invalid_argument, ""));
        if (!key) return bad_registries("root_keys of " + *name + " has something that is no public key", line);
        out.root_keys.push_back(*key);
    }
    return out;
}

} // namespace

bool RegistryList::is_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<RegistryList> RegistryList::parse(std::string_view text) {
    const auto table = parse_toml(text, "registries.toml", "bad-registries", file_bytes_max);
    if (!table) return std::move(table).error();
    RegistryList out;
    const toml::node* list = table->get("registry");
    if (list == nullptr) return out;
    if (!list->is_array()) return bad_registries("registry is no list of tables");
    for (const auto& node : *list->as_array()) {
        if (!node.is_table()) return bad_registries("registry is no list of tables");
        auto entry = SYMPHONY_TRY(read_entry(*node.as_table()));
        if (out.find(entry.name) != nullptr) return bad_registries("the registry " + entry.name + " is there twice");
        out.all.push_back(std::move(entry));
    }
    return out;
}

Result<RegistryList> RegistryList::load(const std::filesystem::path& file) {
    const auto text = read_file(file, file_bytes_max);
    if (!text && text.error().code() == Code::not_found) return RegistryList();
    if (!text) return std::move(text).error();
    return parse(*text);
}

Status RegistryList::save(const std::filesystem::path& file, const Disk& disk) const {
    SYMPHONY_TRY(disk.make_folders(file.parent_path()));
    return disk.replace_file(file, text());
}

std::string RegistryList::text() const {
    std::string text = "# Where plugins come from; see symphony packages registry list.\n";
    for (const auto& one : all) {
        text += "\n[[registry]]\nname = " + toml_text(one.name) + "\naddress = " + toml_text(one.address) + "\nroot_keys = [";
        for (std::size_t i = 0; i < one.root_keys.size(); ++i) text += (i == 0 ? "" : ", ") + toml_text(one.root_keys[i].text());
        text += "]\n";
    }
    return text;
}

const RegistryList::Entry* RegistryList::find(std::string_view name) const noexcept {
    const auto found = std::find_if(all.begin(), all.end(), [name](const Entry& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace symphony::packaging
