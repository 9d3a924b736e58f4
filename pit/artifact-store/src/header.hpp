// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto.hpp"
#include "folder.hpp"

namespace symphony::store {

using Id128 = std::array<std::uint8_t, 16>;
constexpr std::uint32_t format_version = 1;

/// The keys of an open store. All zero sized without encryption, but for the public seed of the chunker.
struct Keys {
    std::uint32_t epoch = 1; ///< of the master key; each rotation adds one
    SecretBytes master;
    std::uint32_t previous_epoch = 0;
    SecretBytes previous; ///< while a rotation is under way
    SecretBytes root;     ///< stays for ever: ids, tokens and the index hang on it
    /// A key for one purpose, from the root (HMAC-SHA-256).
    SecretBytes derived(std::string_view purpose) const;
    Keys copy() const;
};

/// store.json: what a store is, and its wrapped keys. Written whole, synced, then renamed over the old one, with a second copy.
struct Header {
    struct Slot {
        KeySlot about;
        PassphraseCost cost;
        std::array<std::uint8_t, 16> salt{};
        std::array<std::uint8_t, 8> check{};   ///< of the slot's key, to tell a wrong secret from a damaged slot
        std::vector<std::uint8_t> wrapped;     ///< the master key
    };
    std::uint32_t format = format_version;
    Id128 repository{};
    Suite suite = Suite::none;
    Profile profile = Profile::standard;
    std::uint64_t created_ms = 0;
    std::vector<Slot> slots;
    std::uint32_t epoch = 1;
    std::array<std::uint8_t, 16> key_check{};  ///< of the master key
    std::vector<std::uint8_t> root;            ///< wrapped by the master key
    std::uint32_t previous_epoch = 0;
    std::vector<std::uint8_t> previous;        ///< the last master key wrapped by this one, while a rotation is under way

    /// Text of store.json. @param master empty = without encryption
    std::string print(Bytes master) const;
    /// Checks the checksum; the authentication needs unlock(). "wrong-version" before anything else is believed.
    static Result<Header> parse(std::string_view text);
    /// Tries the secret on every slot of its kind. @param slot receives the one that fits.
    Result<Keys> unlock(const Secret& secret, std::string_view text, std::string* slot = nullptr) const;
    Status add_slot(const Secret& secret, std::string_view label, const PassphraseCost& cost, Bytes master, std::uint64_t now_ms);
    /// Of all slots only the one that `secret` opens stays, for the new master key. @return Ids of the others.
    Result<std::vector<std::string>> keep_slot(const std::string& slot, const Secret& secret, Bytes master);
    void set_keys(const Keys& keys);
    Description description() const;
};

struct ReadHeader {
    Header header;
    std::string text;
    bool from_copy = false; ///< store.json itself is damaged or missing
};
/// `not_found` / "no-store".
Result<ReadHeader> read_header(Folder& folder);
Status write_header(Folder& folder, const std::string& text);
/// A small file, whole. `exhausted` / "too-large" above the limit.
Result<std::string> read_text(Folder& folder, std::string_view path, std::size_t size_max);
/// Writes beside, syncs, renames, syncs the folder.
Status replace_file(Folder& folder, std::string_view path, std::string_view text);

} // namespace symphony::store
