// SPDX-License-Identifier: Apache-2.0
// Another process with the same state folder, for the tests: permissions-child FOLDER WHAT ...
#include "rig.hpp"

#include <cstdlib>
#include <string_view>

using namespace symphony::permissions;

int main(int count, char** words) {
    if (count < 3) return 2;
    const std::filesystem::path folder = words[1];
    const std::string_view what = words[2];
    const std::string argument = count > 3 ? words[3] : "";
    const Subject plugin = test::subject("file_access = [\"read:workspace\"]\nnetwork_access = [\"a.example\"]");
    Permissions::Options options;
    options.state_dir = folder;
    options.watch = false;
    Permissions permissions(std::move(options));
    if (what == "append") {
        for (int i = 0; i < std::atoi(argument.c_str()); ++i) {
            Record record = record_of(plugin, Happening::violation);
            record.object = "ptrace";
            permissions.audit()->append(std::move(record));
            if (i % 7 == 0 && !permissions.audit()->flush()) return 1;
        }
        return permissions.audit()->flush() ? 0 : 1;
    }
    if (what == "grant") return permissions.grant(plugin, test::right(argument), Scope::always) ? 0 : 1;
    if (what == "revoke") return permissions.revoke(plugin, nullptr) ? 0 : 1;
    if (what == "check") return permissions.check(plugin, test::right(argument)).allowed ? 0 : 1;
    return 2;
}
