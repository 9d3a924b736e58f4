// SPDX-License-Identifier: Apache-2.0
// `pack`: packages of built plugins.
#include "gate.hpp"
#include "project.hpp"

#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/disk.hpp>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t lint_level = 5; // what registries ask for, of the rules that run no code

/// The plugins that the folder means: itself when it was built, else what its project makes, which is brought up to date first.
Result<std::vector<fs::path>> folders_of(const Typed& typed, const fs::path& folder) {
    std::error_code failed;
    if (!fs::exists(folder / "CMakeLists.txt", failed)) {
        if (fs::exists(folder / "manifest.toml", failed)) return std::vector{folder};
        return Error(Code::not_found, "no-plugin", folder.string() + " is neither a built plugin nor a project of one", "name a folder with manifest.toml, such as build/plugins/NAME");
    }
    const Project project = SYMPHONY_TRY(Project::at(folder, typed.given("build") ? typed.path(typed.text("build")) : fs::path()));
    Steps steps(typed, project.folder);
    if (!SYMPHONY_TRY(project.make(steps))) return Error(Code::plugin_failed, "build-failed", "the project in " + folder.string() + " was not built", "the lines above say why; symphony test tries it alone");
    return project.plugins();
}

/// Where a package goes: `--output` is a file when it ends like one, else a folder.
Result<fs::path> file_for(const Typed& typed, const packaging::PackageInfo& info, bool one) {
    const fs::path output = typed.path(typed.text("output", "."));
    if (output.extension() != ".sympkg") {
        SYMPHONY_TRY(packaging::Disk().make_folders(output));
        return output / info.file_name();
    }
    if (one) return output;
    return usage("there are several plugins to pack, and --output names one file", "name a folder");
}

Data names(const std::vector<std::string>& list) {
    Data::List out;
    for (const auto& name : list) out.emplace_back(name);
    return Data(std::move(out));
}

Data data_of(const packaging::Packed& packed, const fs::path& file) {
    const auto& info = packed.info;
    return Data(Data::Map{{"file", file.string()}, {"id", info.id()}, {"version", info.version()}, {"triples", names(info.triples)}, {"size", static_cast<std::int64_t>(packed.bytes.size())},
                          {"sha256", packaging::sha256_of(packed.bytes)}, {"digest", info.digest}, {"files", static_cast<std::int64_t>(info.files.files().size())},
                          {"left_out", names(packed.left_out)}, {"notes", names(packed.notes)}});
}

void tell(const Typed& typed, const packaging::Packed& packed, const fs::path& file) {
    typed.out(file.string());
    if (typed.json()) return;
    typed.err(packed.info.id() + " " + packed.info.version() + ": " + std::to_string(packed.info.files.files().size()) + " files, " + std::to_string(packed.bytes.size()) + " bytes");
    for (const auto& name : packed.left_out) typed.err("not packed: " + shown(name) + "; [package] include of manifest.toml names what else belongs to it");
    for (const auto& text : packed.notes) typed.err("note: " + text);
    typed.err("next: symphony sign " + file.string());
}

} // namespace

Result<std::int32_t> pack_command(const Typed& typed) {
    const auto folders = SYMPHONY_TRY(folders_of(typed, typed.path(typed.text("folder", "."))));
    Data::List list;
    for (const auto& folder : folders) {
        // Before the library is checked, so that a folder without one is told in the words of packing.
        const auto packed = SYMPHONY_TRY(packaging::pack(folder, typed.text("triple")));
        SYMPHONY_TRY(hold_to_the_contract(typed, folder, lint_level, false));
        const auto file = SYMPHONY_TRY(file_for(typed, packed.info, folders.size() == 1));
        SYMPHONY_TRY(packaging::Disk().replace_file(file, packed.bytes));
        list.push_back(data_of(packed, file));
        tell(typed, packed, file);
    }
    typed.answer(to_json(Data::Map{{"packages", std::move(list)}}));
    return 0;
}

} // namespace symphony::kit
