// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"

#include <algorithm>

/// Key slots and rotation. Only headers are written: the data keys of packs stay, so their data does.
namespace symphony::store {
namespace {

Status check_encrypted(const Header& header) {
    if (header.suite != Suite::none) return {};
    return Error(Code::unsupported, "not-encrypted", "the store is not encrypted and has no keys", "make a new store with a suite and sync this one into it");
}

} // namespace

Result<KeySlot> StoreImpl::add_key(const Secret& secret, std::string_view label, PassphraseCost cost) {
    SYMPHONY_TRY(engine_->refuse_reader());
    SYMPHONY_TRY(check_word("label", label, true));
    const std::lock_guard alone(engine_->care_mutex());
    Header header = engine_->header();
    SYMPHONY_TRY(check_encrypted(header));
    SYMPHONY_TRY(header.add_slot(secret, label, cost, engine_->context()->keys.master.bytes(), engine_->clock().wall_ms()));
    const KeySlot slot = header.slots.back().about;
    SYMPHONY_TRY(engine_->set_header(std::move(header), nullptr));
    return slot;
}

Status StoreImpl::remove_key(std::string_view slot) {
    SYMPHONY_TRY(engine_->refuse_reader());
    const std::lock_guard alone(engine_->care_mutex());
    Header header = engine_->header();
    SYMPHONY_TRY(check_encrypted(header));
    const auto at = std::find_if(header.slots.begin(), header.slots.end(), [&](const Header::Slot& one) { return one.about.id == slot; });
    if (at == header.slots.end()) return Error(Code::not_found, "unknown-key", "\"" + std::string(slot.substr(0, 50)) + "\": no key slot has this id", "see `symphony artifact key list`");
    if (header.slots.size() == 1) return Error(Code::conflict, "last-key", "slot " + at->about.id + " is the only key of the store", "add another key first");
    header.slots.erase(at);
    return engine_->set_header(std::move(header), nullptr);
}

Result<std::vector<std::string>> StoreImpl::rotate(const Secret& secret, const ProgressFn& progress) {
    SYMPHONY_TRY(engine_->refuse_reader());
    const std::lock_guard alone(engine_->care_mutex());
    Header header = engine_->header();
    SYMPHONY_TRY(check_encrypted(header));
    std::string slot;
    Keys keys = SYMPHONY_TRY(header.unlock(secret, engine_->header_text(), &slot));
    std::vector<std::string> dropped;
    if (keys.previous_epoch == 0) {
        keys.previous_epoch = keys.epoch;
        keys.previous = std::move(keys.master);
        keys.master = random_secret(key_bytes);
        ++keys.epoch;
        dropped = SYMPHONY_TRY(header.keep_slot(slot, secret, keys.master.bytes()));
        header.set_keys(keys);
        SYMPHONY_TRY(engine_->set_header(header, &keys));
    }
    const auto context = engine_->context();
    std::vector<std::pair<std::string, PackId>> packs;
    {
        // From here on new packs are under the new key; those that grow are closed, so that all stand in one place.
        const auto alone_too = engine_->stop_commits();
        SYMPHONY_TRY(engine_->seal_open_packs());
    }
    Folder& folder = engine_->folder();
    for (const Entry& shard : SYMPHONY_TRY(folder.list("packs"))) {
        for (const Entry& entry : SYMPHONY_TRY(folder.list("packs/" + shard.name))) {
            if (const auto id = pack_named(entry.name)) packs.emplace_back("packs/" + shard.name + "/" + entry.name, *id);
        }
    }
    for (const std::string_view place : {"open", "trash"}) {
        for (const Entry& entry : SYMPHONY_TRY(folder.list(place))) {
            if (const auto id = pack_named(std::string_view(entry.name).substr(entry.name.find('-') == std::string::npos ? 0 : entry.name.find('-') + 1))) {
                packs.emplace_back(std::string(place) + "/" + entry.name, *id);
            }
        }
    }
    std::uint64_t done = 0;
    std::optional<Error> damaged;
    for (const auto& [path, id] : packs) {
        if (progress && !progress({"wrapping keys", done++, packs.size()})) return Error(Code::cancelled, "rotation was interrupted; run it again to finish");
        auto one = rewrap_pack(folder, path, id, *context);
        // Sealed or emptied from the trash meanwhile.
        if (!one && one.error().code() == Code::not_found) one = rewrap_pack(folder, sealed_path(id), id, *context);
        if (one || one.error().code() == Code::not_found) continue;
        if (!damage_of(one.error())) return std::move(one).error();
        if (!path.starts_with("trash/")) damaged = std::move(one).error();
    }
    // With a pack that cannot be wrapped anew the old key stays, in case the pack comes back from a backup.
    if (damaged) return std::move(*damaged).with_hint("run `symphony artifact repair`, then rotate again; until then the store holds both keys");
    keys.previous_epoch = 0;
    keys.previous.wipe();
    header.set_keys(keys);
    SYMPHONY_TRY(engine_->set_header(header, &keys));
    return dropped;
}

} // namespace symphony::store
