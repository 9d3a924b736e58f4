// SPDX-License-Identifier: Apache-2.0
#include "recognise.hpp"

#include <leptonica/allheaders.h>
#include <omp.h>
#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

namespace tess {

using symphony::Code;
using symphony::Error;
using symphony::Result;
using symphony::Status;
using symphony::Value;
using symphony::ValueBuilder;

namespace {

/// Tesseract asks OpenMP for four threads by number, which omp_set_num_threads does not change and
/// OMP_THREAD_LIMIT only before the process starts. Without an active level a region runs on its own
/// thread. The setting belongs to the calling thread, so nobody else is touched.
class SingleThreaded {
public:
    SingleThreaded() : before_(omp_get_max_active_levels()) { omp_set_max_active_levels(0); }
    ~SingleThreaded() { omp_set_max_active_levels(before_); }
    SingleThreaded(const SingleThreaded&) = delete;
    SingleThreaded& operator=(const SingleThreaded&) = delete;

private:
    int before_;
};

/// Carries the call's state through Tesseract's C callbacks.
class Monitor {
public:
    explicit Monitor(Watch& watch) : watch_(watch) {
        monitor_.cancel = [](void* self, int) { return static_cast<Monitor*>(self)->must_stop(); };
        monitor_.cancel_this = this;
        monitor_.progress_callback2 = [](tesseract::ETEXT_DESC* monitor, int, int, int, int) {
            static_cast<Monitor*>(monitor->cancel_this)->tell(monitor->progress);
            return false;
        };
    }
    tesseract::ETEXT_DESC& raw() noexcept { return monitor_; }
    const std::optional<Error>& stopped() const noexcept { return stopped_; }

private:
    bool must_stop() {
        if (!stopped_) {
            if (auto go_on = watch_.stop_reason(); !go_on) stopped_ = std::move(go_on).error();
        }
        return stopped_.has_value();
    }
    void tell(int percent) {
        if (percent <= told_) return;
        told_ = percent;
        watch_.progress(static_cast<std::uint32_t>(percent) * 10, "reading words");
    }

    Watch& watch_;
    tesseract::ETEXT_DESC monitor_;
    std::optional<Error> stopped_;
    int told_ = 0;
};

std::uint64_t characters(std::string_view text) noexcept {
    return static_cast<std::uint64_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

std::string trimmed(const char* text) {
    std::string_view view = text == nullptr ? std::string_view() : std::string_view(text);
    const std::size_t last = view.find_last_not_of(" \n\r\t\f");
    return symphony::to_valid_utf8(view.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

double one_decimal(double value) { return std::round(std::clamp(value, 0.0, 100.0) * 10) / 10; }

std::vector<Piece> pieces(tesseract::TessBaseAPI& engine, tesseract::PageIteratorLevel level) {
    std::vector<Piece> found;
    const std::unique_ptr<tesseract::ResultIterator> at(engine.GetIterator());
    if (!at) return found;
    do {
        if (at->Empty(level)) continue;
        const std::unique_ptr<char[]> text(at->GetUTF8Text(level));
        Piece piece{trimmed(text.get()), one_decimal(at->Confidence(level)), {}};
        int left = 0, top = 0, right = 0, bottom = 0;
        if (piece.text.empty() || !at->BoundingBox(level, &left, &top, &right, &bottom)) continue;
        piece.box = {left, top, right - left, bottom - top};
        found.push_back(std::move(piece));
    } while (at->Next(level));
    return found;
}

void add_pieces(ValueBuilder& to, std::string_view key, const std::vector<Piece>& pieces) {
    to.key(key).list(pieces.size());
    for (const Piece& piece : pieces) {
        to.map(3).add("text", piece.text).add("confidence", piece.confidence).key("box").map(4);
        to.add("left", piece.box.left).add("top", piece.box.top).add("width", piece.box.width).add("height", piece.box.height).end().end();
    }
    to.end();
}

} // namespace

bool is_page_segmentation(std::int64_t mode) noexcept { return mode == 1 || (mode >= 3 && mode <= 13); }

Result<Page> recognise(tesseract::TessBaseAPI& engine, Pix& image, int page_segmentation, Watch& watch) {
    if (auto go_on = watch.stop_reason(); !go_on) return std::move(go_on).error();
    Page page;
    page.width = static_cast<std::uint64_t>(pixGetWidth(&image));
    page.height = static_cast<std::uint64_t>(pixGetHeight(&image));
    constexpr std::uint64_t letter_pixels_min = 3; // below this Tesseract refuses to look
    if (page.width < letter_pixels_min || page.height < letter_pixels_min) return page;

    const SingleThreaded omp;
    Monitor monitor(watch);
    watch.progress(0, "finding lines");
    engine.SetPageSegMode(static_cast<tesseract::PageSegMode>(page_segmentation));
    engine.SetImage(&image);
    const int failed = engine.Recognize(&monitor.raw());
    if (monitor.stopped()) return *monitor.stopped();
    if (auto go_on = watch.stop_reason(); !go_on) return std::move(go_on).error();
    if (failed != 0) return Error(Code::plugin_failed, "recognition-failed", "Tesseract could not read the page");

    const std::unique_ptr<char[]> text(engine.GetUTF8Text());
    page.text = trimmed(text.get());
    page.words = pieces(engine, tesseract::RIL_WORD);
    page.lines = pieces(engine, tesseract::RIL_TEXTLINE);
    double sum = 0;
    std::uint64_t weight = 0;
    for (const Piece& word : page.words) {
        const std::uint64_t letters = characters(word.text);
        sum += word.confidence * static_cast<double>(letters);
        weight += letters;
    }
    page.confidence = weight == 0 ? 0 : one_decimal(sum / static_cast<double>(weight));
    return page;
}

Value to_value(const Page& page, std::string_view path, std::string_view language) {
    ValueBuilder out;
    out.map(9).add("path", path).add("text", page.text).add("confidence", page.confidence);
    add_pieces(out, "words", page.words);
    add_pieces(out, "lines", page.lines);
    out.add("language", language).add("width", page.width).add("height", page.height);
    return out.end().build();
}

} // namespace tess
