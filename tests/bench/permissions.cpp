// SPDX-License-Identifier: Apache-2.0
// What a check of a right costs: allowed by a rule, by one of many grants, denied, and with the record of it.
#include "bench.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/permissions/permissions.hpp>

#include <cstdlib>
#include <filesystem>
#include <unordered_map>

using namespace symphony;
using namespace symphony::permissions;
namespace fs = std::filesystem;

namespace {

constexpr int rounds = 200;
constexpr std::size_t inner = 200;
constexpr int grants = 100; // of other plugins, in the same store

Subject subject(const std::string& name) {
    const std::string text = "[extension]\nname = \"" + name + "\"\nversion = \"1.0.0\"\ntype = \"tool\"\n[capabilities]\n"
                             "file_access = [\"read:workspace/docs/**\", \"write:workspace/out/**\", \"read:config\"]\n"
                             "network_access = [\"api.example.com:443\", \"*.example.org:443\"]\n";
    const auto parsed = manifests::parse(text, "manifest.toml", manifests::Strictness::load);
    if (!parsed.manifest) std::abort();
    Subject made;
    made.plugin = made.name = name;
    made.version = "1.0.0";
    made.digest = std::string(64, 'd');
    made.instance = name + "#1";
    made.request = Request::of(*parsed.manifest, "manifest.toml");
    return made;
}
Right right(std::string_view text) { return *Right::parse(text); }

} // namespace

int main(int argc, char** argv) {
    bench::Report report("permissions", argc, argv);
    std::string folder = (fs::temp_directory_path() / "bench-permissions-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    {
        Permissions::Options options;
        options.state_dir = folder;
        options.watch = false;
        Permissions judge(std::move(options));
        for (int i = 0; i < grants; ++i) {
            if (!judge.grant(subject("plugin-" + std::to_string(i)), right("network:api.example.com:443"), Scope::always)) return 1;
        }
        const Subject own = subject("word-count");
        if (!judge.grant(own, right("network:*.example.org:443"), Scope::always) || !judge.grant(own, right("read:workspace/docs/**"), Scope::always)) return 1;

        struct Case {
            const char* name;
            Right right;
            bool allowed;
        };
        const Case cases[] = {{"check, allowed by a grant for a host pattern", right("network:a.example.org:443"), true},
                              {"check, allowed by a grant for a path pattern", right("read:workspace/docs/part/chapter-1.md"), true},
                              {"check, allowed by the preset", right("read:config"), true},
                              {"check, denied", right("network:api.example.com:443"), false}};
        std::unordered_map<std::string, bool> known{{"word-count network:a.example.org:443", true}};
        for (const Case& one : cases) {
            if (judge.check(own, one.right).allowed != one.allowed) {
                std::fprintf(stderr, "bench-permissions: %s: the answer is another\n", one.name);
                return 1;
            }
            std::vector<double> checks, lookups;
            for (int i = 0; i < rounds; ++i) {
                checks.push_back(bench::time_ns(inner, [&] { bench::keep(judge.check(own, one.right).allowed); }));
                lookups.push_back(bench::time_ns(inner, [&] { bench::keep(known.find("word-count " + one.right.text()) != known.end()); }));
            }
            report.add(one.name, "ns", checks, "its text in a hash map", lookups, "<= 10000 ns");
        }
    }
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return report.write();
}
