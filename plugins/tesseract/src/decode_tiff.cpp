// SPDX-License-Identifier: Apache-2.0
// Straight on libtiff, whose handlers per open file keep it quiet without touching the whole process.
#include "image.hpp"

#include <leptonica/allheaders.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace tess::detail {

using symphony::Bytes;
using symphony::Result;

namespace {

struct Source {
    Bytes bytes;
    std::uint64_t at = 0;
    std::string first_error;
};

Source& source_of(thandle_t handle) { return *static_cast<Source*>(handle); }

tmsize_t read(thandle_t handle, void* to, tmsize_t wanted) {
    Source& source = source_of(handle);
    const std::uint64_t left = source.at < source.bytes.size() ? source.bytes.size() - source.at : 0;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, static_cast<std::uint64_t>(std::max<tmsize_t>(wanted, 0))));
    if (n > 0) std::memcpy(to, source.bytes.data() + source.at, n);
    source.at += n;
    return static_cast<tmsize_t>(n);
}
tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
    Source& source = source_of(handle);
    source.at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? source.at + offset : source.bytes.size() + offset;
    return source.at;
}
int close_nothing(thandle_t) { return 0; }
toff_t size(thandle_t handle) { return source_of(handle).bytes.size(); }

int note_error(TIFF*, void* user, const char*, const char* format, va_list values) {
    char text[200];
    if (std::vsnprintf(text, sizeof text, format, values) < 0) text[0] = '\0';
    auto& first = static_cast<Source*>(user)->first_error;
    if (first.empty()) first = text;
    return 1; // handled: the process-wide handler, which prints, is not called
}
int ignore_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct TiffClose {
    void operator()(TIFF* tiff) const noexcept { TIFFClose(tiff); }
};

std::unique_ptr<TIFF, TiffClose> open(Source& source) {
    TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
    if (options == nullptr) return nullptr;
    TIFFOpenOptionsSetErrorHandlerExtR(options, &note_error, &source);
    TIFFOpenOptionsSetWarningHandlerExtR(options, &ignore_warning, nullptr);
    // "m": no memory mapping, the bytes are in memory already.
    std::unique_ptr<TIFF, TiffClose> tiff(TIFFClientOpenExt("page", "rm", &source, &read, &write_nothing, &seek, &close_nothing, &size, nullptr, nullptr, options));
    TIFFOpenOptionsFree(options);
    return tiff;
}

} // namespace

Result<PixPtr> decode_tiff(Bytes bytes, const ImageLimits& limits) {
    Source source{bytes, 0, {}};
    const auto tiff = open(source);
    const auto complaint = [&] { return broken(Format::tiff, source.first_error.empty() ? "its data is damaged" : source.first_error); };
    if (!tiff) return complaint();
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    if (TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) != 1 || TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height) != 1) return complaint();
    const Size pixels{width, height};
    if (auto status = check_size(pixels, limits); !status) return std::move(status).error();
    PixPtr pix = SYMPHONY_TRY(make_grey(pixels));
    std::vector<std::uint32_t> raster(std::size_t{width} * height);
    if (TIFFReadRGBAImageOriented(tiff.get(), width, height, raster.data(), ORIENTATION_TOPLEFT, 1) != 1) return complaint();
    const std::uint32_t* pixel = raster.data();
    for (std::uint32_t y = 0; y < height; ++y) {
        l_uint32* line = pixGetData(pix.get()) + std::size_t{y} * static_cast<std::size_t>(pixGetWpl(pix.get()));
        for (std::uint32_t x = 0; x < width; ++x, ++pixel) {
            const std::uint32_t paper = 255 - TIFFGetA(*pixel); // the colours come multiplied by their opacity
            const std::uint32_t grey = (TIFFGetR(*pixel) * 77 + TIFFGetG(*pixel) * 151 + TIFFGetB(*pixel) * 28) / 256 + paper;
            SET_DATA_BYTE(line, x, static_cast<l_uint8>(std::min<std::uint32_t>(grey, 255)));
        }
    }
    return pix;
}

} // namespace tess::detail
