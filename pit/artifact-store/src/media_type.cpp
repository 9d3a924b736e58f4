// SPDX-License-Identifier: Apache-2.0
#include "media_type.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>

namespace symphony::store {
namespace {

using namespace std::string_view_literals;

struct Magic {
    std::size_t at;
    std::string_view bytes;
    std::string_view media_type;
};
constexpr std::array magics{
    Magic{0, "\x89PNG\r\n\x1A\n"sv, "image/png"},      Magic{0, "\xFF\xD8\xFF"sv, "image/jpeg"},        Magic{0, "GIF8"sv, "image/gif"},
    Magic{0, "II*\0"sv, "image/tiff"},                 Magic{0, "MM\0*"sv, "image/tiff"},               Magic{8, "WEBP"sv, "image/webp"},
    Magic{0, "%PDF-"sv, "application/pdf"},            Magic{0, "PK\3\4"sv, "application/zip"},         Magic{0, "\x1F\x8B"sv, "application/gzip"},
    Magic{0, "\x28\xB5\x2F\xFD"sv, "application/zstd"}, Magic{0, "\x7F" "ELF"sv, "application/x-elf"},   Magic{0, "SQLite format 3\0"sv, "application/vnd.sqlite3"},
    Magic{257, "ustar"sv, "application/x-tar"},
};

struct Ending {
    std::string_view ending;
    std::string_view media_type;
};
constexpr std::array endings{
    Ending{".md", "text/markdown"},      Ending{".html", "text/html"},        Ending{".htm", "text/html"},      Ending{".csv", "text/csv"},
    Ending{".json", "application/json"}, Ending{".toml", "application/toml"}, Ending{".xml", "application/xml"}, Ending{".yaml", "application/yaml"},
    Ending{".yml", "application/yaml"},  Ending{".svg", "image/svg+xml"},     Ending{".css", "text/css"},       Ending{".js", "text/javascript"},
    Ending{".txt", "text/plain"},
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

} // namespace

std::string_view media_type_by_content(Bytes beginning) noexcept {
    const std::string_view text = text_of(beginning);
    for (const Magic& magic : magics) {
        if (text.size() >= magic.at + magic.bytes.size() && text.substr(magic.at, magic.bytes.size()) == magic.bytes) return magic.media_type;
    }
    return {};
}

bool looks_like_text(Bytes beginning) noexcept {
    const std::string_view text = text_of(beginning);
    if (text.find('\0') != std::string_view::npos) return false;
    return text.size() - valid_utf8_prefix(text) < 4;
}

std::string media_type_of(std::string_view name, Bytes beginning) {
    if (const std::string_view known = media_type_by_content(beginning); !known.empty()) return std::string(known);
    if (beginning.empty()) return "application/x-empty";
    if (!looks_like_text(beginning)) return "application/octet-stream";
    const std::string whole = lower(name);
    for (const Ending& one : endings) {
        if (whole.ends_with(one.ending)) return std::string(one.media_type);
    }
    return "text/plain";
}

bool is_text_type(std::string_view media_type) noexcept {
    const std::string_view bare = media_type.substr(0, media_type.find(';'));
    constexpr std::array known{"application/json"sv, "application/toml"sv, "application/xml"sv, "application/yaml"sv, "application/x-yaml"sv,
                               "application/javascript"sv, "application/sql"sv, "application/x-ndjson"sv};
    return bare.starts_with("text/") || bare.ends_with("+json") || bare.ends_with("+xml") || std::find(known.begin(), known.end(), bare) != known.end();
}

} // namespace symphony::store
