// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"
#include "place.hpp"

#include <symphony/inputs.hpp>
#include <symphony/json.hpp>

#include <string>

namespace json {

using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

enum class Escape : std::uint8_t { html, none, json };

void put_html(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
}

/// JSON that may stand inside a script element: no "</script" and no "<!--" can come of it.
void put_script_json(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '<') out += "\\u003c";
        else out += c;
    }
}

/// Text as it is, nothing for null, everything else as JSON.
Result<std::string> plain(ValueView value) {
    if (value.is_text()) return std::string(value.as_text());
    if (value.is_null()) return std::string();
    return symphony::print_json(value);
}

Result<Escape> read_escape(const Inputs& inputs) {
    const std::string_view name = SYMPHONY_TRY(inputs.text_or("escape", "html"));
    if (name == "html") return Escape::html;
    if (name == "none") return Escape::none;
    if (name == "json") return Escape::json;
    return inputs.error("bad-choice", "input \"escape\" is " + Inputs::quoted(name.substr(0, 40)) + ", not html, none or json");
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The part a placeholder names: keys and list positions with dots between, or a JSON Pointer.
Result<ValueView> look_up(ValueView values, std::string_view path) {
    const bool pointer = path.starts_with('/');
    const char separator = pointer ? '/' : '.';
    std::string_view rest = pointer ? path.substr(1) : path;
    ValueView at = values;
    for (bool more = true; more;) {
        const std::size_t cut = rest.find(separator);
        std::string name(rest.substr(0, cut));
        more = cut != std::string_view::npos;
        rest.remove_prefix(more ? cut + 1 : rest.size());
        if (pointer) {
            for (std::size_t i = 0; (i = name.find('~', i)) != std::string::npos; ++i) {
                if (name.compare(i, 2, "~1") == 0) name.replace(i, 2, "/");
                else if (name.compare(i, 2, "~0") == 0) name.replace(i, 2, "~");
            }
        }
        ValueView next = at[name];
        const bool number = !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
        if (at.is_list() && number) next = at.at(std::stoul(name));
        if (!next.exists()) return Error(Code::not_found, "missing-key", "there is no " + Inputs::quoted(name.substr(0, 80)) + " in the values");
        at = next;
    }
    return at;
}

class Filler {
public:
    Filler(std::string_view text, ValueView values, Escape escape) : text_(text), values_(values), escape_(escape) {}

    Result<std::string> run() {
        while (at_ < text_.size()) {
            const std::size_t open = text_.find("{{", at_);
            if (open == std::string_view::npos) break;
            out_ += text_.substr(at_, open - at_);
            if (open > at_ && text_[open - 1] == '\\') { // \{{ is {{
                out_.back() = '{';
                out_ += '{';
                at_ = open + 2;
                continue;
            }
            SYMPHONY_TRY(fill(open));
            if (out_.size() > output_bytes_max) return refuse(open, "too-large", "the text grew beyond " + std::to_string(output_bytes_max) + " bytes");
        }
        if (at_ < text_.size()) out_ += text_.substr(at_);
        return std::move(out_);
    }

private:
    Error refuse(std::size_t at, std::string_view reason, const std::string& why, Code code = Code::invalid_argument) const {
        return {code, reason, "template: " + place(text_, at) + ": " + why};
    }

    symphony::Status fill(std::size_t open) {
        const bool raw = text_.substr(open, 3) == "{{{";
        const std::string_view ending = raw ? "}}}" : "}}";
        const std::size_t start = open + ending.size();
        const std::size_t close = text_.find(ending, start);
        const std::string_view path = trimmed(text_.substr(start, close == std::string_view::npos ? 0 : close - start));
        if (close == std::string_view::npos || path.find_first_of("{}\n") != std::string_view::npos) {
            return refuse(open, "bad-placeholder", "a placeholder that is opened and not closed").with_hint("write \\{{ for two braces");
        }
        if (path.empty()) return refuse(open, "bad-placeholder", "a placeholder without a path");
        const std::string name = "{{" + std::string(path.substr(0, 80)) + "}}: ";
        auto value = look_up(values_, path);
        if (!value) return refuse(open, value.error().reason(), name + value.error().message(), value.error().code());
        SYMPHONY_TRY(put(*value, raw ? Escape::none : escape_, open, name));
        at_ = close + ending.size();
        return {};
    }

    symphony::Status put(ValueView value, Escape escape, std::size_t open, const std::string& name) {
        auto text = escape == Escape::json ? symphony::print_json(value) : plain(value);
        if (!text) return refuse(open, text.error().reason(), name + text.error().message());
        if (escape == Escape::html) put_html(out_, *text);
        else if (escape == Escape::json) put_script_json(out_, *text);
        else out_ += *text;
        return {};
    }

    std::string_view text_;
    ValueView values_;
    Escape escape_;
    std::size_t at_ = 0;
    std::string out_;
};

} // namespace

Result<Value> fill_template(ValueView input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("template", input, {"template", "values", "escape"}));
    const std::string_view text = SYMPHONY_TRY(inputs.text("template"));
    const ValueView values = SYMPHONY_TRY(inputs.need("values", symphony::Kind::map));
    const Escape escape = SYMPHONY_TRY(read_escape(inputs));
    const std::string filled = SYMPHONY_TRY(Filler(text, values, escape).run());
    return ValueBuilder().map(1).add("text", std::string_view(filled)).end().build();
}

} // namespace json
