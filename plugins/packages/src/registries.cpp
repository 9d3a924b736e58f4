// SPDX-License-Identifier: Apache-2.0
#include "registries.hpp"

namespace symphony::packages {

std::filesystem::path registries_file(const CommandLine& line) { return packaging::registries_file(line.about()); }

Result<Registries> open_registries(const CommandLine& line, bool offline, const std::string& only, bool stale_is_fine) {
    Registries::Options options;
    options.plugin = "packages";
    options.offline = offline;
    options.stale_is_fine = stale_is_fine;
    options.only = only;
    options.cancelled = [&line] { return line.cancelled(); };
    options.note = [&line](const std::string& text) { line.err("note: " + text); };
    return Registries::open(line.host(), line.about(), options);
}

} // namespace symphony::packages
