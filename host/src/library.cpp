// SPDX-License-Identifier: Apache-2.0
#include "library.hpp"

#include "digest.hpp"
#include "elf.hpp"

#include <symphony/bytes.hpp>
#include <symphony/manifests/manifest.hpp>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <mutex>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace symphony::host {
namespace {

constexpr std::uint64_t library_bytes_max = 1ull << 30;
constexpr unsigned memfd_exec = 0x10; // MFD_EXEC of Linux 6.3, not in Debian 12's headers

std::string who(const manifests::Manifest& manifest) {
    return "plugin \"" + manifest.name() + "\" " + manifest.extension.version.text();
}
Error refused(const manifests::Manifest& manifest, std::string_view reason, const std::string& what, std::string hint) {
    return Error(Code::refused, reason, who(manifest) + ": " + what, std::move(hint));
}

class Fd {
public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&&) = delete;
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

/// One plugin's artifact on its way into memory.
class Opener {
public:
    Opener(const manifests::Manifest& manifest, const manifests::Artifact& artifact, const std::filesystem::path& folder)
        : manifest_(manifest), artifact_(artifact), folder_(folder) {}

    /// The file, opened once beneath the folder: no symbolic link on the way, a regular file of the stated size.
    Result<Fd> open_file() const {
        const Fd folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (folder.get() < 0) return io("cannot open its folder");
        open_how how{};
        // O_NONBLOCK: a named pipe that pretends to be a library must not hang the host.
        how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
        Fd file(static_cast<int>(::syscall(SYS_openat2, folder.get(), artifact_.path.c_str(), &how, sizeof how)));
        const std::string name = "library \"" + artifact_.path + "\"";
        if (file.get() < 0 && (errno == EXDEV || errno == ELOOP)) {
            return at("path-escape", name + " leads out of the plugin's folder or through a symbolic link", artifact_.path_place,
                      "put the library itself into the plugin's folder");
        }
        if (file.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) return at("missing-library", name + " is not there", artifact_.path_place);
        if (file.get() < 0) return io("cannot open " + name);
        struct stat info{};
        if (::fstat(file.get(), &info) != 0) return io("cannot look at " + name);
        if (!S_ISREG(info.st_mode)) return at("not-a-file", name + " is not a regular file", artifact_.path_place);
        if (static_cast<std::uint64_t>(info.st_size) != artifact_.size_bytes || info.st_size == 0 || artifact_.size_bytes > library_bytes_max) {
            return at("size-mismatch", name + " has " + std::to_string(info.st_size) + " bytes, the manifest says " +
                      std::to_string(artifact_.size_bytes), artifact_.place);
        }
        return file;
    }

    /// A memory file that shows the plugin's name in /proc/PID/maps and in debuggers.
    Result<Fd> make_memory() const {
        const std::string name = ("symphony:" + manifest_.name() + "-" + manifest_.extension.version.text()).substr(0, 200);
        int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | memfd_exec);
        if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 && errno == EACCES) {
            return refused(manifest_, "memory-noexec", "this system forbids executable memory files",
                           "as root: sysctl vm.memfd_noexec=0");
        }
        Fd memory(fd);
        if (fd < 0) return io("cannot make a memory file");
        return memory;
    }

    /// Both by plain reads and writes: page for page, mapping a memory file to fill it costs twice as much.
    Status read(const Fd& file, std::uint8_t* bytes) const {
        for (std::uint64_t done = 0; done < artifact_.size_bytes;) {
            const ssize_t n = ::read(file.get(), bytes + done, artifact_.size_bytes - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return io("cannot read the library");
            if (n == 0) return at("size-mismatch", "library became shorter while it was read", artifact_.place);
            done += static_cast<std::uint64_t>(n);
        }
        return {};
    }
    Status write(const Fd& memory, Bytes bytes) const {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t n = ::write(memory.get(), bytes.data() + done, bytes.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return io("cannot fill a memory file");
            done += static_cast<std::size_t>(n);
        }
        constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
        // EBUSY: the kernel itself holds a page for a moment, as when it moves memory. It waits for that, and not always long enough.
        constexpr int seal_tries_max = 10;
        for (int tries = 1; ::fcntl(memory.get(), F_ADD_SEALS, seals) != 0; ++tries) {
            if (errno != EBUSY || tries == seal_tries_max) return io("cannot seal a memory file");
            ::usleep(10'000);
        }
        return {};
    }

    Error at(std::string_view reason, const std::string& what, const manifests::Place& place,
             std::string hint = "reinstall the plugin, or rebuild it with symphony_add_plugin") const {
        return refused(manifest_, reason, what + " (" + (folder_ / "manifest.toml").string() + ":" + std::to_string(place.line) + ")",
                       std::move(hint));
    }
    Error io(const std::string& what) const {
        return Error(Code::io, "library-unreadable", who(manifest_) + ": " + what + ": " + std::strerror(errno), "check the file's permissions");
    }

private:
    const manifests::Manifest& manifest_;
    const manifests::Artifact& artifact_;
    const std::filesystem::path& folder_;
};

Status check_abi(const manifests::Manifest& manifest, std::string_view source, std::uint16_t major, std::uint16_t required, std::uint16_t host_minor) {
    const std::string host = std::to_string(SYMPHONY_ABI_MAJOR) + "." + std::to_string(host_minor);
    const std::string needs = std::string(source) + " needs ABI " + std::to_string(major) + "." + std::to_string(required) + ", host offers " + host;
    if (major != SYMPHONY_ABI_MAJOR) {
        return Error(Code::abi_mismatch, "abi-major", who(manifest) + ": " + needs, "install a version of the plugin that is built for ABI " + std::to_string(SYMPHONY_ABI_MAJOR));
    }
    if (required > host_minor) {
        return Error(Code::abi_mismatch, "abi-minor", who(manifest) + ": " + needs, "update symphony, or build the plugin for an older minor (SYMPHONY_TARGET_MINOR)");
    }
    return {};
}

Status check_identity(const manifests::Manifest& manifest, std::string_view source, std::string_view id, std::string_view version) {
    if (id == manifest.id() && version == manifest.extension.version.text()) return {};
    return refused(manifest, "identity-mismatch",
                   std::string(source) + " says \"" + std::string(id.substr(0, 100)) + "\" " + std::string(version.substr(0, 64)) +
                       ", the manifest says \"" + manifest.id() + "\" " + manifest.extension.version.text(),
                   "the library belongs to another plugin or version; reinstall or rebuild it");
}

Status check_facts(const manifests::Manifest& manifest, const ElfFacts& facts, std::uint16_t host_minor) {
    if (Status s = check_abi(manifest, "library", facts.note.abi_major, facts.note.abi_required, host_minor); !s) return s;
    if (Status s = check_identity(manifest, "the library's note", read_bounded(facts.note.id), read_bounded(facts.note.version)); !s) return s;
    bool entry = false;
    std::string extra;
    std::size_t extras = 0;
    for (const std::string_view name : facts.exports) {
        if (name == SYMPHONY_ENTRY_NAME) {
            entry = true;
        } else if (extras++ < 3) {
            extra += (extra.empty() ? "" : ", ") + std::string(name.substr(0, 80));
        }
    }
    if (!entry) {
        return refused(manifest, "no-entry", "library does not export " SYMPHONY_ENTRY_NAME, "add SYMPHONY_PLUGIN(Type) and build with symphony_add_plugin");
    }
    if (extras > 0) {
        return refused(manifest, "extra-export", "library exports " + std::to_string(extras) + " symbol" + (extras == 1 ? "" : "s") +
                           " beside its entry: " + extra + (extras > 3 ? ", ..." : ""),
                       "build it with symphony_add_plugin, which hides everything else");
    }
    return {};
}

DescriptorFacts facts_of(const symphony_plugin* plugin) {
    DescriptorFacts facts;
    if (plugin == nullptr) return facts;
    facts.null = false;
    facts.magic = plugin->magic;
    facts.struct_size = plugin->struct_size;
    if (plugin->magic != SYMPHONY_MAGIC || plugin->struct_size < sizeof(symphony_plugin)) return facts;
    facts.abi_major = plugin->abi_major;
    facts.abi_required = plugin->abi_required;
    facts.id = from_c(plugin->id);
    facts.version = from_c(plugin->version);
    facts.has_create = plugin->create != nullptr;
    return facts;
}

struct Range {
    std::uintptr_t base, begin, end;
};
int find_range(dl_phdr_info* info, std::size_t, void* out) {
    auto& range = *static_cast<Range*>(out);
    if (info->dlpi_addr != range.base) return 0;
    range.begin = ~std::uintptr_t{0};
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        range.begin = std::min(range.begin, info->dlpi_addr + segment.p_vaddr);
        range.end = std::max(range.end, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
    }
    return 1;
}

/// Boost.DLL closes a library in its destructor, so the object must outlive every thread, exit handlers included.
void keep_for_ever(std::unique_ptr<boost::dll::shared_library> library) {
    static std::mutex mutex;
    static auto& kept = *new std::vector<std::unique_ptr<boost::dll::shared_library>>;
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(library));
}

} // namespace

static Status check_descriptor(const manifests::Manifest& manifest, const DescriptorFacts& facts, std::uint16_t host_minor) {
    const std::string hint = "rebuild it with symphony_add_plugin";
    if (facts.null) return refused(manifest, "null-descriptor", SYMPHONY_ENTRY_NAME "() returned no descriptor", hint);
    if (facts.magic != SYMPHONY_MAGIC) return refused(manifest, "bad-magic", "its descriptor does not begin with SYMP", hint);
    if (facts.struct_size < sizeof(symphony_plugin)) { // 1.0 is the first; a longer one is a newer plugin's
        return refused(manifest, "struct-size", "its descriptor has " + std::to_string(facts.struct_size) + " bytes, ABI 1.0 has " +
                           std::to_string(sizeof(symphony_plugin)), hint);
    }
    if (Status s = check_abi(manifest, "descriptor", facts.abi_major, facts.abi_required, host_minor); !s) return s;
    if (Status s = check_identity(manifest, "its descriptor", facts.id, facts.version); !s) return s;
    if (!facts.has_create) return refused(manifest, "null-descriptor", "its descriptor has no create function", hint);
    return {};
}

Status check_loaded(const manifests::Manifest& manifest, const LoadFacts& facts, std::uint16_t host_minor) {
    if (!facts.load_error.empty()) {
        return refused(manifest, "load-failed", "the dynamic linker refuses its library: " + facts.load_error,
                       "install the missing library, or rebuild the plugin on this system");
    }
    if (!facts.has_entry) return refused(manifest, "no-entry", "library does not export " SYMPHONY_ENTRY_NAME, "build it with symphony_add_plugin");
    if (facts.entry_threw) return refused(manifest, "plugin-threw", SYMPHONY_ENTRY_NAME "() let an exception escape", "return a constant descriptor from it");
    return check_descriptor(manifest, facts.descriptor, host_minor);
}

VerifiedImage::~VerifiedImage() {
    if (fd_ >= 0) ::close(fd_);
}

Result<VerifiedImage> VerifiedImage::open(const manifests::Manifest& manifest, const std::filesystem::path& folder,
                                          std::string_view triple, std::uint16_t host_minor) {
    const manifests::Artifact* artifact = manifest.find_artifact(triple);
    if (artifact == nullptr) {
        return refused(manifest, "no-artifact", "its manifest lists no library for " + std::string(triple),
                       "build it with symphony_add_plugin, or install a package for this platform");
    }
    if (Status s = check_abi(manifest, "manifest", static_cast<std::uint16_t>(manifest.abi.major),
                             static_cast<std::uint16_t>(manifest.abi.minor), host_minor); !s) return std::move(s).error();
    const Opener opener(manifest, *artifact, folder);
    const Fd file = SYMPHONY_TRY(opener.open_file());
    const auto storage = std::make_unique_for_overwrite<std::uint8_t[]>(artifact->size_bytes);
    const Bytes bytes(storage.get(), artifact->size_bytes);
    SYMPHONY_TRY(opener.read(file, storage.get()));
    std::string digest = hex(host::sha256(text_of(bytes)));
    if (digest != artifact->sha256) {
        return opener.at("digest-mismatch", "library has sha256 " + digest.substr(0, 12) + ", the manifest says " + artifact->sha256.substr(0, 12), artifact->sha256_place);
    }
    auto facts = read_elf(bytes);
    if (!facts) return std::move(facts).error().in(who(manifest));
    SYMPHONY_TRY(check_facts(manifest, *facts, host_minor));
    Fd memory = SYMPHONY_TRY(opener.make_memory());
    SYMPHONY_TRY(opener.write(memory, bytes));
    return VerifiedImage(memory.release(), facts->note, std::move(digest), {facts->needed.begin(), facts->needed.end()});
}

Result<Library> Library::load(VerifiedImage image, const manifests::Manifest& manifest, std::uint16_t host_minor) {
    // The descriptor stays open for ever, like the mapping: the loader knows libraries by this path, and a closed number
    // would be given to the next plugin, which then would be taken for this one.
    const std::string path = "/proc/self/fd/" + std::to_string(std::exchange(image.fd_, -1));
    LoadFacts facts;
    boost::dll::fs::error_code failed;
    auto library = std::make_unique<boost::dll::shared_library>();
    ::dlerror();
    library->load(path, failed, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (failed) {
        const char* text = ::dlerror();
        facts.load_error = text != nullptr ? text : failed.message();
        return std::move(check_loaded(manifest, facts, host_minor)).error();
    }
    const auto entry = reinterpret_cast<symphony_plugin_entry>(::dlsym(library->native(), SYMPHONY_ENTRY_NAME));
    facts.has_entry = entry != nullptr;
    Range range{};
    if (link_map* map = nullptr; ::dlinfo(library->native(), RTLD_DI_LINKMAP, &map) == 0) {
        range.base = map->l_addr;
        ::dl_iterate_phdr(&find_range, &range);
    }
    keep_for_ever(std::move(library));
    const symphony_plugin* plugin = nullptr;
    try {
        if (facts.has_entry) plugin = entry();
        facts.descriptor = facts_of(plugin);
    } catch (...) {
        facts.entry_threw = true;
    }
    SYMPHONY_TRY(check_loaded(manifest, facts, host_minor));
    Library loaded;
    loaded.descriptor_ = plugin;
    loaded.sha256_ = std::move(image.sha256_);
    loaded.begin_ = range.begin;
    loaded.end_ = range.end;
    return loaded;
}

} // namespace symphony::host
