// SPDX-License-Identifier: Apache-2.0
#pragma once

// What must hold for every input, tried by libFuzzer and replayed by the ordinary tests.

#include <symphony/manifests/config.hpp>
#include <symphony/manifests/parse.hpp>
#include <symphony/manifests/print.hpp>
#include <symphony/manifests/units.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace symphony::manifests::fuzz {

inline void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "property broken: %s\n", what);
    std::abort();
}

/// One line, nothing that a terminal obeys.
inline bool is_clean(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return false;
        if (byte == 0xC2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xE0u) == 0x80u) return false;
    }
    return true;
}

inline void try_manifest(std::string_view text) {
    const auto loaded = parse(text, "fuzz.toml", Strictness::load);
    const auto linted = parse(text, "fuzz.toml", Strictness::lint);
    must(loaded.manifest.has_value() == !has_errors(loaded.diagnostics), "a manifest exactly when there is no error");
    must(loaded.manifest.has_value() || !linted.manifest.has_value(), "lint is never more lenient");
    for (const auto& one : linted.diagnostics) {
        must(!one.reason.empty() && !one.message.empty(), "a diagnostic has a reason and a message");
        must(is_clean(format(one)) && is_clean(one.hint), "a diagnostic is one clean line");
    }
    if (!loaded.manifest) return;
    const auto printed = print(*loaded.manifest);
    const auto again = parse(printed, "printed.toml", Strictness::load);
    must(again.manifest.has_value(), "what is printed can be read");
    must(*again.manifest == *loaded.manifest, "what is printed says the same");
    must(print(*again.manifest) == printed, "printing is canonical");
    const auto keys = config_keys(*loaded.manifest);
    must(!config_schema(keys, "fuzz").empty(), "a configuration has a schema");
    (void)check_config(keys, {{"timeout", std::string(text.substr(0, 16)), "fuzz", {}, true}});
}

/// Versions, ranges, types and quantities, one in each line.
inline void try_texts(std::string_view text) {
    Version version;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (const auto found = Version::parse(line)) {
            must(found->text() == line, "a version prints as it was written");
            must(precedence(*found, version) == (0 <=> precedence(version, *found)), "precedence is antisymmetric");
            version = *found;
        }
        if (const auto range = Range::parse(line)) {
            const auto again = Range::parse(range->text());
            must(again && *again == *range, "a range reads back");
            (void)range->contains(version);
        }
        if (const auto type = Type::parse(line)) {
            const auto again = Type::parse(type->text());
            must(again && *again == *type, "a type reads back");
            must(accepts(*type, *type), "a type accepts itself");
        }
        if (const auto size = parse_size(line)) must(*parse_size(size_text(*size)) == *size, "a size reads back");
        if (const auto duration = parse_duration(line)) must(*parse_duration(duration_text(*duration)) == *duration, "a duration reads back");
        (void)parse_percent(line);
    }
}

} // namespace symphony::manifests::fuzz
