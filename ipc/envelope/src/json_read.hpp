// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/json.hpp>

#include <simdjson.h>

namespace symphony::ipc::json {

/// Where and why text is not JSON, found by a second parser after simdjson has refused it. Never slow in the size of what it keeps.
Error json_error(std::string_view text, simdjson::error_code code);

/// The code of a name; what this side does not know is `internal`.
Code code_named(std::string_view name) noexcept;

class Reader::Impl {
public:
    /// The tree of one document; good until the next call.
    Result<simdjson::dom::element> parse(Bytes from, std::size_t bytes_max);
    /// Appends `from` to content() as MessagePack, or says what is wrong with it.
    Status convert(simdjson::dom::element from);
    OutBuffer& content() noexcept { return content_; }

private:
    class Converter;
    simdjson::dom::parser parser_;
    OutBuffer content_;
};

} // namespace symphony::ipc::json
