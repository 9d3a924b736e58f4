// SPDX-License-Identifier: Apache-2.0
#include "sniff.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace files {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::size_t at = 0;
    std::string_view bytes;
    Kind kind = Kind::binary;
    std::string_view mime;
};

constexpr auto magics = std::to_array<Magic>({
    {0, "\x89PNG\r\n\x1A\n"sv, Kind::image, "image/png"},
    {0, "\xFF\xD8\xFF"sv, Kind::image, "image/jpeg"},
    {0, "II*\0"sv, Kind::image, "image/tiff"},
    {0, "MM\0*"sv, Kind::image, "image/tiff"},
    {0, "II+\0"sv, Kind::image, "image/tiff"},
    {0, "MM\0+"sv, Kind::image, "image/tiff"},
    {0, "GIF87a"sv, Kind::image, "image/gif"},
    {0, "GIF89a"sv, Kind::image, "image/gif"},
    {0, "%PDF-"sv, Kind::binary, "application/pdf"},
    {0, "\x7F" "ELF"sv, Kind::binary, "application/x-elf"},
    {0, "PK\x03\x04"sv, Kind::binary, "application/zip"},
    {0, "\x1F\x8B"sv, Kind::binary, "application/gzip"},
    {0, "\xFD" "7zXZ\0"sv, Kind::binary, "application/x-xz"},
    {0, "\x28\xB5\x2F\xFD"sv, Kind::binary, "application/zstd"},
    {0, "BZh"sv, Kind::binary, "application/x-bzip2"},
    {0, "7z\xBC\xAF\x27\x1C"sv, Kind::binary, "application/x-7z-compressed"},
    {0, "SQLite format 3\0"sv, Kind::binary, "application/vnd.sqlite3"},
    {0, "!<arch>\n"sv, Kind::binary, "application/x-archive"},
    {257, "ustar"sv, Kind::binary, "application/x-tar"},
});

using Named = std::pair<std::string_view, std::string_view>;

constexpr auto text_types = std::to_array<Named>({
    {"c", "text/x-c"}, {"cc", "text/x-c++"}, {"cpp", "text/x-c++"}, {"css", "text/css"}, {"csv", "text/csv"},
    {"h", "text/x-c"}, {"hpp", "text/x-c++"}, {"htm", "text/html"}, {"html", "text/html"}, {"js", "text/javascript"},
    {"json", "application/json"}, {"md", "text/markdown"}, {"py", "text/x-python"}, {"rs", "text/x-rust"},
    {"sh", "text/x-shellscript"}, {"svg", "image/svg+xml"}, {"toml", "application/toml"}, {"tsv", "text/tab-separated-values"},
    {"xml", "application/xml"}, {"yaml", "application/yaml"}, {"yml", "application/yaml"},
});

constexpr auto image_extensions = std::to_array<std::string_view>(
    {"bmp", "gif", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"});

std::string extension(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || name.size() - dot > 8) return {};
    std::string out(name.substr(dot + 1));
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

bool is_bmp(std::string_view head) {
    // The offset of the pixels and the size of the next header keep texts that begin with "BM" out.
    if (!head.starts_with("BM") || head.size() < 18) return false;
    const auto header = static_cast<unsigned char>(head[14]);
    return head.substr(6, 4) == "\0\0\0\0"sv && header >= 12 && header <= 124 && head.substr(15, 3) == "\0\0\0"sv;
}

/// Netpbm: P1 to P6, white space, then a digit or a comment.
bool is_pnm(std::string_view head) {
    if (head.size() < 4 || head[0] != 'P' || head[1] < '1' || head[1] > '6') return false;
    const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
    return blank(head[2]) && ((head[3] >= '0' && head[3] <= '9') || head[3] == '#');
}

bool is_utf16(std::string_view head) {
    return (head.starts_with("\xFF\xFE"sv) || head.starts_with("\xFE\xFF"sv)) && !head.starts_with("\xFF\xFE\0\0"sv);
}

} // namespace

std::string_view name_of(Kind kind) noexcept {
    switch (kind) {
    case Kind::text: return "text";
    case Kind::image: return "image";
    case Kind::binary: return "binary";
    case Kind::empty: return "empty";
    }
    return "binary";
}

Sniffed sniff(std::string_view head, std::string_view name) {
    if (head.empty()) return {Kind::empty, "application/x-empty"};
    for (const Magic& magic : magics) {
        if (head.substr(std::min(magic.at, head.size()), magic.bytes.size()) == magic.bytes) return {magic.kind, magic.mime};
    }
    if (head.starts_with("RIFF") && head.substr(std::min<std::size_t>(8, head.size()), 4) == "WEBP") return {Kind::image, "image/webp"};
    if (is_bmp(head)) return {Kind::image, "image/bmp"};
    if (is_pnm(head)) return {Kind::image, "image/x-portable-anymap"};
    if (!is_utf16(head) && head.find('\0') != std::string_view::npos) return {};
    const std::string wanted = extension(name);
    for (const auto& [known, mime] : text_types) {
        if (known == wanted) return {Kind::text, mime};
    }
    return {Kind::text, "text/plain"};
}

bool named_as_image(std::string_view name) {
    const std::string found = extension(name);
    return std::find(image_extensions.begin(), image_extensions.end(), found) != image_extensions.end();
}

bool looks_like_old_text(std::string_view head) {
    std::size_t controls = 0;
    for (const char c : head) {
        if (c == '\0') return false;
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1B') ++controls;
    }
    const auto high = static_cast<std::size_t>(std::count_if(head.begin(), head.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
    return controls * 100 <= head.size() && high * 10 <= head.size() * 3;
}

} // namespace files
