// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace report {

/// Text for HTML content and for attributes in double quotes. Control characters become their pictures, and characters
/// that reorder or hide what follows become their code point, so that a name cannot pretend to be another.
std::string html(std::string_view text);

/// One line of Markdown that shows exactly these characters, also within a table's cell.
std::string markdown(std::string_view text);

/// At most `characters`, with an ellipsis if something is missing.
std::string shortened(std::string_view text, std::size_t characters);
/// The end of it instead, for paths.
std::string shortened_front(std::string_view text, std::size_t characters);
std::size_t character_count(std::string_view text) noexcept;

/// "1,234,567", in every locale.
std::string grouped(std::uint64_t number);
/// With `digits` behind the point, in every locale.
std::string fixed(double number, int digits);
/// "812 bytes", "4.1 kB", "12 MB".
std::string bytes_text(std::uint64_t bytes);
/// "12 ms", "3.4 s", "2 min 5 s".
std::string time_text(double milliseconds);
/// "1 file", "2 files".
std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural = {});

} // namespace report
