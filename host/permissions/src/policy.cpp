// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/policy.hpp>

#include <symphony/manifests/parse.hpp>
#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace symphony::permissions {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t file_bytes_max = 256 * 1024;
constexpr int grade_default = 3;
constexpr int grade_most = 4;
constexpr std::int64_t audit_mib_most = 1 << 20;
constexpr std::string_view presets[] = {"strict", "balanced", "permissive"};

/// A name with stars for any characters.
bool matches(std::string_view pattern, std::string_view name) noexcept {
    if (pattern.empty()) return true;
    std::size_t p = 0, n = 0, star = std::string_view::npos, retry = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool speaks_of(const Rule& rule, const Subject& subject) noexcept {
    return matches(rule.publisher, subject.publisher) && (matches(rule.plugin, subject.plugin) || matches(rule.plugin, subject.name));
}

bool covers(const Rule& rule, const Right& right) {
    if (std::any_of(rule.rights.begin(), rule.rights.end(), [&](const Right& one) { return one.covers(right); })) return true;
    return rule.rights.size() > 1 && !right.is_single() && RightSet(rule.rights).covers(right);
}

bool is_own_folder(const Right& right) noexcept {
    const auto root = right.root();
    return root == "config" || root == "cache" || root == "state" || root == "temp" || root == "selected";
}

} // namespace

std::string_view name_of(Preset preset) noexcept { return presets[static_cast<std::size_t>(preset)]; }

/// Reads one file into a policy. The first thing that is wrong ends it: a rule that is only half understood protects nobody.
struct Policy::Reader {
    Policy& to;
    const File& file;
    std::string name = file.path.string();

    struct Wrong {
        std::string text;
    };
    [[noreturn]] void wrong(const toml::node& node, const std::string& what) const {
        throw Wrong{name + ":" + std::to_string(node.source().begin.line) + ": " + what};
    }
    static std::string quoted(std::string_view text) {
        std::string out = "\"";
        for (const char c : text.substr(0, 60)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
        return out + "\"";
    }
    [[noreturn]] void unknown(const toml::node& node, std::string_view what, std::string_view word, const std::vector<std::string_view>& known) const {
        const auto near = manifests::nearest(word, known);
        std::string text = "unknown " + std::string(what) + " " + quoted(word);
        if (!near.empty()) text += ", did you mean \"" + std::string(near) + "\"?";
        wrong(node, text);
    }
    std::string text_of(const toml::node& node, std::string_view key) const {
        const auto* text = node.as_string();
        if (text == nullptr) wrong(node, std::string(key) + " is a text");
        return **text;
    }
    bool bool_of(const toml::node& node, std::string_view key) const {
        const auto* value = node.as_boolean();
        if (value == nullptr) wrong(node, std::string(key) + " is true or false");
        return **value;
    }

    Rule rule(const toml::table& table, bool allow) const {
        Rule made;
        made.allow = allow;
        made.administrators = file.administrators;
        made.file = name;
        made.line = table.source().begin.line;
        for (const auto& [key_node, value] : table) {
            const std::string_view key = key_node.str();
            if (key == "plugin") made.plugin = text_of(value, key);
            else if (key == "publisher") made.publisher = text_of(value, key);
            else if (key == "reason") made.reason = text_of(value, key);
            else if (key == "locked") made.locked = bool_of(value, key);
            else if (key == "rights") {
                const auto* list = value.as_array();
                if (list == nullptr) wrong(value, "rights is a list such as [\"network:*\"]");
                for (const auto& item : *list) {
                    auto right = Right::parse(text_of(item, "a right"));
                    if (!right) wrong(item, right.error().message());
                    made.rights.push_back(*std::move(right));
                }
            } else {
                unknown(value, "key", key, {"plugin", "publisher", "rights", "locked", "reason"});
            }
        }
        if (made.rights.empty()) wrong(table, "a rule without rights: rights = [\"network:*\"] names them");
        if (made.locked && !file.administrators) wrong(table, "only the administrators' file locks");
        return made;
    }

    void extensions(const toml::node& value, std::string_view key) const {
        const auto word = text_of(value, key);
        const auto& words = manifests::extension_words;
        const auto found = std::find(words.begin(), words.end(), word);
        if (found == words.end()) unknown(value, key, word, {words.begin(), words.end()});
        restrict_extensions(static_cast<Extensions>(found - words.begin()));
    }
    void restrict_extensions(Extensions to_what) const {
        if (to_what <= to.extensions_.which) return;
        to.extensions_.which = to_what;
        to.extensions_.file = name;
    }
    /// Whom one file names counts as far as the others do, too.
    void publishers(const toml::node& value) const {
        const auto* list = value.as_array();
        if (list == nullptr) wrong(value, "publishers is a list of public keys");
        std::vector<std::string> keys;
        for (const auto& item : *list) {
            auto key = text_of(item, "a publisher");
            const auto& before = to.extensions_.publishers;
            if (!before || std::find(before->begin(), before->end(), key) != before->end()) keys.push_back(std::move(key));
        }
        to.extensions_.publishers = std::move(keys);
    }

    void top(const toml::table& table) const {
        std::optional<Preset> preset;
        std::optional<int> grade;
        std::optional<int> audit_mib;
        std::optional<std::string> in_process;
        bool locked = false;
        for (const auto& [key_node, value] : table) {
            const std::string_view key = key_node.str();
            if (key == "preset") {
                const auto word = text_of(value, key);
                const auto found = std::find(std::begin(presets), std::end(presets), word);
                if (found == std::end(presets)) unknown(value, "preset", word, {std::begin(presets), std::end(presets)});
                preset = static_cast<Preset>(found - std::begin(presets));
            } else if (key == "minimum_grade") {
                const auto word = text_of(value, key);
                if (word.size() != 2 || word[0] != 'G' || word[1] < '0' || word[1] > '4') wrong(value, "minimum_grade is one of \"G0\" to \"G4\"");
                grade = word[1] - '0';
            } else if (key == "audit_mib") {
                const auto* number = value.as_integer();
                if (number == nullptr || **number < 1 || **number > audit_mib_most) wrong(value, "audit_mib is a number of MiB, 1 to " + std::to_string(audit_mib_most));
                audit_mib = static_cast<int>(**number);
            } else if (key == "in_process") {
                in_process = text_of(value, key);
                if (*in_process != "trusted" && *in_process != "anyone") unknown(value, "in_process", *in_process, {"trusted", "anyone"});
            } else if (key == "extensions") {
                extensions(value, key);
            } else if (key == "publishers") {
                publishers(value);
            } else if (key == "locked") {
                locked = bool_of(value, key);
                if (locked && !file.administrators) wrong(value, "only the administrators' file locks");
            } else if (key == "allow" || key == "deny") {
                const auto* list = value.as_array();
                if (list == nullptr) wrong(value, "rules begin with [[" + std::string(key) + "]]");
                for (const auto& item : *list) {
                    if (item.as_table() == nullptr) wrong(item, "rules begin with [[" + std::string(key) + "]]");
                    to.rules_.push_back(rule(*item.as_table(), key == "allow"));
                }
            } else {
                unknown(value, "key", key, {"preset", "minimum_grade", "in_process", "audit_mib", "extensions", "publishers", "locked", "allow", "deny"});
            }
        }
        // What is locked and not written is locked as it would be without the file.
        if (locked && !grade && !to.minimum_grade_) grade = grade_default;
        if (preset && to.preset_locked_ && *preset > to.preset_) {
            to.warnings_.push_back(name + ": preset \"" + std::string(name_of(*preset)) + "\" has no effect: the administrators lock \"" + std::string(name_of(to.preset_)) + "\"");
        } else if (preset) {
            to.preset_ = *preset;
        }
        if (grade && to.preset_locked_ && to.minimum_grade_ && *grade < *to.minimum_grade_) {
            to.warnings_.push_back(name + ": minimum_grade G" + std::to_string(*grade) + " has no effect: the administrators lock G" + std::to_string(*to.minimum_grade_));
        } else if (grade) {
            to.minimum_grade_ = grade;
        }
        if (audit_mib && to.preset_locked_ && *audit_mib < to.audit_mib_) {
            to.warnings_.push_back(name + ": audit_mib " + std::to_string(*audit_mib) + " has no effect: the administrators lock " + std::to_string(to.audit_mib_));
        } else if (audit_mib) {
            to.audit_mib_ = *audit_mib;
        }
        if (in_process == "anyone" && to.in_process_locked_) {
            to.warnings_.push_back(name + ": in_process = \"anyone\" has no effect: the administrators lock \"trusted\"");
        } else if (in_process) {
            to.in_process_rule_ = in_process == "trusted" ? name : "";
        }
        to.in_process_locked_ = to.in_process_locked_ || (locked && to.only_trusted_in_process());
        to.preset_locked_ = to.preset_locked_ || locked;
    }

    void read() const {
        std::error_code failed;
        const auto status = fs::status(file.path, failed);
        if (status.type() == fs::file_type::not_found) return;
        const auto rules = to.rules_.size();
        std::string text;
        try {
            if (failed || !fs::is_regular_file(status)) throw Wrong{name + ": " + (failed ? failed.message() : "it is no regular file")};
            std::ifstream stream(file.path, std::ios::binary);
            if (!stream) throw Wrong{name + ": it cannot be read"};
            text.resize(file_bytes_max + 1);
            stream.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(stream.gcount()));
            if (const auto trouble = manifests::toml_trouble(text, name, file_bytes_max)) throw Wrong{name + ": " + trouble->message};
            top(toml::parse(text));
            return;
        } catch (const Wrong& found) {
            broken(found.text, text);
        } catch (const toml::parse_error& found) {
            broken(name + ":" + std::to_string(found.source().begin.line) + ": " + std::string(found.description()), text);
        } catch (const std::exception& found) {
            broken(name + ": " + found.what(), text);
        }
        to.rules_.resize(rules);
    }
    /// The strictest grade in lines that set one, of a text that is not understood as a whole.
    static std::optional<int> grade_in(std::string_view text) {
        std::optional<int> found;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = std::min(text.find('\n', at), text.size());
            auto line = text.substr(at, end - at);
            at = end + 1;
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            const auto grade = line.find('G');
            if (!line.starts_with("minimum_grade") || grade + 1 >= line.size() || line[grade + 1] < '0' || line[grade + 1] > '4') continue;
            found = std::max(found.value_or(0), line[grade + 1] - '0');
        }
        return found;
    }
    /// Its rules are not known, so nothing is granted; and it loosens no isolation, which is the more needed now.
    void broken(const std::string& why, std::string_view text) const {
        const int grade = grade_in(text).value_or(file.administrators ? grade_most : grade_default);
        to.minimum_grade_ = std::max({grade, grade_default, to.minimum_grade_.value_or(0)});
        to.preset_ = Preset::strict;
        to.preset_locked_ = to.preset_locked_ || file.administrators;
        to.in_process_rule_ = name;
        if (file.administrators) restrict_extensions(Extensions::none);
        to.in_process_locked_ = to.in_process_locked_ || file.administrators;
        to.warnings_.push_back(why + "; until that is mended nothing is granted but what is typed and a plugin's own folders");
        to.broken_ = true;
        if (to.broken_file_.empty()) to.broken_file_ = name;
    }
};

Policy Policy::load(const std::vector<File>& files) {
    Policy policy;
    for (const auto& file : files) {
        if (file.path.empty()) continue;
        if (!file.administrators) policy.user_file_ = file.path.string();
        Reader{policy, file}.read();
    }
    return policy;
}

Policy Policy::load_default(const fs::path& config_dir, const fs::path& distribution_dir) {
    const auto in = [](const fs::path& folder) { return folder.empty() ? fs::path() : folder / "policy.toml"; };
    const fs::path machine = "/etc/symphony";
    return load({{in(machine), true}, {distribution_dir == machine ? fs::path() : in(distribution_dir), true}, {in(config_dir), false}});
}

Verdict Policy::judge(const Subject& subject, const Right& right) const {
    for (const Rule& rule : rules_) {
        if (rule.allow || !speaks_of(rule, subject)) continue;
        if (std::none_of(rule.rights.begin(), rule.rights.end(), [&](const Right& one) { return one.overlaps(right); })) continue;
        // What administrators did not lock, a user's own allow takes back.
        const bool taken_back = rule.administrators && !rule.locked && std::any_of(rules_.begin(), rules_.end(), [&](const Rule& other) {
            return other.allow && !other.administrators && speaks_of(other, subject) && covers(other, right);
        });
        if (!taken_back) return {Verdict::Kind::denied, &rule};
    }
    if (broken_) return {is_own_folder(right) ? Verdict::Kind::allowed : Verdict::Kind::denied, nullptr};
    for (const Rule& rule : rules_) {
        if (rule.allow && speaks_of(rule, subject) && covers(rule, right)) return {Verdict::Kind::allowed, &rule};
    }
    bool given = (right.kind() == manifests::RightKind::file && is_own_folder(right)) || (subject.trusted && is_call(right));
    if (preset_ == Preset::balanced) given = given || (subject.trusted && right.kind() == manifests::RightKind::file);
    if (preset_ == Preset::permissive) {
        given = given || (right.kind() != manifests::RightKind::process && right.kind() != manifests::RightKind::system && !right.is_private_network());
    }
    return {given ? Verdict::Kind::allowed : Verdict::Kind::open, nullptr};
}

std::string Policy::rule_id(const Verdict& verdict) const {
    if (verdict.by != nullptr) return verdict.by->id();
    if (broken_) return broken_file_;
    return "preset:" + std::string(name_of(preset_));
}

std::string Policy::why(const Verdict& verdict, const Subject& subject, const Right& right) const {
    if (verdict.by != nullptr) {
        const Rule& rule = *verdict.by;
        std::string text = std::string(rule.allow ? "allowed by " : "denied by ") + (rule.administrators ? "the administrators' policy" : "your policy");
        if (!rule.allow && !covers(rule, right)) {
            const auto part = std::find_if(rule.rights.begin(), rule.rights.end(), [&](const Right& one) { return one.overlaps(right); });
            text += ", of which " + part->text() + " is a part";
        }
        text += " (" + rule.id() + ")";
        return rule.reason.empty() ? text : text + ": " + rule.reason;
    }
    if (broken_ && right.root() != "selected") {
        return verdict.kind == Verdict::Kind::allowed ? "its own folders are always its own" : "the policy in " + broken_file_ + " cannot be understood, so nothing is granted";
    }
    const std::string preset = "preset " + std::string(name_of(preset_));
    if (verdict.kind == Verdict::Kind::open) return preset + " leaves it to you";
    if (right.root() == "selected") return preset + ": what is named on the command line is granted for the run";
    if (is_own_folder(right)) return preset + ": its own folders are its own";
    if (subject.trusted && is_call(right)) return preset + ": this distribution trusts the plugin, so it calls what it requires";
    if (preset_ == Preset::balanced && subject.trusted) return preset + ": this distribution trusts the plugin, so it has the files it asks for";
    return preset + " grants what is asked for";
}

std::string Policy::hint(const Verdict& verdict) const {
    if (verdict.by == nullptr) return broken_ ? "mend " + broken_file_ : std::string();
    if (!verdict.by->administrators) return "change the rule in " + verdict.by->id();
    if (verdict.by->locked || user_file_.empty()) return "only an administrator can change " + verdict.by->id();
    return "an [[allow]] rule in " + user_file_ + " takes it back";
}

} // namespace symphony::permissions
