// SPDX-License-Identifier: Apache-2.0
#pragma once

// A host small enough for unit tests: runs plugin classes in the test's own process, without a
// library, a manifest or a sandbox. Not for production.

#include <symphony/plugin.hpp>

#ifndef _WIN32
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::testing {

/// The descriptor of a plugin class, as its library would answer it.
template <class Plugin, std::uint32_t Flags = 0>
const symphony_plugin* descriptor_of() {
    static constexpr symphony_plugin descriptor = SYMPHONY_DESCRIPTOR(Plugin, Flags);
    return &descriptor;
}

/// One empty folder of its own, gone with its content at the end.
class TempFolder {
public:
    TempFolder() {
#ifdef _WIN32
        std::random_device random;
        do path_ = std::filesystem::temp_directory_path() / ("symphony-test-" + std::to_string(random()));
        while (!std::filesystem::create_directory(path_));
#else
        std::string name = (std::filesystem::temp_directory_path() / "symphony-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
        path_ = name;
#endif
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

struct LogLine {
    Level level;
    std::string text;
};

/// Serves plugin instances and what they ask of a host. Everything is granted that was set up with
/// grant_*() or add(). Threads: as the real host, except that set-up happens before calls.
class FakeHost {
public:
    FakeHost() : context_(&c_host_, Value()) {
        c_host_.struct_size = sizeof c_host_;
        c_host_.abi_major = SYMPHONY_ABI_MAJOR;
        c_host_.abi_minor = SYMPHONY_ABI_MINOR;
        c_host_.ctx = this;
        c_host_.query = &query;
        c_host_.buf_alloc = &buf_alloc;
        c_host_.now_ns = &now_ns;
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;
    ~FakeHost() {
        for (auto it = providers_.rbegin(); it != providers_.rend(); ++it) it->reset();
    }

    /// A handle for code that wants a Host and for clients: `OperatorClient::acquire(fake.host(), "text")`.
    Host host() const noexcept { return Host(&context_); }
    const symphony_host* c_host() const noexcept { return &c_host_; }

    /// Makes files below `folder` reachable as `root`, such as "workspace".
    void grant_files(std::string root, std::filesystem::path folder) { roots_[std::move(root)] = std::move(folder); }

    /// What `Host::about()` tells; without this call everything in it is empty. As in the real host, a plugin in this process
    /// gets the service.
    void set_about(const About& about) { about_ = about.value(); }

    /// Creates and activates an instance that answers as `name` on every port its class serves.
    /// @return What failed: create or activate.
    Status add(std::string name, const symphony_plugin* descriptor, const Value& config = ValueBuilder().map().end().build()) {
        const Buffer settings = config.buffer();
        const symphony_buf buf = settings.to_c();
        symphony_error error{};
        error.struct_size = sizeof error;
        symphony_instance* instance = nullptr;
        const symphony_instance_ops* ops = nullptr;
        if (const auto status = descriptor->create(&c_host_, &buf, &instance, &ops, &error); status < 0) return from_c(error, status);
        return adopt(std::move(name), instance, ops);
    }
    /// The same with an instance that was created already, which this host destroys.
    Status adopt(std::string name, symphony_instance* instance, const symphony_instance_ops* ops) {
        auto provider = std::make_unique<Provider>();
        provider->name = std::move(name);
        provider->instance = instance;
        provider->ops = ops;
        symphony_error error{};
        error.struct_size = sizeof error;
        if (const auto status = provider->ops->init(provider->instance, &error); status < 0) return from_c(error, status);
        if (const auto status = provider->ops->activate(provider->instance, &error); status < 0) return from_c(error, status);
        provider->active = true;
        providers_.push_back(std::move(provider));
        return {};
    }
    template <class Plugin>
    Status add(std::string name, const Value& config = ValueBuilder().map().end().build()) {
        return add(std::move(name), descriptor_of<Plugin>(), config);
    }

    /// Waits until the instance owes nothing, as the host does before it ends one.
    Status quiesce(std::string_view name, std::chrono::nanoseconds longest) {
        Provider* provider = find(name);
        if (provider == nullptr) return Error(Code::not_found, "no plugin \"" + std::string(name) + "\"");
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = provider->ops->quiesce(provider->instance, host().deadline_in(longest), &error);
        if (status < 0) return from_c(error, status);
        return {};
    }

    const symphony_instance_ops* ops(std::string_view name) const { return find(name)->ops; }
    symphony_instance* instance(std::string_view name) const { return find(name)->instance; }

    std::vector<LogLine> logs() const {
        const std::lock_guard lock(mutex_);
        return logs_;
    }
    std::map<std::string, double> metrics() const {
        const std::lock_guard lock(mutex_);
        return metrics_;
    }

private:
    struct Provider {
        std::string name;
        symphony_instance* instance = nullptr;
        const symphony_instance_ops* ops = nullptr;
        bool active = false;
        Provider() = default;
        Provider(const Provider&) = delete;
        Provider& operator=(const Provider&) = delete;
        ~Provider() {
            if (instance == nullptr) return;
            if (active) {
                static_cast<void>(ops->quiesce(instance, 1, nullptr));
                static_cast<void>(ops->deactivate(instance, nullptr));
            }
            ops->destroy(instance);
        }
    };

    static FakeHost& of(void* ctx) noexcept { return *static_cast<FakeHost*>(ctx); }
    static symphony_status refuse(symphony_error* error, Code code, std::string_view reason, std::string message) {
        return to_c(Error(code, reason, std::move(message)), error);
    }
    Provider* find(std::string_view name) const {
        for (const auto& provider : providers_) {
            if (provider->name == name) return provider.get();
        }
        return nullptr;
    }

    static const void* query(void* ctx, symphony_str id) noexcept {
        const FakeHost& self = of(ctx);
        const std::string_view name = from_c(id);
        if (name == SYMPHONY_HOST_LOG) return &log_ops;
        if (name == SYMPHONY_HOST_METRICS) return &metrics_ops;
        if (name == SYMPHONY_HOST_ABOUT) return &about_ops;
#ifndef _WIN32
        if (name == SYMPHONY_HOST_FS && !self.roots_.empty()) return &fs_ops;
#endif
        if (name == SYMPHONY_HOST_PORTS && !self.providers_.empty()) return &ports_ops;
        return nullptr;
    }
    static symphony_status buf_alloc(void*, std::uint64_t size, symphony_buf* out) noexcept {
        try {
            *out = Buffer::make(static_cast<std::size_t>(size)).release();
            return SYMPHONY_OK;
        } catch (...) {
            return SYMPHONY_E_EXHAUSTED;
        }
    }
    static std::uint64_t now_ns(void*) noexcept { return Host().now_ns(); }

    static symphony_status get_about(void* ctx, symphony_buf* out, symphony_error*) noexcept {
        *out = Buffer(of(ctx).about_.buffer()).release();
        return SYMPHONY_OK;
    }

    static void write_log(void* ctx, std::uint32_t level, symphony_str text) noexcept {
        const std::lock_guard lock(of(ctx).mutex_);
        of(ctx).logs_.push_back({static_cast<Level>(level), std::string(from_c(text))});
    }
    static void count(void* ctx, symphony_str name, std::uint64_t add) noexcept {
        const std::lock_guard lock(of(ctx).mutex_);
        of(ctx).metrics_[std::string(from_c(name))] += static_cast<double>(add);
    }
    static void set(void* ctx, symphony_str name, double value) noexcept {
        const std::lock_guard lock(of(ctx).mutex_);
        of(ctx).metrics_[std::string(from_c(name))] = value;
    }

    static symphony_status acquire(void* ctx, symphony_str port, symphony_str name, symphony_handle* out, symphony_error* error) noexcept {
        const FakeHost& self = of(ctx);
        for (std::size_t i = 0; i < self.providers_.size(); ++i) {
            const Provider& provider = *self.providers_[i];
            if (name.len != 0 && provider.name != from_c(name)) continue;
            if (provider.ops->query(provider.instance, port) == nullptr) continue;
            *out = i + 1;
            return SYMPHONY_OK;
        }
        return refuse(error, Code::not_found, "no-provider", "nobody named \"" + std::string(from_c(name)) + "\" provides " + std::string(from_c(port)));
    }
    static void release(void*, symphony_handle) noexcept {}
    static symphony_status invoke(void* ctx, symphony_handle handle, const symphony_call* call, symphony_handle* call_out, symphony_error* error) noexcept {
        FakeHost& self = of(ctx);
        if (handle == 0 || handle > self.providers_.size()) return refuse(error, Code::misuse, "stale-handle", "no such port handle");
        const Provider& provider = *self.providers_[handle - 1];
        symphony_call passed = *call;
        passed.id = handle << 32 | self.next_call_.fetch_add(1, std::memory_order_relaxed);
        std::atomic_ref(*call_out).store(passed.id, std::memory_order_release);
        const symphony_status status = provider.ops->invoke(provider.instance, &passed);
        if (status < 0) return refuse(error, static_cast<Code>(status), "", "the plugin did not take the call");
        return SYMPHONY_OK;
    }
    static void cancel(void* ctx, symphony_handle call) noexcept {
        const FakeHost& self = of(ctx);
        const std::uint64_t provider = call >> 32;
        if (provider == 0 || provider > self.providers_.size()) return;
        self.providers_[provider - 1]->ops->cancel(self.providers_[provider - 1]->instance, call);
    }
    static symphony_status list_ports(void* ctx, symphony_str port, symphony_buf* out) noexcept {
        ValueBuilder list;
        list.list();
        for (const auto& provider : of(ctx).providers_) {
            if (provider->ops->query(provider->instance, port) == nullptr) continue;
            list.map().add("plugin", provider->name).add("name", provider->name).add("version", "1.0.0").add("usable", true);
            list.add("blocking", (provider->ops->flags & SYMPHONY_INSTANCE_BLOCKING) != 0);
            list.add("concurrent", (provider->ops->flags & SYMPHONY_INSTANCE_CONCURRENT) != 0).end();
        }
        *out = list.end().build().buffer().release();
        return SYMPHONY_OK;
    }

#ifndef _WIN32
    Result<std::filesystem::path> resolve(symphony_str root, symphony_str path) const {
        const auto found = roots_.find(std::string(from_c(root)));
        if (found == roots_.end()) return Error(Code::not_granted, "root-not-granted", "root \"" + std::string(from_c(root)) + "\" is not granted");
        const std::filesystem::path relative = std::string(from_c(path));
        if (from_c(root) == "selected") return relative.is_absolute() ? relative : found->second / relative;
        for (const auto& part : relative) {
            if (part == ".." || part == "/") return Error(Code::not_granted, "outside-root", "the path leaves its root");
        }
        return found->second / relative;
    }
    static symphony_status io(symphony_error* error, const std::filesystem::path& path) {
        const int number = errno;
        if (number == EEXIST) return refuse(error, Code::conflict, "exists", path.filename().string() + ": it is there already");
        return refuse(error, number == ENOENT ? Code::not_found : Code::io, number == ENOENT ? "no-file" : "io", path.filename().string() + ": " + std::strerror(number));
    }
    static symphony_status open(void* ctx, symphony_str root, symphony_str path, std::uint32_t flags, std::int32_t* fd, symphony_error* error) noexcept {
        const auto full = of(ctx).resolve(root, path);
        if (!full) return to_c(full.error(), error);
        int mode = O_CLOEXEC | O_NOFOLLOW;
        mode |= (flags & SYMPHONY_FS_WRITE) == 0 ? O_RDONLY : (flags & SYMPHONY_FS_READ) != 0 ? O_RDWR : O_WRONLY;
        if ((flags & SYMPHONY_FS_CREATE) != 0) {
            mode |= O_CREAT;
            std::error_code ignored;
            std::filesystem::create_directories(full->parent_path(), ignored);
        }
        if ((flags & SYMPHONY_FS_TRUNCATE) != 0) mode |= O_TRUNC;
        if ((flags & SYMPHONY_FS_EXCLUSIVE) != 0) mode |= O_EXCL;
        *fd = ::open(full->c_str(), mode, 0644);
        return *fd < 0 ? io(error, *full) : SYMPHONY_OK;
    }
    static symphony_status list_files(void* ctx, symphony_str root, symphony_str path, symphony_buf* out, symphony_error* error) noexcept {
        const auto full = of(ctx).resolve(root, path);
        if (!full) return to_c(full.error(), error);
        DIR* folder = ::opendir(full->c_str());
        if (folder == nullptr) return io(error, *full);
        std::vector<std::string> names;
        while (const dirent* entry = ::readdir(folder)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        ::closedir(folder);
        std::sort(names.begin(), names.end());
        ValueBuilder list;
        list.list(names.size());
        for (const std::string& name : names) {
            struct stat info{};
            const bool known = ::lstat((*full / name).c_str(), &info) == 0;
            const char* kind = !known ? "unreadable" : S_ISREG(info.st_mode) ? "file" : S_ISDIR(info.st_mode) ? "folder" : S_ISLNK(info.st_mode) ? "symlink" : "other";
            list.map().key("name").bytes(bytes_of(name)).add("kind", kind).add("size", static_cast<std::uint64_t>(info.st_size));
            list.add("mtime_ns", static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(info.st_mtim.tv_nsec)).end();
        }
        *out = list.end().build().buffer().release();
        return SYMPHONY_OK;
    }
    static symphony_status rename(void* ctx, symphony_str root, symphony_str from, symphony_str to, symphony_error* error) noexcept {
        const auto old_path = of(ctx).resolve(root, from);
        const auto new_path = of(ctx).resolve(root, to);
        if (!old_path) return to_c(old_path.error(), error);
        if (!new_path) return to_c(new_path.error(), error);
        std::error_code ignored;
        std::filesystem::create_directories(new_path->parent_path(), ignored);
        return ::rename(old_path->c_str(), new_path->c_str()) != 0 ? io(error, *old_path) : SYMPHONY_OK;
    }
    static symphony_status remove(void* ctx, symphony_str root, symphony_str path, symphony_error* error) noexcept {
        const auto full = of(ctx).resolve(root, path);
        if (!full) return to_c(full.error(), error);
        return ::unlink(full->c_str()) != 0 ? io(error, *full) : SYMPHONY_OK;
    }
    static symphony_status sync_folder(void* ctx, symphony_str root, symphony_str path, symphony_error* error) noexcept {
        const auto full = of(ctx).resolve(root, path);
        if (!full) return to_c(full.error(), error);
        const int fd = ::open(full->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return io(error, *full);
        const symphony_status status = ::fsync(fd) != 0 ? io(error, *full) : SYMPHONY_OK;
        ::close(fd);
        return status;
    }
    static constexpr symphony_host_fs fs_ops{sizeof(symphony_host_fs), 0, &open, &list_files, &rename, &remove, &sync_folder};
#endif

    static constexpr symphony_host_log log_ops{sizeof(symphony_host_log), 0, &write_log};
    static constexpr symphony_host_about about_ops{sizeof(symphony_host_about), 0, &get_about};
    static constexpr symphony_host_metrics metrics_ops{sizeof(symphony_host_metrics), 0, &count, &set, &set};
    static constexpr symphony_host_ports ports_ops{sizeof(symphony_host_ports), 0, &acquire, &release, &invoke, &cancel, &list_ports};

    symphony_host c_host_{};
    detail::HostContext context_;
    std::map<std::string, std::filesystem::path> roots_;
    std::vector<std::unique_ptr<Provider>> providers_;
    std::atomic<std::uint64_t> next_call_{1};
    mutable std::mutex mutex_;
    std::vector<LogLine> logs_;
    std::map<std::string, double> metrics_;
    Value about_ = About().value();
};

} // namespace symphony::testing
