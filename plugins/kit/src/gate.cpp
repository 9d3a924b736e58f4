// SPDX-License-Identifier: Apache-2.0
#include "gate.hpp"

#include "program.hpp"
#include "project.hpp"

#include <cerrno>
#include <cstdlib>

namespace symphony::kit {
namespace fs = std::filesystem;

Status hold_to_the_contract(const Typed& typed, const fs::path& folder, std::uint64_t level, bool run_code) {
    std::vector<std::string> words{checker_of(typed.about()).string(), folder.string(), "--level", std::to_string(level)};
    if (!run_code) words.emplace_back("--static");
    std::string said;
    ProgramOptions options;
    options.cancelled = [&] { return typed.cancelled(); };
    options.on_output = [&](bool, std::string_view text) { said += text; };
    if (SYMPHONY_TRY(run_program(words, options)) == 0) return {};
    typed.write(ports::CommandStream::err, said);
    return Error(Code::refused, "check-failed", "the plugin in " + folder.string() + " breaks rules of the contract up to level " + std::to_string(level),
                 "the lines above say which, and what to do; symphony check FOLDER --level " + std::to_string(level) + " tries again");
}

Result<WorkFolder> WorkFolder::make() {
    std::error_code failed;
    std::string name = (fs::temp_directory_path(failed) / "symphony-kit-XXXXXX").string();
    if (failed || ::mkdtemp(name.data()) == nullptr) return packaging::disk_error("cannot make the folder", name, failed ? failed.value() : errno);
    return WorkFolder(name);
}

WorkFolder::~WorkFolder() {
    if (!path_.empty()) static_cast<void>(packaging::Disk().remove(path_));
}

Status pack_again(std::string_view package, const fs::path& folder) {
    const auto info = SYMPHONY_TRY(packaging::unpack(package, folder));
    // FILES is made anew, and is no file of the plugin.
    SYMPHONY_TRY(packaging::Disk().remove(folder / "FILES"));
    const auto again = SYMPHONY_TRY(packaging::pack(folder, info.triples.front()));
    if (again.bytes == package) return {};
    return Error(Code::refused, "not-reproducible", info.file_name() + ": packing its files again gives other bytes", "make it with symphony pack of this version, and sign it again");
}

} // namespace symphony::kit
