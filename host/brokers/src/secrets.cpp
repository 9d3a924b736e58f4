// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/secrets.hpp>

#include "fd.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

namespace symphony::brokers {
namespace {

constexpr std::size_t secret_bytes_max = 1024 * 1024;
constexpr int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::size_t whole_pages(std::size_t size) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

/// The owner behind a counted buffer of a secret.
struct Shared {
    SecretBytes bytes;
    std::atomic<std::uint64_t> references{1};
    static void retain(void* owner) noexcept { static_cast<Shared*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
    static void release(void* owner) noexcept {
        auto* shared = static_cast<Shared*>(owner);
        if (shared->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared;
    }
    static constexpr symphony_buf_ops ops{sizeof(symphony_buf_ops), 0, &retain, &release};
};

Error io_error(const char* what) { return Error(Code::io, std::string(what) + ": " + std::strerror(errno)); }

} // namespace

SecretBytes::SecretBytes(Bytes content) {
    if (content.empty()) return;
    mapped_ = whole_pages(content.size());
    void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    // Each helps where it can: a small RLIMIT_MEMLOCK or an old kernel is no reason to give no secret.
    static_cast<void>(::mlock(memory, mapped_));
    static_cast<void>(::madvise(memory, mapped_, MADV_DONTDUMP));
    static_cast<void>(::madvise(memory, mapped_, MADV_WIPEONFORK));
    data_ = static_cast<std::uint8_t*>(memory);
    size_ = content.size();
    std::memcpy(data_, content.data(), size_);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), mapped_(std::exchange(other.mapped_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

SecretBytes::~SecretBytes() {
    if (data_ == nullptr) return;
    ::explicit_bzero(data_, mapped_);
    ::munmap(data_, mapped_);
}

Buffer secret_buffer(Bytes content) {
    auto* shared = new Shared{SecretBytes(content), {1}};
    symphony_buf out{};
    out.struct_size = sizeof out;
    out.flags = SYMPHONY_BUF_COUNTED;
    out.data = shared->bytes.bytes().data();
    out.size = shared->bytes.bytes().size();
    out.owner = shared;
    out.ops = &Shared::ops;
    return Buffer::adopt(out);
}

Result<int> sealed_file(Bytes content) {
    Fd file(::memfd_create("symphony-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file.get() < 0) return io_error("cannot make a memory file");
    for (Bytes rest = content; !rest.empty();) {
        const ssize_t n = ::write(file.get(), rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return io_error("cannot fill a memory file");
        rest = rest.subspan(static_cast<std::size_t>(n));
    }
    if (::fcntl(file.get(), F_ADD_SEALS, all_seals) != 0) return io_error("cannot seal a memory file");
    ::lseek(file.get(), 0, SEEK_SET);
    return file.release();
}

Result<Buffer> read_sealed(int fd) {
    const Fd file(fd);
    const int seals = ::fcntl(file.get(), F_GET_SEALS);
    struct stat info{};
    if (seals < 0 || (seals & all_seals) != all_seals || ::fstat(file.get(), &info) != 0 || info.st_size < 0 ||
        static_cast<std::uint64_t>(info.st_size) > secret_bytes_max) {
        return Error(Code::data_corrupt, "not-sealed", "the memory file of a secret is not sealed, or too large");
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size == 0) return secret_buffer({});
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return io_error("cannot map the memory file of a secret");
    Buffer out = secret_buffer({static_cast<const std::uint8_t*>(memory), size});
    ::munmap(memory, size);
    return out;
}

Secrets::Secrets(std::string plugin, const manifests::EffectiveConfig& config) : plugin_(std::move(plugin)) {
    for (const manifests::EffectiveSetting& setting : config.settings) {
        if (!setting.secret) continue;
        Value value;
        if (const auto* text = setting.value.as<std::string>()) {
            value = {true, SecretBytes(bytes_of(*text))};
        } else if (setting.value != manifests::Data()) {
            std::string json = manifests::to_json(setting.value);
            value = {true, SecretBytes(bytes_of(json))};
            ::explicit_bzero(json.data(), json.size());
        }
        values_.emplace(setting.key, std::move(value));
    }
}

Result<const SecretBytes*> Secrets::find(std::string_view key) const {
    const auto at = values_.find(key);
    const std::string name(key.substr(0, 64));
    if (at == values_.end()) {
        return Error(Code::not_found, "no-such-secret", "plugin \"" + plugin_ + "\": its manifest has no secret key of that name",
                     "declare the key in [configuration] with \"secret = true\"");
    }
    if (!at->second.set) {
        return Error(Code::not_found, "secret-not-set", "plugin \"" + plugin_ + "\": the secret \"" + name + "\" is not set",
                     "write it into [plugins." + plugin_ + "] of the user's config.toml, or into the environment");
    }
    return &at->second.bytes;
}

Result<Buffer> Secrets::get(std::string_view key) const {
    const SecretBytes* bytes = SYMPHONY_TRY(find(key));
    return secret_buffer(bytes->bytes());
}

Result<int> Secrets::open(std::string_view key) const {
    const SecretBytes* bytes = SYMPHONY_TRY(find(key));
    return sealed_file(bytes->bytes());
}

void wipe_secrets(manifests::EffectiveConfig& config) noexcept {
    for (manifests::EffectiveSetting& setting : config.settings) {
        if (!setting.secret) continue;
        if (auto* text = setting.value.as<std::string>()) ::explicit_bzero(text->data(), text->size());
        setting.value = manifests::Data();
    }
}

} // namespace symphony::brokers
