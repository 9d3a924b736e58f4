// SPDX-License-Identifier: Apache-2.0
#include "header.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace symphony::store {
namespace {

using Json = nlohmann::json;

constexpr std::string_view header_name = "store.json";
constexpr std::string_view copy_name = "store-copy.json";
constexpr std::size_t header_bytes_max = 1 << 20;
constexpr std::size_t slots_max = 64;

std::array<std::uint8_t, 16> check_of_master(Bytes master, const Id128& repository) {
    const Digest digest = hmac_sha256(master, {bytes_of("symphony-store key check 1"), repository});
    std::array<std::uint8_t, 16> check{};
    std::copy_n(digest.bytes.begin(), check.size(), check.begin());
    return check;
}
std::array<std::uint8_t, 8> check_of_slot(Bytes key) {
    const Digest digest = hmac_sha256(key, {bytes_of("symphony-store slot check 1")});
    std::array<std::uint8_t, 8> check{};
    std::copy_n(digest.bytes.begin(), check.size(), check.begin());
    return check;
}
std::vector<std::uint8_t> purpose(std::string_view what, const Id128& repository) {
    std::vector<std::uint8_t> out(what.begin(), what.end());
    out.insert(out.end(), repository.begin(), repository.end());
    return out;
}
Digest mac_of(Bytes master, const std::string& body) { return hmac_sha256(master, {bytes_of("symphony-store header 1"), bytes_of(body)}); }

Json slot_json(const Header::Slot& slot) {
    Json json{{"id", slot.about.id}, {"kind", slot.about.kind == Secret::Kind::passphrase ? "passphrase" : "key-file"}, {"label", slot.about.label},
              {"created_ms", slot.about.created_ms}, {"salt", hex_of(slot.salt)}, {"check", hex_of(slot.check)}, {"wrapped", hex_of(slot.wrapped)}};
    if (slot.about.kind == Secret::Kind::passphrase) {
        json["argon2id"] = {{"operations", slot.cost.operations}, {"memory_bytes", slot.cost.memory_bytes}};
    }
    return json;
}

/// Fields of an object that nobody vouches for; the first fault is kept.
class Fields {
public:
    explicit Fields(const Json& json) : json_(json) { good_ = json.is_object(); }
    std::string text(const char* key, std::size_t size_max = 4096) {
        const auto* found = find(key);
        if (found == nullptr || !found->is_string() || found->get_ref<const std::string&>().size() > size_max) return fault<std::string>();
        return found->get<std::string>();
    }
    std::uint64_t number(const char* key, std::uint64_t max = ~std::uint64_t{0}) {
        const auto* found = find(key);
        if (found == nullptr || !found->is_number_unsigned() || found->get<std::uint64_t>() > max) return fault<std::uint64_t>();
        return found->get<std::uint64_t>();
    }
    std::vector<std::uint8_t> hex(const char* key, std::size_t size_max) {
        const std::string digits = text(key, size_max * 2);
        std::vector<std::uint8_t> out(digits.size() / 2);
        if (!bytes_of_hex(digits, out)) return fault<std::vector<std::uint8_t>>();
        return out;
    }
    template <std::size_t N>
    void hex(const char* key, std::array<std::uint8_t, N>& to) {
        if (!bytes_of_hex(text(key, 2 * N), to)) good_ = false;
    }
    const Json* find(const char* key) {
        const auto at = good_ ? json_.find(key) : json_.end();
        return good_ && at != json_.end() ? &*at : nullptr;
    }
    bool good() const noexcept { return good_; }
    void fail() noexcept { good_ = false; }

private:
    template <class T>
    T fault() {
        good_ = false;
        return T();
    }
    const Json& json_;
    bool good_ = true;
};

bool read_slot(const Json& json, Header::Slot& slot) {
    Fields fields(json);
    slot.about.id = fields.text("id", 8);
    const std::string kind = fields.text("kind", 16);
    if (kind != "passphrase" && kind != "key-file") return false;
    slot.about.kind = kind == "passphrase" ? Secret::Kind::passphrase : Secret::Kind::key_file;
    slot.about.label = fields.text("label", 255);
    slot.about.created_ms = fields.number("created_ms");
    fields.hex("salt", slot.salt);
    fields.hex("check", slot.check);
    slot.wrapped = fields.hex("wrapped", 128);
    if (slot.about.kind == Secret::Kind::passphrase) {
        const Json* cost = fields.find("argon2id");
        if (cost == nullptr) return false;
        Fields numbers(*cost);
        slot.cost.operations = numbers.number("operations", 1000);
        slot.cost.memory_bytes = numbers.number("memory_bytes", 4ull << 30);
        if (!numbers.good()) return false;
    }
    return fields.good();
}

bool read_fields(const Json& json, Header& header) {
    Fields fields(json);
    const auto suite = suite_named(fields.text("suite", 32));
    const auto profile = profile_named(fields.text("profile", 32));
    if (!suite || !profile) return false;
    header.suite = *suite;
    header.profile = *profile;
    fields.hex("repository", header.repository);
    header.created_ms = fields.number("created_ms");
    if (header.suite == Suite::none) return fields.good();
    header.epoch = static_cast<std::uint32_t>(fields.number("epoch", 1u << 30));
    fields.hex("key_check", header.key_check);
    header.root = fields.hex("root", 128);
    header.previous_epoch = static_cast<std::uint32_t>(fields.number("previous_epoch", 1u << 30));
    header.previous = fields.hex("previous", 128);
    const Json* slots = fields.find("slots");
    if (slots == nullptr || !slots->is_array() || slots->empty() || slots->size() > slots_max) return false;
    for (const Json& entry : *slots) {
        if (!read_slot(entry, header.slots.emplace_back())) return false;
    }
    return fields.good();
}

Error damaged(std::string what) { return damage_error(Damage::bit_rot, "store.json: " + std::move(what)); }

} // namespace

SecretBytes Keys::derived(std::string_view purpose) const { return SecretBytes(hmac_sha256(root.bytes(), {bytes_of(purpose)}).bytes); }

Keys Keys::copy() const { return {epoch, master.copy(), previous_epoch, previous.copy(), root.copy()}; }

std::string Header::print(Bytes master) const {
    Json json{{"what", "symphony artifact store"}, {"format", format}, {"repository", hex_of(repository)}, {"suite", name_of(suite)},
              {"profile", name_of(profile)}, {"created_ms", created_ms}};
    if (suite != Suite::none) {
        json["epoch"] = epoch;
        json["key_check"] = hex_of(key_check);
        json["root"] = hex_of(root);
        json["previous_epoch"] = previous_epoch;
        json["previous"] = hex_of(previous);
        json["slots"] = Json::array();
        for (const Slot& slot : slots) json["slots"].push_back(slot_json(slot));
    }
    const std::string body = json.dump();
    if (suite != Suite::none) json["mac"] = mac_of(master, body).hex();
    json["sha256"] = sha256(bytes_of(json.dump())).hex();
    return json.dump(2) + "\n";
}

Result<Header> Header::parse(std::string_view text) {
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return damaged("is not JSON");
    const auto version = json.find("format");
    if (version != json.end() && version->is_number_unsigned() && version->get<std::uint64_t>() > format_version) {
        // A flipped bit must not pass for a newer program: only a whole header is believed.
        Json rest = json;
        rest.erase("sha256");
        if (json.value("sha256", Json()) != Json(sha256(bytes_of(rest.dump(-1, ' ', false, Json::error_handler_t::replace))).hex())) return damaged("its checksum does not fit");
        return damage_error(Damage::wrong_version, "store.json: format " + version->dump() + ", this program reads up to " + std::to_string(format_version));
    }
    const auto sum = json.find("sha256");
    if (sum == json.end() || !sum->is_string()) return damaged("has no checksum");
    const std::string expected = sum->get<std::string>();
    json.erase("sha256");
    if (sha256(bytes_of(json.dump(-1, ' ', false, Json::error_handler_t::replace))).hex() != expected) return damaged("its checksum does not fit");
    Header header;
    if (version == json.end() || !read_fields(json, header)) return damaged("a field is missing or out of its range");
    return header;
}

Result<Keys> Header::unlock(const Secret& secret, std::string_view text, std::string* slot_id) const {
    Keys keys;
    for (const Slot& slot : slots) {
        if (slot.about.kind != secret.kind) continue;
        const SecretBytes key = SYMPHONY_TRY(key_of(secret, slot.salt, slot.cost));
        if (!same_bytes(check_of_slot(key.bytes()), slot.check)) continue;
        auto master = unwrap(key.bytes(), purpose("symphony-store slot 1 " + slot.about.id, repository), slot.wrapped);
        if (!master) return damage_error(Damage::tampered, "store.json: key slot " + slot.about.id + " was changed");
        if (!same_bytes(check_of_master(master->bytes(), repository), key_check)) {
            return damage_error(Damage::tampered, "store.json: the master key of slot " + slot.about.id + " is another store's");
        }
        keys.master = std::move(*master);
        if (slot_id != nullptr) *slot_id = slot.about.id;
        break;
    }
    if (keys.master.empty()) return damage_error(Damage::wrong_key, "none of the " + std::to_string(slots.size()) + " key slots opens with this secret");
    Json json = Json::parse(text, nullptr, false);
    const std::string mac = json.is_object() && json.contains("mac") && json["mac"].is_string() ? json["mac"].get<std::string>() : std::string();
    json.erase("mac");
    json.erase("sha256");
    if (mac_of(keys.master.bytes(), json.dump()).hex() != mac) return damage_error(Damage::tampered, "store.json: was changed by somebody without the key");
    auto opened = unwrap(keys.master.bytes(), purpose("symphony-store root 1", repository), root);
    if (!opened) return damage_error(Damage::tampered, "store.json: the root key was changed");
    keys.root = std::move(*opened);
    keys.epoch = epoch;
    if (previous_epoch != 0) {
        auto old = unwrap(keys.master.bytes(), purpose("symphony-store previous 1", repository), previous);
        if (!old) return damage_error(Damage::tampered, "store.json: the previous master key was changed");
        keys.previous = std::move(*old);
        keys.previous_epoch = previous_epoch;
    }
    return keys;
}

Status Header::add_slot(const Secret& secret, std::string_view label, const PassphraseCost& cost, Bytes master, std::uint64_t now_ms) {
    if (slots.size() >= slots_max) return Error(Code::exhausted, "too-many-keys", "a store has at most 64 key slots", "remove one first");
    Slot slot;
    std::array<std::uint8_t, 4> id{};
    fill_random(id);
    fill_random(slot.salt);
    slot.about = {hex_of(id), secret.kind, std::string(label.substr(0, 255)), now_ms};
    slot.cost = cost;
    const SecretBytes key = SYMPHONY_TRY(key_of(secret, slot.salt, cost));
    slot.check = check_of_slot(key.bytes());
    slot.wrapped = wrap(key.bytes(), purpose("symphony-store slot 1 " + slot.about.id, repository), master);
    slots.push_back(std::move(slot));
    return {};
}

Result<std::vector<std::string>> Header::keep_slot(const std::string& id, const Secret& secret, Bytes master) {
    std::vector<std::string> dropped;
    std::vector<Slot> kept;
    for (Slot& slot : slots) {
        if (slot.about.id != id) {
            dropped.push_back(slot.about.id);
            continue;
        }
        const SecretBytes key = SYMPHONY_TRY(key_of(secret, slot.salt, slot.cost));
        slot.wrapped = wrap(key.bytes(), purpose("symphony-store slot 1 " + id, repository), master);
        kept.push_back(std::move(slot));
    }
    slots = std::move(kept);
    return dropped;
}

void Header::set_keys(const Keys& keys) {
    epoch = keys.epoch;
    key_check = check_of_master(keys.master.bytes(), repository);
    root = wrap(keys.master.bytes(), purpose("symphony-store root 1", repository), keys.root.bytes());
    previous_epoch = keys.previous_epoch;
    previous = keys.previous_epoch == 0 ? std::vector<std::uint8_t>()
                                        : wrap(keys.master.bytes(), purpose("symphony-store previous 1", repository), keys.previous.bytes());
}

Description Header::description() const {
    Description out{format, hex_of(repository), suite, profile, {}, created_ms};
    for (const Slot& slot : slots) out.slots.push_back(slot.about);
    return out;
}

Result<std::string> read_text(Folder& folder, std::string_view path, std::size_t size_max) {
    const auto file = SYMPHONY_TRY(folder.open(path, Folder::Mode::read));
    const std::uint64_t size = SYMPHONY_TRY(file->size());
    if (size > size_max) return Error(Code::exhausted, "too-large", std::string(path) + ": " + std::to_string(size) + " bytes, at most " + std::to_string(size_max));
    std::string text(static_cast<std::size_t>(size), '\0');
    const std::size_t got = SYMPHONY_TRY(file->read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
    text.resize(got);
    return text;
}

Status replace_file(Folder& folder, std::string_view path, std::string_view text) {
    const std::string fresh = std::string(path) + ".new";
    {
        const auto file = SYMPHONY_TRY(folder.open(fresh, Folder::Mode::create));
        SYMPHONY_TRY(file->truncate(0));
        SYMPHONY_TRY(file->write_at(0, bytes_of(text)));
        SYMPHONY_TRY(file->sync());
    }
    SYMPHONY_TRY(folder.rename(fresh, path));
    const auto slash = path.rfind('/');
    return folder.sync_folder(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

Result<ReadHeader> read_header(Folder& folder) {
    std::optional<Error> first;
    for (const std::string_view name : {header_name, copy_name}) {
        auto text = read_text(folder, name, header_bytes_max);
        if (!text) {
            if (!first) first = std::move(text).error();
            continue;
        }
        auto header = Header::parse(*text);
        if (header) return ReadHeader{std::move(*header), std::move(*text), name == copy_name};
        if (damage_of(header.error()) == Damage::wrong_version) return std::move(header).error();
        if (!first || first->code() == Code::not_found) first = std::move(header).error();
    }
    if (first->code() == Code::not_found) {
        return Error(Code::not_found, "no-store", folder.name() + ": holds no artifact store", "make one with `symphony artifact init`");
    }
    return *first;
}

Status write_header(Folder& folder, const std::string& text) {
    // The copy last: until store.json is whole, the copy is the old state, never a mixture.
    SYMPHONY_TRY(replace_file(folder, header_name, text));
    return replace_file(folder, copy_name, text);
}

} // namespace symphony::store
