// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include "library.hpp"

#include <fstream>

namespace symphony::app {
namespace fs = std::filesystem;
using manifests::Data;

namespace {

Data to_data(const manifests::Diagnostic& item) {
    return Data(Data::Map{{"severity", name_of(item.severity)}, {"reason", item.reason}, {"message", host::printable(item.message)},
                          {"hint", host::printable(item.hint)}, {"file", host::printable(item.file)},
                          {"line", std::int64_t{item.line}}, {"column", std::int64_t{item.column}}});
}

/// Whether the plugin's code is to run, too: somebody vouches for it, or the person says so.
bool runs_code(App& app, const Typed& typed, const manifests::Manifest& manifest, const std::string& sha256) {
    for (const auto* flag : {"run", "level", "only", "seed"}) {
        if (typed.has(flag)) return true;
    }
    return !typed.has("static") && app.placement_policy().trust.trusts(manifest.id(), sha256);
}

/// What runs the plugin's code is a plugin, too, whose command takes what this one takes.
Result<int> check_code(App& app, const fs::path& folder, Typed typed) {
    auto command = app.find_command("conformance");
    if (!command) return std::move(command).error().in("the plugin was not run").with_hint("install the plugin kit, or leave out --run");
    std::error_code none;
    typed.values["path"] = {fs::absolute(folder, none).lexically_normal().string()};
    return call_plugin(app, *command, typed);
}

Result<int> check_plugin(App& app, const fs::path& folder, const Typed& typed) {
    std::string summary = "its code was not run, because nobody vouches for it: symphony check " + folder.string() + " --run";
    auto file = host::read_manifest_file(folder.string(), manifests::Strictness::lint);
    auto found = std::move(file.parsed.diagnostics);
    const auto place = (folder / "manifest.toml").string();
    if (const auto& manifest = file.parsed.manifest; manifest && !manifest->artifacts.empty()) {
        const auto image = host::VerifiedImage::open(*manifest, folder, SYMPHONY_TRIPLE);
        if (!image) {
            found.push_back({manifests::Severity::error, std::string(image.error().reason()), image.error().message(),
                             image.error().hint(), place, manifest->artifacts.front().place.line, 0});
        } else if (!manifests::has_errors(found) && runs_code(app, typed, *manifest, image->sha256())) {
            return check_code(app, folder, typed);
        }
    } else {
        summary.clear(); // there is none
    }
    if (typed.has("static")) summary.clear();
    return report_findings(app, folder.string(), found, {}, summary);
}

constexpr std::uintmax_t file_bytes_max = 64 * 1024 * 1024;

bool looks_like_manifest(const fs::path& file) {
    if (file.filename() == "manifest.toml") return true;
    std::ifstream stream(file, std::ios::binary);
    std::string line;
    for (int i = 0; i < 1000 && std::getline(stream, line); ++i) {
        if (line.starts_with("[extension]")) return true;
    }
    return false;
}

} // namespace

int report_findings(App& app, const std::string& what, const std::vector<manifests::Diagnostic>& found,
                    const Data::Map& facts, const std::string& summary) {
    const bool bad = manifests::has_errors(found);
    if (app.options.json) {
        Data::List list;
        for (const auto& item : found) list.push_back(to_data(item));
        Data::Map map{{"path", host::printable(what)}, {"ok", !bad}};
        map.insert(map.end(), facts.begin(), facts.end());
        map.emplace_back("diagnostics", Data(std::move(list)));
        app.console.json(Data(std::move(map)));
    } else {
        std::string text;
        for (const auto& item : found) {
            text += host::printable(manifests::format(item)) + "\n";
            if (!item.hint.empty()) text += "hint: " + host::printable(item.hint) + "\n";
        }
        if (!bad) text += host::printable(what) + ": ok" + (summary.empty() ? "" : ", " + host::printable(summary)) + "\n";
        app.console.out(text);
    }
    return bad ? failed : done;
}

Result<int> check(App& app, const Typed& typed) {
    const auto typed_path = typed.one("path");
    std::error_code error;
    fs::path path = typed_path;
    if (!fs::exists(path, error)) path = host::find_workflow(app.paths, typed_path);
    if (path.empty()) {
        auto hint = did_you_mean(typed_path, host::shipped_workflows(app.paths));
        if (hint.empty()) hint = "name a plugin's folder, a manifest.toml or a workflow file";
        return Error(Code::not_found, "no-such-file", "there is no file, folder or workflow \"" + typed_path + "\"", std::move(hint));
    }
    if (fs::is_directory(path, error)) {
        if (fs::exists(path / "manifest.toml", error)) return check_plugin(app, path.lexically_normal(), typed);
        return Error(Code::not_found, "no-manifest", path.string() + " has no manifest.toml", "name a plugin's folder, or a workflow file");
    }
    if (!fs::is_regular_file(path, error)) { // opening a pipe would wait for ever
        return Error(Code::invalid_argument, "not-a-file", path.string() + " is neither a file nor a folder",
            "name a plugin's folder, a manifest.toml or a workflow file");
    }
    if (const auto size = fs::file_size(path, error); size > file_bytes_max) {
        return Error(Code::exhausted, "file-too-large", path.string() + " has " + std::to_string(size) + " bytes; at most " +
            std::to_string(file_bytes_max) + " are read",
                     "name a manifest.toml or a workflow file");
    }
    if (path.filename() == "manifest.toml") return check_plugin(app, path.has_parent_path() ? path.parent_path() : fs::path("."), typed);
    if (looks_like_manifest(path)) {
        std::ifstream stream(path, std::ios::binary);
        std::string text(manifests::manifest_bytes_max + 1, '\0');
        stream.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(stream.gcount()));
        return report_findings(app, path.string(), manifests::parse(text, path.string(), manifests::Strictness::lint).diagnostics);
    }
    const auto included = typed.values.find("include");
    return check_workflow(app, path, included == typed.values.end() ? std::vector<std::string>() : included->second);
}

} // namespace symphony::app
