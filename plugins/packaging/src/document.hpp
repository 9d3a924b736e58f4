// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::packaging {

/// A TOML document as a tree: tables, lists, texts, integers and booleans, which is all that our files have.
struct Node {
    enum class Kind : std::uint8_t { table, list, text, integer, boolean, other };
    Kind kind = Kind::other;
    std::uint32_t line = 0;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string text;
    std::vector<std::pair<std::string, Node>> entries; ///< of a table, sorted by key
    std::vector<Node> items;                           ///< of a list
};

/// Reads TOML that nobody vouches for. @param file  For messages.
/// @return `data_corrupt`: "bad-syntax", "too-deep", "control-character", "conflict-markers"; `exhausted`, "too-large".
Result<Node> read_toml(std::string_view text, std::string_view file, std::size_t bytes_max);

/// The first thing that is wrong with a document; what comes after it is not told.
class Trouble {
public:
    explicit Trouble(std::string_view file) : file_(file) {}
    /// @param what  "package \"x\": key \"version\"".
    void tell(std::uint32_t line, std::string_view reason, const std::string& what, std::string hint = {});
    /// Of a value that its own parser refused.
    void tell(std::uint32_t line, const std::string& what, const Error& error);
    bool any() const noexcept { return error_.has_value(); }
    Status status() const { return error_ ? Status(*error_) : Status(); }

private:
    std::string file_;
    std::optional<Error> error_;
};

/// Reads the keys of one table, each once. Values of missing or wrong keys are empty, and the trouble is told.
class Table {
public:
    using Check = bool (*)(std::string_view text);

    /// @param what  How messages call it: "package \"x\""; may be empty.
    Table(Trouble& trouble, const Node& node, std::string what = {});

    /// Text that is there, not empty, at most `bytes_max`, and passes the check.
    std::string text(std::string_view key, Check check = nullptr, std::string_view expected = "text", std::size_t bytes_max = 4096);
    std::string text_or_nothing(std::string_view key, std::size_t bytes_max = 4096);
    std::uint64_t number(std::string_view key);
    std::vector<std::string> texts(std::string_view key, std::size_t count_max = 10'000);
    /// The tables of `[[key]]`; none when it is not there.
    std::vector<Table> tables(std::string_view key, std::size_t count_max = 200'000);
    /// The entries of a table of texts: `[key]`; none when it is not there.
    std::vector<std::pair<std::string, std::string>> text_map(std::string_view key, std::size_t count_max = 10'000);
    /// Tells keys that nobody asked for.
    void done();

    Trouble& trouble() const noexcept { return *trouble_; }
    std::uint32_t line() const noexcept { return node_->line; }
    std::uint32_t line(std::string_view key) const noexcept;
    /// "package \"x\": key \"version\"".
    std::string at(std::string_view key) const;
    void call(std::string what) { what_ = std::move(what); }

private:
    const Node* take(std::string_view key, Node::Kind kind, std::string_view expected, bool required);

    Trouble* trouble_;
    const Node* node_;
    std::string what_;
    std::vector<std::string_view> asked_;
};

/// A TOML string with its quotes.
std::string toml_quoted(std::string_view text);
/// `key = "text"` and a line end.
void put(std::string& out, std::string_view key, std::string_view text);
void put(std::string& out, std::string_view key, std::uint64_t number);
void put(std::string& out, std::string_view key, const std::vector<std::string>& texts);

} // namespace symphony::packaging
