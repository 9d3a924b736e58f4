// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finding.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

namespace symphony::checker {

/// What a case's process tells: records of a kind and some texts. The plugin runs in that process and may write what it likes.
enum class Told : char {
    finding = 'F',   ///< rule, message, hint
    not_tried = 'S', ///< why
    stopped = 'T',
    done = 'D',      ///< the case came to its end
};

/// One record.
std::string report_record(Told kind, std::initializer_list<std::string_view> texts);

/// Adds what the records say to the outcome; texts come out as UTF-8 of at most `report_text_bytes_max`. Any bytes are safe; what
/// is cut or unknown ends the reading.
/// @return Whether the case came to its end.
bool read_report(std::string_view bytes, Outcome& outcome);

inline constexpr std::size_t report_text_bytes_max = 4096;
inline constexpr std::size_t report_records_max = 1000;

} // namespace symphony::checker
