// SPDX-License-Identifier: Apache-2.0
#include "picture.hpp"

#include "skeleton.hpp"

#include <symphony/utf8.hpp>

namespace symphony::tracker {

std::optional<Format> picture_format(std::string_view text) noexcept {
    for (;;) {
        const auto begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return std::nullopt;
        text.remove_prefix(begin);
        const bool block = text.starts_with("/*");
        if (!block && !text.starts_with("%%") && !text.starts_with("//")) break;
        const auto end = text.find(block ? "*/" : "\n");
        if (end == std::string_view::npos) return std::nullopt;
        text.remove_prefix(end + (block ? 2u : 1u));
    }
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const auto word = text.substr(0, end);
    auto rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
    const auto next = rest.find_first_not_of(" \t");
    const char after = next == std::string_view::npos ? '\n' : rest[next];
    if (after == '=' || after == '.' || (!rest.empty() && next == 0 && after != '{' && after != '\r' && after != '\n' && after != ';')) return std::nullopt;
    if (word == "digraph" || word == "strict") return Format::dot;
    if (word == "flowchart") return Format::mermaid;
    if (word != "graph") return std::nullopt;
    // "graph {" and "graph name {" are DOT, "graph LR" is Mermaid.
    const auto line = rest.substr(0, rest.find('\n'));
    return line.find('{') != std::string_view::npos && line.find('[') == std::string_view::npos ? Format::dot : Format::mermaid;
}

std::optional<Workflow> read_picture(Format format, std::string_view text, const Limits& limits, Findings& findings) {
    const bool mermaid = format == Format::mermaid;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!is_valid_utf8(text)) {
        findings.error(mermaid ? "bad-mermaid" : "bad-dot", "the picture is not UTF-8", {});
        return std::nullopt;
    }
    Skeleton skeleton(limits, findings);
    if (!(mermaid ? draw_mermaid(text, skeleton, findings) : draw_dot(text, skeleton, findings))) return std::nullopt;
    return skeleton.workflow();
}

} // namespace symphony::tracker
