// SPDX-License-Identifier: Apache-2.0
#include "letter_model.hpp"

#include <algorithm>
#include <cmath>

namespace letter_model {
namespace {

struct Shares {
    std::string_view model, language;
    std::array<double, 26> percent; // of a to z
};

// Shares of letters in running text, rounded to a tenth of a percent; what is rarer counts as that.
constexpr Shares all[] = {
    {"european", "english", {8.2, 1.5, 2.8, 4.3, 12.7, 2.2, 2.0, 6.1, 7.0, 0.2, 0.8, 4.0, 2.4, 6.7, 7.5, 1.9, 0.1, 6.0, 6.3, 9.1, 2.8, 1.0, 2.4, 0.2, 2.0, 0.1}},
    {"european", "french", {7.6, 0.9, 3.3, 3.7, 14.7, 1.1, 0.9, 0.7, 7.5, 0.6, 0.1, 5.5, 3.0, 7.1, 5.8, 2.5, 1.4, 6.7, 7.9, 7.2, 6.3, 1.8, 0.1, 0.4, 0.1, 0.3}},
    {"european", "german", {6.5, 1.9, 2.7, 5.1, 16.4, 1.7, 3.0, 4.6, 6.6, 0.3, 1.4, 3.4, 2.5, 9.8, 2.6, 0.7, 0.1, 7.0, 7.3, 6.2, 4.2, 0.8, 1.9, 0.1, 0.1, 1.1}},
};

} // namespace

std::vector<std::string_view> Model::names() { return {"european"}; }

std::optional<Model> Model::load(std::string_view name) {
    Model model;
    for (const Shares& shares : all) {
        if (shares.model != name) continue;
        Language language{std::string(shares.language), {}};
        std::transform(shares.percent.begin(), shares.percent.end(), language.log_shares.begin(), [](double percent) { return std::log(percent / 100); });
        model.languages_.push_back(std::move(language));
    }
    if (model.languages_.empty()) return std::nullopt;
    return model;
}

std::vector<std::pair<std::string, double>> Model::guess(std::string_view text) const {
    std::array<std::uint64_t, 26> counts{};
    std::uint64_t letters = 0;
    for (const char c : text) {
        const int at = c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? c - 'A' : -1;
        if (at < 0) continue;
        ++counts[static_cast<std::size_t>(at)];
        ++letters;
    }
    std::vector<std::pair<std::string, double>> out;
    for (const Language& language : languages_) {
        double sum = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) sum += static_cast<double>(counts[i]) * language.log_shares[i];
        out.emplace_back(language.name, letters == 0 ? 0 : sum / static_cast<double>(letters));
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    return out;
}

} // namespace letter_model
