// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kit.hpp"

#include <string>
#include <string_view>

namespace symphony::kit {

/// A text that is wiped when it dies. Passed on, never copied.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) noexcept : text_(std::move(text)) {}
    Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }
    std::string_view text() const noexcept { return text_; }
    bool empty() const noexcept { return text_.empty(); }

private:
    void wipe() noexcept;
    std::string text_;
};

inline constexpr std::size_t passphrase_bytes_max = 1024;

/// Whether a person can be asked: somebody sits at both ends, and does not want JSON.
bool can_ask(const Typed& typed);
/// The passphrase, from where the flags say (`--passphrase-file`, `--passphrase-fd`), else from the terminal. Never from a word that was typed: others read those. [blocks]
/// @param what  "the passphrase of signing.key", for the prompt. @param twice  It is a new one: typed twice, and not empty.
/// @return `invalid_argument`: "passphrase-needed" when nobody can be asked, "bad-passphrase"; `cancelled`; errors of files.
Result<Secret> ask_passphrase(const Typed& typed, const std::string& what, bool twice);

} // namespace symphony::kit
