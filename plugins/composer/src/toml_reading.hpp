// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/manifests/toml_data.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Reading a TOML file that a person wrote, and telling all that is wrong with it at once. For .cpp files only: toml++ costs seconds.
namespace symphony::composer {

using manifests::Place;

Place place_of(const toml::node& node);
Place place_of(const toml::key& key);
/// In double quotes, without control characters, cut to some sixty bytes.
std::string quoted(std::string_view text);
/// Lower-case letters and digits and those of `more`, not first and last; at most `bytes_max`.
bool is_word(std::string_view text, std::size_t bytes_max, std::string_view more) noexcept;

template <class T>
void sort_unique(std::vector<T>& items) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

class Findings {
public:
    explicit Findings(std::string file) : file_(std::move(file)) {}
    void add(Place place, std::string reason, std::string message, std::string hint = {});
    /// An unknown word, with the known one that looks most like it as the hint.
    void unknown(Place place, std::string_view what, std::string_view word, const std::vector<std::string_view>& known, std::string_view reason = "bad-value");
    bool any() const noexcept { return !all_.empty(); }
    const std::string& file() const noexcept { return file_; }
    /// In the order of the file.
    std::vector<manifests::Diagnostic> take();

private:
    std::string file_;
    std::vector<manifests::Diagnostic> all_;
};

/// @return Nothing when it is no TOML, or too large; the finding is there then.
std::optional<toml::table> parse_document(std::string_view text, Findings& findings, std::size_t bytes_max);

/// One table whose keys are asked for by name. Values of missing or wrong keys are empty, and that is told; done() tells the keys that nobody asked for.
class Section {
public:
    Section(Findings& findings, const toml::table& table, std::string what) : findings_(&findings), table_(&table), what_(std::move(what)) {}
    explicit operator bool() const noexcept { return table_ != nullptr; }

    bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }
    Place place(std::string_view key) const;
    /// At most 1,024 bytes without control characters. A required one is not empty.
    std::string text(std::string_view key, bool required = false);
    /// At most 1,000.
    std::vector<std::string> texts(std::string_view key);
    bool boolean(std::string_view key, bool otherwise);
    /// The number of the word that stands there.
    std::size_t word(std::string_view key, std::span<const std::string_view> known, std::size_t otherwise);
    /// Null when it is not there.
    const toml::table* table(std::string_view key);
    Section section(std::string_view key, bool required);
    void done();

private:
    explicit Section(Findings& findings) : findings_(&findings) {}
    const toml::node* take(std::string_view key);
    std::string at(std::string_view key) const;
    void wrong(std::string_view key, std::string_view expected);

    Findings* findings_;
    const toml::table* table_ = nullptr;
    std::string what_;
    std::vector<std::string_view> asked_;
};

} // namespace symphony::composer
