// SPDX-License-Identifier: Apache-2.0
// `artifact diff` and `lineage`: how artifacts hang together.
#include "commands.hpp"
#include "json_text.hpp"
#include "media_type.hpp"
#include "records_json.hpp"
#include "text_diff.hpp"
#include "words.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace symphony::store {
namespace {

constexpr std::uint64_t text_bytes_max = 4u << 20; // of each side that is compared line by line

std::string label(const ArtifactInfo& info) {
    return info.name.empty() ? short_id(info.id.hex()) : shown(info.name) + "@" + std::to_string(info.version);
}

std::optional<std::string> text_of_artifact(Store& store, const ArtifactInfo& info) {
    if (info.size > text_bytes_max) return std::nullopt;
    if (info.size == 0) return std::string();
    const auto content = store.get(info.id);
    if (!content || content->text().find('\0') != std::string_view::npos || !is_valid_utf8(content->text())) return std::nullopt;
    return std::string(content->text());
}

/// Lines keep their breaks and tabs; what else a terminal acts on is shown.
std::string coloured(const CommandLine& line, std::string_view diff) {
    std::string out;
    while (!diff.empty()) {
        const std::size_t end = std::min(diff.find('\n'), diff.size());
        std::string_view one = diff.substr(0, end);
        diff.remove_prefix(std::min(diff.size(), end + 1));
        std::string clean;
        if (line.terminal()) {
            for (std::size_t tab = one.find('\t'); tab != std::string_view::npos; tab = one.find('\t')) {
                clean += shown(one.substr(0, tab), 1u << 20) + "\t";
                one.remove_prefix(tab + 1);
            }
            clean += shown(one, 1u << 20);
        } else {
            clean = one;
        }
        const char* begin = !line.color() || clean.empty() ? "" : clean[0] == '+' ? "\x1b[32m" : clean[0] == '-' ? "\x1b[31m" : clean[0] == '@' ? "\x1b[36m" : "";
        out += begin + clean + (*begin == '\0' ? "\n" : "\x1b[0m\n");
    }
    return out;
}

/// The nodes of a lineage, and who of them was made from whom.
class Tree {
public:
    Tree(const CommandLine& line, const std::vector<LineageNode>& nodes, Direction direction) : line_(line) {
        for (const LineageNode& node : nodes) nodes_.emplace(node.id, &node);
        for (const LineageNode& node : nodes) {
            for (const Origin& origin : node.origins) {
                for (const ContentId& input : origin.inputs) {
                    if (direction == Direction::inputs) below_[node.id].insert(input);
                    else below_[input].insert(node.id);
                }
            }
        }
    }

    void print(const ContentId& id) { print(id, "", "", 0); }

private:
    static constexpr std::size_t depth_max = 200;

    void print(const ContentId& id, const std::string& lead, const std::string& rest, std::size_t depth) {
        const auto found = nodes_.find(id);
        const LineageNode* node = found == nodes_.end() ? nullptr : found->second;
        std::string text = lead + short_id(id.hex());
        if (node != nullptr && !node->name.empty()) text += "  " + line_.bold(shown(node->name) + "@" + std::to_string(node->version));
        if (node != nullptr && !node->present) text += "  (no longer here)";
        const bool again = !seen_.insert(id).second;
        const auto below = below_.find(id);
        const bool more = below != below_.end() && !below->second.empty();
        if (again && more) text += "  (see above)";
        line_.out(text + makers(node));
        if (again || !more || depth >= depth_max) return;
        std::vector<ContentId> shown_below;
        for (const ContentId& other : below->second) {
            if (nodes_.contains(other)) shown_below.push_back(other);
        }
        for (std::size_t i = 0; i < shown_below.size(); ++i) {
            const bool last = i + 1 == shown_below.size();
            print(shown_below[i], rest + (last ? "`-- " : "|-- "), rest + (last ? "    " : "|   "), depth + 1);
        }
    }
    std::string makers(const LineageNode* node) const {
        if (node == nullptr) return {};
        std::string text;
        std::set<std::string> told;
        for (const Origin& origin : node->origins) {
            std::string one = origin.made_by.node;
            if (!origin.made_by.plugin_digest.empty()) one += (one.empty() ? "" : " ") + origin.made_by.plugin_digest.substr(0, origin.made_by.plugin_digest.find(" sha256:"));
            if (!origin.made_by.run.empty()) one += (one.empty() ? "run " : ", run ") + origin.made_by.run;
            if (!one.empty() && told.insert(one).second) text += (text.empty() ? "" : "; ") + shown(one, 120);
        }
        return text.empty() ? text : line_.faint("  by " + text);
    }

    const CommandLine& line_;
    std::map<ContentId, const LineageNode*> nodes_;
    std::map<ContentId, std::set<ContentId>> below_;
    std::set<ContentId> seen_;
};

} // namespace

Result<std::int32_t> command_diff(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.reading());
    ArtifactInfo a = SYMPHONY_TRY(store->info(line.text("a")));
    ArtifactInfo b = a;
    if (line.given("b")) {
        b = SYMPHONY_TRY(store->info(line.text("b")));
    } else { // against the version before
        if (!b.parent) return usage(label(b) + " has no version before it", "symphony artifact diff A B compares any two");
        a = SYMPHONY_TRY(store->info(*b.parent));
    }
    const Difference difference = SYMPHONY_TRY(store->diff(a.id, b.id));
    TextDiffLimits limits;
    limits.context = static_cast<std::size_t>(SYMPHONY_TRY(line.number("context", 3, 0, 1000)));
    const auto text_a = line.on("chunks") ? std::nullopt : text_of_artifact(*store, a);
    const auto text_b = text_a ? text_of_artifact(*store, b) : std::nullopt;
    const auto lines = text_a && text_b && !difference.same ? std::optional(text_diff(*text_a, *text_b, limits)) : std::nullopt;
    if (line.json()) {
        ValueBuilder out;
        out.map().add("a", a.id.hex()).add("b", b.id.hex()).add("same", difference.same).add("size_a", difference.size_a).add("size_b", difference.size_b);
        out.add("shared", difference.shared).add("first_differs", difference.first_differs);
        if (lines) out.add("added", std::uint64_t{lines->added}).add("removed", std::uint64_t{lines->removed}).add("cut", lines->cut).add("diff", lines->text);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    if (difference.same) {
        line.err("the contents are the same");
        return done;
    }
    if (lines) {
        line.write(ports::CommandStream::out, "--- " + label(a) + "\n+++ " + label(b) + "\n" + coloured(line, lines->text));
        if (lines->cut) line.note("the diff is longer than 1 MiB and was cut");
        return done;
    }
    const double share = difference.size_b == 0 ? 0 : 100.0 * static_cast<double>(difference.shared) / static_cast<double>(difference.size_b);
    line.write(ports::CommandStream::out, table({{"a", label(a), size_words(difference.size_a)}, {"b", label(b), size_words(difference.size_b)}}));
    line.out(size_words(difference.shared) + " of b (" + std::to_string(static_cast<int>(share)) + "%) are chunks of a; they differ from the chunk at byte " +
             std::to_string(difference.first_differs));
    return done;
}

Result<std::int32_t> command_lineage(CommandLine& line) {
    const auto depth = static_cast<std::uint32_t>(SYMPHONY_TRY(line.number("depth", 64, 1, 100'000)));
    const auto limit = static_cast<std::uint32_t>(SYMPHONY_TRY(line.number("limit", 1000, 1, 10'000)));
    const auto direction = line.on("outputs") ? Direction::outputs : Direction::inputs;
    const auto store = SYMPHONY_TRY(line.reading());
    const ArtifactInfo info = SYMPHONY_TRY(store->info(line.text("id")));
    const auto nodes = SYMPHONY_TRY(store->lineage(info.id, direction, depth, limit));
    if (line.json()) {
        ValueBuilder out;
        out.map().add("id", info.id.hex()).add("direction", direction == Direction::inputs ? "inputs" : "outputs");
        put_json_list(out, "nodes", nodes);
        SYMPHONY_TRY(line.json_out(out.add("cut", nodes.size() >= limit).end().build()));
        return done;
    }
    Tree(line, nodes, direction).print(info.id);
    if (nodes.size() <= 1) line.err(direction == Direction::inputs ? "it was made from nothing that is known" : "nothing was made from it");
    if (nodes.size() >= limit) line.note("there are more; --limit shows them");
    return done;
}

} // namespace symphony::store
