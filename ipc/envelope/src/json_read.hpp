// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/json.hpp>

#include <simdjson.h>

#include <string_view>
#include <utility>
#include <vector>

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
    using Fields = std::vector<std::pair<std::string_view, simdjson::dom::element>>;
    Fields& fields() noexcept { return fields_; }

private:
    class Converter;
    simdjson::dom::parser parser_;
    Buffer padded_;
    OutBuffer content_;
    Fields fields_;
};

} // namespace symphony::ipc::json
