// SPDX-License-Identifier: Apache-2.0
#include "resolver.hpp"

#include <symphony/manifests/semver.hpp>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace symphony::host {
namespace {

using manifests::Range;
using manifests::Version;
using Index = std::uint32_t;
constexpr Index none = UINT32_MAX;
constexpr int rounds_max = 64; // each takes one version out of the game; the last answer stands

struct Need { // of a plugin, by version range
    Index package;    // `none`: nobody has that id
    std::string_view id;
    std::string_view range;
    std::uint32_t line;
    bool optional;
};

struct Use { // of a port
    Index port;
    std::string_view provider;
    std::uint32_t line;
    bool optional;
    bool many;
};

struct Offer {
    Index port;
    std::int32_t priority;
    bool exclusive;
};

template <class T>
struct Rows { // one list for each node, all in one array
    std::vector<T> items;
    std::vector<Index> first{0};
    void end_row() { first.push_back(static_cast<Index>(items.size())); }
    std::span<const T> operator[](Index row) const {
        return {items.data() + first[row], items.data() + first[row + 1]};
    }
};

struct Node {
    Catalog::Ref ref;
    std::string_view id, version;
    Index package; // the first node with the same id
    Index next = none; // the next with the same id
    bool chosen = false;
};

struct Port {
    std::string_view name;
    std::vector<std::pair<Index, Offer>> providers;
    std::vector<Index> users;
};

class Resolver {
public:
    Resolver(const Catalog& catalog, const ResolveOptions& options) : catalog_(catalog), options_(options) {}

    Resolution run() {
        read();
        for (int round = 0; round < rounds_max; ++round) {
            choose();
            if (!settle(round + 1 < rounds_max)) break;
        }
        return answer();
    }

private:
    // ---- reading

    void read() {
        const auto refs = catalog_.all();
        nodes_.reserve(refs.size());
        Entry entry;
        std::vector<Entry> unfit;
        for (const auto ref : refs) {
            if (at_.size() <= ref.root) at_.resize(ref.root + 1);
            auto& rows = at_[ref.root];
            if (rows.size() <= ref.row) rows.resize(ref.row + 1, none);
            rows[ref.row] = static_cast<Index>(nodes_.size());
            nodes_.push_back({ref, {}, {}, none});
        }
        errors_.resize(nodes_.size());
        std::vector<Index> last(nodes_.size(), none);
        for (Index i = 0; i < nodes_.size(); ++i) {
            auto& node = nodes_[i];
            catalog_.read(node.ref, entry);
            node.id = entry.id;
            node.version = entry.version;
            node.package = package_of(entry.id);
            if (node.package == none) node.package = i; // no id: stands alone
            if (last[node.package] != none) nodes_[last[node.package]].next = i;
            last[node.package] = i;
            if (auto error = check_alone(i, entry)) {
                errors_[i] = std::move(*error);
            } else {
                for (const auto& item : entry.dependencies) {
                    needs_.items.push_back({package_of(item.id), item.id, item.range, item.line, item.optional});
                }
                for (const auto& item : entry.requires_) {
                    uses_.items.push_back({port_of(item.port), item.provider, item.line, item.optional, item.many});
                    ports_[uses_.items.back().port].users.push_back(i);
                }
                for (const auto& item : entry.provides) {
                    const Offer offer{port_of(item.port), item.priority, item.exclusive};
                    offers_.items.push_back(offer);
                    ports_[offer.port].providers.emplace_back(i, offer);
                }
            }
            needs_.end_row();
            uses_.end_row();
            offers_.end_row();
        }
        needers_.resize(nodes_.size());
        for (Index i = 0; i < nodes_.size(); ++i) {
            for (const auto& need : needs_[i]) {
                if (need.package != none) needers_[need.package].push_back(i);
            }
        }
        for (auto& port : ports_) {
            std::stable_sort(port.providers.begin(), port.providers.end(),
                             [](const auto& a, const auto& b) { return a.second.priority > b.second.priority; });
        }
    }

    Index package_of(std::string_view id) const {
        const auto ref = catalog_.first(Catalog::Table::id, id);
        if (!ref || ref->root >= at_.size() || ref->row >= at_[ref->root].size()) return none;
        return at_[ref->root][ref->row];
    }

    Index port_of(std::string_view name) {
        const auto [item, added] = port_index_.try_emplace(name, static_cast<Index>(ports_.size()));
        if (added) ports_.push_back({name, {}, {}});
        return item->second;
    }

    // What is wrong with it whatever else is there.
    std::optional<Error> check_alone(Index i, const Entry& entry) {
        if (entry.kind != Entry::Kind::good) return invalid(i, entry);
        for (Index other = nodes_[i].package; other < i; other = nodes_[other].next) {
            if (nodes_[other].version == entry.version && !is_invalid(other) && named(other) == named(i)) {
                return refusal(i, "duplicate-id", "is also in " + catalog_.folder(nodes_[other].ref) + ", which was found first", 0,
                               "remove one of the two folders");
            }
        }
        if (options_.disabled && options_.disabled(entry)) {
            return refusal(i, "disabled", "is switched off by its configuration", 0,
                           "symphony show " + std::string(entry.name) + " says where; enabled = true switches it on");
        }
        const auto host = std::to_string(options_.abi_major) + "." + std::to_string(options_.abi_minor);
        const auto wanted = std::to_string(entry.abi_major) + "." + std::to_string(entry.abi_minor);
        if (entry.abi_major != options_.abi_major || entry.abi_minor > options_.abi_minor) {
            const bool newer = entry.abi_major > options_.abi_major || entry.abi_major == options_.abi_major;
            auto error = refusal(i, entry.abi_major != options_.abi_major ? "abi-major" : "abi-minor",
                                 "needs ABI " + wanted + ", this host offers " + host, entry.abi_line,
                                 newer ? "update the host, or install an older version of the plugin"
                                       : "install a version of the plugin that was built for ABI " +
                                             std::to_string(options_.abi_major));
            return Error(Code::abi_mismatch, error.reason(), error.message(), error.hint());
        }
        if (!entry.host_range.empty() && !contains(entry.host_range, host + ".0")) {
            return refusal(i, "host-version", "needs symphony-core " + std::string(entry.host_range) + ", this host is " + host,
                           entry.host_range_line, "update the host, or install another version of the plugin");
        }
        return options_.held_back ? options_.held_back(nodes_[i].ref, entry) : std::nullopt;
    }

    /// In a folder that the person named for this session: it stands in front of what is installed, whatever the versions.
    bool named(Index i) const { return catalog_.root(nodes_[i].ref).origin == Origin::flag; }

    bool is_invalid(Index i) const { return errors_[i] && invalid_.size() > i && invalid_[i]; }

    Error invalid(Index i, const Entry& entry) {
        invalid_.resize(nodes_.size());
        invalid_[i] = true;
        const Finding* first = nullptr;
        std::size_t fatal = 0;
        for (const auto& finding : entry.findings) {
            if (!finding.fatal) continue;
            if (first == nullptr) first = &finding;
            ++fatal;
        }
        if (first == nullptr) return refusal(i, "manifest-invalid", "manifest is not usable", 0, {});
        auto message = std::string(first->message);
        if (fatal > 1) message += " and " + std::to_string(fatal - 1) + " more";
        return Error(Code::refused, first->reason,
                     "plugin \"" + std::string(entry.name) + "\": " + message + place(i, first->line),
                     first->hint.empty() ? "symphony check " + catalog_.folder(nodes_[i].ref) : std::string(first->hint));
    }

    // ---- choosing versions

    void choose() {
        for (auto& node : nodes_) node.chosen = false;
        std::vector<Index> several;
        for (Index i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].package != i) continue;
            const auto best = newest(i);
            if (best != none) nodes_[best].chosen = true;
            if (best != none && nodes_[i].next != none) several.push_back(i);
        }
        for (int pass = 0; pass < 8 && !several.empty(); ++pass) {
            bool moved = false;
            for (const auto package : several) {
                Index now = none, best = none;
                std::size_t best_suits = 0;
                for (Index i = package; i != none; i = nodes_[i].next) {
                    if (nodes_[i].chosen) now = i;
                    if (errors_[i]) continue;
                    const auto suited = suits(i);
                    if (best == none || named(i) > named(best) || (named(i) == named(best) && (suited > best_suits || (suited == best_suits && newer(i, best))))) {
                        best = i;
                        best_suits = suited;
                    }
                }
                if (best != now) {
                    nodes_[now].chosen = false;
                    nodes_[best].chosen = true;
                    moved = true;
                }
            }
            if (!moved) break;
        }
    }

    Index newest(Index package) {
        Index best = none;
        for (Index i = package; i != none; i = nodes_[i].next) {
            if (!errors_[i] && (best == none || newer(i, best))) best = i;
        }
        return best;
    }

    bool newer(Index a, Index b) { return named(a) != named(b) ? named(a) : version(a) > version(b); }

    // How many of those that need the plugin are served by this version.
    std::size_t suits(Index i) {
        std::size_t count = 0;
        for (const auto user : needers_[nodes_[i].package]) {
            if (!nodes_[user].chosen || errors_[user]) continue;
            for (const auto& need : needs_[user]) {
                if (need.package == nodes_[i].package && contains(need.range, nodes_[i].version)) ++count;
            }
        }
        return count;
    }

    // ---- refusing

    // @return Whether another round may do better, now that some versions are out.
    bool settle(bool again) {
        refused_now_.clear();
        order_.clear();
        settle_exclusive();
        std::vector<Index> work;
        for (Index i = 0; i < nodes_.size(); ++i) {
            if (usable(i)) work.push_back(i);
        }
        std::reverse(work.begin(), work.end()); // popped from the back: catalog order
        do {
            while (!work.empty()) {
                const auto i = work.back();
                work.pop_back();
                if (!usable(i)) continue;
                if (auto error = check_needs(i)) refuse(i, std::move(*error), work);
            }
        } while (order_or_refuse_cycles(work));
        // The first of them is a cause and not a consequence. When its absence can change a choice it stays out, and the
        // rest is judged anew.
        const auto several = [this](Index package) { return package != none && nodes_[package].next != none; };
        for (const auto i : again ? refused_now_ : std::vector<Index>{}) {
            const bool matters = several(nodes_[i].package) ||
                                 std::any_of(needs_[i].begin(), needs_[i].end(),
                                             [&](const Need& need) { return several(need.package); });
            if (!matters) continue;
            for (const auto other : refused_now_) {
                if (other != i) errors_[other].reset();
            }
            return true;
        }
        return false;
    }

    bool usable(Index i) const { return nodes_[i].chosen && !errors_[i]; }

    void refuse(Index i, Error error, std::vector<Index>& work) {
        errors_[i] = std::move(error);
        refused_now_.push_back(i);
        const auto& needers = needers_[nodes_[i].package];
        work.insert(work.end(), needers.begin(), needers.end());
        for (const auto& offer : offers_[i]) {
            const auto& users = ports_[offer.port].users;
            work.insert(work.end(), users.begin(), users.end());
        }
    }

    void settle_exclusive() {
        std::vector<Index> unused;
        for (const auto& port : ports_) {
            Index winner = none;
            bool exclusive = false;
            for (const auto& [provider, offer] : port.providers) {
                if (!usable(provider)) continue;
                if (winner == none) {
                    winner = provider;
                    exclusive = offer.exclusive;
                } else if (exclusive || offer.exclusive) {
                    const auto& holder = nodes_[winner];
                    refuse(provider,
                           refusal(provider, "exclusive-port",
                                   "provides " + std::string(port.name) + ", and so does " + title(winner) + "; " +
                                       (exclusive ? "the latter" : "the former") + " wants to be the only one",
                                   0, "choose one of them: --set " + std::string(holder.id) + ".enabled=false or --set " +
                                          std::string(nodes_[provider].id) + ".enabled=false"),
                           unused);
                }
            }
        }
    }

    std::optional<Error> check_needs(Index i) {
        for (const auto& need : needs_[i]) {
            if (auto error = check_need(i, need); error && !need.optional) return error;
        }
        for (const auto& use : uses_[i]) {
            if (use.optional || provider_for(i, use) != none) continue;
            const auto port = std::string(ports_[use.port].name);
            std::string why;
            for (const auto& [provider, offer] : ports_[use.port].providers) {
                if (provider != i && errors_[provider]) why += (why.empty() ? "" : ", ") + title(provider);
            }
            const auto from = use.provider.empty() ? std::string() : " of \"" + std::string(use.provider) + "\"";
            if (!why.empty()) {
                return refusal(i, "needs-refused", "needs port " + port + from + ", whose provider is refused: " + why, use.line,
                               "symphony list --why says what is wrong with it");
            }
            return refusal(i, "missing-provider", "needs port " + port + from + ", which no plugin provides", use.line,
                           "install a plugin that provides " + port);
        }
        return std::nullopt;
    }

    std::optional<Error> check_need(Index i, const Need& need) {
        const auto what = std::string(need.id) + " " + std::string(need.range);
        Index chosen = none, good = none;
        std::string versions;
        for (Index v = need.package; v != none; v = nodes_[v].next) {
            if (nodes_[v].chosen && !errors_[v]) chosen = v;
            if (contains(need.range, nodes_[v].version)) good = v;
            versions += (versions.empty() ? "" : ", ") + std::string(nodes_[v].version);
        }
        if (chosen != none && contains(need.range, nodes_[chosen].version)) return std::nullopt;
        if (need.package == none) {
            return refusal(i, "missing-dependency", "needs the unknown package " + what, need.line,
                           "put " + std::string(need.id) + " into a plugin folder, or remove the dependency if it is no plugin");
        }
        if (chosen == none && good != none) {
            return refusal(i, "needs-refused", "needs " + what + ", which is refused", need.line,
                           "symphony list --why says what is wrong with " + std::string(need.id));
        }
        for (const auto other : chosen == none ? std::vector<Index>{} : needers_[need.package]) {
            if (other == i || !usable(other)) continue;
            for (const auto& rival : needs_[other]) {
                if (rival.package != need.package || !contains(rival.range, nodes_[chosen].version)) continue;
                return refusal(i, "version-conflict",
                               "needs " + what + ", but " + title(other) + " needs " + std::string(rival.id) + " " +
                                   std::string(rival.range) + place(other, rival.line) + ", and " +
                                   std::string(nodes_[chosen].version) + " is used",
                               need.line,
                               "install versions of both that agree on " + std::string(need.id) + ", or switch one off with --set " +
                                   std::string(nodes_[other].id) + ".enabled=false");
            }
        }
        return refusal(i, "version-conflict", "needs " + what + ", installed is " + versions, need.line,
                       "install a version of " + std::string(need.id) + " in " + std::string(need.range));
    }

    // The best usable provider other than the plugin itself.
    Index provider_for(Index i, const Use& use) const {
        for (const auto& [provider, offer] : ports_[use.port].providers) {
            if (provider != i && usable(provider) && (use.provider.empty() || nodes_[provider].id == use.provider)) return provider;
        }
        return none;
    }

    // ---- order

    std::vector<Index> edges(Index i) const {
        std::vector<Index> to;
        for (const auto& need : needs_[i]) {
            for (Index v = need.optional ? none : need.package; v != none; v = nodes_[v].next) {
                if (usable(v)) to.push_back(v);
            }
        }
        for (const auto& use : uses_[i]) {
            if (use.optional || use.many) continue; // "many" are called by name when they are needed
            if (const auto provider = provider_for(i, use); provider != none) to.push_back(provider);
        }
        return to;
    }

    /// Tarjan 1972, without recursion: components come out with whoever is needed first, which is the order.
    /// @return Whether cycles were found; their members are refused and whoever needs them is in `work`.
    bool order_or_refuse_cycles(std::vector<Index>& work) {
        struct Frame {
            Index node;
            std::vector<Index> to;
            std::size_t next = 0;
        };
        order_.clear();
        std::vector<Index> number(nodes_.size(), none), low(nodes_.size(), none), stack;
        std::vector<bool> on_stack(nodes_.size());
        std::vector<std::vector<Index>> cycles;
        Index counter = 0;
        std::vector<Frame> frames;
        const auto enter = [&](Index i) {
            number[i] = low[i] = counter++;
            stack.push_back(i);
            on_stack[i] = true;
            frames.push_back({i, edges(i)});
        };
        for (Index root = 0; root < nodes_.size(); ++root) {
            if (!usable(root) || number[root] != none) continue;
            enter(root);
            while (!frames.empty()) {
                auto& frame = frames.back();
                const auto i = frame.node;
                if (frame.next < frame.to.size()) {
                    const auto to = frame.to[frame.next++];
                    if (number[to] == none) {
                        enter(to);
                    } else if (on_stack[to]) {
                        low[i] = std::min(low[i], number[to]);
                    }
                    continue;
                }
                const bool self = std::find(frame.to.begin(), frame.to.end(), i) != frame.to.end();
                frames.pop_back();
                if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[i]);
                if (low[i] != number[i]) continue;
                std::vector<Index> component;
                Index member = none;
                do {
                    member = stack.back();
                    stack.pop_back();
                    on_stack[member] = false;
                    component.push_back(member);
                } while (member != i);
                if (component.size() > 1 || self) {
                    cycles.push_back(std::move(component));
                } else {
                    order_.push_back(i);
                }
            }
        }
        std::vector<std::pair<Index, Error>> errors;
        for (auto& cycle : cycles) {
            std::sort(cycle.begin(), cycle.end());
            for (const auto i : cycle) {
                errors.emplace_back(i, refusal(i, "cycle", "needs itself: " + path_of_cycle(i, cycle), 0,
                                               "make one of these requirements optional, or name another provider"));
            }
        }
        for (auto& [i, error] : errors) refuse(i, std::move(error), work);
        return !cycles.empty();
    }

    // The shortest way from a member back to itself.
    std::string path_of_cycle(Index start, const std::vector<Index>& cycle) const {
        std::unordered_map<Index, Index> from;
        std::vector<Index> queue{start};
        for (std::size_t at = 0; at < queue.size() && !from.contains(start); ++at) {
            for (const auto to : edges(queue[at])) {
                if (std::binary_search(cycle.begin(), cycle.end(), to) && from.try_emplace(to, queue[at]).second) queue.push_back(to);
            }
        }
        std::vector<Index> steps{start};
        for (Index i = from.at(start); i != start; i = from.at(i)) steps.push_back(i);
        std::string path(nodes_[start].id);
        for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += " -> " + std::string(nodes_[*step].id);
        return path;
    }

    Resolution answer() {
        Resolution resolution;
        for (const auto i : order_) resolution.order.push_back(nodes_[i].ref);
        for (Index i = 0; i < nodes_.size(); ++i) {
            if (errors_[i]) {
                resolution.refused.push_back({nodes_[i].ref, std::move(*errors_[i])});
            } else if (!nodes_[i].chosen) {
                resolution.superseded.push_back(nodes_[i].ref);
            }
        }
        return resolution;
    }

    // ---- words

    std::string title(Index i) const {
        return "plugin \"" + std::string(nodes_[i].id) + "\" " + std::string(nodes_[i].version);
    }
    std::string place(Index i, std::uint32_t line) const {
        return " (" + catalog_.manifest(nodes_[i].ref) + (line != 0 ? ":" + std::to_string(line) : "") + ")";
    }
    Error refusal(Index i, std::string_view reason, const std::string& what, std::uint32_t line, std::string hint) const {
        return Error(Code::refused, reason, title(i) + ": " + what + place(i, line), std::move(hint));
    }

    bool contains(std::string_view range, std::string_view version_text) {
        auto known = ranges_.find(range);
        if (known == ranges_.end()) {
            auto parsed = Range::parse(range);
            known = ranges_.emplace(range, parsed ? std::optional(*std::move(parsed)) : std::nullopt).first;
        }
        return known->second && known->second->contains(version(version_text));
    }
    const Version& version(std::string_view text) {
        auto known = versions_.find(text);
        if (known == versions_.end()) known = versions_.emplace(std::string(text), Version::parse(text).value_or({})).first;
        return known->second;
    }
    const Version& version(Index i) { return version(nodes_[i].version); }

    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };

    const Catalog& catalog_;
    const ResolveOptions& options_;
    std::vector<Node> nodes_;
    std::vector<std::vector<Index>> at_; // root, row -> node
    Rows<Need> needs_;
    Rows<Use> uses_;
    Rows<Offer> offers_;
    std::vector<std::vector<Index>> needers_; // of a package
    std::vector<Port> ports_;
    std::unordered_map<std::string_view, Index> port_index_;
    std::vector<std::optional<Error>> errors_;
    std::vector<bool> invalid_;
    std::vector<Index> refused_now_;
    std::vector<Index> order_;
    std::unordered_map<std::string_view, std::optional<Range>> ranges_;
    std::unordered_map<std::string, Version, TextHash, std::equal_to<>> versions_;
};

} // namespace

Resolution resolve(const Catalog& catalog, const ResolveOptions& options) { return Resolver(catalog, options).run(); }

} // namespace symphony::host
