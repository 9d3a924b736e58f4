// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/registry_files.hpp>

#include "document.hpp"
#include "words.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t format = 1;
constexpr std::size_t file_bytes_max = 16 * 1024 * 1024;

bool is_time(std::string_view text) noexcept { return static_cast<bool>(parse_time(text)); }
bool is_name(std::string_view text) noexcept { return is_id(text); }
bool is_shard(std::string_view text) noexcept {
    return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_advisory(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'; });
}
bool is_severity(std::string_view text) noexcept { return text == "low" || text == "medium" || text == "high" || text == "critical"; }
bool is_pattern(std::string_view text) noexcept { return is_id(text.ends_with(".*") ? text.substr(0, text.size() - 2) : text); }

constexpr std::string_view key_words = "a public key of 56 characters";
constexpr std::string_view time_words = "a time such as \"2026-12-01T00:00:00Z\"";

PublicKey key_of(const std::string& text) {
    auto key = PublicKey::parse(text);
    return key ? *std::move(key) : PublicKey();
}

/// The table behind a key that must be one; an empty one when it is not.
struct Document {
    Document(Result<Node> read, std::string_view file) : trouble(file), node(read ? *std::move(read) : Node()), table(trouble, node) {
        if (!read) error = std::move(read).error();
    }
    /// First of all: whether it is of a format that we know.
    Status begin(std::string_view kind) {
        if (error) return *error;
        const auto version = table.number("format");
        SYMPHONY_TRY(trouble.status());
        if (version == format) return {};
        return Error(Code::unsupported, "registry-too-new", std::string(kind) + " is of format " + std::to_string(version) + ", this symphony reads " + std::to_string(format),
                     "update symphony");
    }
    Status end() {
        table.done();
        return trouble.status();
    }

    std::optional<Error> error;
    Trouble trouble;
    Node node;
    Table table;
};

KeyRole read_role(Table& table) {
    KeyRole role;
    role.threshold = table.number("threshold");
    for (const auto& text : table.texts("keys", 64)) {
        if (!is_key(text)) table.trouble().tell(table.line("keys"), "bad-value", table.at("keys") + ": expected " + std::string(key_words) + ", found " + in_quotes(text));
        else role.keys.push_back(key_of(text));
    }
    table.done();
    std::sort(role.keys.begin(), role.keys.end());
    if (std::adjacent_find(role.keys.begin(), role.keys.end()) != role.keys.end()) {
        table.trouble().tell(table.line("keys"), "duplicate-entry", table.at("keys") + ": one key is there twice; it would count twice");
    }
    if (role.threshold == 0 || role.threshold > role.keys.size()) {
        table.trouble().tell(table.line("threshold"), "bad-value", table.at("threshold") + ": expected 1 to the number of keys, " + std::to_string(role.keys.size()) + ", found " + std::to_string(role.threshold));
    }
    return role;
}

KeyRole one_role(Table& root, std::string_view key) {
    auto tables = root.tables(key, 1);
    if (tables.size() != 1) {
        root.trouble().tell(root.line(), "missing-key", "has no [[" + std::string(key) + "]]");
        return {};
    }
    return read_role(tables[0]);
}

std::vector<std::string> texts_of(const std::vector<PublicKey>& keys) {
    std::vector<std::string> out;
    for (const auto& key : keys) out.push_back(key.text());
    std::sort(out.begin(), out.end());
    return out;
}

void put_role(std::string& out, std::string_view name, const KeyRole& role) {
    out.append("\n[[").append(name).append("]]\n");
    put(out, "threshold", role.threshold);
    put(out, "keys", texts_of(role.keys));
}

std::vector<std::pair<std::string, std::string>> digests(Table& table, std::string_view key, bool (*name_check)(std::string_view)) {
    auto entries = table.text_map(key, 100'000);
    for (auto& [name, digest] : entries) {
        if (!name_check(name) || !is_digest(digest)) {
            table.trouble().tell(table.line(key), "bad-value", table.at(key) + ": expected \"sha256:\" and 64 digits behind a name, found " + in_quotes(name + " = " + digest));
            break;
        }
        digest.erase(0, 7);
    }
    return entries;
}

void put_digests(std::string& out, std::string_view key, std::vector<std::pair<std::string, std::string>> entries) {
    if (entries.empty()) return;
    std::sort(entries.begin(), entries.end());
    out.append("\n[").append(key).append("]\n");
    for (const auto& [name, digest] : entries) out += toml_quoted(name) + " = \"sha256:" + digest + "\"\n";
}

} // namespace

// ---- times

Result<UnixTime> parse_time(std::string_view text) {
    const auto bad = [&] { return Error(Code::invalid_argument, "bad-time", "expected " + std::string(time_words) + ", found " + in_quotes(text)); };
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    if (text.size() != shape.size()) return bad();
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '0' ? !digit : text[i] != shape[i]) return bad();
    }
    const auto number = [&](std::size_t at, std::size_t count) {
        int value = 0;
        for (std::size_t i = at; i < at + count; ++i) value = value * 10 + (text[i] - '0');
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)), std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return bad();
    return UnixTime{std::chrono::sys_days(day).time_since_epoch().count()} * 86'400 + hour * 3600 + minute * 60 + second;
}

std::string time_text(UnixTime time) {
    const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(time)));
    const std::chrono::year_month_day day(days);
    const auto rest = time - UnixTime{days.time_since_epoch().count()} * 86'400;
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                  static_cast<unsigned>(day.day()), static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
    return text;
}

// ---- config.toml

Result<RegistryConfig> parse_config(std::string_view text, std::string_view file) {
    Document document(read_toml(text, file, file_bytes_max), file);
    SYMPHONY_TRY(document.begin(file));
    RegistryConfig config;
    config.name = document.table.text("name", is_name, "a name of lower-case letters, digits, dots and dashes");
    config.title = document.table.text("title");
    SYMPHONY_TRY(document.end());
    return config;
}

std::string print(const RegistryConfig& config) {
    std::string out;
    put(out, "format", format);
    put(out, "name", config.name);
    put(out, "title", config.title);
    return out;
}

// ---- root.toml

Result<RegistryRoot> parse_root(std::string_view text, std::string_view file) {
    Document document(read_toml(text, file, file_bytes_max), file);
    SYMPHONY_TRY(document.begin(file));
    auto& table = document.table;
    RegistryRoot root;
    root.registry = table.text("registry", is_name, "the name of the registry");
    root.version = table.number("version");
    root.expires = parse_time(table.text("expires", is_time, time_words)).value_or(0);
    root.root = one_role(table, "root");
    root.snapshot = one_role(table, "snapshot");
    for (auto& one : table.tables("publisher", 100'000)) {
        RegistryRoot::Publisher publisher{key_of(one.text("key", is_key, key_words)), one.text("name"), one.texts("ids")};
        for (const auto& id : publisher.ids) {
            if (!is_pattern(id)) document.trouble.tell(one.line("ids"), "bad-value", one.at("ids") + ": expected ids or \"org.example.*\", found " + in_quotes(id));
        }
        one.done();
        root.publishers.push_back(std::move(publisher));
    }
    for (auto& one : table.tables("revoked", 100'000)) {
        root.revoked.push_back({key_of(one.text("key", is_key, key_words)), one.text("why")});
        one.done();
    }
    for (auto& one : table.tables("successor", 100'000)) {
        root.successors.push_back({key_of(one.text("of", is_key, key_words)), key_of(one.text("key", is_key, key_words))});
        one.done();
    }
    SYMPHONY_TRY(document.end());
    return root;
}

std::string print(const RegistryRoot& root) {
    std::string out;
    put(out, "format", format);
    put(out, "registry", root.registry);
    put(out, "version", root.version);
    put(out, "expires", time_text(root.expires));
    put_role(out, "root", root.root);
    put_role(out, "snapshot", root.snapshot);
    for (const auto& one : root.publishers) {
        out += "\n[[publisher]]\n";
        put(out, "key", one.key.text());
        put(out, "name", one.name);
        put(out, "ids", one.ids);
    }
    for (const auto& one : root.revoked) {
        out += "\n[[revoked]]\n";
        put(out, "key", one.key.text());
        put(out, "why", one.why);
    }
    for (const auto& one : root.successors) {
        out += "\n[[successor]]\n";
        put(out, "of", one.of.text());
        put(out, "key", one.key.text());
    }
    return out;
}

const RegistryRoot::Revoked* RegistryRoot::find_revoked(const PublicKey& key) const noexcept {
    const auto found = std::find_if(revoked.begin(), revoked.end(), [&](const Revoked& one) { return one.key == key; });
    return found == revoked.end() ? nullptr : &*found;
}

PublicKey RegistryRoot::successor_of(const PublicKey& key) const {
    auto now = key;
    // As many changes as there are at most: a ring of successors ends too.
    for (std::size_t i = 0; i < successors.size(); ++i) {
        const auto next = std::find_if(successors.begin(), successors.end(), [&](const Successor& one) { return one.of == now; });
        if (next == successors.end()) break;
        now = next->key;
    }
    return now;
}

bool RegistryRoot::may_publish(const PublicKey& key, std::string_view id) const noexcept {
    bool listed = false;
    for (const auto& publisher : publishers) {
        for (const std::string_view pattern : publisher.ids) {
            const bool matches = pattern.ends_with(".*") ? id.starts_with(pattern.substr(0, pattern.size() - 1)) : id == pattern;
            if (!matches) continue;
            if (publisher.key == key) return true;
            listed = true;
        }
    }
    return !listed;
}

// ---- snapshot.toml

const std::string* RegistrySnapshot::find_shard(std::string_view shard) const noexcept {
    const auto found = std::lower_bound(shards.begin(), shards.end(), shard, [](const auto& entry, std::string_view name) { return entry.first < name; });
    return found == shards.end() || found->first != shard ? nullptr : &found->second;
}

Result<RegistrySnapshot> parse_snapshot(std::string_view text, std::string_view file) {
    Document document(read_toml(text, file, file_bytes_max), file);
    SYMPHONY_TRY(document.begin(file));
    auto& table = document.table;
    RegistrySnapshot snapshot;
    snapshot.registry = table.text("registry", is_name, "the name of the registry");
    snapshot.number = table.number("number");
    snapshot.root = table.number("root");
    snapshot.expires = parse_time(table.text("expires", is_time, time_words)).value_or(0);
    const auto config = table.text("config", is_digest, "\"sha256:\" and 64 hexadecimal digits");
    snapshot.config = config.empty() ? config : config.substr(7);
    snapshot.shards = digests(table, "shards", is_shard);
    snapshot.advisories = digests(table, "advisories", is_advisory);
    SYMPHONY_TRY(document.end());
    return snapshot;
}

std::string print(const RegistrySnapshot& snapshot) {
    std::string out;
    put(out, "format", format);
    put(out, "registry", snapshot.registry);
    put(out, "number", snapshot.number);
    put(out, "root", snapshot.root);
    put(out, "expires", time_text(snapshot.expires));
    put(out, "config", "sha256:" + snapshot.config);
    put_digests(out, "shards", snapshot.shards);
    put_digests(out, "advisories", snapshot.advisories);
    return out;
}

// ---- lists of shards

const ShardList::Entry* ShardList::find(std::string_view id) const noexcept {
    const auto found = std::lower_bound(entries.begin(), entries.end(), id, [](const Entry& entry, std::string_view name) { return entry.id < name; });
    return found == entries.end() || found->id != id ? nullptr : &*found;
}

Result<ShardList> parse_shard(std::string_view text, std::string_view file) {
    ShardList list;
    std::size_t line = 0;
    while (!text.empty()) {
        ++line;
        const auto bad = [&](const char* why) { return Error(Code::data_corrupt, "bad-shard", std::string(file) + ":" + std::to_string(line) + ": " + why); };
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return bad("the last line has no end");
        const auto row = text.substr(0, end);
        text.remove_prefix(end + 1);
        const auto space = row.size() > 65 ? row.find(' ', 65) : std::string_view::npos;
        if (space == std::string_view::npos || row[64] != ' ' || !is_sha256(row.substr(0, 64))) return bad("expected SHA256, SIZE and ID");
        const auto digits = row.substr(65, space - 65);
        if (digits.empty() || digits.size() > 12 || digits[0] == '0' || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return bad("the size is no number");
        }
        ShardList::Entry entry{std::string(row.substr(space + 1)), std::stoull(std::string(digits)), std::string(row.substr(0, 64))};
        if (!is_id(entry.id)) return bad("the id is none");
        if (!list.entries.empty() && list.entries.back().id >= entry.id) return bad("ids are not in rising order");
        list.entries.push_back(std::move(entry));
    }
    return list;
}

std::string print(const ShardList& list) {
    std::string out;
    for (const auto& entry : list.entries) out += entry.sha256 + " " + std::to_string(entry.size_bytes) + " " + entry.id + "\n";
    return out;
}

// ---- advisories

Result<Advisory> parse_advisory(std::string_view text, std::string_view file) {
    Document document(read_toml(text, file, file_bytes_max), file);
    SYMPHONY_TRY(document.begin(file));
    auto& table = document.table;
    Advisory advisory;
    advisory.id = table.text("id", is_advisory, "an id such as \"SYM-2026-0001\"");
    advisory.title = table.text("title");
    advisory.severity = table.text("severity", is_severity, "low, medium, high or critical");
    advisory.text = table.text("text", nullptr, "text", 64 * 1024);
    advisory.url = table.text_or_nothing("url");
    SYMPHONY_TRY(document.end());
    return advisory;
}

std::string print(const Advisory& advisory) {
    std::string out;
    put(out, "format", format);
    put(out, "id", advisory.id);
    put(out, "title", advisory.title);
    put(out, "severity", advisory.severity);
    put(out, "text", advisory.text);
    if (!advisory.url.empty()) put(out, "url", advisory.url);
    return out;
}

// ---- where things are

std::string filed_under(std::string_view id) { return sha256_of(id).substr(0, 4); }
std::string shard_of(std::string_view id) { return filed_under(id).substr(0, 2); }
std::string index_path(std::string_view id) {
    const auto filed = filed_under(id);
    return "index/" + filed.substr(0, 2) + "/" + filed.substr(2) + "/" + std::string(id) + ".jsonl";
}
std::string shard_path(std::string_view shard, std::string_view sha256) { return "index/" + std::string(shard) + "/" + std::string(sha256) + ".list"; }
std::string package_path(std::string_view id, std::string_view version, std::string_view triple) {
    return "packages/" + std::string(id) + "/" + std::string(id) + "-" + std::string(version) + "-" + std::string(triple) + ".sympkg";
}
std::string root_path(std::uint64_t version) { return "root/" + std::to_string(version) + ".toml"; }
std::string root_signature_path(std::uint64_t version, const KeyId& key) { return "root/" + std::to_string(version) + "." + text_of(key) + ".minisig"; }
std::string snapshot_signature_path(std::uint64_t number, const KeyId& key) { return "snapshot." + std::to_string(number) + "." + text_of(key) + ".minisig"; }
std::string advisory_path(std::string_view id) { return "advisories/" + std::string(id) + ".toml"; }

} // namespace symphony::packaging
