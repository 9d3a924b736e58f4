// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/generations.hpp>

#include "toml_fields.hpp"

#include <symphony/manifests/rights.hpp>
#include <symphony/manifests/semver.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

constexpr std::size_t profile_bytes_max = 8 * 1024 * 1024;

Error bad_profile(const std::string& what, std::uint32_t line = 0) {
    return {Code::data_corrupt, "bad-profile", "profile.toml" + (line == 0 ? std::string() : ":" + std::to_string(line)) + ": " + what, "go back to a generation that is whole: symphony rollback"};
}

bool is_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 100 && text.front() != '.' && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

Result<Installed> read_package(const toml::table& table) {
    const auto line = static_cast<std::uint32_t>(table.source().begin.line);
    Installed out;
    const std::pair<std::string_view, std::string Installed::*> keys[] = {{"id", &Installed::id},       {"version", &Installed::version},     {"digest", &Installed::digest},
                                                                         {"asked", &Installed::asked}, {"publisher", &Installed::publisher}, {"source", &Installed::source},
                                                                         {"registry", &Installed::registry}};
    for (const auto& [key, member] : keys) {
        auto text = text_in(table, key);
        if (!text) return bad_profile(std::string(key) + " is no text that fits", line);
        out.*member = *std::move(text);
    }
    if (!is_id(out.id)) return bad_profile("a package has no id", line);
    if (!manifests::Version::parse(out.version)) return bad_profile(out.id + " has no version", line);
    if (!is_sha256(out.digest)) return bad_profile(out.id + " has no digest", line);
    if (!out.asked.empty() && !manifests::Range::parse(out.asked)) return bad_profile(out.id + ": asked is no range", line);
    if (!out.publisher.empty() && !PublicKey::parse(out.publisher)) return bad_profile(out.id + ": publisher is no public key", line);
    return out;
}

} // namespace

Result<Profile> Profile::parse(std::string_view text) {
    const auto table = parse_toml(text, "profile.toml", "bad-profile", profile_bytes_max);
    if (!table) return std::move(table).error();
    if ((*table)["profile"].value<std::int64_t>() != 1) return bad_profile("it is not of version 1; a newer symphony wrote it, or something else");
    Profile out;
    auto action = text_in(*table, "action", 4096);
    const auto previous = (*table)["previous"].value<std::int64_t>();
    if (!action || previous.value_or(0) < 0) return bad_profile("action or previous is not what it should be");
    out.action = *std::move(action);
    out.previous = static_cast<std::uint64_t>(previous.value_or(0));
    const toml::node* list = table->get("package");
    if (list == nullptr) return out;
    if (!list->is_array()) return bad_profile("package is no list of tables");
    for (const auto& node : *list->as_array()) {
        if (!node.is_table()) return bad_profile("package is no list of tables");
        out.packages.push_back(SYMPHONY_TRY(read_package(*node.as_table())));
    }
    std::sort(out.packages.begin(), out.packages.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    const auto twice = std::adjacent_find(out.packages.begin(), out.packages.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
    if (twice != out.packages.end()) return bad_profile(twice->id + " is there twice");
    return out;
}

std::string Profile::text() const {
    std::string text = "# Written by symphony: what was asked for, and what is there.\nprofile = 1\naction = " + toml_text(action) + "\nprevious = " + std::to_string(previous) + "\n";
    for (const auto& package : packages) {
        text += "\n[[package]]\nid = " + toml_text(package.id) + "\nversion = " + toml_text(package.version) + "\ndigest = " + toml_text(package.digest) + "\n";
        if (!package.asked.empty()) text += "asked = " + toml_text(package.asked) + "\n";
        if (!package.publisher.empty()) text += "publisher = " + toml_text(package.publisher) + "\n";
        if (!package.source.empty()) text += "source = " + toml_text(package.source) + "\n";
        if (!package.registry.empty()) text += "registry = " + toml_text(package.registry) + "\n";
    }
    return text;
}

const Installed* Profile::find(std::string_view id) const noexcept {
    const auto found = std::lower_bound(packages.begin(), packages.end(), id, [](const Installed& package, std::string_view wanted) { return package.id < wanted; });
    return found != packages.end() && found->id == id ? &*found : nullptr;
}

void Profile::put(Installed package) {
    const auto at = std::lower_bound(packages.begin(), packages.end(), package.id, [](const Installed& one, std::string_view wanted) { return one.id < wanted; });
    if (at != packages.end() && at->id == package.id) *at = std::move(package);
    else packages.insert(at, std::move(package));
}

bool Profile::remove(std::string_view id) { return std::erase_if(packages, [id](const Installed& package) { return package.id == id; }) != 0; }

} // namespace symphony::packaging
