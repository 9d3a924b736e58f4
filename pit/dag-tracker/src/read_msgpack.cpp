// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include "text_check.hpp"

#include <symphony/value.hpp>

namespace symphony::tracker {
namespace {

using symphony::Kind;

class Reader {
public:
    Reader(Bytes bytes, DocTree& tree, const Limits& limits, Findings& findings)
        : start_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()), limits_(limits), findings_(findings), builder_(tree, limits.items_max()) {}

    bool run(Doc& root) {
        if (!item(root, 0)) return false;
        if (at_ == end_) return true;
        return bad("something follows the workflow");
    }

private:
    bool bad(const std::string& what) {
        findings_.error("bad-msgpack", "byte " + std::to_string(at_ - start_) + ": " + what, {}, "fix this first: what comes after it could not be read");
        return false;
    }

    // Recursive, document_depth_max deep. read_head() checks every length against what is left before anything is made of it.
    bool item(Doc& doc, std::size_t depth, std::string_view under = {}) {
        const auto head = msgpack::read_head(at_, end_);
        switch (head.kind) {
        case Kind::null: break;
        case Kind::boolean:
            doc.kind = Doc::Kind::boolean;
            doc.truth = head.bits != 0;
            break;
        case Kind::integer:
            if (!head.negative && head.bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                return bad("an integer that does not fit 64 bits with a sign");
            }
            doc.kind = Doc::Kind::integer;
            doc.integer = static_cast<std::int64_t>(head.bits);
            break;
        case Kind::number:
            doc.kind = Doc::Kind::number;
            doc.number = std::bit_cast<double>(head.bits);
            break;
        case Kind::text:
        case Kind::bytes:
            doc.kind = head.kind == Kind::text ? Doc::Kind::text : Doc::Kind::bytes;
            doc.set_text(text_of({head.body, head.count}));
            if (head.kind == Kind::text && !is_text(doc.text())) return bad("text that is not UTF-8");
            at_ = head.body + head.count;
            return true;
        case Kind::list:
        case Kind::map: return container(doc, head, depth, under);
        case Kind::invalid: return bad("no MessagePack, or cut off");
        }
        at_ = head.body;
        return true;
    }

    bool container(Doc& doc, const msgpack::Head& head, std::size_t depth, std::string_view under) {
        if (depth >= document_depth_max) {
            findings_.error("too-deep", "more than " + std::to_string(document_depth_max) + " levels", {});
            return false;
        }
        const bool map = head.kind == Kind::map;
        doc.kind = map ? Doc::Kind::table : Doc::Kind::list;
        at_ = head.body;
        const std::size_t opened = builder_.open();
        for (std::uint32_t left = head.count; left > 0; --left) {
            std::string_view name;
            if (map && !key(name)) return false;
            DocEntry entry(name);
            if (!item(entry.value, depth + 1, name)) return false;
            if (builder_.add(entry)) continue;
            report_too_many_items(findings_, limits_.items_max(), {});
            return false;
        }
        doc.set_entries(builder_.close(opened));
        if (!map || (depth == 1 && under == "nodes")) return true;  // the nodes' ids are compared when they get their numbers
        if (const auto* second = second_key(doc.entries()); second != nullptr) {
            findings_.error("duplicate-id", "a second key " + shown(second->key), {}, "remove one");
        }
        return true;
    }
    bool key(std::string_view& name) {
        const auto head = msgpack::read_head(at_, end_);
        if (head.kind != Kind::text) return bad("a key that is not text");
        name = text_of({head.body, head.count});
        if (!is_text(name)) return bad("a key that is not UTF-8");
        at_ = head.body + head.count;
        return true;
    }

    const std::uint8_t* start_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    const Limits& limits_;
    Findings& findings_;
    DocBuilder builder_;
};

} // namespace

std::optional<DocTree> read_msgpack(Bytes bytes, const Limits& limits, Findings& findings) {
    DocTree tree;
    tree.ids_compared = false;
    if (!Reader(bytes, tree, limits, findings).run(tree.root)) return std::nullopt;
    return tree;
}

} // namespace symphony::tracker
