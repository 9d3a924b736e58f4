// SPDX-License-Identifier: Apache-2.0
// Straight on libjpeg, because leptonica's reader prints to stderr and takes half a page for a whole one.
#include "image.hpp"

#include <leptonica/allheaders.h>

#include <csetjmp>
#include <cstdio>
// jpeglib.h needs FILE from the line above
#include <jpeglib.h>

#include <jerror.h>
#include <string>
#include <vector>

namespace tess::detail {

using symphony::Bytes;
using symphony::Result;

namespace {

struct Errors : jpeg_error_mgr {
    std::jmp_buf back;
    char message[JMSG_LENGTH_MAX] = {};
    bool cut_off = false;
};

Errors& errors_of(j_common_ptr decoder) { return *static_cast<Errors*>(decoder->err); }

[[noreturn]] void give_up(j_common_ptr decoder) {
    decoder->err->format_message(decoder, errors_of(decoder).message);
    std::longjmp(errors_of(decoder).back, 1);
}

void note_warning(j_common_ptr decoder, int level) {
    if (level >= 0) return;
    if (decoder->err->msg_code == JWRN_JPEG_EOF) errors_of(decoder).cut_off = true;
}

void say_nothing(j_common_ptr) {}

/// Nothing in the functions below that owns memory lives across a longjmp: the decoder and the rows are the caller's.
bool read_header(jpeg_decompress_struct& decoder, Errors& errors, Bytes bytes) {
    if (setjmp(errors.back) != 0) return false;
    jpeg_create_decompress(&decoder);
    jpeg_mem_src(&decoder, bytes.data(), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&decoder, TRUE);
    return true;
}

bool read_rows(jpeg_decompress_struct& decoder, Errors& errors, Pix* pix, std::vector<JSAMPLE>& row) {
    if (setjmp(errors.back) != 0) return false;
    jpeg_start_decompress(&decoder);
    const auto components = static_cast<std::size_t>(decoder.output_components);
    row.resize(std::size_t{decoder.output_width} * components);
    while (decoder.output_scanline < decoder.output_height) {
        JSAMPROW rows[1] = {row.data()};
        l_uint32* line = pixGetData(pix) + std::size_t{decoder.output_scanline} * static_cast<std::size_t>(pixGetWpl(pix));
        if (jpeg_read_scanlines(&decoder, rows, 1) != 1) return false;
        for (std::size_t x = 0; x < decoder.output_width; ++x) {
            // Four components are inverted CMYK, as Adobe writes it: ink over black gives the grey of the print.
            const std::size_t at = x * components;
            const auto grey = static_cast<l_uint8>(components == 1 ? row[at] : (row[at] + row[at + 1] + row[at + 2]) / 3 * row[at + 3] / 255);
            SET_DATA_BYTE(line, x, grey);
        }
    }
    jpeg_finish_decompress(&decoder);
    return true;
}

} // namespace

Result<PixPtr> decode_jpeg(Bytes bytes, const ImageLimits& limits) {
    struct Decoder : jpeg_decompress_struct {
        Decoder() : jpeg_decompress_struct{} {}
        ~Decoder() { jpeg_destroy_decompress(this); }
        Decoder(const Decoder&) = delete;
        Decoder& operator=(const Decoder&) = delete;
    };
    Errors errors;
    Decoder decoder;
    decoder.err = jpeg_std_error(&errors);
    errors.error_exit = &give_up;
    errors.emit_message = &note_warning;
    errors.output_message = &say_nothing;
    if (!read_header(decoder, errors, bytes)) return broken(Format::jpeg, errors.message);
    const Size size{decoder.image_width, decoder.image_height};
    if (auto status = check_size(size, limits); !status) return std::move(status).error();
    const bool four_inks = decoder.num_components == 4;
    decoder.out_color_space = four_inks ? JCS_CMYK : JCS_GRAYSCALE;
    PixPtr pix = SYMPHONY_TRY(make_grey(size));
    std::vector<JSAMPLE> row;
    if (!read_rows(decoder, errors, pix.get(), row)) return broken(Format::jpeg, errors.message);
    if (errors.cut_off) return broken(Format::jpeg, "its data is cut off");
    return pix;
}

} // namespace tess::detail
