// SPDX-License-Identifier: Apache-2.0
#include "store_corpus.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

#include <cstring>

namespace symphony::bench {

void stop(const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.message().c_str());
    std::exit(1);
}

void must(const Status& status) {
    if (!status) stop(status.error());
}

std::string text_of_size(std::size_t size, std::mt19937_64& random) {
    std::string out;
    out.reserve(size + 80);
    while (out.size() < size) {
        out += "2024-06-07 12:" + std::to_string(random() % 60) + " worker " + std::to_string(random() % 32) + " finished step " + std::to_string(random() % 1'000'000) + "\n";
    }
    out.resize(size);
    return out;
}

std::string noise(std::size_t size, std::mt19937_64& random) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
        const std::uint64_t value = random();
        std::memcpy(out.data() + i, &value, 8);
    }
    return out;
}

std::unique_ptr<store::Store> make_store(const std::filesystem::path& at, store::Profile profile, store::Durability durability) {
    std::shared_ptr<store::Folder> folder = must(store::PosixFolder::open(at));
    store::InitOptions init;
    init.suite = store::Suite::aes256_gcm;
    init.profile = profile;
    init.cost = {1, 8192};
    init.secrets.push_back(store::Secret::passphrase("bench"));
    must(store::Store::init(*folder, std::move(init)));
    store::OpenOptions options;
    options.secret = store::Secret::passphrase("bench");
    options.durability = durability;
    return must(store::Store::open(folder, std::move(options)));
}

double bytes_below(const std::filesystem::path& folder) {
    double bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) bytes += entry.is_regular_file() ? static_cast<double>(entry.file_size()) : 0;
    return bytes;
}

} // namespace symphony::bench
