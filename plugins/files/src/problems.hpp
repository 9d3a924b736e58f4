// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace files {

/// What a person should know of one path.
struct Problem {
    std::string path; // raw bytes
    /// "note": nothing is lost. "warning": left out by a rule. "error": it could not be done.
    std::string_view severity;
    std::string reason; // stable kebab-case
    std::string message;
    std::string hint;
};

/// Collects problems up to a limit; one more says how many there were beyond it.
class Problems {
public:
    void add(Problem problem);
    /// @param error  What the host or the decoder said of `path`; a file that is gone is "vanished".
    void add(std::string_view path, const symphony::Error& error);
    bool truncated() const noexcept { return dropped_ > 0; }
    std::size_t size() const noexcept { return list_.size(); }

    /// key("problems") and the list of maps {path, severity, reason, message, hint}, in the order of path bytes.
    void write(symphony::ValueBuilder& out);

private:
    std::vector<Problem> list_;
    std::size_t dropped_ = 0;
};

} // namespace files
