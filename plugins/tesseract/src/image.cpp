// SPDX-License-Identifier: Apache-2.0
#include "image.hpp"

#include <leptonica/allheaders.h>

#include <algorithm>
#include <mutex>
#include <string>

namespace tess {

using symphony::Bytes;
using symphony::Code;
using symphony::Error;
using symphony::Result;
using symphony::Status;

void PixFree::operator()(Pix* pix) const noexcept { pixDestroy(&pix); }

std::string_view name_of(Format format) noexcept {
    switch (format) {
    case Format::png: return "PNG";
    case Format::jpeg: return "JPEG";
    case Format::tiff: return "TIFF";
    case Format::webp: return "WebP";
    case Format::bmp: return "BMP";
    case Format::pnm: return "PNM";
    case Format::gif: return "GIF";
    case Format::jpeg2000: return "JPEG 2000";
    case Format::pdf: return "PDF";
    case Format::unknown: return "unknown";
    }
    return "unknown";
}

Format sniff(Bytes bytes) noexcept {
    using namespace std::string_view_literals;
    const std::string_view text = symphony::text_of(bytes.first(std::min<std::size_t>(bytes.size(), 16)));
    if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) return Format::png;
    if (text.starts_with("\xff\xd8\xff"sv)) return Format::jpeg;
    if (text.starts_with("II*\0"sv) || text.starts_with("MM\0*"sv)) return Format::tiff;
    if (text.starts_with("RIFF"sv) && text.substr(std::min<std::size_t>(8, text.size())).starts_with("WEBP"sv)) return Format::webp;
    if (text.starts_with("BM"sv)) return Format::bmp;
    if (text.size() > 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '6' && (text[2] == '\n' || text[2] == ' ' || text[2] == '\r')) return Format::pnm;
    if (text.starts_with("GIF8"sv)) return Format::gif;
    if (text.starts_with("\0\0\0\x0CjP  "sv)) return Format::jpeg2000;
    if (text.starts_with("%PDF"sv)) return Format::pdf;
    return Format::unknown;
}

namespace detail {

Error broken(Format format, std::string_view why) {
    return {Code::invalid_argument, "image-broken", "cannot decode the " + std::string(name_of(format)) + " image: " + std::string(why),
            "open it in an image viewer; if it is damaged, scan or save the page again"};
}

Status check_size(Size size, const ImageLimits& limits) {
    const std::string said = std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels";
    if (size.width == 0 || size.height == 0) return Error(Code::invalid_argument, "image-size", "the image is " + said + ", so there is nothing to read");
    if (size.width > limits.side_max || size.height > limits.side_max) {
        return Error(Code::invalid_argument, "image-size", "the image is " + said + ", a side may have " + std::to_string(limits.side_max),
                     "cut the image into pages, or scale it down");
    }
    if (size.width * size.height > limits.pixels_max) {
        return Error(Code::invalid_argument, "image-size", "the image is " + said + ", the limit is " + std::to_string(limits.pixels_max / 1'000'000) + " megapixels",
                     "scale the image down, or raise the plugin's setting megapixels_max");
    }
    return {};
}

Result<PixPtr> make_grey(Size size) {
    PixPtr pix(pixCreateNoInit(static_cast<l_int32>(size.width), static_cast<l_int32>(size.height), 8));
    if (!pix) return Error(Code::exhausted, "image-memory", "no memory for an image of " + std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels");
    return pix;
}

namespace {

std::uint64_t little_endian(Bytes bytes, std::size_t at) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | bytes[at + i];
    return value;
}

Result<Size> size_of_bmp(Bytes bytes) {
    if (bytes.size() < 26) return broken(Format::bmp, "the header is cut off");
    const auto height = static_cast<std::int32_t>(little_endian(bytes, 22)); // negative: stored top down
    return Size{little_endian(bytes, 18), static_cast<std::uint64_t>(height < 0 ? -std::int64_t{height} : std::int64_t{height})};
}

/// Formats whose leptonica decoders print only through leptonica's own, silenced, handler.
Result<PixPtr> decode_by_leptonica(Format format, Bytes bytes, const ImageLimits& limits) {
    Size size;
    if (format == Format::bmp) {
        size = SYMPHONY_TRY(size_of_bmp(bytes));
    } else {
        l_int32 width = 0;
        l_int32 height = 0;
        l_int32 ignored = 0;
        const bool bad = format == Format::webp
                             ? readHeaderMemWebP(bytes.data(), bytes.size(), &width, &height, &ignored) != 0
                             : readHeaderMemPnm(bytes.data(), bytes.size(), &width, &height, nullptr, nullptr, nullptr, nullptr) != 0;
        if (bad || width < 0 || height < 0) return broken(format, "the header makes no sense");
        size = {static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height)};
    }
    if (auto status = check_size(size, limits); !status) return std::move(status).error();
    PixPtr pix(pixReadMem(bytes.data(), bytes.size()));
    if (!pix) return broken(format, "its data is damaged or cut off");
    return pix;
}

} // namespace
} // namespace detail

void silence_leptonica() {
    static std::once_flag once;
    std::call_once(once, [] {
        leptSetStderrHandler([](const char*) {});
        setMsgSeverity(L_SEVERITY_NONE);
    });
}

Result<PixPtr> decode_image(Bytes bytes, const ImageLimits& limits) {
    silence_leptonica();
    if (bytes.empty()) return Error(Code::invalid_argument, "image-empty", "the image has no bytes");
    const Format format = sniff(bytes);
    switch (format) {
    case Format::png: return detail::decode_png(bytes, limits);
    case Format::jpeg: return detail::decode_jpeg(bytes, limits);
    case Format::tiff: return detail::decode_tiff(bytes, limits);
    case Format::webp:
    case Format::bmp:
    case Format::pnm: return detail::decode_by_leptonica(format, bytes, limits);
    case Format::gif:
    case Format::jpeg2000:
    case Format::pdf:
        return Error(Code::invalid_argument, "image-format", "the bytes are " + std::string(name_of(format)) + ", which is not recognised",
                     "save the page as PNG, JPEG, TIFF, WebP, BMP or PNM");
    case Format::unknown: break;
    }
    return Error(Code::invalid_argument, "not-an-image", "the " + std::to_string(bytes.size()) + " bytes do not begin like an image",
                 "save the page as PNG, JPEG, TIFF, WebP, BMP or PNM");
}

} // namespace tess
