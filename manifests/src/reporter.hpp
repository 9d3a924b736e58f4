// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/diagnostic.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::manifests {

/// Collects the findings about one file. Past a thousand it only counts: a file of rubbish must not fill the memory.
class Reporter {
public:
    explicit Reporter(std::string_view file) : file_(file) {}

    void error(Place place, std::string_view reason, std::string message, std::string hint = {}) {
        ++errors_;
        add(Severity::error, place, reason, std::move(message), std::move(hint));
    }
    void warning(Place place, std::string_view reason, std::string message, std::string hint = {}) {
        add(Severity::warning, place, reason, std::move(message), std::move(hint));
    }
    std::size_t errors() const noexcept { return errors_; }
    /// In the order of the file.
    std::vector<Diagnostic> take();

private:
    void add(Severity severity, Place place, std::string_view reason, std::string message, std::string hint);

    std::string_view file_;
    std::vector<Diagnostic> found_;
    std::size_t errors_ = 0;
    std::size_t left_out_ = 0;
};

} // namespace symphony::manifests
