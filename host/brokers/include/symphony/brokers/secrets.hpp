// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/manifests/config.hpp>
#include <symphony/result.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace symphony::brokers {

/// Bytes in pages of their own: locked where the system lets us, left out of core dumps, wiped at the end. Not copied.
class SecretBytes {
public:
    SecretBytes() = default;
    /// @throws std::bad_alloc
    explicit SecretBytes(Bytes content);
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes();
    Bytes bytes() const noexcept { return {data_, size_}; }

private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0, mapped_ = 0;
};

/// A counted buffer in memory like that of SecretBytes, wiped at its last release. @throws std::bad_alloc
Buffer secret_buffer(Bytes content);

/// A close-on-exec memory file with these bytes, sealed against writing, growing, shrinking and further seals. @return `io`.
Result<int> sealed_file(Bytes content);
/// The other way, for who received such a file: its bytes in a buffer whose memory is left out of core dumps. Closes `fd`.
/// @return `data_corrupt` ("not-sealed") when its sender could still change it, or it is larger than 1 MiB.
Result<Buffer> read_sealed(int fd);

/// The secret configuration keys of one plugin. Immutable. [any]
class Secrets {
public:
    Secrets() = default;
    /// Takes what is secret in `config`: texts as their bytes, other values as JSON.
    /// @param plugin  Short name, for messages.
    Secrets(std::string plugin, const manifests::EffectiveConfig& config);

    /// Whether any key is secret: then the service is offered.
    bool any() const noexcept { return !values_.empty(); }
    /// @return `not_found` ("secret-not-set" or "no-such-secret").
    Result<Buffer> get(std::string_view key) const;
    /// The same as a sealed memory file.
    Result<int> open(std::string_view key) const;

private:
    struct Value {
        bool set = false;
        SecretBytes bytes;
    };
    Result<const SecretBytes*> find(std::string_view key) const;
    std::string plugin_;
    std::map<std::string, Value, std::less<>> values_;
};

/// Overwrites the texts of secret values in a configuration that nobody reads any more. Best effort: other copies are
/// whoever made them's to wipe.
void wipe_secrets(manifests::EffectiveConfig& config) noexcept;

} // namespace symphony::brokers
