// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/generations.hpp>

#include "toml_fields.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t profile_file_bytes_max = 8ull * 1024 * 1024;

/// A generation's number, written in the one way.
std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end != text.data() + text.size() || number == 0 || text.front() == '0') return std::nullopt;
    return number;
}

fs::path link_to(std::string_view digest) { return fs::path("../../../store") / digest; }

Error no_generation(std::uint64_t number) {
    return {Code::not_found, "no-generation", "there is no generation " + std::to_string(number), "symphony generations lists them"};
}

bool answers(const Lock& lock, const Profile& profile) {
    return lock.packages.size() == profile.packages.size() && std::all_of(profile.packages.begin(), profile.packages.end(), [&](const Installed& one) {
               const auto* package = lock.find(one.id);
               return package != nullptr && package->version.text() == one.version && package->asked == one.asked && package->signer == one.publisher;
           });
}

} // namespace

Result<std::string> trust_of(const Profile& profile, const Store& store) {
    std::string text = "# Written by symphony: libraries whose publishers are trusted. They run in the host's process.\n";
    for (const auto& package : profile.packages) {
        if (package.publisher.empty()) continue;
        const auto info = SYMPHONY_TRY(store.read(package.digest));
        for (const auto& artifact : info.manifest.artifacts) {
            if (info.files.find(artifact.path) == nullptr) continue;
            const std::string library = "plugin = " + toml_text(package.id) + "\nsha256 = " + toml_text(artifact.sha256) + "\n";
            text += "\n[[trusted]]\n" + library + "\n[[signed]]\n" + library + "publisher = " + toml_text(package.publisher) + "\n";
        }
    }
    return text;
}

Result<std::uint64_t> Generations::current() const {
    std::error_code error;
    const fs::path target = fs::read_symlink(folder_ / "current", error);
    if (error == std::errc::no_such_file_or_directory) return std::uint64_t{0};
    const auto number = error || target.parent_path() != "generations" ? std::nullopt : number_in(target.filename().string());
    if (!number) {
        return Error(Code::data_corrupt, "bad-current", (folder_ / "current").string() + " is no link to a generation", "symphony generations lists them, symphony rollback --to N makes one current");
    }
    return *number;
}

Result<std::vector<std::uint64_t>> Generations::numbers() const {
    std::vector<std::uint64_t> out;
    std::error_code error;
    for (fs::directory_iterator item(folder_ / "generations", error), end; !error && item != end; item.increment(error)) {
        if (const auto number = number_in(item->path().filename().string())) out.push_back(*number);
    }
    if (error && error != std::errc::no_such_file_or_directory) return disk_error("cannot read the folder", folder_ / "generations", error.value());
    std::sort(out.begin(), out.end());
    return out;
}

Result<Profile> Generations::read(std::uint64_t number) const {
    if (number == 0) return Profile();
    const auto text = read_file(path_of(number) / "profile.toml", profile_file_bytes_max);
    if (!text && text.error().code() == Code::not_found) return no_generation(number);
    if (!text) return std::move(text).error();
    auto profile = Profile::parse(*text);
    if (!profile) return std::move(profile).error().in("generation " + std::to_string(number));
    return profile;
}

Result<Lock> Generations::lock(std::uint64_t number) const {
    const auto file = path_of(number) / "symphony.lock";
    const auto text = read_file(file, lock_bytes_max);
    if (!text && text.error().code() == Code::not_found) return Error(Code::not_found, "no-lock", "generation " + std::to_string(number) + " has no lock", "installing anything makes one");
    if (!text) return std::move(text).error();
    return parse_lock(*text, file.string());
}

std::uint64_t Generations::made_ms(std::uint64_t number) const {
    struct stat info{};
    if (::stat((path_of(number) / "profile.toml").c_str(), &info) != 0 || info.st_mtim.tv_sec < 0) return 0;
    return static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1000 + static_cast<std::uint64_t>(info.st_mtim.tv_nsec) / 1'000'000;
}

Result<std::vector<std::string>> Generations::check(std::uint64_t number, const Store& store) const {
    std::vector<std::string> wrong;
    if (number == 0) return wrong;
    const auto profile = SYMPHONY_TRY(read(number));
    std::set<std::string> names;
    std::error_code error;
    for (fs::directory_iterator item(path_of(number) / "plugins", error), end; !error && item != end; item.increment(error)) names.insert(item->path().filename().string());
    for (const auto& package : profile.packages) {
        const fs::path link = path_of(number) / "plugins" / package.id;
        if (names.erase(package.id) == 0 || fs::read_symlink(link, error) != link_to(package.digest)) wrong.push_back(link.string() + " does not lead to its package in the store");
    }
    for (const auto& name : names) wrong.push_back((path_of(number) / "plugins" / name).string() + " is there, and nobody installed it");
    const auto trust = read_file(path_of(number) / "plugins.lock", profile_file_bytes_max);
    const auto expected = trust_of(profile, store);
    if (!trust || (expected && *expected != *trust)) wrong.push_back((path_of(number) / "plugins.lock").string() + " is not what the packages' publishers signed");
    const auto locked = lock(number);
    if (!locked && locked.error().reason() != "no-lock") wrong.push_back(locked.error().message());
    if (locked && !answers(*locked, profile)) wrong.push_back((path_of(number) / "symphony.lock").string() + " does not have what is installed");
    return wrong;
}

Result<std::uint64_t> Generations::add(const Profile& profile, const Store& store, std::string_view lock) const {
    const std::string trust = SYMPHONY_TRY(trust_of(profile, store));
    const fs::path above = folder_ / "generations", made = above / ".new-generation";
    SYMPHONY_TRY(disk_.make_folders(above));
    SYMPHONY_TRY(disk_.remove(made));
    const auto all = SYMPHONY_TRY(numbers());
    // Never a number that was used: whoever reads "7" must not get another 7 later.
    const std::uint64_t number = std::max(all.empty() ? 0 : all.back(), SYMPHONY_TRY(current())) + 1;
    SYMPHONY_TRY(disk_.make_folder(made));
    SYMPHONY_TRY(disk_.make_folder(made / "plugins"));
    for (const auto& package : profile.packages) SYMPHONY_TRY(disk_.link(link_to(package.digest), made / "plugins" / package.id));
    SYMPHONY_TRY(disk_.write_file(made / "profile.toml", profile.text()));
    SYMPHONY_TRY(disk_.write_file(made / "plugins.lock", trust));
    SYMPHONY_TRY(disk_.write_file(made / "symphony.lock", lock));
    SYMPHONY_TRY(disk_.sync_folder(made / "plugins"));
    SYMPHONY_TRY(disk_.sync_folder(made));
    SYMPHONY_TRY(disk_.rename(made, path_of(number)));
    SYMPHONY_TRY(disk_.sync_folder(above));
    return number;
}

Status Generations::switch_to(std::uint64_t number) const {
    std::error_code error;
    if (!fs::is_directory(path_of(number), error)) return no_generation(number);
    const fs::path beside = folder_ / ".current.new";
    SYMPHONY_TRY(disk_.remove(beside));
    SYMPHONY_TRY(disk_.link(fs::path("generations") / std::to_string(number), beside));
    SYMPHONY_TRY(disk_.rename(beside, folder_ / "current"));
    return disk_.sync_folder(folder_);
}

bool Generations::in_use(std::uint64_t number) const {
    const Descriptor fd(::open(path_of(number).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Status Generations::remove(std::uint64_t number) const { return retire(path_of(number), disk_); }

Status Generations::sweep() const { return sweep_folder(folder_ / "generations", disk_); }

Result<Collected> collect(const Generations& generations, const Store& store, std::size_t keep, bool really) {
    Collected out;
    const auto numbers = SYMPHONY_TRY(generations.numbers());
    const std::uint64_t current = SYMPHONY_TRY(generations.current());
    std::set<std::string> needed;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::uint64_t number = numbers[i];
        const bool recent = numbers.size() - i <= keep, used = generations.in_use(number);
        if (number != current && !recent && !used) {
            out.generations.push_back(number);
            continue;
        }
        if (used && !recent && number != current) out.in_use.push_back(number);
        const auto profile = SYMPHONY_TRY(generations.read(number));
        for (const auto& package : profile.packages) needed.insert(package.digest);
    }
    for (auto& digest : SYMPHONY_TRY(store.digests())) {
        if (needed.contains(digest)) continue;
        if (const auto info = store.read(digest)) out.bytes += info->files.payload_bytes();
        out.packages.push_back(std::move(digest));
    }
    if (!really) return out;
    for (const auto number : out.generations) SYMPHONY_TRY(generations.remove(number));
    for (const auto& digest : out.packages) SYMPHONY_TRY(store.remove(digest));
    return out;
}

} // namespace symphony::packaging
