// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "operations.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

/// Inputs written as JSON, so that a test is data.
inline symphony::Value from_text(std::string_view json) {
    auto value = symphony::parse_json(json);
    if (!value) ADD_FAILURE() << value.error().message() << "\n" << json;
    return value ? *value : symphony::Value();
}

inline symphony::Result<symphony::Value> run(std::string_view operation, symphony::ValueView input) {
    return json::apply(operation, input, [] { return false; });
}
inline symphony::Result<symphony::Value> run(std::string_view operation, std::string_view json) {
    return run(operation, from_text(json).view());
}

/// The whole output, as JSON with sorted keys.
inline void expect_output(std::string_view operation, std::string_view input, std::string_view output) {
    SCOPED_TRACE(std::string(operation) + " " + std::string(input));
    const auto result = run(operation, input);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*symphony::print_json(*result), *symphony::print_json(from_text(output)));
}

inline void expect_refused(std::string_view operation, std::string_view input, std::string_view reason, std::string_view message) {
    SCOPED_TRACE(std::string(operation) + " " + std::string(input));
    const auto result = run(operation, input);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), reason);
    EXPECT_EQ(result.error().message(), message);
}
