// SPDX-License-Identifier: Apache-2.0
// The store beside borg, restic and git (Debian: borgbackup, restic, git). Whichever is not there is left out, with a sentence.
// All read the same files. borg and restic encrypt, as the store does; git does not. Their key derivation and start are part of
// their times, as they are for whoever runs them; the files are many enough for that to be little.
#include "store_corpus.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

extern char** environ;

namespace symphony::bench {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// @return The exit status; 127 when the program is not there.
int run(const Words& words, const fs::path& in, const fs::path& log) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    ::posix_spawn_file_actions_addchdir_np(&actions, in.c_str());
    std::vector<char*> argv;
    Words copy = words;
    for (std::string& word : copy) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return 127;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// A program that keeps versions of a folder.
struct Peer {
    std::string name, package;
    std::function<Words(const fs::path& repository)> init;
    std::function<Words(const fs::path& repository, const std::string& version)> keep; ///< of the folder it runs in
    std::function<Words(const fs::path& repository)> pack; ///< what its users run now and then to save room; may be empty
    std::function<Words(const fs::path& repository, const std::string& version)> conclude; ///< belongs to keep
};

std::vector<Peer> all_peers() {
    const auto none = [](const fs::path&) { return Words(); };
    const auto nothing = [](const fs::path&, const std::string&) { return Words(); };
    const auto git = [](const fs::path& repository, Words rest) {
        // Objects are synced, in the cheapest way that git has; the default leaves them to the kernel.
        Words all{"git", "-c", "core.fsync=committed,loose-object", "-c", "core.fsyncMethod=batch", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0",
                  "--git-dir=" + repository.string(), "--work-tree=."};
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    };
    return {
        {"borg, zstd", "borgbackup", [](const fs::path& at) { return Words{"borg", "init", "--encryption", "repokey", at.string()}; },
         [](const fs::path& at, const std::string& version) { return Words{"borg", "create", "--compression", "zstd,3", at.string() + "::" + version, "."}; }, none, nothing},
        {"borg, lz4", "borgbackup", [](const fs::path& at) { return Words{"borg", "init", "--encryption", "repokey", at.string()}; },
         [](const fs::path& at, const std::string& version) { return Words{"borg", "create", at.string() + "::" + version, "."}; }, none, nothing},
        {"restic", "restic", [](const fs::path& at) { return Words{"restic", "--repo", at.string(), "--no-cache", "init", "--repository-version", "2"}; },
         [](const fs::path& at, const std::string&) { return Words{"restic", "--repo", at.string(), "--no-cache", "backup", "."}; }, none, nothing},
        {"git, objects synced", "git", [git](const fs::path& at) { return git(at, {"init", "--quiet"}); },
         [git](const fs::path& at, const std::string&) { return git(at, {"add", "--all", "."}); }, [git](const fs::path& at) { return git(at, {"gc", "--quiet", "--prune=now"}); },
         [git](const fs::path& at, const std::string& version) { return git(at, {"commit", "--quiet", "-m", version}); }},
    };
}

class Peers {
public:
    explicit Peers(const fs::path& base) : log_(base / "peers.log") {
        ::setenv("BORG_PASSPHRASE", "bench", 1);
        ::setenv("BORG_BASE_DIR", (base / "borg").c_str(), 1);
        ::setenv("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes", 1);
        ::setenv("RESTIC_PASSWORD", "bench", 1);
        ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
        ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
        for (Peer& peer : all_peers()) {
            if (run({peer.init(base).front(), "--version"}, base, log_) == 0 || run({peer.init(base).front(), "version"}, base, log_) == 0) peers_.push_back(std::move(peer));
            else std::fprintf(stderr, "note: %s is not installed (Debian: %s), its figures are left out\n", peer.init(base).front().c_str(), peer.package.c_str());
        }
    }
    const std::vector<Peer>& all() const { return peers_; }
    void run_all(const Words& words, const fs::path& in) const {
        if (words.empty() || run(words, in, log_) == 0) return;
        std::ifstream log(log_);
        const std::string text{std::istreambuf_iterator<char>(log), {}};
        std::fprintf(stderr, "error: %s %s failed:\n%s\n", words[0].c_str(), words[1].c_str(), text.substr(text.size() - std::min<std::size_t>(text.size(), 2000)).c_str());
        std::exit(1);
    }

private:
    fs::path log_;
    std::vector<Peer> peers_;
};

void write_file(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// As `artifact put FOLDER` does: small files together, each with its name.
void put_folder(store::Store& store, const fs::path& folder) {
    std::vector<std::string> contents;
    std::vector<store::PutItem> items;
    std::size_t bytes = 0;
    const auto flush = [&] {
        for (std::size_t i = 0; i < items.size(); ++i) items[i].content = bytes_of(contents[i]);
        for (auto& stored : store.put_group(items)) static_cast<void>(must(std::move(stored)));
        contents.clear();
        items.clear();
        bytes = 0;
    };
    for (const auto& entry : fs::directory_iterator(folder)) {
        contents.push_back(read_file(entry.path()));
        bytes += contents.back().size();
        items.emplace_back().options.name = entry.path().filename();
        if (items.size() == 256 || bytes > (8u << 20)) flush();
    }
    flush();
}

} // namespace

void measure_bulk(Report& report, const fs::path& base) {
    constexpr std::size_t files = 8000;
    const Peers peers(base);
    std::vector<double> own;
    std::vector<std::vector<double>> theirs(peers.all().size());
    for (std::uint64_t round = 0; round < 3; ++round) {
        // Other files each time: nobody finds anything in a cache of his own.
        std::mt19937_64 random(corpus_seed + 10 + round);
        const fs::path folder = base / "bulk";
        fs::remove_all(folder);
        fs::create_directories(folder);
        for (std::size_t i = 0; i < files; ++i) write_file(folder / std::to_string(i), text_of_size(small_bytes, random));
        ::sync();
        const std::string number = std::to_string(round);
        const auto store = make_store(base / ("bulk-store-" + number));
        own.push_back(time_ns(1, [&] { put_folder(*store, folder); }) / 1e3 / files);
        must(store->close());
        for (std::size_t p = 0; p < peers.all().size(); ++p) {
            const Peer& peer = peers.all()[p];
            const fs::path repository = base / ("bulk-" + std::to_string(p) + "-" + number);
            peers.run_all(peer.init(repository), folder);
            theirs[p].push_back(time_ns(1, [&] {
                                    peers.run_all(peer.keep(repository, "v1"), folder);
                                    peers.run_all(peer.conclude(repository, "v1"), folder);
                                }) / 1e3 / files);
            fs::remove_all(repository);
        }
    }
    report.add("put 8000 files of 10 KiB, each with its name", "us", own, "<= 40 us");
    for (std::size_t p = 0; p < peers.all().size(); ++p) {
        const bool borg = peers.all()[p].name.starts_with("borg");
        report.add("put 8000 files of 10 KiB, beside " + peers.all()[p].name, "us", own, peers.all()[p].name, theirs[p], borg ? "ratio <= 0.25" : "");
    }
}

/// The corpus: 20 versions of 40 files of log text (64 KiB to 2 MiB), each version with 5 insertions of 200 bytes in a quarter of them.
void measure_saving(Report& report, const fs::path& base) {
    const Peers peers(base);
    std::mt19937_64 random(corpus_seed + 3);
    const fs::path folder = base / "versions";
    fs::create_directories(folder);
    const std::array<std::pair<store::Profile, std::string>, 2> own{{{store::Profile::standard, "profile default"}, {store::Profile::text, "profile text"}}};
    std::vector<std::unique_ptr<store::Store>> stores;
    for (const auto& [profile, name] : own) stores.push_back(make_store(base / ("versions of " + name), profile));
    const auto repository = [&](std::size_t p) { return base / ("versions-" + std::to_string(p)); };
    for (std::size_t p = 0; p < peers.all().size(); ++p) peers.run_all(peers.all()[p].init(repository(p)), folder);
    std::vector<std::string> files;
    for (int i = 0; i < 40; ++i) files.push_back(text_of_size((64 + random() % 1984) << 10, random));
    double given = 0;
    for (int version = 0; version < 20; ++version) {
        for (std::size_t i = 0; i < files.size(); ++i) {
            if (version > 0 && random() % 4 == 0) {
                for (int k = 0; k < 5; ++k) files[i].insert(random() % files[i].size(), text_of_size(200, random));
            }
            given += static_cast<double>(files[i].size());
            write_file(folder / std::to_string(i), files[i]);
        }
        for (const auto& store : stores) put_folder(*store, folder);
        for (std::size_t p = 0; p < peers.all().size(); ++p) {
            peers.run_all(peers.all()[p].keep(repository(p), "v" + std::to_string(version)), folder);
            peers.run_all(peers.all()[p].conclude(repository(p), "v" + std::to_string(version)), folder);
        }
    }
    const auto saving = [&](const fs::path& at) { return std::vector<double>{100 * (1 - bytes_below(at) / given)}; };
    for (std::size_t i = 0; i < stores.size(); ++i) {
        must(stores[i]->close());
        const fs::path at = base / ("versions of " + own[i].second);
        const std::string what = "saving on 20 versions of 40 files, " + own[i].second + ", index included";
        report.add(what, "%", saving(at), ">= 30");
        for (std::size_t p = 0; p < peers.all().size(); ++p) {
            if (i == 0) peers.run_all(peers.all()[p].pack(repository(p)), folder);
            report.add(what + ", beside " + peers.all()[p].name, "%", saving(at), peers.all()[p].name, saving(repository(p)), "ratio >= 1");
        }
    }
}

} // namespace symphony::bench
