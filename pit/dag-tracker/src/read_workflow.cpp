// SPDX-License-Identifier: Apache-2.0
#include "binary.hpp"
#include "formats.hpp"
#include "parse.hpp"
#include "picture.hpp"
#include "schema_zero.hpp"

namespace symphony::tracker {
namespace {

std::string_view without_mark_of_utf8(std::string_view text) noexcept {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    return text;
}

std::optional<DocTree> read_tree(Format format, std::string_view text, const Limits& limits, Findings& findings) {
    if (format == Format::msgpack) return read_msgpack(bytes_of(text), limits, findings);
    return format == Format::json ? read_json(text, limits, findings) : read_toml(text, limits, findings);
}

std::optional<Workflow> parse_plain(Format format, std::string_view text, const Limits& limits, Findings& findings) {
    if (format == Format::binary) return read_binary(bytes_of(text), limits, findings);
    if (format == Format::mermaid || format == Format::dot) return read_picture(format, text, limits, findings);
    auto tree = read_tree(format, without_mark_of_utf8(text), limits, findings);
    if (!tree) return std::nullopt;
    if (is_schema_zero(tree->root)) upgrade_schema_zero(*tree, findings);
    return parse_document(*tree, limits, findings);
}

bool too_large(std::string_view text, const Limits& limits, Findings& findings) {
    if (text.size() <= limits.file_bytes_max) return false;
    report_too_large(findings, text.size(), limits.file_bytes_max);
    return true;
}

} // namespace

std::optional<Workflow> parse_workflow(std::string_view path, std::string_view text, const Limits& limits, Findings& findings) {
    if (too_large(text, limits, findings)) return std::nullopt;
    if (!is_zstd(text)) return parse_plain(format_of(path, text), text, limits, findings);
    const auto plain = unzstd(text, limits.file_bytes_max);
    if (!plain) {
        findings.error(plain.error().reason(), std::string(plain.error().message()), {}, std::string(plain.error().hint()));
        return std::nullopt;
    }
    // The name tells what was packed: flow.json.zst is JSON.
    const auto dot = path.rfind('.');
    return parse_plain(format_of(dot == std::string_view::npos ? path : path.substr(0, dot), *plain), *plain, limits, findings);
}

std::optional<Workflow> parse_flawless_workflow(std::string_view path, std::string_view text, const Limits& limits) {
    Findings findings{std::string(path)};
    if (!too_large(text, limits, findings) && !is_zstd(text) && format_of(path, text) == Format::json) {
        const auto tree = read_json_fast(without_mark_of_utf8(text), limits);
        if (!tree || is_schema_zero(tree->root)) return std::nullopt;
        auto made = parse_document(*tree, limits, findings);
        return findings.empty() ? std::move(made) : std::nullopt;
    }
    auto made = parse_workflow(path, text, limits, findings);
    return findings.empty() ? std::move(made) : std::nullopt;
}

} // namespace symphony::tracker
