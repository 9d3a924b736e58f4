// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::store {

/// Bytes that are wiped when they are no longer needed. Moves, never copies by accident.
class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size) : bytes_(size) {}
    explicit SecretBytes(Bytes from) : bytes_(from.begin(), from.end()) {}
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        if (this != &other) {
            wipe();
            bytes_ = std::move(other.bytes_);
            other.bytes_.clear();
        }
        return *this;
    }
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes() { wipe(); }

    SecretBytes copy() const { return SecretBytes(Bytes(bytes_)); }
    Bytes bytes() const noexcept { return bytes_; }
    std::uint8_t* data() noexcept { return bytes_.data(); }
    const std::uint8_t* data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return bytes_.size(); }
    bool empty() const noexcept { return bytes_.empty(); }
    void wipe() noexcept;

private:
    std::vector<std::uint8_t> bytes_;
};

/// What opens an encrypted store: a passphrase that people type, or the content of a key file (32 bytes or more, random).
struct Secret {
    enum class Kind : std::uint8_t { passphrase, key_file };
    Kind kind = Kind::passphrase;
    SecretBytes bytes;

    static Secret passphrase(std::string_view text) { return {Kind::passphrase, SecretBytes(bytes_of(text))}; }
    static Secret key_file(Bytes content) { return {Kind::key_file, SecretBytes(content)}; }
    Secret copy() const { return {kind, bytes.copy()}; }
};

} // namespace symphony::store
