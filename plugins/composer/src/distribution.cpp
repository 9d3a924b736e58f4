// SPDX-License-Identifier: Apache-2.0
#include "distribution.hpp"

#include "toml_reading.hpp"

#include <algorithm>
#include <array>

namespace symphony::composer {
namespace {

constexpr std::array<std::string_view, 3> placements{"any", "in-process", "isolated"};
constexpr std::array<std::string_view, 2> library_words{"bundled", "system"};
constexpr std::array<std::string_view, 4> format_words{"tree", "tar.zst", "deb", "single-file"};
constexpr std::array<std::string_view, 5> grades{"G0", "G1", "G2", "G3", "G4"};
constexpr std::array<std::string_view, 2> in_process_words{"anyone", "trusted"};

bool is_name(std::string_view text) noexcept { return is_word(text, 60, "-"); }
bool is_id(std::string_view text) noexcept { return is_word(text, 100, ".-_"); }
bool is_triple(std::string_view text) noexcept { return is_word(text, 60, "-_"); }

/// What a word of deny_capabilities means: a kind of capability, or a right.
Result<std::vector<manifests::Right>> denied_by(const std::string& word) {
    static const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> kinds{
        {"file_access", {"read:selected", "read:workspace", "write:selected", "write:workspace"}},
        {"ipc_access", {"ipc:bus:#", "ipc:plugin:#"}}, {"model_access", {"model:*"}}, {"network_access", {"network:*"}},
        {"process_exec", {"process:*"}}, {"system_access", {"system:*"}},
    };
    std::vector<manifests::Right> out;
    for (const auto& [kind, rights] : kinds) {
        if (kind != word) continue;
        for (const auto right : rights) out.push_back(SYMPHONY_TRY(manifests::Right::parse(right)));
        return out;
    }
    auto right = manifests::Right::parse(word);
    if (!right) return Error(Code::invalid_argument, "bad-right", right.error().message(), "name a right such as \"network:*\", or a kind: process_exec, network_access, file_access, model_access, system_access, ipc_access");
    out.push_back(*std::move(right));
    return out;
}

class Reader {
public:
    explicit Reader(Findings& findings) : findings_(findings) {}

    Distribution read(const toml::table& root) {
        Section top(findings_, root, "");
        about(top.section("distribution", true));
        plugins(top.table("plugins"));
        policy(top.section("policy", false));
        presets(top.table("defaults"), false);
        presets(top.table("locked"), true);
        output(top.section("output", false));
        top.done();
        return std::move(out_);
    }

private:
    void about(Section section) {
        if (!section) return;
        out_.name = section.text("name", true);
        if (!out_.name.empty() && !is_name(out_.name)) findings_.add(section.place("name"), "bad-value", "[distribution] name: " + quoted(out_.name) + " is no name", "lower-case letters, digits and dashes, at most 60");
        const auto version = section.text("version", true);
        if (auto parsed = manifests::Version::parse(version)) out_.version = *std::move(parsed);
        else if (!version.empty()) findings_.add(section.place("version"), "bad-version", "[distribution] version: " + parsed.error().message(), "SemVer 2.0.0, such as \"1.0.0\"");
        out_.description = section.text("description");
        out_.maintainer = section.text("maintainer");
        out_.license = section.text("license");
        out_.host = range(section.text("host"), section.place("host"), "[distribution] host");
        out_.host_place = section.place("host");
        out_.triples = section.texts("triples");
        out_.triples_place = section.place("triples");
        for (const auto& triple : out_.triples) {
            if (!is_triple(triple)) findings_.add(out_.triples_place, "bad-value", "[distribution] triples: " + quoted(triple) + " is no platform", "write it as \"x86_64-linux-gnu\"");
        }
        sort_unique(out_.triples);
        out_.workflows = section.texts("workflows");
        out_.workflows_place = section.place("workflows");
        section.done();
    }

    manifests::Range range(const std::string& text, Place place, const std::string& what) {
        if (text.empty()) return {};
        auto parsed = manifests::Range::parse(text);
        if (parsed) return *std::move(parsed);
        findings_.add(place, "bad-range", what + ": " + parsed.error().message(), "a range such as \"^1.2\"");
        return {};
    }

    void plugins(const toml::table* table) {
        if (table == nullptr || table->empty()) return findings_.add({}, "no-plugins", "the file names no plugins", "name them under [plugins]: \"org.symphony.json\" = \"^1\"");
        if (table->size() > plugins_max) return findings_.add(place_of(*table), "too-large", "there are more than 2,000 plugins", "make several distributions");
        for (const auto& [key, node] : *table) {
            WantedPlugin plugin;
            plugin.id = std::string(key.str());
            plugin.place = place_of(key);
            const std::string what = "plugin " + quoted(plugin.id);
            if (!is_id(plugin.id)) findings_.add(plugin.place, "bad-value", what + ": this is no plugin's id", "lower-case letters, digits, dots and dashes");
            if (const auto* text = node.as_string()) plugin.range = range(text->get(), plugin.place, what);
            else if (const auto* entry = node.as_table()) read_plugin(*entry, plugin, what);
            else findings_.add(plugin.place, "wrong-type", what + ": expected a range or a table", "write " + quoted(plugin.id) + " = \"^1\", or { path = \"...\" }");
            out_.plugins.push_back(std::move(plugin));
        }
        std::sort(out_.plugins.begin(), out_.plugins.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    }

    void read_plugin(const toml::table& entry, WantedPlugin& plugin, const std::string& what) {
        Section section(findings_, entry, what);
        const auto version = section.text("version");
        plugin.range = range(version, section.place("version"), what);
        plugin.path = section.text("path");
        plugin.placement = static_cast<Placement>(section.word("placement", placements, 0));
        section.done();
        if (version.empty() && plugin.path.empty()) findings_.add(plugin.place, "missing-key", what + ": neither version nor path", "say version = \"^1\" for a registry, or path = \"...\" for a package or folder");
    }

    void policy(Section section) {
        if (!section) return;
        auto& policy = out_.policy;
        if (section.has("trust")) policy.trust_core = false;
        for (const auto& word : section.texts("trust")) trust(word, section.place("trust"));
        std::sort(policy.publishers.begin(), policy.publishers.end());
        policy.deny_place = section.place("deny_capabilities");
        for (const auto& word : section.texts("deny_capabilities")) {
            auto rights = denied_by(word);
            if (rights) policy.denied.insert(policy.denied.end(), rights->begin(), rights->end());
            else findings_.add(policy.deny_place, std::string(rights.error().reason()), "[policy] deny_capabilities: " + rights.error().message(), rights.error().hint());
        }
        sort_unique(policy.denied);
        if (section.has("minimum_grade")) policy.minimum_grade = grades[section.word("minimum_grade", grades, 0)];
        policy.extensions = static_cast<Extensions>(section.word("extensions", manifests::extension_words, static_cast<std::size_t>(Extensions::signed_only)));
        policy.allow_unsigned = section.boolean("allow_unsigned", false);
        policy.forbid_startup_activation = section.boolean("forbid_startup_activation", false);
        policy.only_trusted_in_process = section.word("in_process", in_process_words, 0) == 1;
        section.done();
    }

    void trust(const std::string& word, Place place) {
        constexpr std::string_view prefix = "publisher:";
        if (word == "core") out_.policy.trust_core = true;
        else if (word == "local") out_.policy.trust_local = true;
        else if (word.starts_with(prefix)) {
            auto key = packaging::PublicKey::parse(word.substr(prefix.size()));
            if (key) out_.policy.publishers.push_back(*std::move(key));
            else findings_.add(place, "bad-public-key", "[policy] trust: " + key.error().message(), "a public key is 56 characters that begin with RW");
        } else findings_.add(place, "bad-value", "[policy] trust: unknown word " + quoted(word), "core, local, or publisher:KEY");
    }

    void presets(const toml::table* table, bool locked) {
        if (table == nullptr) return;
        const std::string where = locked ? "[locked" : "[defaults";
        const auto first = static_cast<std::ptrdiff_t>(out_.presets.size());
        for (const auto& [plugin, node] : *table) {
            const auto* settings = node.as_table();
            if (settings == nullptr) {
                findings_.add(place_of(plugin), "wrong-type", where + "] " + quoted(plugin.str()) + " is no table", "write " + where + ".\"" + std::string(plugin.str()) + "\"] and the settings beneath");
                continue;
            }
            for (const auto& [key, value] : *settings) out_.presets.push_back({std::string(plugin.str()), std::string(key.str()), manifests::to_data(value), locked, place_of(key)});
        }
        std::sort(out_.presets.begin() + first, out_.presets.end(), [](const Preset& a, const Preset& b) { return std::tie(a.plugin, a.key) < std::tie(b.plugin, b.key); });
    }

    void output(Section section) {
        out_.formats = {Format::tree};
        if (!section) return;
        if (section.has("formats")) out_.formats.clear();
        for (const auto& word : section.texts("formats")) {
            const auto format = format_of(word);
            if (!format) findings_.unknown(section.place("formats"), "format", word, {format_words.begin(), format_words.end()});
            else if (std::find(out_.formats.begin(), out_.formats.end(), *format) == out_.formats.end()) out_.formats.push_back(*format);
        }
        out_.libraries = static_cast<Libraries>(section.word("libraries", library_words, 0));
        section.done();
    }

    Findings& findings_;
    Distribution out_;
};

} // namespace

std::string_view name_of(Placement placement) noexcept { return placements[static_cast<std::size_t>(placement)]; }
std::string_view name_of(Libraries libraries) noexcept { return library_words[static_cast<std::size_t>(libraries)]; }
std::string_view name_of(Format format) noexcept { return format_words[static_cast<std::size_t>(format)]; }

std::optional<Format> format_of(std::string_view name) noexcept {
    const auto found = std::find(format_words.begin(), format_words.end(), name);
    return found == format_words.end() ? std::nullopt : std::optional(static_cast<Format>(found - format_words.begin()));
}

const WantedPlugin* Distribution::find(std::string_view id) const noexcept {
    const auto found = std::lower_bound(plugins.begin(), plugins.end(), id, [](const WantedPlugin& one, std::string_view wanted) { return one.id < wanted; });
    return found == plugins.end() || found->id != id ? nullptr : &*found;
}

ReadDistribution read_distribution(std::string_view text, const std::string& file) {
    ReadDistribution out;
    Findings findings(file);
    const auto root = parse_document(text, findings, distribution_bytes_max);
    if (root) {
        auto made = Reader(findings).read(*root);
        if (!findings.any()) out.distribution = std::move(made);
    }
    out.diagnostics = findings.take();
    return out;
}

} // namespace symphony::composer
