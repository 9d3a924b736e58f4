// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/index_line.hpp>

#include "words.hpp"

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/rights.hpp>
#include <symphony/manifests/semver.hpp>
#include <symphony/packaging/digest.hpp>

#include <simdjson.h>

#include <algorithm>
#include <unordered_set>

namespace symphony::packaging {
namespace {

namespace dom = simdjson::dom;
using manifests::Data;

/// Texts that were checked before: the same ranges and keys come again and again.
class Checked {
public:
    bool good(std::string_view text, bool (*check)(std::string_view) noexcept) {
        if (seen_.contains(text)) return true;
        if (!check(text)) return false;
        if (kept_.size() < kept_max) seen_.insert(*kept_.emplace_back(std::make_unique<std::string>(text)));
        return true;
    }

private:
    static constexpr std::size_t kept_max = 4096;
    std::vector<std::unique_ptr<std::string>> kept_;
    std::unordered_set<std::string_view> seen_;
};

bool is_abi(std::string_view text) noexcept {
    const auto dot = text.find('.');
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.size() <= 9 && (part.size() == 1 || part[0] != '0') && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return dot != std::string_view::npos && digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}
bool is_right(std::string_view text) noexcept { return static_cast<bool>(manifests::Right::parse(text)); }
bool is_any(std::string_view) noexcept { return true; }

/// Reads the members of one line; the first thing that is wrong stays.
class LineReader {
public:
    LineReader(Checked& ranges, Checked& keys, Checked& rights) : ranges_(ranges), keys_(keys), rights_(rights) {}

    bool read(dom::object object, IndexView& out) {
        clear(out);
        for (const auto [key, value] : object) {
            if (!member(key, value, out)) return false;
        }
        if (out.id.empty() || out.version.empty() || out.abi.empty() || out.manifest.empty()) return fail("id, version, abi and manifest must be there");
        return true;
    }
    const std::string& wrong() const { return wrong_; }

private:
    using Check = bool (*)(std::string_view) noexcept;

    static void clear(IndexView& out) {
        // Keeps the memory of the lists: a reader makes many lines.
        out.needs.clear();
        out.provides.clear();
        out.uses.clear();
        out.rights.clear();
        out.rights_added.clear();
        out.artifacts.clear();
        out.advisories.clear();
        out.keywords.clear();
        out.id = out.version = out.abi = out.host = out.manifest = out.signer = out.name = out.description = out.license = {};
        out.yanked = false;
    }

    bool fail(std::string what) {
        wrong_ = std::move(what);
        return false;
    }

    bool member(std::string_view key, dom::element value, IndexView& out) {
        if (key == "id") return text(key, value, out.id, is_id);
        if (key == "version") return text(key, value, out.version, is_version);
        if (key == "abi") return text(key, value, out.abi, is_abi);
        if (key == "host") return range(key, value, out.host);
        if (key == "needs") return needs(value, out);
        if (key == "provides") return provides(value, out);
        if (key == "uses") return uses(value, out);
        if (key == "rights") return rights(key, value, out.rights);
        if (key == "rights_added") return rights(key, value, out.rights_added);
        if (key == "artifacts") return artifacts(value, out);
        if (key == "manifest") return text(key, value, out.manifest, is_sha256);
        if (key == "signer") return text(key, value, out.signer, is_any) && (keys_.good(out.signer, is_key) || fail("signer: no public key"));
        if (key == "yanked") return boolean(key, value, out.yanked);
        if (key == "advisories") return texts(key, value, out.advisories, is_any);
        if (key == "name") return text(key, value, out.name, is_any);
        if (key == "description") return text(key, value, out.description, is_any);
        if (key == "license") return text(key, value, out.license, is_any);
        if (key == "keywords") return texts(key, value, out.keywords, is_any);
        return true; // of a newer registry; nothing that an older reader must know may be added under format 1
    }

    bool text(std::string_view key, dom::element value, std::string_view& out, Check check) {
        constexpr std::size_t text_bytes_max = 4096;
        if (value.get(out) != simdjson::SUCCESS || out.empty() || out.size() > text_bytes_max || has_control(out) || !check(out)) {
            return fail(std::string(key) + ": is not what it must be");
        }
        return true;
    }
    bool range(std::string_view key, dom::element value, std::string_view& out) {
        return text(key, value, out, is_any) && (ranges_.good(out, is_range) || fail(std::string(key) + ": no range of versions"));
    }
    bool boolean(std::string_view key, dom::element value, bool& out) {
        return value.get(out) == simdjson::SUCCESS || fail(std::string(key) + ": expected true or false");
    }
    bool texts(std::string_view key, dom::element value, std::vector<std::string_view>& out, Check check) {
        dom::array list;
        if (value.get(list) != simdjson::SUCCESS) return fail(std::string(key) + ": expected a list");
        for (const auto item : list) {
            if (!text(key, item, out.emplace_back(), check)) return false;
        }
        return true;
    }
    bool rights(std::string_view key, dom::element value, std::vector<std::string_view>& out) {
        if (!texts(key, value, out, is_any)) return false;
        const bool good = std::all_of(out.begin(), out.end(), [&](std::string_view right) { return rights_.good(right, is_right); });
        return good || fail(std::string(key) + ": one is no right");
    }
    /// Calls `read(key, value)` for the members of every object of a list, and `add` before each.
    template <class Add, class Read>
    bool objects(std::string_view key, dom::element value, Add&& add, Read&& read) {
        dom::array list;
        if (value.get(list) != simdjson::SUCCESS) return fail(std::string(key) + ": expected a list");
        for (const auto item : list) {
            dom::object object;
            if (item.get(object) != simdjson::SUCCESS) return fail(std::string(key) + ": expected objects");
            add();
            for (const auto [name, part] : object) {
                if (!read(name, part)) return false;
            }
        }
        return true;
    }

    bool needs(dom::element value, IndexView& out) {
        const bool good = objects("needs", value, [&] { out.needs.emplace_back(); }, [&](std::string_view key, dom::element part) {
            auto& need = out.needs.back();
            if (key == "id") return text("needs id", part, need.id, is_id);
            if (key == "range") return range("needs range", part, need.range);
            if (key == "optional") return boolean("needs optional", part, need.optional);
            return true;
        });
        const auto whole = [](const auto& need) { return !need.id.empty() && !need.range.empty(); };
        const auto rising = [](const auto& a, const auto& b) { return a.id < b.id; };
        if (good && !std::all_of(out.needs.begin(), out.needs.end(), whole)) return fail("needs: id and range must be there");
        if (good && !std::is_sorted(out.needs.begin(), out.needs.end(), rising)) return fail("needs: not in the order of their ids");
        return good;
    }
    bool provides(dom::element value, IndexView& out) {
        return objects("provides", value, [&] { out.provides.emplace_back(); }, [&](std::string_view key, dom::element part) {
            if (key == "port") return text("provides port", part, out.provides.back().port, is_port);
            if (key == "exclusive") return boolean("provides exclusive", part, out.provides.back().exclusive);
            return true;
        });
    }
    bool uses(dom::element value, IndexView& out) {
        return objects("uses", value, [&] { out.uses.emplace_back(); }, [&](std::string_view key, dom::element part) {
            if (key == "port") return text("uses port", part, out.uses.back().port, is_port);
            if (key == "provider") return text("uses provider", part, out.uses.back().provider, is_id);
            return true;
        });
    }
    bool artifacts(dom::element value, IndexView& out) {
        const bool good = objects("artifacts", value, [&] { out.artifacts.emplace_back(); }, [&](std::string_view key, dom::element part) {
            auto& artifact = out.artifacts.back();
            if (key == "triple") return text("artifacts triple", part, artifact.triple, is_triple);
            if (key == "sha256") return text("artifacts sha256", part, artifact.sha256, is_sha256);
            if (key == "files") return text("artifacts files", part, artifact.files, is_sha256);
            if (key == "size") return part.get(artifact.size_bytes) == simdjson::SUCCESS || fail("artifacts size: expected a number");
            return true;
        });
        const auto whole = [](const auto& one) { return !one.triple.empty() && !one.sha256.empty() && !one.files.empty(); };
        if (good && !std::all_of(out.artifacts.begin(), out.artifacts.end(), whole)) return fail("artifacts: triple, sha256 and files must be there");
        return good;
    }

    Checked& ranges_;
    Checked& keys_;
    Checked& rights_;
    std::string wrong_;
};

Data list_of(const std::vector<std::string>& texts) {
    Data::List out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

class LineWriter {
public:
    void text(std::string_view key, const std::string& value) {
        if (!value.empty()) map_.emplace_back(std::string(key), value);
    }
    void list(std::string_view key, Data value) {
        if (!value.as<Data::List>()->empty()) map_.emplace_back(std::string(key), std::move(value));
    }
    void flag(std::string_view key, bool value) {
        if (value) map_.emplace_back(std::string(key), true);
    }
    void number(std::string_view key, std::uint64_t value) { map_.emplace_back(std::string(key), static_cast<std::int64_t>(value)); }
    Data take() { return std::move(map_); }

private:
    Data::Map map_;
};

template <class Item, class Write>
Data objects_of(const std::vector<Item>& items, Write&& write) {
    Data::List out;
    for (const auto& item : items) {
        LineWriter one;
        write(one, item);
        out.push_back(one.take());
    }
    return out;
}

std::vector<std::string> owned(const std::vector<std::string_view>& texts) { return {texts.begin(), texts.end()}; }

/// Whether the later line changes no more than it may.
bool may_replace(const IndexLine& before, const IndexLine& after) {
    auto same = after;
    same.yanked = before.yanked;
    same.advisories = before.advisories;
    same.artifacts = before.artifacts;
    const bool kept = std::all_of(before.artifacts.begin(), before.artifacts.end(), [&](const auto& artifact) {
        return std::find(after.artifacts.begin(), after.artifacts.end(), artifact) != after.artifacts.end();
    });
    return kept && same == before;
}

} // namespace

struct IndexReader::State {
    std::string_view rest;
    std::string file;
    std::size_t line = 0;
    simdjson::padded_string bytes;
    dom::parser parser{index_line_bytes_max + simdjson::SIMDJSON_PADDING};
    Checked ranges, keys, rights;
    LineReader reader{ranges, keys, rights};
    IndexView view;

    Error bad(std::string_view what) const {
        return {Code::data_corrupt, "bad-index-line", file + ":" + std::to_string(line) + ": " + std::string(what), "tell who runs the registry"};
    }
};

IndexReader::IndexReader() : state_(std::make_unique<State>()) {}
IndexReader::~IndexReader() = default;

void IndexReader::begin(std::string_view bytes, std::string_view file) {
    state_->bytes = simdjson::padded_string(bytes);
    state_->rest = state_->bytes;
    state_->file = file;
    state_->line = 0;
}

Result<const IndexView*> IndexReader::next() {
    auto& state = *state_;
    if (state.rest.empty()) return nullptr;
    ++state.line;
    const auto end = state.rest.find('\n');
    if (end == std::string_view::npos) return state.bad("the last line has no end");
    if (end > index_line_bytes_max) return state.bad("more than " + std::to_string(index_line_bytes_max) + " bytes");
    const auto line = state.rest.substr(0, end);
    state.rest.remove_prefix(end + 1);
    dom::element element;
    dom::object object;
    // The file is padded behind its end, and what is behind a line is its neighbour: nothing is copied.
    if (state.parser.parse(line.data(), line.size(), false).get(element) != simdjson::SUCCESS || element.get(object) != simdjson::SUCCESS) {
        return state.bad("is no object of JSON");
    }
    if (!state.reader.read(object, state.view)) return state.bad(state.reader.wrong());
    return &state.view;
}

IndexLine own(const IndexView& view) {
    IndexLine out;
    out.id = view.id;
    out.version = view.version;
    out.abi = view.abi;
    out.host = view.host;
    for (const auto& one : view.needs) out.needs.push_back({std::string(one.id), std::string(one.range), one.optional});
    for (const auto& one : view.provides) out.provides.push_back({std::string(one.port), one.exclusive});
    for (const auto& one : view.uses) out.uses.push_back({std::string(one.port), std::string(one.provider)});
    for (const auto& one : view.artifacts) out.artifacts.push_back({std::string(one.triple), std::string(one.sha256), std::string(one.files), one.size_bytes});
    out.rights = owned(view.rights);
    out.rights_added = owned(view.rights_added);
    out.manifest = view.manifest;
    out.signer = view.signer;
    out.yanked = view.yanked;
    out.advisories = owned(view.advisories);
    out.name = view.name;
    out.description = view.description;
    out.license = view.license;
    out.keywords = owned(view.keywords);
    return out;
}

std::string print(const IndexLine& line) {
    LineWriter out;
    out.text("id", line.id);
    out.text("version", line.version);
    out.text("abi", line.abi);
    out.text("host", line.host);
    out.list("needs", objects_of(line.needs, [](LineWriter& to, const auto& one) {
        to.text("id", one.id);
        to.text("range", one.range);
        to.flag("optional", one.optional);
    }));
    out.list("provides", objects_of(line.provides, [](LineWriter& to, const auto& one) {
        to.text("port", one.port);
        to.flag("exclusive", one.exclusive);
    }));
    out.list("uses", objects_of(line.uses, [](LineWriter& to, const auto& one) {
        to.text("port", one.port);
        to.text("provider", one.provider);
    }));
    out.list("rights", list_of(line.rights));
    out.list("rights_added", list_of(line.rights_added));
    out.list("artifacts", objects_of(line.artifacts, [](LineWriter& to, const auto& one) {
        to.text("triple", one.triple);
        to.number("size", one.size_bytes);
        to.text("sha256", one.sha256);
        to.text("files", one.files);
    }));
    out.text("manifest", line.manifest);
    out.text("signer", line.signer);
    out.flag("yanked", line.yanked);
    out.list("advisories", list_of(line.advisories));
    out.text("name", line.name);
    out.text("description", line.description);
    out.text("license", line.license);
    out.list("keywords", list_of(line.keywords));
    return manifests::to_json(out.take()) + "\n";
}

Result<std::vector<IndexLine>> read_index_file(std::string_view bytes, std::string_view id, std::string_view file) {
    IndexReader reader(bytes, file);
    std::vector<std::pair<manifests::Version, IndexLine>> found;
    const auto bad = [&](const std::string& what) { return Error(Code::data_corrupt, "bad-index-line", std::string(file) + ": " + what, "tell who runs the registry"); };
    for (;;) {
        const auto* view = SYMPHONY_TRY(reader.next());
        if (view == nullptr) break;
        if (view->id != id) return bad("has a line of " + in_quotes(view->id) + ", it is the file of " + in_quotes(id));
        auto version = SYMPHONY_TRY(manifests::Version::parse(view->version));
        const auto at = std::lower_bound(found.begin(), found.end(), version, [](const auto& one, const auto& other) { return precedence(one.first, other) < 0; });
        auto line = own(*view);
        if (at == found.end() || precedence(at->first, version) != 0) {
            found.emplace(at, std::move(version), std::move(line));
        } else if (may_replace(at->second, line)) {
            at->second = std::move(line);
        } else {
            return bad("a later line of " + line.version + " changes what cannot change");
        }
    }
    std::vector<IndexLine> out;
    for (auto& [version, line] : found) out.push_back(std::move(line));
    return out;
}

} // namespace symphony::packaging
