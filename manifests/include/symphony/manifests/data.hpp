// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace symphony::manifests {

/// What TOML and JSON have in common: the value of a setting, or what a port's users find beside it. Finite numbers only.
class Data {
public:
    using List = std::vector<Data>;
    /// Entries in written order. What `parse` makes is sorted by key, so equal manifests have equal data.
    using Map = std::vector<std::pair<std::string, Data>>;
    using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map>;

    Data() = default;
    Data(bool value) : value_(value) {}
    Data(int value) : value_(static_cast<std::int64_t>(value)) {}
    Data(std::int64_t value) : value_(value) {}
    Data(double value) : value_(value) {}
    Data(const char* value) : value_(std::string(value)) {}
    Data(std::string_view value) : value_(std::string(value)) {}
    Data(std::string value) : value_(std::move(value)) {}
    Data(List value) : value_(std::move(value)) {}
    Data(Map value) : value_(std::move(value)) {}

    bool is_null() const noexcept { return value_.index() == 0; }
    /// Null when the value is of another kind; integers and numbers are two kinds.
    template <class T>
    const T* as() const noexcept { return std::get_if<T>(&value_); }
    template <class T>
    T* as() noexcept { return std::get_if<T>(&value_); }
    const Variant& variant() const noexcept { return value_; }
    /// The entry of a map, or null.
    const Data* find(std::string_view key) const noexcept;
    /// "a boolean", "an integer", "a number", "text", "a list", "a map" or "nothing".
    std::string_view kind() const noexcept;

    friend bool operator==(const Data&, const Data&) = default;

private:
    Variant value_;
};

/// One line of JSON, entries in their order; numbers in the shortest form that reads back.
std::string to_json(const Data& data);
/// The same over several lines, two blanks an indent.
std::string to_pretty_json(const Data& data);
/// A TOML value on one line. Null has no TOML form and becomes "".
std::string to_toml(const Data& data);
/// Sorts the entries of every map in it by key.
void sort_keys(Data& data);

} // namespace symphony::manifests
