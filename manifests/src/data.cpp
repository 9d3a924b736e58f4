// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/data.hpp>

#include "text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace symphony::manifests {
namespace {

/// Shortest digits that read back to the same number; always recognisable as one that is no integer.
std::string number_text(double value) {
    if (!std::isfinite(value)) return value != value ? "nan" : value < 0 ? "-inf" : "inf";
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    std::string text(digits, end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

struct Style {
    bool toml = false;
    bool pretty = false;
};

class Writer {
public:
    Writer(std::string& out, Style style) : out_(out), style_(style) {}

    void value(const Data& data) {
        std::visit([this](const auto& inner) { put(inner); }, data.variant());
    }

private:
    void put(std::monostate) { out_ += style_.toml ? "\"\"" : "null"; }
    void put(bool value) { out_ += value ? "true" : "false"; }
    void put(std::int64_t value) { out_ += std::to_string(value); }
    void put(double value) { out_ += !style_.toml && !std::isfinite(value) ? "null" : number_text(value); }
    void put(const std::string& value) { append_quoted(out_, value); }

    void put(const Data::List& list) {
        if (list.empty()) {
            out_ += "[]";
            return;
        }
        out_ += '[';
        ++depth_;
        for (std::size_t i = 0; i < list.size(); ++i) {
            separate(i);
            value(list[i]);
        }
        --depth_;
        line_end();
        out_ += ']';
    }

    void put(const Data::Map& map) {
        if (map.empty()) {
            out_ += "{}";
            return;
        }
        out_ += style_.toml ? "{ " : "{";
        ++depth_;
        for (std::size_t i = 0; i < map.size(); ++i) {
            separate(i);
            if (style_.toml) {
                append_toml_key(out_, map[i].first);
                out_ += " = ";
            } else {
                append_quoted(out_, map[i].first);
                out_ += ": ";
            }
            value(map[i].second);
        }
        --depth_;
        line_end();
        out_ += style_.toml ? " }" : "}";
    }

    void separate(std::size_t i) {
        if (i != 0) out_ += style_.pretty ? "," : ", ";
        line_end();
    }

    void line_end() {
        if (!style_.pretty) return;
        out_ += '\n';
        out_.append(2 * depth_, ' ');
    }

    std::string& out_;
    Style style_;
    std::size_t depth_ = 0;
};

std::string written(const Data& data, Style style) {
    std::string out;
    Writer(out, style).value(data);
    return out;
}

} // namespace

const Data* Data::find(std::string_view key) const noexcept {
    const auto* map = as<Map>();
    if (map == nullptr) return nullptr;
    for (const auto& [name, value] : *map) {
        if (name == key) return &value;
    }
    return nullptr;
}

std::string_view Data::kind() const noexcept {
    constexpr std::string_view names[] = {"nothing", "a boolean", "an integer", "a number", "text", "a list", "a map"};
    return names[value_.index()];
}

std::string to_json(const Data& data) { return written(data, {}); }
std::string to_pretty_json(const Data& data) { return written(data, {.toml = false, .pretty = true}); }
std::string to_toml(const Data& data) { return written(data, {.toml = true, .pretty = false}); }

void sort_keys(Data& data) {
    if (auto* list = data.as<Data::List>()) {
        for (auto& item : *list) sort_keys(item);
    } else if (auto* map = data.as<Data::Map>()) {
        std::sort(map->begin(), map->end(), [](const auto& left, const auto& right) { return left.first < right.first; });
        for (auto& [key, value] : *map) sort_keys(value);
    }
}

} // namespace symphony::manifests
