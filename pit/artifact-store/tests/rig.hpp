// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto.hpp"
#include "store.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>

namespace symphony::store::test {

/// Cheap enough for tests; a real store takes the default.
constexpr PassphraseCost quick_cost{1, 8192};

struct FakeClock final : Clock {
    std::atomic<std::uint64_t> wall{1'700'000'000'000}, steady{1'000'000};
    std::uint64_t wall_ms() const override { return wall; }
    std::uint64_t steady_ms() const override { return steady; }
    void pass(std::uint64_t ms) {
        wall += ms;
        steady += ms;
    }
};

/// A temporary folder, removed at the end. In memory, if nothing else is wanted: a sync costs nothing there, and what a disk
/// loses is for the fault harness to try.
class Scratch {
public:
    Scratch() {
        const bool memory = std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK | X_OK) == 0;
        std::string name = ((memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) / "symphony-store-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline std::shared_ptr<Folder> folder_at(const std::filesystem::path& path) {
    auto folder = PosixFolder::open(path);
    if (!folder) std::abort();
    return std::shared_ptr<Folder>(std::move(*folder));
}

/// A store in a temporary folder that can be closed, opened again and looked into.
class Rig {
public:
    explicit Rig(Suite suite = Suite::none, Profile profile = Profile::standard) : suite_(suite) {
        folder = folder_at(scratch / "store");
        InitOptions init;
        init.suite = suite;
        init.profile = profile;
        init.cost = quick_cost;
        if (suite != Suite::none) init.secrets.push_back(Secret::passphrase("correct horse"));
        const auto made = Store::init(*folder, std::move(init));
        if (!made) ADD_FAILURE() << made.error().message();
        open();
    }
    OpenOptions options(Access access = Access::writer) {
        OpenOptions out;
        out.access = access;
        if (suite_ != Suite::none) out.secret = Secret::passphrase("correct horse");
        out.owner = "the test";
        out.clock = clock;
        out.put_lease = put_lease;
        out.durability = durability;
        out.notice = [this](const Notice& notice) {
            const std::lock_guard lock(mutex);
            notices.push_back(notice);
        };
        return out;
    }
    Status try_open() {
        auto opened = Store::open(folder, options());
        if (!opened) return std::move(opened).error();
        store = std::move(*opened);
        return {};
    }
    void open() {
        const auto opened = try_open();
        if (!opened) {
            std::fprintf(stderr, "cannot open the store: %s\n", opened.error().message().c_str());
            std::abort();
        }
    }
    void close() {
        if (!store) return;
        const auto closed = store->close();
        EXPECT_TRUE(closed) << closed.error().message();
        store.reset();
    }
    void reopen() {
        close();
        open();
    }
    std::unique_ptr<Store> reader() {
        auto opened = Store::open(folder, options(Access::reader));
        if (!opened) ADD_FAILURE() << opened.error().message();
        return opened ? std::move(*opened) : nullptr;
    }
    ContentId put(std::string_view text, const PutOptions& put_options = {}) {
        const auto info = store->put(bytes_of(text), put_options);
        if (!info) ADD_FAILURE() << info.error().message();
        return info ? info->id : ContentId();
    }
    ContentId put_named(std::string_view name, std::string_view text) {
        PutOptions named;
        named.name = name;
        return put(text, named);
    }
    std::string get(const ContentId& id) {
        const auto got = store->get(id);
        return got ? std::string(got->text()) : "(" + std::string(got.error().reason()) + ")";
    }
    bool noticed(std::string_view reason) {
        const std::lock_guard lock(mutex);
        return std::any_of(notices.begin(), notices.end(), [&](const Notice& notice) { return notice.reason == reason; });
    }
    std::filesystem::path path() const { return scratch / "store"; }
    std::vector<std::filesystem::path> files(std::string_view below) const {
        std::vector<std::filesystem::path> out;
        std::error_code none;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path() / below, none)) {
            if (entry.is_regular_file()) out.push_back(entry.path());
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    Scratch scratch;
    std::shared_ptr<Folder> folder;
    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
    std::chrono::milliseconds put_lease{0};
    Durability durability = Durability::durable;
    std::mutex mutex;
    std::vector<Notice> notices;
    std::unique_ptr<Store> store;

private:
    Suite suite_;
};

/// Bytes that no compressor makes smaller.
inline std::string noise(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t value = random();
        std::memcpy(out.data() + i, &value, std::min<std::size_t>(8, size - i));
    }
    return out;
}

/// Bytes that compress, such as logs do.
inline std::string prose(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string out;
    while (out.size() < size) out += "line " + std::to_string(random() % 100'000) + " of the text\n";
    out.resize(size);
    return out;
}

inline std::string sha256_hex(std::string_view text) { return sha256(bytes_of(text)).hex(); }

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
inline void flip(const std::filesystem::path& path, std::size_t offset, char bits = 1) {
    std::string bytes = read_file(path);
    bytes.at(offset) = static_cast<char>(bytes.at(offset) ^ bits);
    write_file(path, bytes);
}

} // namespace symphony::store::test
