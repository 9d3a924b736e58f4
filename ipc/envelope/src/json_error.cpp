// SPDX-License-Identifier: Apache-2.0
#include "json_read.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace symphony::ipc::json {
namespace {

/// Keeps nothing but the first fault.
class Finder final : public nlohmann::json_sax<nlohmann::json> {
public:
    std::string reason = "bad-json";
    std::string message;

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t& digits) override {
        if (digits.find_first_of(".eE") != string_t::npos) return true;
        reason = "number-out-of-range";
        message = "integer " + digits.substr(0, 40) + " does not fit 64 bits";
        return false;
    }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& thrown) override {
        std::string what = thrown.what();
        if (const auto cut = what.find("] "); cut != std::string::npos) what.erase(0, cut + 2);
        if (thrown.id == 406) reason = "number-out-of-range";
        message = "byte " + std::to_string(at) + ": " + to_valid_utf8(what.substr(0, 200));
        return false;
    }
};

} // namespace

Error json_error(std::string_view text, simdjson::error_code code) {
    if (code == simdjson::DEPTH_ERROR) return {Code::data_corrupt, "too-deep", "JSON: deeper than 128"};
    if (code == simdjson::MEMALLOC) return {Code::exhausted, "no-memory", "JSON: no memory for " + std::to_string(text.size()) + " bytes of text"};
    if (const std::size_t good = valid_utf8_prefix(text); good != text.size()) {
        return {Code::data_corrupt, "bad-utf8", "JSON: not UTF-8 at byte " + std::to_string(good)};
    }
    Finder finder;
    nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
    return {Code::data_corrupt, finder.reason, "JSON: " + (finder.message.empty() ? std::string(simdjson::error_message(code)) : finder.message)};
}

} // namespace symphony::ipc::json
