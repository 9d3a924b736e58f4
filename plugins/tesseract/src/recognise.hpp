// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image.hpp"
#include "watch.hpp"

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tesseract { class TessBaseAPI; }

namespace tess {

/// A part of the page in pixels, from the upper left corner.
struct Box {
    std::int64_t left = 0;
    std::int64_t top = 0;
    std::int64_t width = 0;
    std::int64_t height = 0;
};

/// A word or a line.
struct Piece {
    std::string text; // UTF-8
    double confidence = 0; // 0 to 100
    Box box;
};

struct Page {
    std::string text; // paragraphs divided by an empty line, no blanks at the end
    double confidence = 0; // mean of the words, each weighing as many characters as it has; 0 for an empty page
    std::vector<Piece> words;
    std::vector<Piece> lines;
    std::uint64_t width = 0;
    std::uint64_t height = 0;
};

/// Tesseract's page segmentation modes that give text. 3 finds out by itself, 6 is one block, 7 one line.
constexpr int page_segmentation_default = 3;
bool is_page_segmentation(std::int64_t mode) noexcept;

/// Reads one page. Stops between words when the call is cancelled or its deadline passes; finding the
/// lines of a page, which comes first, cannot be stopped. OpenMP threads are not used: pages run side by
/// side instead, and a page on four threads costs more than it saves.
symphony::Result<Page> recognise(tesseract::TessBaseAPI& engine, Pix& image, int page_segmentation, Watch& watch);

/// The operation's outputs.
symphony::Value to_value(const Page& page, std::string_view path, std::string_view language);

} // namespace tess
