// SPDX-License-Identifier: Apache-2.0
// symphony compose diff: versions, rights, sizes and policy of two distributions, each a lock, a folder or an archive.
#include "archive.hpp"
#include "composer.hpp"
#include "rules.hpp"

#include <symphony/packaging/plan.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

using packaging::Lock;

/// One side. Of a lock alone, policy is a digest and sizes are those of packages.
struct Side {
    Lock lock;
    std::optional<Distribution> distribution;
    std::optional<std::uint64_t> bytes;
    std::vector<Damage> damages; ///< of a folder or archive
};

Result<Side> side_of(const CommandLine& line, const std::string& typed) {
    const fs::path path = line.path(typed);
    std::error_code error;
    const auto of_tree = [&](Tree tree) -> Result<Side> {
        auto facts = facts_of(tree);
        if (!facts) return std::move(facts).error().in(shown(typed));
        return Side{std::move(facts->lock), std::move(facts->distribution), tree.bytes(), check_seal(tree)};
    };
    if (fs::is_directory(path, error)) return of_tree(SYMPHONY_TRY(read_tree(path)));
    auto bytes = packaging::read_file(fs::exists(path, error) ? fs::canonical(path, error) : path, packaging::payload_bytes_max);
    if (!bytes && bytes.error().reason() == "missing") return std::move(bytes).error().with_hint("name a lock, or a folder or archive that compose build made");
    if (!bytes) return std::move(bytes).error();
    if (auto lock = packaging::parse_lock(*bytes, shown(typed)); lock || path.extension() == ".lock") {
        if (!lock) return std::move(lock).error();
        Side out{*std::move(lock), {}, {}, {}};
        fs::path beside = path;
        beside.replace_extension(".toml"); // what it was locked from, when it lies there
        if (const auto text = packaging::read_file(beside, distribution_bytes_max)) {
            auto read = read_distribution(*text, beside.string());
            if (read.distribution && rules_of(*read.distribution).digest() == out.lock.policy) out.distribution = std::move(read.distribution);
        }
        return out;
    }
    auto read = read_archive(*bytes);
    if (!read) return std::move(read).error().in(shown(typed));
    return of_tree(std::move(read->tree));
}

/// What is compared is what it says of itself, which is not what it is then.
void tell_damage(const CommandLine& line, const std::string& typed, const Side& side) {
    if (side.damages.empty()) return;
    const std::string others = side.damages.size() == 1 ? "" : " and " + std::to_string(side.damages.size() - 1) + " more";
    line.err("note: " + shown(typed) + " is not as it was composed (" + shown(side.damages.front().path) + others + "): symphony compose verify " + shown(typed) + " says what is wrong");
}

std::uint64_t size_of(const Lock::Package& package) { return package.artifacts.empty() ? 0 : package.artifacts.front().size_bytes; }

class Differ {
public:
    Differ(const CommandLine& line, const Side& from, const Side& to) : line_(line), from_(from), to_(to) {}

    Data run() {
        say("distribution " + from_.lock.distribution + (from_.lock.distribution == to_.lock.distribution ? "" : " -> " + to_.lock.distribution));
        Data::Map out{{"from", from_.lock.distribution}, {"to", to_.lock.distribution}};
        out.emplace_back("plugins", plugins());
        out.emplace_back("host", host());
        out.emplace_back("policy", policy());
        if (from_.bytes && to_.bytes) {
            out.emplace_back("bytes", Data(Data::Map{{"from", static_cast<std::int64_t>(*from_.bytes)}, {"to", static_cast<std::int64_t>(*to_.bytes)}}));
            if (*from_.bytes != *to_.bytes) changed("size " + std::to_string(*from_.bytes) + " -> " + std::to_string(*to_.bytes) + " bytes");
        }
        out.emplace_back("damages", Data(Data::Map{{"from", static_cast<std::int64_t>(from_.damages.size())}, {"to", static_cast<std::int64_t>(to_.damages.size())}}));
        out.emplace_back("equal", !changed_ && from_.lock == to_.lock);
        if (!changed_) say(from_.lock == to_.lock ? "nothing is different" : "nothing is different but digests");
        return out;
    }

private:
    void say(const std::string& text) const { line_.out(shown(text)); }
    void changed(const std::string& text) {
        changed_ = true;
        say(text);
    }

    Data rights(const std::string& id, const manifests::RightsDiff& diff) {
        Data::Map out;
        const auto all = [&](const char* kind, const std::vector<manifests::Right>& list) {
            Data::List texts;
            for (const auto& right : list) {
                texts.emplace_back(right.text());
                changed("  " + std::string(kind) + " " + right.text() + " (" + in_words(right) + ", " + std::string(name_of(risk_of(right))) + " risk): " + id);
            }
            out.emplace_back(kind, std::move(texts));
        };
        const auto pairs = [&](const char* kind, const std::vector<std::pair<manifests::Right, manifests::Right>>& list) {
            Data::List texts;
            for (const auto& [before, after] : list) {
                texts.emplace_back(after.text());
                changed("  " + std::string(kind) + " " + before.text() + " -> " + after.text() + ": " + id);
            }
            out.emplace_back(kind, std::move(texts));
        };
        all("added", diff.added), pairs("broadened", diff.broadened), pairs("narrowed", diff.narrowed), all("removed", diff.removed);
        return out;
    }

    Data plugins() {
        Data::List out;
        for (const auto& change : packaging::changes_between(&from_.lock, to_.lock)) {
            const auto* before = from_.lock.find(change.id);
            const auto* after = to_.lock.find(change.id);
            const std::int64_t size = static_cast<std::int64_t>(after == nullptr ? 0 : size_of(*after)) - static_cast<std::int64_t>(before == nullptr ? 0 : size_of(*before));
            const std::string kind = before == nullptr ? "added" : after == nullptr ? "removed" : change.from == change.to ? "rebuilt" : "changed";
            changed(kind + " " + change.id + " " + (before == nullptr ? change.to : after == nullptr || change.from == change.to ? change.from : change.from + " -> " + change.to) + ", " + (size < 0 ? "" : "+") + std::to_string(size) + " bytes");
            out.emplace_back(Data::Map{{"id", change.id}, {"change", kind}, {"from", change.from}, {"to", change.to}, {"bytes", size}, {"rights", rights(change.id, change.rights)}});
        }
        return out;
    }

    Data host() {
        Data::List out;
        for (const auto& host : to_.lock.hosts) {
            const auto before = std::find_if(from_.lock.hosts.begin(), from_.lock.hosts.end(), [&](const auto& one) { return one.triple == host.triple; });
            if (before != from_.lock.hosts.end() && *before == host) continue;
            std::set<std::string> libraries;
            for (const auto& library : host.libraries) {
                const bool same = before != from_.lock.hosts.end() && std::find(before->libraries.begin(), before->libraries.end(), library) != before->libraries.end();
                if (!same) libraries.insert(library.name + (library.version.empty() ? "" : " " + library.version));
            }
            const std::string was = before == from_.lock.hosts.end() ? "none" : before->version;
            changed("host for " + host.triple + " " + was + (was == host.version ? ", rebuilt" : " -> " + host.version));
            Data::List names;
            for (const auto& name : libraries) {
                changed("  library " + name);
                names.emplace_back(name);
            }
            out.emplace_back(Data::Map{{"triple", host.triple}, {"from", was}, {"to", host.version}, {"libraries", std::move(names)}});
        }
        return out;
    }

    /// Line by line of the files that steer the host: their order is canonical.
    Data policy() {
        Data::List out;
        if (from_.lock.policy == to_.lock.policy) return out;
        if (!from_.distribution || !to_.distribution) {
            changed("policy or settings are different; name folders or archives to see how");
            return out;
        }
        const auto before = rules_of(*from_.distribution), after = rules_of(*to_.distribution);
        for (const auto& [name, old_text, new_text] : {std::tuple{"policy", &before.policy, &after.policy}, {"defaults", &before.defaults, &after.defaults}, {"locked", &before.locked, &after.locked}, {"placement", &before.placement, &after.placement}}) {
            const auto old_lines = lines_of(*old_text), new_lines = lines_of(*new_text);
            for (const auto& [one, other, sign] : {std::tuple{&old_lines, &new_lines, "-"}, {&new_lines, &old_lines, "+"}}) {
                for (const auto& text : *one) {
                    if (other->contains(text)) continue;
                    changed(std::string(name) + " " + sign + " " + text);
                    out.emplace_back(Data::Map{{"where", name}, {"change", std::string_view(sign) == "+" ? "added" : "removed"}, {"text", text}});
                }
            }
        }
        return out;
    }

    /// Settings with the table that they stand in, so that each line says what it is about.
    static std::set<std::string> lines_of(const std::string& text) {
        std::set<std::string> out;
        std::string table;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = std::min(text.find('\n', at), text.size());
            const auto line = text.substr(at, end - at);
            at = end + 1;
            if (line.starts_with('[')) table = line + " ";
            else if (!line.empty() && !line.starts_with('#') && !line.starts_with("reason = ")) out.insert(table + line);
        }
        return out;
    }

    const CommandLine& line_;
    const Side& from_;
    const Side& to_;
    bool changed_ = false;
};

} // namespace

Result<std::int32_t> command_diff(CommandLine& line) {
    const auto from = SYMPHONY_TRY(side_of(line, line.text("from")));
    const auto to = SYMPHONY_TRY(side_of(line, line.text("to")));
    line.answer(to_json(Differ(line, from, to).run()));
    tell_damage(line, line.text("from"), from);
    tell_damage(line, line.text("to"), to);
    return 0;
}

} // namespace symphony::composer
