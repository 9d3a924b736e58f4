// SPDX-License-Identifier: Apache-2.0
#include "elf.hpp"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <string>

namespace symphony::host {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t machine_here = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t machine_here = EM_AARCH64;
#else
#error "the plugin loader knows x86-64 and AArch64"
#endif

std::string name_of_machine(std::uint16_t machine) {
    switch (machine) {
    case EM_386: return "32-bit x86";
    case EM_X86_64: return "x86-64";
    case EM_ARM: return "32-bit ARM";
    case EM_AARCH64: return "AArch64";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "POWER";
    default: return "machine " + std::to_string(machine);
    }
}

Error refused(std::string_view reason, std::string message, std::string hint = "rebuild it with symphony_add_plugin") {
    return Error(Code::refused, reason, std::move(message), std::move(hint));
}
Error corrupt(std::string_view what) {
    return refused("elf-corrupt", "library is a damaged ELF file: " + std::string(what), "reinstall the plugin");
}

/// The file and its PT_LOAD map, with every read bounded.
class Reader {
public:
    explicit Reader(Bytes file) : file_(file) {}

    template <class T>
    bool read(std::uint64_t offset, T& out) const {
        if (offset > file_.size() || file_.size() - offset < sizeof(T)) return false;
        std::memcpy(&out, file_.data() + offset, sizeof(T));
        return true;
    }
    Bytes slice(std::uint64_t offset, std::uint64_t size) const {
        if (offset > file_.size() || file_.size() - offset < size) return {};
        return file_.subspan(offset, size);
    }
    /// File offset of a virtual address, when `size` bytes from there lie in one segment.
    std::optional<std::uint64_t> offset_of(std::uint64_t address, std::uint64_t size) const {
        for (const Elf64_Phdr& segment : loads_) {
            if (address < segment.p_vaddr || address - segment.p_vaddr > segment.p_filesz) continue;
            const std::uint64_t into = address - segment.p_vaddr;
            if (segment.p_filesz - into < size || into > file_.size() || segment.p_offset > file_.size() - into) continue;
            return segment.p_offset + into;
        }
        return std::nullopt;
    }
    void add(const Elf64_Phdr& load) { loads_.push_back(load); }
    std::size_t size() const { return file_.size(); }

private:
    Bytes file_;
    std::vector<Elf64_Phdr> loads_;
};

Status check_header(const Reader& reader, Elf64_Ehdr& header) {
    unsigned char ident[EI_NIDENT];
    if (!reader.read(0, ident) || std::memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return refused("not-elf", "library is not an ELF file");
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB) {
        return refused("wrong-architecture", "library is not 64-bit little-endian code, this host is " + name_of_machine(machine_here));
    }
    if (!reader.read(0, header)) return corrupt("it ends inside its header");
    if (header.e_machine != machine_here) {
        return refused("wrong-architecture", "library is for " + name_of_machine(header.e_machine) + ", this host is " +
                                                 name_of_machine(machine_here));
    }
    if (header.e_type != ET_DYN) return refused("not-elf", "library is an ELF file but not a shared object");
    if (header.e_phentsize != sizeof(Elf64_Phdr)) return corrupt("program header size");
    return {};
}

/// One PT_NOTE segment: the identity note and the build id.
Status read_notes(Bytes notes, std::uint64_t align, ElfFacts& facts, bool& found) {
    const auto padded = [align](std::uint64_t size) { return align == 8 ? (size + 7) & ~7ull : (size + 3) & ~3ull; };
    while (notes.size() >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head;
        std::memcpy(&head, notes.data(), sizeof head);
        const std::uint64_t name_at = sizeof head;
        const std::uint64_t desc_at = padded(name_at + head.n_namesz);
        if (desc_at > notes.size() || notes.size() - desc_at < head.n_descsz) {
            return refused("note-corrupt", "library has a damaged note segment");
        }
        const std::string_view name = text_of(notes.subspan(name_at, head.n_namesz > 0 ? head.n_namesz - 1 : 0));
        const Bytes desc = notes.subspan(desc_at, head.n_descsz);
        if (name == "GNU" && head.n_type == NT_GNU_BUILD_ID) facts.build_id = desc;
        if (name == SYMPHONY_NOTE_NAME && head.n_type == SYMPHONY_NOTE_TYPE) {
            if (found) return refused("note-corrupt", "library has two identity notes");
            // Longer is a later version of the note; the known part is enough.
            if (desc.size() < sizeof(symphony_note)) return refused("note-corrupt", "library has a truncated identity note");
            std::memcpy(&facts.note, desc.data(), sizeof(symphony_note));
            const bool ended = std::memchr(facts.note.id, 0, sizeof facts.note.id) != nullptr &&
                               std::memchr(facts.note.version, 0, sizeof facts.note.version) != nullptr;
            if (facts.note.struct_size != desc.size() || !ended) {
                return refused("note-corrupt", "library has a damaged identity note");
            }
            found = true;
        }
        const std::uint64_t next = padded(desc_at + head.n_descsz);
        notes = next < notes.size() ? notes.subspan(next) : Bytes();
    }
    return {};
}

struct Dynamic {
    std::uint64_t symtab = 0, strtab = 0, strsz = 0, hash = 0, gnu_hash = 0, verneed = 0, verneed_count = 0, init_bytes = 0;
    std::vector<std::uint64_t> needed, search;
    bool text_relocations = false;
};

Dynamic read_dynamic(Bytes table) {
    Dynamic out;
    for (; table.size() >= sizeof(Elf64_Dyn); table = table.subspan(sizeof(Elf64_Dyn))) {
        Elf64_Dyn entry;
        std::memcpy(&entry, table.data(), sizeof entry);
        switch (entry.d_tag) {
        case DT_NULL: return out;
        case DT_SYMTAB: out.symtab = entry.d_un.d_ptr; break;
        case DT_STRTAB: out.strtab = entry.d_un.d_ptr; break;
        case DT_STRSZ: out.strsz = entry.d_un.d_val; break;
        case DT_HASH: out.hash = entry.d_un.d_ptr; break;
        case DT_GNU_HASH: out.gnu_hash = entry.d_un.d_ptr; break;
        case DT_NEEDED: out.needed.push_back(entry.d_un.d_val); break;
        case DT_RPATH:
        case DT_RUNPATH: out.search.push_back(entry.d_un.d_val); break;
        case DT_VERNEED: out.verneed = entry.d_un.d_ptr; break;
        case DT_VERNEEDNUM: out.verneed_count = entry.d_un.d_val; break;
        case DT_INIT_ARRAYSZ: out.init_bytes = entry.d_un.d_val; break;
        case DT_TEXTREL: out.text_relocations = true; break;
        case DT_FLAGS: out.text_relocations = out.text_relocations || (entry.d_un.d_val & DF_TEXTREL) != 0; break;
        default: break;
        }
    }
    return out;
}

/// The dynamic linker finds symbols by hash only, so the hash tables are what counts, not section headers.
std::optional<std::uint64_t> symbols_by_gnu_hash(const Reader& reader, std::uint64_t address) {
    const auto at = reader.offset_of(address, 16);
    std::uint32_t head[4]; // buckets, first symbol, bloom words, bloom shift
    if (!at || !reader.read(*at, head)) return std::nullopt;
    const std::uint64_t buckets_at = *at + 16 + std::uint64_t{head[2]} * 8;
    const std::uint64_t chains_at = buckets_at + std::uint64_t{head[0]} * 4;
    if (chains_at > reader.size()) return std::nullopt;
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < head[0]; ++i) {
        std::uint32_t bucket = 0;
        if (!reader.read(buckets_at + std::uint64_t{i} * 4, bucket)) return std::nullopt;
        last = std::max<std::uint64_t>(last, bucket);
    }
    if (last == 0) return head[1];
    if (last < head[1]) return std::nullopt;
    for (std::uint32_t chain = 0; (chain & 1u) == 0; ++last) {
        if (!reader.read(chains_at + (last - head[1]) * 4, chain)) return std::nullopt;
    }
    return last;
}

std::optional<std::uint64_t> symbols_by_hash(const Reader& reader, std::uint64_t address) {
    const auto at = reader.offset_of(address, 8);
    std::uint32_t head[2];
    if (!at || !reader.read(*at, head)) return std::nullopt;
    return head[1];
}

/// The dynamic string table.
class Strings {
public:
    explicit Strings(std::string_view text) : text_(text) {}
    std::optional<std::string_view> at(std::uint64_t offset) const {
        if (offset >= text_.size()) return std::nullopt;
        const std::size_t end = text_.find('\0', offset);
        if (end == std::string_view::npos) return std::nullopt;
        return text_.substr(offset, end - offset);
    }

private:
    std::string_view text_;
};

Status read_names(const Strings& strings, const std::vector<std::uint64_t>& offsets, std::string_view what, std::vector<std::string_view>& out) {
    for (const std::uint64_t offset : offsets) {
        const auto name = strings.at(offset);
        if (!name) return corrupt(what);
        out.push_back(*name);
    }
    return {};
}

/// The table of needed symbol versions: a chain of libraries, each with a chain of versions.
Status read_versions(const Reader& reader, const Strings& strings, const Dynamic& dynamic, ElfFacts& facts) {
    constexpr std::size_t versions_max = 10'000; // several libraries may point to one chain
    std::uint64_t library_at = dynamic.verneed;
    for (std::uint64_t left = library_at == 0 ? 0 : dynamic.verneed_count; left > 0; --left) {
        Elf64_Verneed library;
        const auto place = reader.offset_of(library_at, sizeof library);
        if (!place || !reader.read(*place, library)) return corrupt("table of versions");
        const auto name = strings.at(library.vn_file);
        if (!name) return corrupt("name of a library with versions");
        std::uint64_t version_at = library_at + library.vn_aux;
        for (std::uint32_t i = 0; i < library.vn_cnt; ++i) {
            Elf64_Vernaux version;
            const auto at = reader.offset_of(version_at, sizeof version);
            if (!at || !reader.read(*at, version) || facts.versions.size() >= versions_max) return corrupt("table of versions");
            const auto text = strings.at(version.vna_name);
            if (!text) return corrupt("name of a version");
            facts.versions.push_back({*name, *text});
            version_at += version.vna_next;
        }
        if (library.vn_next == 0) break;
        library_at += library.vn_next;
    }
    return {};
}

Status read_symbols(const Reader& reader, const Strings& strings, const Dynamic& dynamic, ElfFacts& facts) {
    std::uint64_t count = 0;
    for (const auto& [address, count_of] : {std::pair{dynamic.gnu_hash, &symbols_by_gnu_hash}, std::pair{dynamic.hash, &symbols_by_hash}}) {
        if (address == 0) continue;
        const auto symbols = count_of(reader, address);
        if (!symbols) return corrupt("symbol hash table");
        count = std::max(count, *symbols);
    }
    if (count > reader.size() / sizeof(Elf64_Sym)) return corrupt("symbol count");
    const auto symbols_at = reader.offset_of(dynamic.symtab, count * sizeof(Elf64_Sym));
    if (count > 0 && !symbols_at) return corrupt("symbol table");
    for (std::uint64_t i = 1; i < count; ++i) {
        Elf64_Sym symbol;
        if (!reader.read(*symbols_at + i * sizeof symbol, symbol)) return corrupt("symbol table");
        const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        const auto binding = ELF64_ST_BIND(symbol.st_info);
        if (binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL) continue;
        const auto name = strings.at(symbol.st_name);
        if (!name) return corrupt("name of a symbol");
        if (symbol.st_shndx == SHN_UNDEF) {
            facts.imports.push_back(*name);
            continue;
        }
        facts.exports.push_back(*name);
        if (binding == STB_GNU_UNIQUE) facts.unique.push_back(*name);
    }
    return {};
}

Status read_linkage(const Reader& reader, const Dynamic& dynamic, ElfFacts& facts) {
    const auto strings_at = reader.offset_of(dynamic.strtab, dynamic.strsz);
    if (!strings_at) return corrupt("string table");
    const Strings strings(text_of(reader.slice(*strings_at, dynamic.strsz)));
    SYMPHONY_TRY(read_names(strings, dynamic.needed, "name of a needed library", facts.needed));
    SYMPHONY_TRY(read_names(strings, dynamic.search, "search path", facts.search));
    SYMPHONY_TRY(read_versions(reader, strings, dynamic, facts));
    facts.constructors = dynamic.init_bytes / sizeof(std::uint64_t);
    facts.text_relocations = dynamic.text_relocations;
    return read_symbols(reader, strings, dynamic, facts);
}

} // namespace

Result<ElfFacts> read_elf(Bytes file) {
    Reader reader(file);
    Elf64_Ehdr header;
    if (Status checked = check_header(reader, header); !checked) return std::move(checked).error();
    ElfFacts facts;
    bool found = false;
    std::optional<Elf64_Phdr> dynamic;
    facts.executable_stack = true; // unless it says otherwise
    for (std::uint32_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        if (header.e_phoff > file.size() || !reader.read(header.e_phoff + i * sizeof segment, segment)) return corrupt("program headers");
        if (segment.p_type == PT_LOAD) reader.add(segment);
        if (segment.p_type == PT_DYNAMIC) dynamic = segment;
        if (segment.p_type == PT_GNU_STACK) facts.executable_stack = (segment.p_flags & PF_X) != 0;
        if (segment.p_type != PT_NOTE) continue;
        if (segment.p_filesz > 0 && reader.slice(segment.p_offset, segment.p_filesz).empty()) {
            return refused("note-corrupt", "library has a note segment beyond its end");
        }
        if (Status read = read_notes(reader.slice(segment.p_offset, segment.p_filesz), segment.p_align, facts, found); !read) {
            return std::move(read).error();
        }
    }
    if (!found) {
        return refused("no-note", "library carries no Symphony identity note",
                       "put SYMPHONY_NOTE() or SYMPHONY_PLUGIN() into one source file and rebuild");
    }
    if (!dynamic) return corrupt("no dynamic segment");
    const Bytes table = reader.slice(dynamic->p_offset, dynamic->p_filesz);
    if (table.empty()) return corrupt("dynamic segment");
    if (Status read = read_linkage(reader, read_dynamic(table), facts); !read) return std::move(read).error();
    return facts;
}

} // namespace symphony::host
