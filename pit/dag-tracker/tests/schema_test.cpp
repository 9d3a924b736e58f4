// SPDX-License-Identifier: Apache-2.0
// docs/workflow.schema.json beside the reader: what the reader takes the schema takes, and what breaks the shape both refuse.
#include "formats.hpp"
#include "generated_workflow.hpp"
#include "parse.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <regex>
#include <set>

namespace symphony::tracker::test {
namespace {

using nlohmann::json;

/// The words of JSON Schema 2020-12 that the file uses; an unknown one fails the test.
class JsonSchema {
public:
    explicit JsonSchema(json root) : root_(std::move(root)) {}

    bool accepts(const json& value) const { return check(root_, value); }

private:
    bool check(const json& schema, const json& value) const {
        for (const auto& [word, rule] : schema.items()) {
            if (!holds(schema, word, rule, value)) return false;
        }
        return true;
    }

    bool holds(const json& schema, const std::string& word, const json& rule, const json& value) const {
        static const std::set<std::string> told{"$schema", "$id", "title", "description", "$defs", "then"};
        if (told.contains(word)) return true;
        if (word == "$ref") return check(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value);
        if (word == "type") return is_type(rule, value);
        if (word == "const") return value == rule;
        if (word == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
        if (word == "anyOf") return std::any_of(rule.begin(), rule.end(), [&](const json& each) { return check(each, value); });
        if (word == "allOf") return std::all_of(rule.begin(), rule.end(), [&](const json& each) { return check(each, value); });
        if (word == "not") return !check(rule, value);
        if (word == "if") return !check(rule, value) || check(schema.at("then"), value);
        if (word == "pattern") return !value.is_string() || std::regex_search(value.get<std::string>(), pattern(rule.get<std::string>()));
        if (word == "minLength") return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
        if (word == "maxLength") return !value.is_string() || value.get<std::string>().size() <= rule.get<std::size_t>();
        if (word == "minimum") return !value.is_number() || value >= rule;
        if (word == "maximum") return !value.is_number() || value <= rule;
        if (word == "minProperties" || word == "minItems") return value.size() >= rule.get<std::size_t>();
        if (word == "items") return !value.is_array() || std::all_of(value.begin(), value.end(), [&](const json& each) { return check(rule, each); });
        if (word == "required") return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const json& key) { return value.contains(key.get<std::string>()); });
        if (!value.is_object()) return true;
        if (word == "properties") {
            return std::all_of(rule.items().begin(), rule.items().end(), [&](const auto& each) { return !value.contains(each.key()) || check(each.value(), value.at(each.key())); });
        }
        if (word == "propertyNames") return std::all_of(value.items().begin(), value.items().end(), [&](const auto& each) { return check(rule, json(each.key())); });
        if (word == "additionalProperties") {
            for (const auto& [key, member] : value.items()) {
                if (schema.contains("properties") && schema["properties"].contains(key)) continue;
                if (rule.is_boolean() ? !rule.get<bool>() : !check(rule, member)) return false;
            }
            return true;
        }
        if (word == "dependentRequired") {
            for (const auto& [key, others] : rule.items()) {
                if (value.contains(key) && !std::all_of(others.begin(), others.end(), [&](const json& other) { return value.contains(other.get<std::string>()); })) return false;
            }
            return true;
        }
        ADD_FAILURE() << "the test does not know \"" << word << "\"";
        return false;
    }
    static const std::regex& pattern(const std::string& text) {
        static std::map<std::string, std::regex> known;
        return known.try_emplace(text, text).first->second;
    }
    static bool is_type(const std::string& type, const json& value) {
        return type == "object" ? value.is_object() : type == "array" ? value.is_array() : type == "string" ? value.is_string() : type == "boolean" ? value.is_boolean() : value.is_number_integer();
    }

    json root_;
};

const JsonSchema& schema() {
    static const JsonSchema made(json::parse(std::ifstream(SYMPHONY_TRACKER_DIR "/docs/workflow.schema.json")));
    return made;
}

/// What the reader finds: nothing, only what a schema cannot know (names that lead nowhere, expressions), or a fault of shape.
enum class Verdict { fine, beyond, shape };
Verdict read(const json& document) {
    Findings findings{"w.json"};
    parse_workflow("w.json", document.dump(), {}, findings);
    static const std::set<std::string> shape{"unknown-key", "wrong-kind", "missing-key", "bad-id", "bad-value", "bad-version", "bad-type", "bad-duration", "bad-path", "no-nodes", "unknown-operation", "newer-schema"};
    Verdict verdict = Verdict::fine;
    for (const auto& found : findings.take()) {
        if (found.severity == Severity::error && verdict != Verdict::shape) verdict = shape.contains(found.reason) ? Verdict::shape : Verdict::beyond;
    }
    return verdict;
}

/// The schema takes what the reader takes, and refuses what is wrong in shape; between the two it is free.
bool agree(const json& document) {
    const Verdict verdict = read(document);
    return verdict == Verdict::beyond || schema().accepts(document) == (verdict == Verdict::fine);
}

TEST(WorkflowSchema, TakesWhatTheWriterMakes) {
    for (std::uint64_t i = 0; i < 400; ++i) {
        const std::string text = write_workflow(WorkflowMaker(20261127 + i).make(), Format::json);
        ASSERT_TRUE(schema().accepts(json::parse(text))) << text;
    }
}

constexpr std::string_view example = R"({
  "workflow": {"schema": 1, "id": "w", "version": "1.0.0", "timeout": "5s", "fail_fast": true},
  "plugins": {"text": "^1.0"},
  "metadata": {"by": "me"},
  "inputs": {"n": {"type": "list<text>?", "default": [1], "required": false}},
  "outputs": {"o": {"from": "m.value", "file": "a/b.txt", "type": "text"}},
  "nodes": {
    "a": {"plugin": "text", "operation": "list", "inputs": {"n": "$inputs.n"}, "with": {"x": 1}, "each": "n", "parallel": 3, "on_error": "collect", "timeout": "1.5s", "retry": {"max": 2, "backoff": "10ms"}},
    "b": {"type": "control", "operation": "branch", "inputs": {"value": "a.results"}, "description": "d"},
    "m": {"type": "control", "operation": "merge", "mode": "all", "inputs": {"x": {"from": "b.value", "when": "value"}}, "after": ["a"]}
  },
  "edges": [{"from": "a.items", "to": "m.y"}, {"from": "a", "to": "m", "kind": "conditional", "when": "value.items"}]
})";

/// All places of a document, the deepest first.
void collect(json& at, const std::string& path, std::vector<std::pair<json*, std::string>>& places) {
    if (at.is_object()) {
        for (auto& [key, each] : at.items()) collect(each, path + "/" + key, places);
    } else if (at.is_array()) {
        for (std::size_t i = 0; i < at.size(); ++i) collect(at[i], path + "/" + std::to_string(i), places);
    }
    places.emplace_back(&at, path);
}

TEST(WorkflowSchema, RefusesWhatTheReaderRefusesForItsShape) {
    json whole = json::parse(example);
    ASSERT_TRUE(schema().accepts(whole));
    ASSERT_EQ(read(whole), Verdict::fine);
    const json replacements[] = {nullptr, true, 0, 2000, 1.5, "", "Not An Id!", "a.b", "1h", json::array(), json::object(), json::array({1}), {{"oops", 1}}};
    std::vector<std::pair<json*, std::string>> places;
    collect(whole, "", places);
    std::size_t refused = 0, compared = 0;
    for (auto& [place, path] : places) {
        const json before = *place;
        for (const auto& replacement : replacements) {
            *place = replacement;
            ++compared;
            refused += read(whole) == Verdict::shape ? 1u : 0u;
            EXPECT_TRUE(agree(whole)) << path << " = " << replacement << ", the schema takes it: " << schema().accepts(whole);
        }
        *place = before;
    }
    EXPECT_GT(refused, compared / 3);
}

TEST(WorkflowSchema, KnowsWhichKeysMustAndMayBeThere) {
    json whole = json::parse(example);
    std::vector<std::pair<json*, std::string>> places;
    collect(whole, "", places);
    for (auto& [place, path] : places) {
        if (!place->is_object()) continue;
        const json before = *place;
        for (const auto& [key, value] : before.items()) {
            place->erase(key);
            EXPECT_TRUE(agree(whole)) << path << " without " << key;
            *place = before;
        }
        (*place)["oops"] = "a.b";
        EXPECT_TRUE(agree(whole)) << path << " with one more key";
        *place = before;
    }
}

} // namespace
} // namespace symphony::tracker::test
