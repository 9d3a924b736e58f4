// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace letter_model {

/// A model in memory: how likely each letter is in each of its languages. Immutable, so threads share it.
class Model {
public:
    /// The names that load() knows, sorted.
    static std::vector<std::string_view> names();
    /// Computes it from the shares of letters. @return Nothing when there is no model of this name.
    static std::optional<Model> load(std::string_view name);

    /// Languages with the mean log-likelihood of the text's letters, the best first; in a fixed order when there are no letters.
    /// Bytes beyond a to z, in any case, count for nothing.
    std::vector<std::pair<std::string, double>> guess(std::string_view text) const;
    std::uint64_t resident_bytes() const noexcept { return languages_.size() * sizeof(Language); }

private:
    struct Language {
        std::string name;
        std::array<double, 26> log_shares;
    };
    std::vector<Language> languages_;
};

} // namespace letter_model
