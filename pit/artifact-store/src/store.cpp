// SPDX-License-Identifier: Apache-2.0
#include "store.hpp"

#include "store_impl.hpp"

namespace symphony::store {

StoreImpl::~StoreImpl() = default;

Error unknown_artifact(const std::string& what) {
    return Error(Code::not_found, "unknown-artifact", "\"" + what + "\": no artifact has this id or name", "see `symphony artifact find`");
}

Status Store::init(Folder& folder, InitOptions options) {
    auto existing = read_header(folder);
    if (existing || existing.error().code() != Code::not_found) {
        return Error(Code::conflict, "store-exists", folder.name() + ": holds a store already", "use it, or choose an empty folder");
    }
    if (!SYMPHONY_TRY(folder.list("packs")).empty() || !SYMPHONY_TRY(folder.list("open")).empty()) {
        return Error(Code::conflict, "store-exists", folder.name() + ": holds packs of a store whose store.json is gone", "restore store.json, or choose an empty folder");
    }
    Header header;
    fill_random(header.repository);
    header.suite = options.suite.value_or(options.secrets.empty() ? Suite::none : processor_has_aes() ? Suite::aes256_gcm : Suite::xchacha20_poly1305);
    header.profile = options.profile;
    header.created_ms = Clock().wall_ms();
    Keys keys;
    if (header.suite != Suite::none) {
        if (options.secrets.empty()) return Error(Code::invalid_argument, "key-needed", "an encrypted store needs a passphrase or a key file");
        if (header.suite == Suite::aes256_gcm && !processor_has_aes()) {
            return Error(Code::unsupported, "no-aes", "this processor has no AES instructions", "choose xchacha20-poly1305");
        }
        keys.master = random_secret(key_bytes);
        keys.root = random_secret(key_bytes);
        header.set_keys(keys);
        for (const Secret& secret : options.secrets) SYMPHONY_TRY(header.add_slot(secret, "", options.cost, keys.master.bytes(), header.created_ms));
    } else if (!options.secrets.empty()) {
        return Error(Code::invalid_argument, "key-not-used", "a store without encryption has no use for a key", "choose a suite");
    }
    // The folders, on the disk, before anything counts on them.
    for (const std::string_view place : {"index", "open", "packs", "trash"}) {
        const std::string mark = std::string(place) + "/made";
        SYMPHONY_TRY(folder.open(mark, Folder::Mode::create));
        SYMPHONY_TRY(folder.remove(mark));
        SYMPHONY_TRY(folder.sync_folder(place));
    }
    SYMPHONY_TRY(write_header(folder, header.print(keys.master.bytes())));
    if (options.quota.bytes == 0 && options.quota.artifacts == 0) return {};
    OpenOptions open_options;
    open_options.owner = "init";
    if (!options.secrets.empty()) open_options.secret = options.secrets.front().copy();
    // The folder outlives this call.
    auto store = SYMPHONY_TRY(open(std::shared_ptr<Folder>(std::shared_ptr<Folder>(), &folder), std::move(open_options)));
    SYMPHONY_TRY(store->set_quota(options.quota));
    return store->close();
}

Result<Description> Store::describe(Folder& folder) { return SYMPHONY_TRY(read_header(folder)).header.description(); }

Result<std::unique_ptr<Store>> Store::open(std::shared_ptr<Folder> folder, OpenOptions options) {
    auto engine = SYMPHONY_TRY(Engine::open(std::move(folder), std::move(options), Engine::Rebuild::when_needed));
    return std::unique_ptr<Store>(std::make_unique<StoreImpl>(std::move(engine)));
}

} // namespace symphony::store
