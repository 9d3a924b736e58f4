// SPDX-License-Identifier: Apache-2.0
#include "reporter.hpp"

#include <algorithm>
#include <tuple>

namespace symphony::manifests {

void Reporter::add(Severity severity, Place place, std::string_view reason, std::string message, std::string hint) {
    constexpr std::size_t kept_max = 1000;
    if (found_.size() == kept_max) {
        ++left_out_;
        return;
    }
    found_.push_back({severity, std::string(reason), std::move(message), std::move(hint), std::string(file_), place.line,
                      place.column});
}

std::vector<Diagnostic> Reporter::take() {
    std::stable_sort(found_.begin(), found_.end(), [](const Diagnostic& left, const Diagnostic& right) {
        return std::tie(left.line, left.column) < std::tie(right.line, right.column);
    });
    if (left_out_ != 0) {
        found_.push_back({Severity::error, "too-many-errors", std::to_string(left_out_) + " more findings are left out", {},
                          std::string(file_), 0, 0});
    }
    return std::move(found_);
}

} // namespace symphony::manifests
