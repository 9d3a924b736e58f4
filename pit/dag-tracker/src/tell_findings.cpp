// SPDX-License-Identifier: Apache-2.0
#include "tell_findings.hpp"

namespace symphony::tracker {
namespace {

void put(Call& call, std::uint8_t stream, std::string_view text) {
    ports::CommandOutput output;
    output.stream = stream;
    output.text = Buffer::copy(text);
    call.emit(output);
}

} // namespace

Error usage(std::string message, std::string hint) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

void put_out(Call& call, std::string_view text) { put(call, ports::CommandStream::out, text); }
void put_err(Call& call, std::string_view text) { put(call, ports::CommandStream::err, text); }

void tell_findings(Call& call, const std::vector<Diagnostic>& findings) {
    std::string text;
    for (const auto& found : findings) {
        if (found.severity != Severity::error) {
            text += format(found) + "\n";
            continue;
        }
        std::string place = found.file;
        if (found.line != 0) place += ":" + std::to_string(found.line) + ":" + std::to_string(found.column);
        text += "error: " + found.message + " (" + place + ") [" + found.reason + "]\n";
        if (!found.hint.empty()) text += "hint: " + found.hint + "\n";
    }
    if (!text.empty()) put_err(call, text);
}

void add_findings(ValueBuilder& to, const std::vector<Diagnostic>& findings) {
    to.list(findings.size());
    for (const auto& found : findings) {
        to.map(7).add("severity", manifests::name_of(found.severity)).add("reason", std::string_view(found.reason)).add("message", std::string_view(found.message));
        to.add("hint", std::string_view(found.hint)).add("file", std::string_view(found.file)).add("line", found.line).add("column", found.column).end();
    }
    to.end();
}

} // namespace symphony::tracker
