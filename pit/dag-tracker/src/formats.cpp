// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"

#include "binary.hpp"
#include "picture.hpp"
#include "sha256.hpp"
#include "write_document.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace symphony::tracker {
namespace {

constexpr std::array<std::string_view, 7> names{"toml", "json", "json-compact", "msgpack", "binary", "mermaid", "dot"};
constexpr std::string_view zstd_magic("\x28\xB5\x2F\xFD", 4);

} // namespace

std::string_view name_of(Format format) noexcept { return names[static_cast<std::size_t>(format)]; }

std::optional<Format> format_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return static_cast<Format>(i);
    }
    return std::nullopt;
}

Format format_of(std::string_view path, std::string_view text) noexcept {
    if (text.empty()) return path.ends_with(".json") ? Format::json : Format::toml;
    if (text.starts_with(binary_magic)) return Format::binary;
    const auto first = static_cast<unsigned char>(text[0]);
    // Maps: no UTF-8 text begins with 80 to 8F, no TOML or JSON with DE or DF.
    if ((first >= 0x80 && first < 0x90) || first == 0xDE || first == 0xDF) return Format::msgpack;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (path.ends_with(".json") || (begin != std::string_view::npos && text[begin] == '{')) return Format::json;
    if (const auto picture = picture_format(text)) return *picture;
    return Format::toml;
}

bool is_zstd(std::string_view bytes) noexcept { return bytes.starts_with(zstd_magic); }

std::string zstd_of(std::string_view bytes) {
    constexpr int level = 9;
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
    out.resize(ZSTD_isError(size) != 0 ? 0 : size);  // there is room for the worst, so that nothing can fail but memory
    return out;
}

Result<std::string> unzstd(std::string_view bytes, std::size_t bytes_max) {
    const Error bad(Code::data_corrupt, "bad-zstd", "the zstd frame is damaged or cut off", "write the file anew: symphony workflow convert --zstd");
    const Error large(Code::exhausted, "too-large", "the workflow in the zstd frame has more than " + std::to_string(bytes_max) + " bytes",
                      "split the workflow, or raise file_size_max of dag-tracker");
    const unsigned long long told = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (told == ZSTD_CONTENTSIZE_ERROR) return bad;
    if (told != ZSTD_CONTENTSIZE_UNKNOWN && told > bytes_max) return large;
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    constexpr int window_log_max = 24;
    if (context == nullptr || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max)) != 0) return bad;
    std::string out;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (std::size_t more = 1; more != 0;) {
        // Grown by what really comes: what the frame tells of its size may be a lie.
        constexpr std::size_t step_bytes = 1u << 17;
        const std::size_t used = out.size();
        out.resize(std::min(used + std::max(step_bytes, used), bytes_max + 1));
        ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
        more = ZSTD_decompressStream(context.get(), &to, &in);
        if (ZSTD_isError(more) != 0) return bad;
        const bool full = to.pos == to.size;
        out.resize(used + to.pos);
        if (out.size() > bytes_max) return large;
        if (more != 0 && !full && in.pos == in.size) return bad;
    }
    return in.pos == in.size ? Result<std::string>(std::move(out)) : bad;
}

std::string write_workflow(const Workflow& workflow, Format format) {
    switch (format) {
    case Format::toml: return write_toml(workflow);
    case Format::json: return write_json(workflow, true);
    case Format::json_compact: return write_json(workflow, false);
    case Format::msgpack: return write_msgpack(workflow);
    case Format::binary: return write_binary(workflow);
    case Format::mermaid: return write_mermaid(workflow);
    case Format::dot: return write_dot(workflow);
    }
    return {};
}

std::string digest_of(const Workflow& workflow) { return hex_of(sha256(bytes_of(write_binary(workflow)))); }

} // namespace symphony::tracker
