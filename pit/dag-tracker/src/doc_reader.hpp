// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"
#include "packer.hpp"

#include <symphony/manifests/units.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::tracker {

/// Where something is, put into words only when they are needed: "[nodes.walk]".
struct Where {
    std::string_view before;
    std::string_view id = {};
    std::string_view after = {};
    std::string text() const { return std::string(before) + std::string(id) + std::string(after); }
};

/// Reads entries of a document as what they should be, and tells what is not. What is not there, or is wrong, counts as not given.
class DocReader {
public:
    explicit DocReader(Findings& findings) : findings_(findings) {}

    void error(std::string_view reason, std::string message, Place place, std::string hint = {}) {
        findings_.error(reason, std::move(message), place, std::move(hint));
    }

    template <std::size_t count>
    void check_keys(const Doc& table, const std::array<std::string_view, count>& known, const Where& where) {
        for (const auto& entry : table.entries()) {
            std::size_t at = 0;
            while (at < count && !(key_tag(known[at]) == entry.tag && known[at] == entry.key)) ++at;
            if (at == count) error("unknown-key", "unknown key " + shown(entry.key) + " in " + where.text(), entry.place, meant(entry.key, known));
        }
    }
    bool expect(const DocEntry& entry, Doc::Kind kind, std::string_view wanted) {
        if (entry.value.kind == kind) return true;
        error("wrong-kind", shown(entry.key) + " is " + std::string(entry.value.kind_name()) + ", expected " + std::string(wanted), entry.place);
        return false;
    }
    std::string_view text(const Doc& table, std::string_view key) {
        const auto* entry = table.find(key);
        return entry != nullptr && expect(*entry, Doc::Kind::text, "text") ? std::string_view(entry->value.text()) : std::string_view();
    }
    static bool is_text(const Doc& table, std::string_view key) noexcept {
        const auto* entry = table.find(key);
        return entry != nullptr && entry->value.kind == Doc::Kind::text;
    }
    bool boolean(const Doc& table, std::string_view key, bool otherwise) {
        const auto* entry = table.find(key);
        return entry != nullptr && expect(*entry, Doc::Kind::boolean, "true or false") ? entry->value.truth : otherwise;
    }
    std::uint32_t integer(const Doc& table, std::string_view key, std::int64_t min, std::int64_t max, std::uint32_t otherwise) {
        const auto* entry = table.find(key);
        if (entry == nullptr || !expect(*entry, Doc::Kind::integer, "an integer")) return otherwise;
        if (entry->value.integer < min || entry->value.integer > max) {
            error("bad-value", shown(key) + " is " + std::to_string(entry->value.integer) + ", expected " + std::to_string(min) + " to " + std::to_string(max), entry->place);
            return otherwise;
        }
        return static_cast<std::uint32_t>(entry->value.integer);
    }
    std::uint64_t duration_ns(const Doc& table, std::string_view key, std::uint64_t otherwise) {
        const auto* entry = table.find(key);
        if (entry == nullptr || !expect(*entry, Doc::Kind::text, "a duration such as \"30s\"")) return otherwise;
        const auto ms = manifests::parse_duration(entry->value.text());
        constexpr std::uint64_t ms_max = 366ull * 24 * 3600 * 1000;
        if (!ms || *ms > ms_max) {
            error("bad-duration", shown(key) + " is " + shown(entry->value.text()) + ", expected a duration such as \"250ms\", \"30s\" or \"1h\", at most a year", entry->place);
            return otherwise;
        }
        return *ms * 1'000'000;
    }
    std::optional<Type> type(const Doc& table, std::string_view key = "type") {
        const auto* entry = table.find(key);
        if (entry == nullptr || !expect(*entry, Doc::Kind::text, "a type such as \"list<text>\"")) return std::nullopt;
        auto parsed = Type::parse(entry->value.text());
        if (parsed) return *parsed;
        error("bad-type", parsed.error().message(), entry->place, parsed.error().hint());
        return std::nullopt;
    }
    Value constant(const DocEntry& entry) {
        Packer packer;
        if (auto status = pack(packer, entry.value); !status) error(status.error().reason(), shown(entry.key) + ": " + status.error().message(), entry.place, std::string(status.error().hint()));
        return Value::unchecked(Buffer::copy(packer.bytes()));
    }

protected:
    Findings& findings_;
};

} // namespace symphony::tracker
