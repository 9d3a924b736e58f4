// SPDX-License-Identifier: Apache-2.0
#include "call_facts.hpp"

#include "packer.hpp"

#include <algorithm>
#include <array>

namespace symphony::tracker {
namespace {

// A new meaning of any part below, or of digest_of(), is a new number: nothing of before is then taken for the same.
constexpr std::uint64_t schema = 1;

/// The places in CallFacts::parts. Differences are looked for in this order.
enum Part : std::size_t { schema_part, plugin_part, operation_part, version_part, library_part, abi_part, pure_part, permissions_part, configuration_part, inputs_part, parts };

constexpr std::array<std::string_view, parts> components{"schema", "plugin", "operation", "version", "library", "abi", "purity", "permissions", "configuration", "input"};

std::string words(ValueView part) {
    if (part.is_text()) return std::string(part.as_text());
    if (part.is_bool()) return part.as_bool() ? "pure" : "not pure";
    return {};
}

/// The first key of two sorted maps that only one has, or whose values differ.
std::optional<Difference> map_difference(std::string_view component, ValueView was, ValueView is) {
    auto a = was.entries().begin(), b = is.entries().begin();
    const auto end_a = was.entries().end(), end_b = is.entries().end();
    const auto found = [&](std::string_view key, std::string_view before, std::string_view now) {
        return Difference{std::string(component), std::string(key), std::string(before), std::string(now)};
    };
    while (a != end_a || b != end_b) {
        if (b == end_b || (a != end_a && (*a).first < (*b).first)) return found((*a).first, "", "not there");
        if (a == end_a || (*b).first < (*a).first) return found((*b).first, "not there", "");
        const Bytes before = (*a).second.bytes(), now = (*b).second.bytes();
        if (!std::equal(before.begin(), before.end(), now.begin(), now.end())) return found((*a).first, "", "");
        ++a;
        ++b;
    }
    return std::nullopt;
}

} // namespace

StepFacts::StepFacts(const Provider& provider, const OperationSpec* operation, std::string_view operation_name, ValueView base) {
    Packer head;
    head.list(parts);
    head.unsigned_integer(schema);
    head.text(provider.id);
    head.text(operation_name);
    head.text(provider.version);
    head.text(provider.sha256);
    head.text(provider.abi);
    head.boolean(operation != nullptr && operation->pure);
    head.text(provider.permissions);
    head.map(provider.configuration.size());
    for (const auto& [key, digest] : provider.configuration) {
        head.text(key);
        head.text(digest);
    }
    head_ = head.take();
    inputs_.reserve(base.size());
    for (const auto [port, value] : base.entries()) inputs_.emplace_back(port, digest_of(value));
    std::sort(inputs_.begin(), inputs_.end());
}

CallFacts StepFacts::with(const Digest* item, std::string_view port) const {
    Packer out;
    out.reserve(head_.size() + (inputs_.size() + 1) * 64);
    out.raw(bytes_of(head_));
    out.map(inputs_.size() + (item != nullptr ? 1 : 0));
    const auto put = [&](std::string_view name, const Digest& digest) {
        out.text(name);
        out.blob(digest.bytes);
    };
    for (const auto& [name, digest] : inputs_) {
        if (item != nullptr && port < name) put(port, *std::exchange(item, nullptr));
        put(name, digest);
    }
    if (item != nullptr) put(port, *item);
    CallFacts facts;
    facts.key = sha256(out.bytes());
    facts.parts = Value::unchecked(Buffer::from(out.take()));
    return facts;
}

std::optional<Difference> first_difference(ValueView was, ValueView is) {
    for (std::size_t part = 0; part < parts; ++part) {
        const ValueView before = was.at(part), now = is.at(part);
        if (part == configuration_part || part == inputs_part) {
            if (auto found = map_difference(components[part], before, now)) return found;
            continue;
        }
        const Bytes a = before.bytes(), b = now.bytes();
        if (!before.exists() || !now.exists()) return Difference{"schema", "", "", ""};
        if (!std::equal(a.begin(), a.end(), b.begin(), b.end())) {
            const bool says_nothing = part == library_part || part == permissions_part;
            return Difference{std::string(components[part]), "", says_nothing ? "" : words(before), says_nothing ? "" : words(now)};
        }
    }
    return std::nullopt;
}

ValueView inputs_of(ValueView parts) { return parts.is_map() ? parts : parts.at(inputs_part); }

std::optional<Difference> first_input_difference(ValueView was, ValueView is) { return map_difference("input", inputs_of(was), inputs_of(is)); }

std::string words_of(const Difference& difference) {
    std::string text = difference.component == "schema"    ? "form of the key"
                       : difference.component == "library" ? "library of the plugin: another build"
                       : difference.component == "permissions" ? "permissions that the plugin asks for"
                                                                : difference.component;
    if (!difference.name.empty()) text += " \"" + difference.name + "\"";
    if (!difference.was.empty() && !difference.is.empty()) return text + " (" + difference.is + ", was " + difference.was + ")";
    if (difference.is == "not there") return text + " (it is not there any more)";
    if (difference.was == "not there") return text + " (it is new)";
    return text;
}

} // namespace symphony::tracker
