// SPDX-License-Identifier: Apache-2.0
#include "tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <set>

namespace symphony::composer {
namespace {

// 19 packs a library some 4 % smaller and takes five times as long (as in packages).
constexpr int zstd_level = 12, gzip_level = 9;
constexpr std::size_t piece_bytes = 256 * 1024;

Error no_memory() { return {Code::exhausted, "out-of-memory", "there is no memory for the archive"}; }
Error damaged(const std::string& what) { return {Code::data_corrupt, "damaged-archive", "the archive cannot be read: " + what, "fetch it again"}; }

std::string said(archive* archive) {
    const char* text = archive_error_string(archive);
    std::string out(text == nullptr ? "it is cut" : text);
    out.resize(std::min<std::size_t>(out.size(), 120));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
    }
    return out;
}

class Writer {
public:
    Writer() : archive_(archive_write_new(), &archive_write_free), entry_(archive_entry_new(), &archive_entry_free) {}

    Status open() {
        if (!archive_ || !entry_) return no_memory();
        archive_write_set_format_gnutar(archive_.get()); // dpkg reads long names in this form, and none in that of pax
        archive_write_add_filter_none(archive_.get());
        archive_write_set_bytes_per_block(archive_.get(), 0);
        if (archive_write_open(archive_.get(), &out_, nullptr, &append, nullptr) != ARCHIVE_OK) return no_memory();
        return {};
    }

    Status add(const std::string& path, unsigned type, std::uint32_t mode, std::string_view bytes, const std::string& target = {}) {
        archive_entry_clear(entry_.get());
        archive_entry_set_pathname(entry_.get(), path.c_str());
        archive_entry_set_filetype(entry_.get(), type);
        archive_entry_set_perm(entry_.get(), mode);
        archive_entry_set_mtime(entry_.get(), 0, 0);
        archive_entry_set_size(entry_.get(), type == AE_IFREG ? static_cast<la_int64_t>(bytes.size()) : 0);
        if (!target.empty()) archive_entry_set_symlink(entry_.get(), target.c_str());
        if (archive_write_header(archive_.get(), entry_.get()) != ARCHIVE_OK) {
            return Error(Code::invalid_argument, "path-too-long", "the path \"" + path + "\" does not fit into a tar: " + said(archive_.get()), "use shorter names");
        }
        if (type == AE_IFREG && archive_write_data(archive_.get(), bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size())) return no_memory();
        return {};
    }

    Result<std::string> end() {
        if (archive_write_close(archive_.get()) != ARCHIVE_OK) return no_memory();
        return std::move(out_);
    }

private:
    static la_ssize_t append(archive*, void* to, const void* bytes, std::size_t size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
        return static_cast<la_ssize_t>(size);
    }

    std::string out_;
    std::unique_ptr<archive, int (*)(archive*)> archive_;
    std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry_;
};

Result<std::string> zstd(std::string_view bytes) {
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    if (!context) return no_memory();
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, zstd_level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    // What comes out does not depend on how many threads there are, but on whether there are any. Where zstd has none, it is refused and the bytes are others.
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_nbWorkers, 2);
    const auto size = ZSTD_compress2(context.get(), out.data(), out.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0) return no_memory();
    out.resize(size);
    return out;
}

Result<std::string> gzip(std::string_view bytes) {
    z_stream stream{};
    constexpr int gzip_window = 15 + 16, memory_level = 9;
    if (deflateInit2(&stream, gzip_level, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) return no_memory();
    gz_header header{};
    header.os = 3; // Unix, on every machine
    deflateSetHeader(&stream, &header);
    std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size()); // at most 1 GiB and the headers of 10,000 files
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int done = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (done != Z_STREAM_END) return no_memory();
    return out;
}

} // namespace

Result<std::string> squeezed(std::string_view bytes, Squeeze squeeze) {
    if (squeeze == Squeeze::zstd) return zstd(bytes);
    return squeeze == Squeeze::gzip ? gzip(bytes) : Result<std::string>(std::string(bytes));
}

Result<std::string> tar_of(const Tree& tree, const std::string& beneath, Squeeze squeeze, const std::vector<std::pair<std::string, std::string>>& links) {
    Writer writer;
    SYMPHONY_TRY(writer.open());
    std::set<std::string> folders;
    const auto make_above = [&](const std::string& path) -> Status {
        for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            const auto folder = path.substr(0, slash);
            if (folders.insert(folder).second) SYMPHONY_TRY(writer.add(folder + "/", AE_IFDIR, 0755, {}));
        }
        return {};
    };
    const std::string prefix = beneath.empty() ? "" : beneath + "/";
    for (const auto& [path, file] : tree.files()) {
        SYMPHONY_TRY(make_above(prefix + path));
        SYMPHONY_TRY(writer.add(prefix + path, AE_IFREG, file.mode, file.bytes));
    }
    for (const auto& [path, target] : links) {
        SYMPHONY_TRY(make_above(path));
        SYMPHONY_TRY(writer.add(path, AE_IFLNK, 0777, {}, target));
    }
    return squeezed(SYMPHONY_TRY(writer.end()), squeeze);
}

Result<Tree> read_tar(std::string_view bytes) {
    const std::unique_ptr<archive, int (*)(archive*)> opened(archive_read_new(), &archive_read_free);
    if (!opened) return no_memory();
    if (archive_read_support_filter_zstd(opened.get()) != ARCHIVE_OK || archive_read_support_filter_gzip(opened.get()) != ARCHIVE_OK || archive_read_support_format_tar(opened.get()) != ARCHIVE_OK) {
        return Error(Code::internal, "no-zstd", "libarchive was built without zstd or gzip");
    }
    if (archive_read_open_memory(opened.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return damaged(said(opened.get()));
    Tree out;
    archive_entry* entry = nullptr;
    for (std::size_t count = 0;; ++count) {
        const int state = archive_read_next_header(opened.get(), &entry);
        if (state == ARCHIVE_EOF) return out;
        if (state != ARCHIVE_OK) return damaged(said(opened.get()));
        if (count > 4 * packaging::entries_max) return Error(Code::exhausted, "too-many-files", "the archive has too many entries");
        if (archive_entry_filetype(entry) != AE_IFREG) continue;
        const char* name = archive_entry_pathname(entry);
        std::string path(name == nullptr ? "" : name), content;
        if (path.starts_with("./")) path.erase(0, 2);
        while (true) {
            const auto size = content.size();
            if (size > packaging::payload_bytes_max) return Error(Code::exhausted, "too-large", "the archive has more than 1 GiB");
            content.resize(size + piece_bytes);
            const auto n = archive_read_data(opened.get(), content.data() + size, piece_bytes);
            content.resize(size + static_cast<std::size_t>(std::max<la_ssize_t>(n, 0)));
            if (n < 0) return damaged(said(opened.get()));
            if (n == 0) break;
        }
        SYMPHONY_TRY(out.add(path, archive_entry_perm(entry), std::move(content)));
    }
}

} // namespace symphony::composer
