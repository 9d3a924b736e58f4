// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/diagnostic.hpp>

#include <algorithm>

namespace symphony::manifests {

std::string_view name_of(Severity severity) noexcept {
    switch (severity) {
    case Severity::error: return "error";
    case Severity::warning: return "warning";
    case Severity::note: return "note";
    }
    return "error";
}

std::string format(const Diagnostic& diagnostic) {
    std::string out = diagnostic.file;
    if (diagnostic.line != 0) {
        if (!out.empty()) out += ':';
        out += std::to_string(diagnostic.line);
        if (diagnostic.column != 0) out.append(":").append(std::to_string(diagnostic.column));
    }
    if (!out.empty()) out += ": ";
    out.append(name_of(diagnostic.severity)).append(": ").append(diagnostic.message);
    out.append(" [").append(diagnostic.reason).append("]");
    return out;
}

std::string format(const std::vector<Diagnostic>& diagnostics) {
    std::string out;
    for (const auto& diagnostic : diagnostics) {
        out.append(format(diagnostic)).append("\n");
        if (!diagnostic.hint.empty()) out.append("hint: ").append(diagnostic.hint).append("\n");
    }
    return out;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) noexcept {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::error; });
}

} // namespace symphony::manifests
