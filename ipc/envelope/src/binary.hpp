// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fault.hpp"
#include "schema.hpp"

/// What the binary codecs have in common: bounds, one record around everything, sense. Inlined: the visitor's calls are the whole work.
namespace symphony::ipc {

/// @param fixed_bytes_max  All fields of one envelope without its texts and its content.
template <class Writer>
[[gnu::always_inline]] inline Status write_with(OutBuffer& to, const EnvelopeView& envelope, std::size_t fixed_bytes_max) {
    Fault fault;
    check_sense(envelope, fault);
    const std::size_t variable = variable_bytes(envelope);
    if (variable > variable_bytes_max) [[unlikely]] fault.too_large("content");
    if (fault) [[unlikely]] return fault.error();
    Writer writer(to.reserve(fixed_bytes_max + variable), fault);
    writer.record("", [&] { describe(writer, envelope); });
    if (fault) [[unlikely]] return fault.error();
    to.commit(writer.end());
    return {};
}

template <class Reader>
[[gnu::always_inline]] inline Status read_with(Bytes from, EnvelopeView& to, const ReadRules& rules) {
    Fault fault;
    if (from.size() > rules.bytes_max) [[unlikely]] fault.too_large("");
    Reader reader(fault ? Bytes() : from, fault);
    reader.record("", [&] { describe(reader, to); });
    if (!fault && !reader.at_end()) [[unlikely]] reader.malformed("has bytes after its end", "");
    check_sense(to, fault);
    if (fault) [[unlikely]] return fault.error();
    return rules.check_content ? check_content(to) : Status();
}

} // namespace symphony::ipc
