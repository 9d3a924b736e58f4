// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/parse.hpp>

#include "config_value.hpp"
#include "fields.hpp"
#include "reporter.hpp"
#include "text.hpp"
#include "validate.hpp"

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace symphony::manifests {
namespace {

Place place_of(const toml::source_region& region) noexcept { return {region.begin.line, region.begin.column}; }
Place place_of(const toml::node& node) noexcept { return place_of(node.source()); }

std::string_view kind_of(const toml::node& node) noexcept {
    switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "a boolean";
    default: return "a date or time";
    }
}

/// What stands at a key, for "found ...".
std::string found(const toml::node& node) {
    if (const auto* text = node.as_string()) return "text " + shown(**text);
    if (const auto* integer = node.as_integer()) return "integer " + std::to_string(**integer);
    if (const auto* boolean = node.as_boolean()) return **boolean ? "true" : "false";
    return std::string(kind_of(node));
}

/// Where the reader stands, for messages: "[[command]] flags.short". Made into text only when something is wrong.
struct Scope {
    const Scope* parent = nullptr;
    std::string_view name;
    bool element = false; ///< of a list of tables

    std::string text() const {
        if (parent == nullptr) return {};
        if (parent->parent == nullptr) return (element ? "[[" : "[") + without_controls(name) + (element ? "]]" : "]");
        return parent->text() + (parent->parent->parent == nullptr ? " " : ".") + without_controls(name);
    }
    std::string key(std::string_view key_name) const {
        if (parent == nullptr) return std::string(key_name);
        return text() + (parent->parent == nullptr ? " " : ".") + without_controls(key_name);
    }
};

struct Session {
    Reporter& reporter;
    Strictness strictness;
};

/// TOML to Data; null after a report when there is no such value.
Data to_data(const toml::node& node, Session& session) {
    if (const auto* text = node.as_string()) {
        if (!has_control(**text)) return Data(**text);
        session.reporter.error(place_of(node), "control-character", "text with control characters, which terminals obey");
    } else if (const auto* integer = node.as_integer()) {
        return Data(**integer);
    } else if (const auto* number = node.as_floating_point()) {
        if (std::isfinite(**number)) return Data(**number);
        session.reporter.error(place_of(node), "not-finite", "expected a finite number");
    } else if (const auto* boolean = node.as_boolean()) {
        return Data(**boolean);
    } else if (const auto* list = node.as_array()) {
        Data::List out;
        for (const auto& item : *list) out.push_back(to_data(item, session));
        return Data(std::move(out));
    } else if (const auto* table = node.as_table()) {
        // toml++ keeps tables sorted by key, which is the order that Data promises.
        Data::Map out;
        for (const auto& [key, value] : *table) {
            if (has_control(key.str())) {
                session.reporter.error(place_of(key.source()), "control-character", "a key with control characters");
            }
            out.emplace_back(std::string(key.str()), to_data(value, session));
        }
        return Data(std::move(out));
    } else {
        session.reporter.error(place_of(node), "wrong-type", "dates and times have no place in a manifest",
                               "write it as text, in quotes");
    }
    return Data();
}

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

/// The visitor that fills a section from a TOML table. See fields.hpp.
class TableReader {
public:
    TableReader(Session& session, const Scope& scope, const toml::table& table, Place place)
        : session_(session), scope_(scope), table_(&table), place_(place) {}
    /// For an entry that is written as one bare text instead of a table.
    TableReader(Session& session, const Scope& scope, const toml::node& only, std::string_view only_key)
        : session_(session), scope_(scope), only_(&only), only_key_(only_key), place_(place_of(only)) {}

    void text(const Key& key, std::string& to, const TextRule& text_rule) {
        const auto* node = take(key, text_rule.expected);
        if (node != nullptr) read_text(*node, key.name, to, text_rule);
    }

    void texts(const Key& key, std::vector<std::string>& to, const TextRule& text_rule) {
        const auto* node = take(key, "a list of texts");
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr) return wrong_type(*node, key.name, "a list of texts such as [\"a\", \"b\"]");
        for (const auto& item : *list) {
            std::string text;
            if (read_text(item, key.name, text, text_rule)) to.push_back(std::move(text));
        }
    }

    void boolean(const Key& key, bool& to) {
        const auto* node = take(key, "true or false");
        if (node == nullptr) return;
        if (const auto* value = node->as_boolean()) {
            to = **value;
        } else {
            wrong_type(*node, key.name, "true or false");
        }
    }

    template <class T>
    void integer(const Key& key, T& to, std::int64_t min, std::int64_t max, std::int64_t = 0) {
        const auto* node = take(key, "an integer");
        if (node == nullptr) return;
        const auto* value = node->as_integer();
        if (value == nullptr) return wrong_type(*node, key.name, "an integer");
        if (**value < min || **value > max) {
            session_.reporter.error(place_of(*node), "out-of-range",
                                    scope_.key(key.name) + ": expected " +
                                        (max == INT64_MAX ? "at least " + std::to_string(min)
                                                          : std::to_string(min) + " to " + std::to_string(max)) +
                                        ", found " + std::to_string(**value));
            return;
        }
        if constexpr (is_optional<T>::value) {
            to = static_cast<typename T::value_type>(**value);
        } else {
            to = static_cast<T>(**value);
        }
    }

    template <class E>
    void choice(const Key& key, E& to) {
        const auto names = names_of<E>();
        const bool absent = key.required && table_ != nullptr && !table_->contains(key.name);
        const auto* node = take(key, absent ? choices_text(names) : std::string());
        if (node == nullptr) return;
        const auto* value = node->as_string();
        if (value != nullptr && !(*value)->empty()) {
            for (std::size_t i = 0; i < names.size(); ++i) {
                if (names[i] == **value) {
                    to = static_cast<E>(i);
                    return;
                }
            }
        }
        const auto near = value != nullptr ? nearest(**value, {names.begin(), names.end()}) : std::string_view();
        session_.reporter.error(place_of(*node), value != nullptr ? "unknown-value" : "wrong-type",
                                scope_.key(key.name) + ": expected " + choices_text(names) + ", found " + found(*node),
                                near.empty() ? std::string() : "did you mean \"" + std::string(near) + "\"?");
    }

    template <class T>
    void parsed(const Key& key, T& to, const Codec<T>& codec) {
        const auto* node = take(key, codec.expected);
        if (node == nullptr) return;
        const auto* text = node->as_string();
        if (text == nullptr) return wrong_type(*node, key.name, codec.expected);
        auto value = codec.read(**text);
        if (value) {
            to = *std::move(value);
        } else {
            session_.reporter.error(place_of(*node), value.error().reason(), scope_.key(key.name) + ": " + value.error().message(),
                                    value.error().hint());
        }
    }

    template <class T>
    void maybe(const Key& key, std::optional<T>& to, const Codec<T>& codec) {
        const auto errors = session_.reporter.errors();
        T value{};
        const auto seen = seen_;
        parsed(key, value, codec);
        if (seen_ != seen && session_.reporter.errors() == errors) to = std::move(value);
    }

    void data(const Key& key, Data& to) {
        if (const auto* node = take(key, "a value")) to = to_data(*node, session_);
    }

    void data_list(const Key& key, std::vector<Data>& to) {
        const auto* node = take(key, "a list");
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr) return wrong_type(*node, key.name, "a list");
        for (const auto& item : *list) {
            if (auto value = to_data(item, session_); !value.is_null()) to.push_back(std::move(value));
        }
    }

    template <class T>
    void table(const Key& key, T& to) {
        const auto* node = take(key, "a table");
        if (node == nullptr) return;
        const auto* inner = node->as_table();
        if (inner == nullptr) return wrong_type(*node, key.name, "a table");
        read_table({&scope_, key.name}, *inner, place_of(*node), to);
    }

    template <class T>
    void tables(const Key& key, std::vector<T>& to) {
        const auto* node = take(key, "a list of tables");
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr) {
            session_.reporter.error(place_of(*node), "wrong-type",
                                    scope_.key(key.name) + ": expected a list of tables, found " + found(*node),
                                    scope_.parent == nullptr ? "write [[" + std::string(key.name) + "]]" : std::string());
            return;
        }
        for (const auto& item : *list) {
            const auto* inner = item.as_table();
            if (inner == nullptr) {
                wrong_type(item, key.name, "a table");
                continue;
            }
            T element{};
            element.place = place_of(item);
            read_element({&scope_, key.name, true}, *inner, element, to);
        }
    }

    template <class T>
    void map(const Key& key, std::vector<T>& to, std::string T::*name, const TextRule& name_rule, Order order) {
        for_entries(key, order, [&](std::string_view entry, Place place, const toml::node& node, const Scope& scope) {
            T element{};
            element.*name = entry;
            element.place = place;
            check_name(entry, place, scope, name_rule);
            read_entry({&scope, entry}, node, element, to);
        });
    }

    void slots(const Key& key, std::vector<Slot>& to) {
        for_entries(key, Order::written, [&](std::string_view entry, Place place, const toml::node& node, const Scope& scope) {
            Slot slot{std::string(entry), {}, place};
            check_name(entry, place, scope, rule::word);
            TableReader reader(session_, scope, node, entry);
            reader.parsed({entry, {}}, slot.type, codec::type);
            to.push_back(std::move(slot));
        });
    }

    void grants(const Key& key, std::vector<Capability>& to, CapabilityKind kind) {
        const auto* node = take(key, "a list");
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr) return wrong_type(*node, key.name, "a list of permissions such as [\"...\"]");
        for (const auto& item : *list) {
            Capability element;
            element.kind = kind;
            element.place = place_of(item);
            read_entry({&scope_, key.name}, item, element, to);
        }
    }

    void rest(std::string_view, Data::Map& to) {
        takes_rest_ = true;
        if (table_ == nullptr || seen_ == table_->size()) return;
        for (const auto& [key, node] : *table_) {
            if (is_known(key.str())) continue;
            const auto near = nearest(key.str(), known());
            if (!near.empty() && session_.strictness == Strictness::lint) {
                session_.reporter.warning(place_of(key.source()), "near-key",
                                          scope_.key(key.str()) + ": goes to the port's users as it is",
                                          "did you mean \"" + std::string(near) + "\"?");
            }
            if (has_control(key.str())) {
                session_.reporter.error(place_of(key.source()), "control-character", scope_.text() + ": a key with control characters");
            }
            to.emplace_back(std::string(key.str()), to_data(node, session_));
        }
    }

    /// Reports what nobody asked for.
    void finish() {
        if (takes_rest_ || table_ == nullptr || seen_ == table_->size()) return;
        for (const auto& [key, node] : *table_) {
            if (!is_known(key.str())) unknown_key(key);
        }
    }

private:
    static std::string choices_text(std::span<const std::string_view> names) {
        std::vector<std::string_view> named(names.begin(), names.end());
        std::erase(named, std::string_view());
        return joined(named, "or");
    }

    const toml::node* take(const Key& key, std::string_view expected) {
        if (table_ == nullptr) return key.name == only_key_ ? (++seen_, only_) : nullptr;
        if (names_ < known_.size()) known_[names_++] = key.name;
        const auto* node = table_->get(key.name);
        if (node != nullptr) {
            ++seen_;
            if (key.place != nullptr) *key.place = place_of(*node);
        } else if (key.required) {
            missing(key, expected);
        }
        return node;
    }

    void missing(const Key& key, std::string_view expected) {
        if (scope_.parent == nullptr) {
            session_.reporter.error(place_, "missing-key", "the section [" + std::string(key.name) + "] is missing",
                                    "a manifest begins with [extension] and its name, version and type");
        } else {
            session_.reporter.error(place_, "missing-key", scope_.text() + ": " + quoted(key.name) + " is missing",
                                    expected.empty() ? std::string() : "expected " + std::string(expected));
        }
    }

    void unknown_key(const toml::key& key) {
        const auto name = key.str();
        const auto near = nearest(name, known());
        auto message = "unknown " + (scope_.parent == nullptr ? "section [" + without_controls(name) + "]"
                                                              : "key " + shown(name) + " in " + scope_.text());
        auto hint = near.empty() ? "known here: " + joined(known(), "and") : "did you mean \"" + std::string(near) + "\"?";
        // A permission that nobody knows might be one that people should have been asked about.
        const bool permission = scope_.text() == "[capabilities]";
        if (permission || session_.strictness == Strictness::lint) {
            session_.reporter.error(place_of(key.source()), permission ? "unknown-permission" : "unknown-key", std::move(message), std::move(hint));
        } else {
            session_.reporter.warning(place_of(key.source()), "unknown-key", std::move(message), std::move(hint));
        }
    }

    void wrong_type(const toml::node& node, std::string_view key, std::string_view expected) {
        session_.reporter.error(place_of(node), "wrong-type",
                                scope_.key(key) + ": expected " + std::string(expected) + ", found " + found(node));
    }

    bool read_text(const toml::node& node, std::string_view key, std::string& to, const TextRule& text_rule) {
        const auto* text = node.as_string();
        if (text == nullptr) {
            wrong_type(node, key, text_rule.expected);
        } else if (text_rule.check != nullptr && !text_rule.check(**text)) {
            session_.reporter.error(place_of(node), text_rule.reason,
                                    scope_.key(key) + ": expected " + std::string(text_rule.expected) + ", found " + shown(**text));
        } else if (has_control(**text)) {
            session_.reporter.error(place_of(node), "control-character",
                                    scope_.key(key) + ": control characters, which terminals obey");
        } else {
            to = **text;
            return true;
        }
        return false;
    }

    void check_name(std::string_view name, Place place, const Scope& scope, const TextRule& name_rule) {
        if (name_rule.check(name)) return;
        session_.reporter.error(place, name_rule.reason,
                                scope.text() + ": expected " + std::string(name_rule.expected) + ", found " + shown(name));
    }

    template <class F>
    void for_entries(const Key& key, Order order, F visit) {
        const auto* node = take(key, "a table");
        if (node == nullptr) return;
        const auto* table = node->as_table();
        if (table == nullptr) return wrong_type(*node, key.name, "a table");
        const Scope scope{&scope_, key.name};
        if (order == Order::sorted || table->size() < 2) {
            for (const auto& [name, value] : *table) visit(name.str(), place_of(name.source()), value, scope);
            return;
        }
        std::vector<std::pair<const toml::key*, const toml::node*>> entries;
        entries.reserve(table->size());
        for (const auto& [name, value] : *table) entries.emplace_back(&name, &value);
        std::sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
            const auto& a = left.first->source().begin;
            const auto& b = right.first->source().begin;
            return a.line != b.line ? a.line < b.line : a.column < b.column;
        });
        for (const auto& [name, value] : entries) visit(name->str(), place_of(name->source()), *value, scope);
    }

    template <class T>
    void read_table(const Scope& scope, const toml::table& table, Place place, T& to) {
        TableReader reader(session_, scope, table, place);
        describe(reader, to);
        reader.finish();
    }

    /// Adds the element when nothing is wrong with it, so that later checks only meet whole ones.
    template <class T>
    void read_element(const Scope& scope, const toml::table& table, T& element, std::vector<T>& to) {
        const auto errors = session_.reporter.errors();
        read_table(scope, table, element.place, element);
        if (session_.reporter.errors() == errors) to.push_back(std::move(element));
    }

    template <class T>
    void read_entry(const Scope& scope, const toml::node& node, T& element, std::vector<T>& to) {
        if (const auto* table = node.as_table()) return read_element(scope, *table, element, to);
        if (!shorthand<T>.empty() && node.is_string()) {
            const auto errors = session_.reporter.errors();
            TableReader reader(session_, scope, node, shorthand<T>);
            describe(reader, element);
            if (session_.reporter.errors() == errors) to.push_back(std::move(element));
            return;
        }
        session_.reporter.error(place_of(node), "wrong-type",
                                scope.text() + ": expected " + (shorthand<T>.empty() ? "a table" : "text or a table") +
                                    " such as { }, found " + found(node));
    }

    std::vector<std::string_view> known() const { return {known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(names_)}; }
    bool is_known(std::string_view name) const {
        return std::find(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(names_), name) !=
               known_.begin() + static_cast<std::ptrdiff_t>(names_);
    }

    static constexpr std::size_t keys_max = 16; // of one section; a test visits every section
    Session& session_;
    const Scope& scope_;
    const toml::table* table_ = nullptr;
    const toml::node* only_ = nullptr;
    std::string_view only_key_;
    Place place_;
    std::size_t seen_ = 0;
    std::size_t names_ = 0;
    std::array<std::string_view, keys_max> known_;
    bool takes_rest_ = false;
};

/// `symphony-core` looks like a package and is the range of hosts.
void take_host_range(Manifest& manifest) {
    auto& all = manifest.dependencies;
    const auto core = std::find_if(all.begin(), all.end(), [](const Dependency& one) { return one.id == "symphony-core"; });
    if (core == all.end()) return;
    manifest.host = std::move(*core);
    all.erase(core);
}

void report_syntax(const toml::parse_error& error, Reporter& reporter) {
    auto what = without_controls(error.description());
    constexpr std::string_view prefix = "Error while parsing ";
    if (what.starts_with(prefix)) what.erase(0, prefix.size());
    const bool again = what.find("cannot redefine") != std::string::npos;
    reporter.error(place_of(error.source()), again ? "duplicate-key" : "toml-syntax", (again ? "" : "not TOML: ") + what,
                   again ? "a key may be given once" : "what stands behind this place was not read");
}

Parsed read(std::string_view text, std::string_view file, Strictness strictness) {
    Parsed out;
    if (auto trouble = toml_trouble(text, file, manifest_bytes_max)) {
        out.diagnostics.push_back(*std::move(trouble));
        return out;
    }
    Reporter reporter(file);
    Session session{reporter, strictness};
    try {
        const toml::table root = toml::parse(text);
        Manifest manifest;
        const Scope scope;
        TableReader reader(session, scope, root, {1, 1});
        describe(reader, manifest);
        reader.finish();
        auto& extension = manifest.extension;
        if (extension.id.empty()) extension.id = extension.name;
        take_host_range(manifest);
        validate(manifest, strictness, reporter);
        out.id = extension.id;
        out.name = extension.name;
        if (reporter.errors() == 0 || extension.version != Version()) out.version = extension.version.text();
        if (reporter.errors() == 0) out.manifest = std::move(manifest);
    } catch (const toml::parse_error& error) {
        report_syntax(error, reporter);
    }
    out.diagnostics = reporter.take();
    return out;
}

} // namespace

Parsed parse(std::string_view text, std::string_view file, Strictness strictness) noexcept {
    try {
        return read(text, file, strictness);
    } catch (...) {
        Parsed out;
        try {
            out.diagnostics.push_back({Severity::error, "out-of-memory", "no memory", {}, {}, 0, 0});
        } catch (...) { // nothing is left to say it with; no manifest is answer enough
        }
        return out;
    }
}

Data read_toml_value(std::string_view text) noexcept {
    constexpr std::size_t bytes_max = 64 * 1024;
    try {
        const auto document = "v = " + std::string(text);
        if (text.find_first_of("\n\r") != std::string_view::npos || toml_trouble(document, {}, bytes_max)) return {};
        const toml::table root = toml::parse(document);
        Reporter reporter("");
        Session session{reporter, Strictness::load};
        const auto* node = root.get("v");
        auto value = node != nullptr ? to_data(*node, session) : Data();
        return reporter.errors() == 0 ? value : Data();
    } catch (...) {
        return {};
    }
}

} // namespace symphony::manifests
