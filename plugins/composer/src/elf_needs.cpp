// SPDX-License-Identifier: Apache-2.0
#include "elf_needs.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <elf.h>

namespace symphony::composer {
namespace {

Error bad(const char* what) { return {Code::data_corrupt, "bad-elf", std::string("it is no ELF file that can be read: ") + what}; }

class Image {
public:
    explicit Image(std::string_view bytes) : bytes_(bytes) {}

    template <class T>
    std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
        T out;
        std::memcpy(&out, bytes_.data() + offset, sizeof(T));
        return out;
    }

    /// The text up to a zero byte, at most 255 bytes.
    std::optional<std::string> text(std::uint64_t offset) const {
        constexpr std::size_t text_max = 255;
        if (offset >= bytes_.size()) return std::nullopt;
        const auto rest = bytes_.substr(offset, text_max + 1);
        const auto end = rest.find('\0');
        return end == std::string_view::npos ? std::nullopt : std::optional(std::string(rest.substr(0, end)));
    }

    /// Where in the file an address of the loaded image is.
    std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
        for (const auto& part : parts) {
            if (address >= part.p_vaddr && address - part.p_vaddr < part.p_filesz) return part.p_offset + (address - part.p_vaddr);
        }
        return std::nullopt;
    }

    std::vector<Elf64_Phdr> parts; ///< that are loaded

private:
    std::string_view bytes_;
};

struct Dynamic {
    std::vector<std::uint64_t> needed;
    std::optional<std::uint64_t> name, texts, versions;
    std::uint64_t versions_count = 0;
};

Result<Dynamic> read_dynamic(const Image& image, const Elf64_Phdr& header) {
    Dynamic out;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(header.p_filesz / sizeof(Elf64_Dyn), needs_max); ++i) {
        const auto entry = image.at<Elf64_Dyn>(header.p_offset + i * sizeof(Elf64_Dyn));
        if (!entry) return bad("its dynamic section is cut");
        if (entry->d_tag == DT_NULL) break;
        if (entry->d_tag == DT_NEEDED) out.needed.push_back(entry->d_un.d_val);
        if (entry->d_tag == DT_SONAME) out.name = entry->d_un.d_val;
        if (entry->d_tag == DT_STRTAB) out.texts = image.offset_of(entry->d_un.d_ptr);
        if (entry->d_tag == DT_VERNEED) out.versions = image.offset_of(entry->d_un.d_ptr);
        if (entry->d_tag == DT_VERNEEDNUM) out.versions_count = entry->d_un.d_val;
    }
    return out;
}

/// Linked lists in the file; bounded, because a link may lead back.
Status read_versions(const Image& image, const Dynamic& dynamic, std::uint64_t texts, ElfNeeds& out) {
    std::uint64_t at = *dynamic.versions, read = 0;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(dynamic.versions_count, needs_max); ++i) {
        const auto need = image.at<Elf64_Verneed>(at);
        if (!need) return bad("its version needs are cut");
        const auto library = image.text(texts + need->vn_file);
        if (!library) return bad("a version need has no library");
        std::uint64_t version_at = at + need->vn_aux;
        for (std::uint32_t j = 0; j < need->vn_cnt && read < needs_max; ++j, ++read) {
            const auto version = image.at<Elf64_Vernaux>(version_at);
            const auto name = version ? image.text(texts + version->vna_name) : std::nullopt;
            if (!name) return bad("a version need is cut");
            out.versions.emplace_back(*library, *name);
            if (version->vna_next == 0) break;
            version_at += version->vna_next;
        }
        if (need->vn_next == 0) break;
        at += need->vn_next;
    }
    std::sort(out.versions.begin(), out.versions.end());
    out.versions.erase(std::unique(out.versions.begin(), out.versions.end()), out.versions.end());
    return {};
}

} // namespace

Result<ElfNeeds> read_needs(std::string_view bytes) {
    Image image(bytes);
    const auto header = image.at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return bad("it does not begin as one");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_phentsize != sizeof(Elf64_Phdr)) return bad("it is not for a 64-bit little-endian machine");
    std::optional<Elf64_Phdr> dynamic_part;
    for (std::uint32_t i = 0; i < header->e_phnum; ++i) {
        const auto part = image.at<Elf64_Phdr>(header->e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
        if (!part) return bad("its program headers are cut");
        if (part->p_type == PT_LOAD) image.parts.push_back(*part);
        if (part->p_type == PT_DYNAMIC) dynamic_part = part;
    }
    ElfNeeds out;
    if (!dynamic_part) return out;
    const auto dynamic = SYMPHONY_TRY(read_dynamic(image, *dynamic_part));
    if (!dynamic.texts) return dynamic.needed.empty() ? Result<ElfNeeds>(out) : bad("it has no names");
    for (const auto at : dynamic.needed) {
        auto name = image.text(*dynamic.texts + at);
        if (!name || name->empty()) return bad("a needed library has no name");
        out.libraries.push_back(*std::move(name));
    }
    if (dynamic.name) out.name = image.text(*dynamic.texts + *dynamic.name).value_or("");
    if (dynamic.versions) SYMPHONY_TRY(read_versions(image, dynamic, *dynamic.texts, out));
    return out;
}

} // namespace symphony::composer
