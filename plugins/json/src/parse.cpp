// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"
#include "place.hpp"

#include <symphony/inputs.hpp>
#include <symphony/json.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace json {

using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::Status;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::string_view bytes_key = "$bytes";
constexpr std::size_t detail_bytes_max = 200;
constexpr std::size_t items_between_checks = 1 << 16;

/// A pointer that tells where the parser is.
class Cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
    reference operator*() const { return *at_; }
    Cursor& operator++() {
        *seen_ = ++at_;
        return *this;
    }
    bool operator==(const Cursor& other) const { return at_ == other.at_; }
    bool operator!=(const Cursor& other) const { return at_ != other.at_; }

private:
    const char* at_;
    const char** seen_;
};

/// Takes nlohmann's events straight into a value, and refuses what JSON leaves open: duplicate keys,
/// integers beyond 64 bits, too much depth.
class Reader {
public:
    Reader(std::string_view text, const Cancelled& cancelled) : text_(text), at_(text.data()), cancelled_(cancelled) {
        out_.map(1).key("value");
    }

    Status run() {
        const Cursor first(text_.data(), &at_);
        const Cursor last(text_.data() + text_.size(), &at_);
        if (nlohmann::json::sax_parse(first, last, this)) return {};
        return error_ ? *error_ : Error(Code::invalid_argument, "bad-json", "not JSON");
    }
    Value finish() { return out_.end().build(); }
    bool holds_bytes() const noexcept { return holds_bytes_; }

    bool null() { return item() && (out_.null(), true); }
    bool boolean(bool value) { return item() && (out_.boolean(value), true); }
    bool number_integer(std::int64_t value) { return item() && (out_.integer(value), true); }
    bool number_unsigned(std::uint64_t value) { return item() && (out_.unsigned_integer(value), true); }
    bool number_float(double value, const std::string& digits) {
        if (digits.find_first_of(".eE") == std::string::npos) {
            return refuse("number-out-of-range", number_start(), "integer " + digits.substr(0, 40) + " does not fit 64 bits");
        }
        return item() && (out_.number(value), true);
    }
    bool string(std::string& value) {
        if (!item()) return false;
        text_after_bytes_key_ = !levels_.empty() && levels_.back().map && keys_.size() - levels_.back().first_key == 1 && last_key() == bytes_key;
        out_.text(value);
        return true;
    }
    bool binary(std::vector<std::uint8_t>&) { return false; }

    bool start_object(std::size_t) {
        if (!open(true)) return false;
        out_.map();
        return true;
    }
    bool key(std::string& name) {
        keys_.push_back({arena_.size(), name.size(), position()});
        arena_ += name;
        out_.key(name);
        return true;
    }
    bool end_object() {
        const Level level = levels_.back();
        if (const Key* twice = duplicate(level.first_key)) {
            return refuse("duplicate-key", string_start(twice->end), "key \"" + std::string(text_of(*twice).substr(0, 80)) + "\" is there twice");
        }
        if (keys_.size() - level.first_key == 1 && last_key() == bytes_key && text_after_bytes_key_) holds_bytes_ = true;
        keys_.resize(level.first_key);
        arena_.resize(level.arena_size);
        return close();
    }
    bool start_array(std::size_t) {
        if (!open(false)) return false;
        out_.list();
        return true;
    }
    bool end_array() { return close(); }

    bool parse_error(std::size_t read, const std::string& token, const nlohmann::detail::exception& thrown) {
        if (thrown.id == 406) return refuse("number-out-of-range", number_start(), "number " + token.substr(0, 40) + " does not fit a double");
        std::string what = thrown.what();
        for (const std::string_view before : {std::string_view("column "), std::string_view(": ")}) {
            if (const auto cut = what.find(before); cut != std::string::npos) what.erase(0, cut + before.size());
        }
        if (what.size() > detail_bytes_max) what = what.substr(0, detail_bytes_max) + " ...";
        return refuse("bad-json", std::min(read == 0 ? 0 : read - 1, text_.size()), symphony::to_valid_utf8(what));
    }

private:
    struct Level {
        bool map = false;
        std::size_t first_key = 0;
        std::size_t arena_size = 0;
    };
    struct Key {
        std::size_t offset = 0; // in arena_
        std::size_t size = 0;
        std::size_t end = 0; // byte of the text after its closing quote
    };

    std::size_t position() const { return static_cast<std::size_t>(at_ - text_.data()); }
    std::string_view text_of(const Key& key) const { return std::string_view(arena_).substr(key.offset, key.size); }
    std::string_view last_key() const { return text_of(keys_.back()); }

    bool refuse(std::string_view reason, std::size_t at, const std::string& message) {
        error_.emplace(Code::invalid_argument, reason, place(text_, at) + ": " + message);
        return false;
    }
    bool item() {
        text_after_bytes_key_ = false;
        if (++items_ % items_between_checks != 0 || !cancelled_()) return true;
        error_.emplace(Code::cancelled, "cancelled");
        return false;
    }
    bool open(bool map) {
        if (!item()) return false;
        if (levels_.size() == depth_max) return refuse("too-deep", position() - 1, "more than " + std::to_string(depth_max) + " lists and maps in each other");
        levels_.push_back({map, keys_.size(), arena_.size()});
        return true;
    }
    bool close() {
        levels_.pop_back();
        out_.end();
        text_after_bytes_key_ = false;
        return true;
    }

    /// The later of two equal keys since `first`, or nullptr. Keys in ascending order need no sorting.
    const Key* duplicate(std::size_t first) {
        const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first);
        const auto less = [this](const Key& a, const Key& b) { return text_of(a) < text_of(b); };
        const auto equal = [this](const Key& a, const Key& b) { return text_of(a) == text_of(b); };
        if (std::adjacent_find(begin, keys_.end(), [&](const Key& a, const Key& b) { return !less(a, b); }) == keys_.end()) return nullptr;
        std::stable_sort(begin, keys_.end(), less);
        const auto found = std::adjacent_find(begin, keys_.end(), equal);
        return found == keys_.end() ? nullptr : &*std::next(found);
    }

    /// The opening quote of the string that ends before `end`.
    std::size_t string_start(std::size_t end) const {
        for (std::size_t i = end - 1; i-- > 0;) {
            if (text_[i] != '"') continue;
            std::size_t slashes = 0;
            while (slashes < i && text_[i - 1 - slashes] == '\\') ++slashes;
            if (slashes % 2 == 0) return i;
        }
        return 0;
    }
    /// The first digit of the number that the parser has just read.
    std::size_t number_start() const {
        constexpr std::string_view digits = "0123456789+-.eE";
        std::size_t i = position();
        if (i > 0 && (i > text_.size() || digits.find(text_[i - 1]) == std::string_view::npos)) --i;
        while (i > 0 && digits.find(text_[i - 1]) != std::string_view::npos) --i;
        return i;
    }

    std::string_view text_;
    const char* at_;
    const Cancelled& cancelled_;
    ValueBuilder out_;
    std::vector<Level> levels_;
    std::vector<Key> keys_;
    std::string arena_;
    std::size_t items_ = 0;
    bool text_after_bytes_key_ = false;
    bool holds_bytes_ = false;
    std::optional<Error> error_;
};

/// Copies a value with each {"$bytes": base64} made bytes, as symphony/json.hpp has it.
Status restore_bytes(ValueBuilder& out, ValueView from) {
    if (from.is_list()) {
        out.list(from.size());
        for (const ValueView item : from.items()) SYMPHONY_TRY(restore_bytes(out, item));
        out.end();
    } else if (from.is_map() && from.size() == 1 && from[bytes_key].is_text()) {
        out.bytes(SYMPHONY_TRY(symphony::from_base64(from[bytes_key].as_text())));
    } else if (from.is_map()) {
        out.map(from.size());
        for (const auto [key, item] : from.entries()) SYMPHONY_TRY(restore_bytes(out.key(key), item));
        out.end();
    } else {
        out.value(from);
    }
    return {};
}

} // namespace

Result<Value> parse(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("parse", input, {"text"}));
    const std::string_view text = SYMPHONY_TRY(inputs.text("text"));
    Reader reader(text, cancelled);
    if (auto status = reader.run(); !status) {
        const bool stopped = status.error().code() == Code::cancelled;
        return std::move(status).error().in(stopped ? "parse" : "parse: input \"text\"");
    }
    Value value = reader.finish();
    if (!reader.holds_bytes()) return value;
    ValueBuilder restored;
    if (auto status = restore_bytes(restored, value); !status) return std::move(status).error().in("parse: input \"text\": a \"$bytes\" map");
    return restored.build();
}

} // namespace json
