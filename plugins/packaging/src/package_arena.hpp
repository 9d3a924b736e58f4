// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/provider.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace symphony::packaging {

/// Keeps what providers hand out: texts and ranges once each, lists where they stay.
class PackageArena {
public:
    std::string_view text(std::string_view of) {
        if (const auto found = texts_.find(of); found != texts_.end()) return *found;
        return *texts_.emplace(of).first;
    }
    Result<const manifests::Range*> range(std::string_view of) {
        if (const auto found = ranges_.find(of); found != ranges_.end()) return &found->second;
        auto parsed = manifests::Range::parse(of);
        if (!parsed) return std::move(parsed).error();
        return &ranges_.emplace(std::string(of), *std::move(parsed)).first->second;
    }
    /// A list that stays. It is as long as it is now.
    template <class Item>
    std::span<const Item> list(std::vector<Item>& from) {
        if (from.empty()) return {};
        auto& kept = lists<Item>();
        if (kept.empty() || kept.back().capacity() - kept.back().size() < from.size()) {
            kept.emplace_back().reserve(std::max<std::size_t>(from.size(), 4096));
        }
        auto& block = kept.back();
        const auto first = block.size();
        for (auto& item : from) block.push_back(std::move(item));
        from.clear();
        return {block.data() + first, block.size() - first};
    }
    const Package* package(std::string_view id, std::vector<Release>& releases) {
        return &packages_.emplace_back(Package{id, list(releases)});
    }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view of) const noexcept { return std::hash<std::string_view>{}(of); }
    };
    template <class Item>
    std::deque<std::vector<Item>>& lists();

    std::unordered_set<std::string, Hash, std::equal_to<>> texts_;
    std::unordered_map<std::string, manifests::Range, Hash, std::equal_to<>> ranges_;
    std::deque<std::vector<Need>> needs_;
    std::deque<std::vector<Offer>> offers_;
    std::deque<std::vector<Use>> uses_;
    std::deque<std::vector<Release>> releases_;
    std::deque<Package> packages_;
};

template <>
inline std::deque<std::vector<Need>>& PackageArena::lists() { return needs_; }
template <>
inline std::deque<std::vector<Offer>>& PackageArena::lists() { return offers_; }
template <>
inline std::deque<std::vector<Use>>& PackageArena::lists() { return uses_; }
template <>
inline std::deque<std::vector<Release>>& PackageArena::lists() { return releases_; }

} // namespace symphony::packaging
