// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <symphony/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace symphony::tracker {

/// How a workflow is written down. Mermaid and DOT are pictures: what they leave out is lost.
enum class Format : std::uint8_t { toml, json, json_compact, msgpack, binary, mermaid, dot };

std::string_view name_of(Format format) noexcept;
/// By its name on the command line.
std::optional<Format> format_named(std::string_view name) noexcept;

/// What the bytes are: by how they begin, and only for JSON that begins oddly by the extension ".json" of the path. Never
/// json_compact.
Format format_of(std::string_view path, std::string_view text) noexcept;

/// A zstd frame, which may be around any format.
bool is_zstd(std::string_view bytes) noexcept;
std::string zstd_of(std::string_view bytes);
/// One frame and nothing behind it. Memory is bounded before it is taken.
/// @return `exhausted` "too-large" above `bytes_max`, `data_corrupt` "bad-zstd".
Result<std::string> unzstd(std::string_view bytes, std::size_t bytes_max);

/// The workflow in canonical order. Every format but the pictures reads back as an equal workflow.
std::string write_workflow(const Workflow& workflow, Format format);

/// SHA-256 over the compact form, in hexadecimal: equal for equal workflows, whatever they were read from.
std::string digest_of(const Workflow& workflow);

} // namespace symphony::tracker
