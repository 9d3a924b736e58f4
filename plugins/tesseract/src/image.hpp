// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

struct Pix;

namespace tess {

struct PixFree {
    void operator()(Pix* pix) const noexcept;
};
/// A leptonica image; grey, 8 bits, unless the format's own decoder gave something else.
using PixPtr = std::unique_ptr<Pix, PixFree>;

enum class Format : std::uint8_t { png, jpeg, tiff, webp, bmp, pnm, gif, jpeg2000, pdf, unknown };

/// "PNG", "JPEG", ...
std::string_view name_of(Format format) noexcept;

/// What the first bytes say; file names are not asked.
Format sniff(symphony::Bytes bytes) noexcept;

struct Size {
    std::uint64_t width = 0;
    std::uint64_t height = 0;
};

/// Limits of one image. Tesseract keeps coordinates in 16 bits, so the side has no setting.
struct ImageLimits {
    std::uint64_t pixels_max = 100'000'000;
    static constexpr std::uint64_t side_max = 32'767;
};

/// Decodes a page. The size is taken from the header and checked before memory is asked for.
/// Never prints, whatever the bytes are; what cannot be decoded is an `invalid_argument`:
/// `image-empty`, `not-an-image`, `image-format`, `image-size`, `image-broken`.
symphony::Result<PixPtr> decode_image(symphony::Bytes bytes, const ImageLimits& limits);

/// Leptonica keeps the place of its messages in one variable for the whole process; this points it at nothing, once.
void silence_leptonica();

namespace detail {
symphony::Status check_size(Size size, const ImageLimits& limits);
symphony::Error broken(Format format, std::string_view why);
/// A grey page whose bytes the caller fills row by row, or `exhausted`.
symphony::Result<PixPtr> make_grey(Size size);
symphony::Result<PixPtr> decode_png(symphony::Bytes bytes, const ImageLimits& limits);
symphony::Result<PixPtr> decode_jpeg(symphony::Bytes bytes, const ImageLimits& limits);
symphony::Result<PixPtr> decode_tiff(symphony::Bytes bytes, const ImageLimits& limits);
} // namespace detail

} // namespace tess
