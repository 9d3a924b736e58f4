// SPDX-License-Identifier: Apache-2.0
#include "parser.hpp"

#include "identifiers.hpp"
#include "parse_extras.hpp"

#include <symphony/manifests/semver.hpp>

#include <array>
#include <unordered_set>

namespace symphony::tracker {

void Parser::header() {
    const auto* entry = root_.find("workflow");
    if (entry == nullptr) {
        error("missing-key", "no [workflow] table", root_.place, "begin with: [workflow] id = \"my-workflow\" version = \"1.0.0\"");
        return;
    }
    if (!expect(*entry, Doc::Kind::table, "a table")) return;
    const Doc& table = entry->value;
    constexpr std::array<std::string_view, 8> keys{"id", "name", "version", "description", "timeout", "grace", "fail_fast", "schema"};
    check_keys(table, keys, {"[workflow]"});
    for (const std::string_view key : {"id", "version"}) {
        if (table.find(key) == nullptr) error("missing-key", "[workflow] has no " + shown(key), entry->place);
    }
    made_.id = text(table, "id");
    if (const auto* id = table.find("id"); id != nullptr && id->value.kind == Doc::Kind::text && !is_workflow_id(made_.id)) {
        error("bad-id", "workflow id " + shown(made_.id) + " is not of the form [a-z0-9][a-z0-9.-]{0,99}", id->place);
    }
    made_.version = text(table, "version");
    if (const auto* version = table.find("version"); version != nullptr && version->value.kind == Doc::Kind::text) {
        if (!manifests::Version::parse(made_.version)) error("bad-version", "version " + shown(made_.version) + " is not SemVer, such as \"1.0.0\"", version->place);
    }
    made_.name = text(table, "name");
    made_.description = text(table, "description");
    made_.timeout_ns = duration_ns(table, "timeout", 0);
    made_.grace_ns = duration_ns(table, "grace", 0);
    made_.fail_fast = boolean(table, "fail_fast", false);
    schema(table);
}

void Parser::schema(const Doc& table) {
    const auto* entry = table.find("schema");
    if (entry == nullptr || !expect(*entry, Doc::Kind::integer, "the version of this format, 1") || entry->value.integer == 1) return;
    const bool newer = entry->value.integer > 1;
    error(newer ? "newer-schema" : "bad-value", "the file has schema " + std::to_string(entry->value.integer) + (newer ? ", this dag-tracker reads up to 1" : ", which never was"),
          entry->place, newer ? "update dag-tracker" : "schema = 1");
}

void Parser::plugins() {
    const Doc* table = section("plugins");
    if (table == nullptr) return;
    for (const auto& entry : table->entries()) {
        if (!is_plugin_name(entry.key)) {
            error("bad-id", "plugin " + shown(entry.key) + " is neither an id such as \"org.symphony.files\" nor a short name", entry.place);
            continue;
        }
        if (!expect(entry, Doc::Kind::text, "a version requirement such as \"^1.2\"")) continue;
        auto range = manifests::Range::parse(entry.value.text());
        if (!range) {
            error("bad-version", "plugin " + shown(entry.key) + ": " + range.error().message(), entry.place, std::string(range.error().hint()));
            continue;
        }
        made_.plugins.push_back({std::string(entry.key), range->text(), *range, entry.place});
    }
}

void Parser::metadata() {
    const auto* entry = root_.find("metadata");
    if (entry == nullptr || !expect(*entry, Doc::Kind::table, "a table") || entry->value.entries().empty()) return;
    made_.metadata = constant(*entry);
    if (!made_.metadata.is_map()) error("wrong-kind", "[metadata] stands for " + std::string(symphony::name_of(made_.metadata.kind())) + ", expected a table", entry->place);
    if (made_.metadata.empty()) made_.metadata = Value();
}

void Parser::declare_inputs() {
    const Doc* tables = section("inputs");
    if (tables == nullptr) return;
    constexpr std::array<std::string_view, 4> keys{"type", "default", "description", "required"};
    for (const auto& entry : tables->entries()) {
        if (!good_id(entry.key, "input", entry.place) || !expect(entry, Doc::Kind::table, "a table")) continue;
        const Id name = made_.names.intern(entry.key);
        if (input_ids_.contains(name)) continue;  // reported by the reader
        check_keys(entry.value, keys, {"[inputs.", entry.key, "]"});
        InputDecl input;
        input.name = entry.key;
        input.place = entry.place;
        input.description = text(entry.value, "description");
        input.type = type(entry.value).value_or(Type());
        if (const auto* otherwise = entry.value.find("default"); otherwise != nullptr) input.otherwise = constant(*otherwise);
        input.required = boolean(entry.value, "required", !input.otherwise.has_value() && !input.type.optional());
        input_ids_.emplace(name, static_cast<Id>(made_.inputs.size()));
        input_names_.push_back(made_.names[name]);
        made_.inputs.push_back(std::move(input));
    }
}

void Parser::outputs() {
    const Doc* tables = section("outputs");
    if (tables == nullptr) return;
    constexpr std::array<std::string_view, 4> keys{"from", "type", "file", "description"};
    std::unordered_map<std::string_view, std::uint32_t> files;
    std::unordered_set<std::string_view> seen;
    for (const auto& entry : tables->entries()) {
        if (!good_id(entry.key, "output", entry.place) || !expect(entry, Doc::Kind::table, "a table")) continue;
        if (!seen.insert(entry.key).second) continue;  // reported by the reader
        check_keys(entry.value, keys, {"[outputs.", entry.key, "]"});
        OutputDecl output;
        output.name = entry.key;
        output.place = entry.place;
        output.description = text(entry.value, "description");
        output.type = type(entry.value);
        output.file = text(entry.value, "file");
        if (const auto* file = entry.value.find("file"); file != nullptr && file->value.kind == Doc::Kind::text) {
            if (!is_inner_path(output.file)) {
                error("bad-path", "file " + shown(output.file) + " is not a relative path beneath the output folder", file->place);
                output.file.clear();
            } else if (const auto [first, added] = files.emplace(file->value.text(), file->place.line); !added) {
                error("bad-path", "file " + shown(output.file) + " is also written by the output in line " + std::to_string(first->second), file->place);
            }
        }
        const auto* from = entry.value.find("from");
        if (from == nullptr) {
            error("missing-key", "[outputs." + std::string(entry.key) + "] has no \"from\"", entry.place);
            continue;
        }
        if (!expect(*from, Doc::Kind::text, "\"node.port\"")) continue;
        Edge edge;
        edge.place = from->place;
        if (!resolve_from(edge, from->value.text(), true)) continue;
        output.node = edge.from;
        output.port = edge.from_port;
        output.input = edge.input;
        output.place = from->place;
        made_.outputs.push_back(std::move(output));
    }
}

} // namespace symphony::tracker
