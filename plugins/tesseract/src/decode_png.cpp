// SPDX-License-Identifier: Apache-2.0
// Leptonica's reader lets libpng print its complaints; libpng's own simplified interface returns them.
#include "image.hpp"

#include <leptonica/allheaders.h>
#include <png.h>

namespace tess::detail {

using symphony::Bytes;
using symphony::Result;

Result<PixPtr> decode_png(Bytes bytes, const ImageLimits& limits) {
    struct Image : png_image {
        Image() : png_image{} { version = PNG_IMAGE_VERSION; }
        ~Image() { png_image_free(this); }
        Image(const Image&) = delete;
        Image& operator=(const Image&) = delete;
    } image;
    if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) return broken(Format::png, image.message);
    const Size size{image.width, image.height};
    if (auto status = check_size(size, limits); !status) return std::move(status).error();
    PixPtr pix = SYMPHONY_TRY(make_grey(size));
    image.format = PNG_FORMAT_GRAY;
    const png_color paper{255, 255, 255}; // shows through where the page is transparent
    if (png_image_finish_read(&image, &paper, pixGetData(pix.get()), pixGetWpl(pix.get()) * 4, nullptr) == 0) {
        return broken(Format::png, image.message);
    }
    pixEndianByteSwap(pix.get());
    return pix;
}

} // namespace tess::detail
