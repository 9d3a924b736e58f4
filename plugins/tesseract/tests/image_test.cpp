// SPDX-License-Identifier: Apache-2.0
#include "image.hpp"
#include "pages.hpp"

#include <leptonica/allheaders.h>

#include <gtest/gtest.h>

#include <cstdlib>

namespace tess {
namespace {

using test::Blob;
using test::sample;

Blob bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// A page of grey `value` with one black pixel at 1,1, written by leptonica.
Blob encoded(int format, int width = 40, int height = 30) {
    PixPtr pix(pixCreate(width, height, 8));
    pixSetAllArbitrary(pix.get(), 200);
    pixSetPixel(pix.get(), 1, 1, 0);
    l_uint8* data = nullptr;
    std::size_t size = 0;
    EXPECT_EQ(pixWriteMem(&data, &size, pix.get(), format), 0) << format;
    Blob blob(data, data + size);
    std::free(data);
    return blob;
}

void expect_page(int format, std::uint32_t tolerance = 0) {
    SCOPED_TRACE(format);
    const auto pix = decode_image(encoded(format), {});
    ASSERT_TRUE(pix) << pix.error().message();
    ASSERT_EQ(pixGetWidth(pix->get()), 40);
    ASSERT_EQ(pixGetHeight(pix->get()), 30);
    l_uint32 dark = 255;
    l_uint32 light = 0;
    ASSERT_EQ(pixGetPixel(pix->get(), 1, 1, &dark), 0);
    ASSERT_EQ(pixGetPixel(pix->get(), 30, 20, &light), 0);
    EXPECT_LE(dark, tolerance + 20);
    EXPECT_NEAR(static_cast<double>(light & 0xFFu), 200, 3);
}

void expect_refused(const Blob& blob, std::string_view reason, ImageLimits limits = {}) {
    SCOPED_TRACE(reason);
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const auto pix = decode_image(blob, limits);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
    ASSERT_FALSE(pix);
    EXPECT_EQ(pix.error().reason(), reason) << pix.error().message();
    EXPECT_EQ(pix.error().code(), symphony::Code::invalid_argument);
    EXPECT_FALSE(pix.error().message().empty());
}

Blob cut(Blob blob, double share) {
    blob.resize(static_cast<std::size_t>(static_cast<double>(blob.size()) * share));
    return blob;
}

/// A PNG header that promises a size; nothing else is there.
Blob png_promising(std::uint32_t width, std::uint32_t height) {
    Blob blob = sample("clean-page.png");
    for (int i = 0; i < 4; ++i) {
        blob[static_cast<std::size_t>(16 + i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
        blob[static_cast<std::size_t>(20 + i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    std::uint32_t crc = 0xFFFFFFFFu; // IHDR is checked by its CRC-32
    for (std::size_t i = 12; i < 29; ++i) {
        crc ^= blob[i];
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    crc = ~crc;
    for (int i = 0; i < 4; ++i) blob[static_cast<std::size_t>(29 + i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    return blob;
}

TEST(Image, ReadsEveryFormatItNames) {
    expect_page(IFF_PNG);
    expect_page(IFF_JFIF_JPEG, 100);
    expect_page(IFF_TIFF_LZW);
    expect_page(IFF_TIFF_ZIP);
    expect_page(IFF_BMP);
    expect_page(IFF_PNM);
}

TEST(Image, RefusesWhatIsNoImage) {
    expect_refused({}, "image-empty");
    expect_refused(bytes("just some words"), "not-an-image");
    expect_refused(bytes("\x89PN"), "not-an-image");
    expect_refused(bytes("GIF89a..."), "image-format");
    expect_refused(bytes("%PDF-1.7"), "image-format");
}

TEST(Image, RefusesCutOffImagesWithoutAWord) {
    for (const double share : {0.001, 0.01, 0.3, 0.9, 0.999}) {
        SCOPED_TRACE(share);
        const Blob page = cut(sample("clean-page.png"), share);
        expect_refused(page, page.size() < 8 ? "not-an-image" : "image-broken");
    }
    for (const int format : {IFF_JFIF_JPEG, IFF_TIFF_LZW, IFF_BMP}) {
        SCOPED_TRACE(format);
        expect_refused(cut(encoded(format, 400, 300), 0.5), "image-broken");
    }
}

TEST(Image, RefusesDamagedImages) {
    Blob page = sample("two-columns.png");
    for (std::size_t i = 2000; i < 2064; ++i) page[i] ^= 0x5A;
    expect_refused(page, "image-broken");
}

TEST(Image, ChecksTheSizeBeforeDecoding) {
    expect_refused(png_promising(20'000, 20'000), "image-size");
    expect_refused(png_promising(40'000, 10), "image-size");
    expect_refused(sample("clean-page.png"), "image-size", ImageLimits{1'000'000});
    expect_refused(bytes("P5\n60000 60000\n255\n"), "image-size");
    Blob bmp = encoded(IFF_BMP);
    bmp[20] = 0xFF; // width 16 million
    expect_refused(bmp, "image-size");
}

TEST(Image, SurvivesEveryFlippedByteOfAHeader) {
    for (const int format : {IFF_PNG, IFF_JFIF_JPEG, IFF_TIFF_LZW, IFF_BMP, IFF_PNM}) {
        const Blob good = encoded(format);
        for (std::size_t i = 0; i < std::min<std::size_t>(good.size(), 160); ++i) {
            for (const int flip : {0x01, 0x80, 0xFF}) {
                Blob bad = good;
                bad[i] = static_cast<std::uint8_t>(bad[i] ^ flip);
                const auto pix = decode_image(bad, ImageLimits{4'000'000});
                EXPECT_TRUE(pix || !pix.error().message().empty());
            }
        }
    }
}

} // namespace
} // namespace tess
