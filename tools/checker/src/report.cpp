// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <symphony/utf8.hpp>

#include <cstdint>
#include <cstring>
#include <optional>

namespace symphony::checker {
namespace {

/// The next text; nothing when the bytes end before it does.
std::optional<std::string> take_text(std::string_view& bytes) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) return std::nullopt;
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    if (bytes.size() < size) return std::nullopt;
    std::string text = to_valid_utf8(bytes.substr(0, size < report_text_bytes_max ? size : report_text_bytes_max));
    bytes.remove_prefix(size);
    return text;
}

} // namespace

std::string report_record(Told kind, std::initializer_list<std::string_view> texts) {
    std::string record(1, static_cast<char>(kind));
    for (const std::string_view text : texts) {
        const auto size = static_cast<std::uint32_t>(text.size());
        record.append(reinterpret_cast<const char*>(&size), sizeof size);
        record += text;
    }
    return record;
}

bool read_report(std::string_view bytes, Outcome& outcome) {
    bool done = false;
    for (std::size_t records = 0; !bytes.empty() && records < report_records_max; ++records) {
        const auto kind = static_cast<Told>(bytes.front());
        bytes.remove_prefix(1);
        if (kind == Told::finding) {
            auto rule = take_text(bytes), message = take_text(bytes), hint = take_text(bytes);
            if (!rule || !message || !hint) return done;
            outcome.findings.push_back({*std::move(rule), *std::move(message), *std::move(hint)});
        } else if (kind == Told::not_tried) {
            auto why = take_text(bytes);
            if (!why) return done;
            outcome.not_tried.push_back(*std::move(why));
        } else if (kind == Told::stopped) {
            outcome.stopped = true;
        } else if (kind == Told::done) {
            done = true;
        } else {
            return done;
        }
    }
    return done;
}

} // namespace symphony::checker
