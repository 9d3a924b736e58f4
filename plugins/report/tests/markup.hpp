// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace report::test {

/// An element as the strict little parser below saw it.
struct Element {
    std::string name;
    std::map<std::string, std::string> attributes;
    std::string text; // of its own and of its children, entities resolved
};

/// Reads a page strictly: every element closed in order, attributes quoted and unique, only known entities, no `<` in text.
/// Far stricter than a browser, so that a hole in the escaping shows as an error.
class Markup {
public:
    explicit Markup(std::string_view page) : page_(page) { read(); }
    /// What is wrong, or empty.
    const std::string& error() const noexcept { return error_; }
    const std::vector<Element>& elements() const noexcept { return done_; }

    std::vector<const Element*> all(std::string_view name, std::string_view css_class = {}) const {
        std::vector<const Element*> found;
        for (const Element& element : done_) {
            if (element.name != name) continue;
            const auto at = element.attributes.find("class");
            const std::string classes = " " + (at == element.attributes.end() ? std::string() : at->second) + " ";
            if (css_class.empty() || classes.find(" " + std::string(css_class) + " ") != std::string::npos) found.push_back(&element);
        }
        return found;
    }

private:
    void fail(const std::string& what) {
        if (error_.empty()) error_ = what + " at byte " + std::to_string(at_) + ": " + std::string(page_.substr(at_, 60));
        at_ = page_.size();
    }
    bool take(std::string_view text) {
        if (!page_.substr(at_).starts_with(text)) return false;
        at_ += text.size();
        return true;
    }
    std::string name() {
        std::string out;
        while (at_ < page_.size() && (std::isalnum(static_cast<unsigned char>(page_[at_])) != 0 || page_[at_] == '-' || page_[at_] == ':')) out += page_[at_++];
        return out;
    }
    std::string characters(char end) {
        std::string out;
        while (at_ < page_.size() && page_[at_] != end) {
            const char c = page_[at_];
            if (c == '<' || (c == '>' && end == '<')) return fail("a stray angle bracket"), out;
            if (c != '&') {
                out += c;
                ++at_;
                continue;
            }
            static const std::map<std::string, char> entities{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
            const std::size_t semicolon = page_.find(';', at_);
            const auto known = entities.find(std::string(page_.substr(at_, semicolon - at_ + 1)));
            if (known == entities.end()) return fail("an unknown entity"), out;
            out += known->second;
            at_ = semicolon + 1;
        }
        return out;
    }
    void open_tag() {
        Element element;
        element.name = name();
        if (element.name.empty()) return fail("a tag without a name");
        for (;;) {
            while (at_ < page_.size() && std::isspace(static_cast<unsigned char>(page_[at_])) != 0) ++at_;
            if (take("/>")) {
                done_.push_back(element);
                return;
            }
            if (take(">")) break;
            const std::string attribute = name();
            if (attribute.empty()) return fail("a broken attribute");
            std::string value;
            if (take("=")) {
                if (!take("\"")) return fail("an attribute without quotes");
                value = characters('"');
                if (!take("\"")) return fail("an attribute that does not end");
            }
            if (!element.attributes.emplace(attribute, value).second) return fail("an attribute twice");
        }
        static const std::set<std::string> empty{"meta", "br", "wbr"};
        if (empty.contains(element.name)) {
            done_.push_back(element);
            return;
        }
        open_.push_back(element);
        if (element.name != "style" && element.name != "script") return;
        const std::size_t end = page_.find("</", at_);
        open_.back().text = page_.substr(at_, end - at_);
        at_ = end;
    }
    void close_tag() {
        const std::string closed = name();
        if (!take(">")) return fail("a broken end tag");
        if (open_.empty() || open_.back().name != closed) return fail("</" + closed + "> closes another element");
        Element element = open_.back();
        open_.pop_back();
        if (!open_.empty()) open_.back().text += element.text;
        done_.push_back(std::move(element));
    }
    void read() {
        if (!take("<!doctype html>")) return fail("no doctype");
        while (at_ < page_.size()) {
            if (take("</")) close_tag();
            else if (take("<")) open_tag();
            else if (std::string text = characters('<'); !open_.empty()) open_.back().text += text;
        }
        if (error_.empty() && !open_.empty()) error_ = "<" + open_.back().name + "> is not closed";
    }

    std::string_view page_;
    std::size_t at_ = 0;
    std::string error_;
    std::vector<Element> open_;
    std::vector<Element> done_;
};

} // namespace report::test
