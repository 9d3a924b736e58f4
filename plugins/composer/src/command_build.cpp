// SPDX-License-Identifier: Apache-2.0
// symphony compose lock, symphony compose build: everything is checked before anything is written.
#include "archive.hpp"
#include "composer.hpp"
#include "libraries.hpp"
#include "workshop.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::composer {
namespace fs = std::filesystem;
namespace {

std::string_view name_of(packaging::PlanChange::Kind kind) noexcept {
    switch (kind) {
    case packaging::PlanChange::Kind::added: return "added";
    case packaging::PlanChange::Kind::removed: return "removed";
    case packaging::PlanChange::Kind::upgraded: return "upgraded";
    case packaging::PlanChange::Kind::downgraded: return "downgraded";
    case packaging::PlanChange::Kind::rebuilt: break;
    }
    return "rebuilt";
}

Data changes_of(const CommandLine& line, const Workshop& shop) {
    Data::List out;
    for (const auto& change : shop.changes()) {
        out.emplace_back(Data::Map{{"kind", name_of(change.kind)}, {"id", change.id}, {"from", change.from}, {"to", change.to}});
        if (!line.json()) line.err(std::string(name_of(change.kind)) + " " + change.id + " " + (change.from.empty() || change.to.empty() || change.from == change.to ? change.from.empty() ? change.to : change.from : change.from + " -> " + change.to));
    }
    return out;
}

struct Output {
    Format format;
    fs::path path;
    std::uint64_t bytes = 0;
    std::string sha256; ///< of an archive; of a tree its content's
};

/// Which outputs there are, and where. A tree alone is the folder itself; archives are in it.
Result<std::vector<Output>> outputs_of(const CommandLine& line, const Distribution& distribution, const TreeFacts& facts) {
    std::vector<Format> formats;
    for (const auto& typed : line.texts("format")) {
        for (std::size_t at = 0; at <= typed.size();) {
            const auto end = std::min(typed.find(',', at), typed.size());
            const auto format = format_of(typed.substr(at, end - at));
            if (!format) return unknown_word("format", typed.substr(at, end - at), {"tree", "tar.zst", "deb", "single-file"});
            if (std::find(formats.begin(), formats.end(), *format) == formats.end()) formats.push_back(*format);
            at = end + 1;
        }
    }
    if (formats.empty()) formats = distribution.formats;
    const fs::path folder = line.path(line.text("output"));
    std::vector<Output> out;
    for (const auto format : formats) out.push_back({format, formats.size() == 1 && format == Format::tree ? folder : folder / file_name_of(facts, format), 0, ""});
    return out;
}

Status write(const CommandLine& line, const Tree& tree, const TreeFacts& facts, Output& output) {
    const std::string what = "writing " + output.path.filename().string();
    if (output.format == Format::tree) {
        output.bytes = tree.bytes();
        output.sha256 = tree.digest();
        return write_tree(tree, output.path, line.progress(what));
    }
    if (!line.progress(what)(0, 1)) return Error(Code::cancelled, "cancelled", "composing was cancelled");
    const auto bytes = SYMPHONY_TRY(archive_of(tree, facts, output.format));
    if (line.cancelled()) return Error(Code::cancelled, "cancelled", "composing was cancelled");
    output.bytes = bytes.size();
    output.sha256 = packaging::sha256_of(bytes);
    return write_output(output.path, bytes, output.format == Format::single_file ? 0755 : 0644);
}

} // namespace

Result<std::int32_t> command_lock(CommandLine& line) {
    Workshop shop(line, line.text("file"), line.lock_mode());
    SYMPHONY_TRY(shop.prepare());
    if (!shop.problems().empty()) return line.report(shop.problems());
    SYMPHONY_TRY(shop.write_lock());
    auto changes = changes_of(line, shop);
    line.answer(to_json(Data::Map{{"ok", true}, {"lock", shop.lock_file().string()}, {"changed", shop.lock_changed()}, {"packages", static_cast<std::int64_t>(shop.lock().packages.size())}, {"changes", std::move(changes)}}));
    line.out(shop.lock_file().filename().string() + (shop.lock_changed() ? ": " : " is up to date: ") + std::to_string(shop.lock().packages.size()) + " plugins");
    return 0;
}

Result<std::int32_t> command_build(CommandLine& line) {
    if (line.text("output").empty()) return usage("compose build needs --output DIR", "symphony compose build FILE --output DIR");
    Workshop shop(line, line.text("file"), line.lock_mode());
    SYMPHONY_TRY(shop.prepare());
    if (!shop.problems().empty()) return line.report(shop.problems());
    const auto tree = SYMPHONY_TRY(shop.assemble());
    const auto facts = SYMPHONY_TRY(facts_of(tree));
    auto outputs = SYMPHONY_TRY(outputs_of(line, shop.distribution(), facts));
    changes_of(line, shop);
    for (auto& output : outputs) SYMPHONY_TRY(write(line, tree, facts, output));
    SYMPHONY_TRY(shop.write_lock());
    Data::List list;
    for (const auto& output : outputs) {
        list.emplace_back(Data::Map{{"format", composer::name_of(output.format)}, {"path", output.path.string()}, {"bytes", static_cast<std::int64_t>(output.bytes)}, {"sha256", output.sha256}});
        line.out(output.path.string());
    }
    line.answer(to_json(Data::Map{{"ok", true}, {"distribution", shop.distribution().name}, {"version", shop.distribution().version.text()}, {"triple", facts.triple}, {"lock_changed", shop.lock_changed()}, {"outputs", std::move(list)}}));
    return 0;
}

} // namespace symphony::composer
