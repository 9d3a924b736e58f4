# SPDX-License-Identifier: Apache-2.0
"""Each rule of tools/tidy finds what it is for in a small bad tree, and nothing in the good one."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools" / "tidy"))

import artifacts  # noqa: E402
import documents  # noqa: E402
import includes  # noqa: E402
import layout  # noqa: E402
import sources  # noqa: E402
from tree import Tree  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

GOOD = {
    "README.md": "Start in `host/`, then [the plugin](plugins/words/README.md) and `plugins/words/src/plugin.cpp:1`.\n",
    "plugin-api/README.md": "Headers.\n",
    "plugin-api/include/symphony/plugin.hpp": SPDX + "#include <vector>\n",
    "manifests/README.md": "Manifests.\n",
    "manifests/include/symphony/manifests/parse.hpp": SPDX + "#include <symphony/plugin.hpp>\n",
    "host/README.md": "The kernel.\n",
    "host/src/catalog.hpp": SPDX + "#include <symphony/manifests/parse.hpp>\n#include <spdlog/spdlog.h>\n",
    "plugins/README.md": "Plugins.\n",
    "plugins/words/README.md": "Counts words: see `src/plugin.cpp`.\n",
    "plugins/words/manifest.toml": "[extension]\n",
    "plugins/words/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\nsymphony_add_plugin(words SOURCES src/plugin.cpp)\n",
    "plugins/words/src/plugin.cpp": SPDX + "#include <symphony/plugin.hpp>\n#include \"count.hpp\"\n",
    "plugins/words/src/count.hpp": SPDX,
    "plugins/words/tests/count_test.cpp": SPDX + "#include \"count.hpp\"\nTEST(Count, Counts) {\n    EXPECT_EQ(1, 1);\n}\n",
}

RULES = [layout.check_top_level, layout.check_readmes, layout.check_plugin_shape, includes.check, documents.check,
         sources.check_spdx, sources.check_braced_lists, sources.check_tests_assert, sources.check_machine_paths]


class TidyCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="symphony-tidy-")
        self.addCleanup(self.folder.cleanup)

    def tree(self, changes=None, build=None):
        """The good tree with files changed; a text of None removes the file."""
        root = Path(self.folder.name)
        for path, text in {**GOOD, **(changes or {})}.items():
            if text is None:
                continue
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return Tree(root, build)

    def expect(self, rule, changes, path, words):
        """The rule finds exactly one thing in the changed tree: at `path`, saying `words`."""
        found = list(rule(self.tree(changes)))
        self.assertEqual(len(found), 1, [str(finding) for finding in found])
        self.assertEqual(found[0].path, path)
        self.assertIn(words, str(found[0]))


class Rules(TidyCase):
    def test_the_good_tree_breaks_no_rule(self):
        tree = self.tree()
        self.assertEqual([str(finding) for rule in RULES for finding in rule(tree)], [])

    def test_a_new_top_level_folder_is_found(self):
        self.expect(layout.check_top_level, {"scripts/x.sh": "#!/bin/sh\n"}, "scripts", "the top level is closed")

    def test_a_new_top_level_file_is_found(self):
        self.expect(layout.check_top_level, {"NOTES.md": ""}, "NOTES.md", "no such file")

    def test_a_top_level_folder_without_a_readme_is_found(self):
        self.expect(layout.check_readmes, {"host/README.md": None}, "host", "no README.md")

    def test_a_plugin_folder_of_another_shape_is_found(self):
        for missing, words in [("plugins/words/README.md", "README.md"), ("plugins/words/src/plugin.cpp", "src/plugin.cpp"),
                               ("plugins/words/tests/count_test.cpp", "tests/"), ("plugins/words/CMakeLists.txt", "CMakeLists.txt")]:
            with self.subTest(missing=missing):
                self.folder = tempfile.TemporaryDirectory(prefix="symphony-tidy-")
                self.addCleanup(self.folder.cleanup)
                self.expect(layout.check_plugin_shape, {missing: None}, "plugins/words", words)

    def test_two_plugins_in_one_folder_are_found(self):
        text = GOOD["plugins/words/CMakeLists.txt"] + "symphony_add_plugin(more SOURCES x.cpp)\n"
        self.expect(layout.check_plugin_shape, {"plugins/words/CMakeLists.txt": text}, "plugins/words/CMakeLists.txt", "2 times")

    def test_a_plugin_in_rust_has_the_same_shape(self):
        rust = {"plugins/words/src/plugin.cpp": None, "plugins/words/tests/count_test.cpp": None,
                "plugins/words/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\nsymphony_add_rust_plugin(words SOURCES src/plugin.rs)\n",
                "plugins/words/README.md": "Counts words: see `src/plugin.rs`.\n",
                "plugins/words/src/plugin.rs": SPDX + "#[cfg(test)]\nmod tests {}\n"}
        self.assertEqual(list(layout.check_plugin_shape(self.tree(rust))), [])
        self.folder = tempfile.TemporaryDirectory(prefix="symphony-tidy-")
        self.addCleanup(self.folder.cleanup)
        self.expect(layout.check_plugin_shape, rust | {"plugins/words/src/plugin.rs": SPDX}, "plugins/words", "tests/")

    def test_a_copy_that_differs_is_found(self):
        original, copy = layout.COPIES[0]
        self.assertEqual(list(layout.check_copies(self.tree({original: SPDX, copy: SPDX}))), [])
        self.expect(layout.check_copies, {original: SPDX, copy: SPDX + "x\n"}, copy, "differs from " + original)

    def test_plugin_api_including_the_manifests_is_found(self):
        self.expect(includes.check, {"plugin-api/include/symphony/x.hpp": "#include <symphony/manifests/parse.hpp>\n"},
                    "plugin-api/include/symphony/x.hpp", "may include nothing but itself")

    def test_a_plugin_including_the_host_is_found(self):
        for include in ('"catalog.hpp"', '"../../../host/src/catalog.hpp"'):
            with self.subTest(include=include):
                self.expect(includes.check, {"plugins/words/src/plugin.cpp": f"#include {include}\n"},
                            "plugins/words/src/plugin.cpp", "belongs to host")

    def test_a_plugin_including_another_plugin_is_found(self):
        self.expect(includes.check, {"plugins/other/manifest.toml": "", "plugins/other/src/other.hpp": '#include "../../words/src/count.hpp"\n'},
                    "plugins/other/src/other.hpp", "belongs to plugins/words")

    def test_a_library_of_the_pit_is_for_its_plugins_and_includes_none_of_them(self):
        library = {"pit/README.md": "", "pit/sqlite-files/include/symphony/sqlite_files/folder.hpp": SPDX,
                   "pit/store/manifest.toml": "", "pit/store/src/store.hpp": SPDX + "#include <symphony/sqlite_files/folder.hpp>\n"}
        self.assertEqual(list(includes.check(self.tree(library))), [])
        elsewhere = "plugins/words/src/plugin.cpp"
        self.expect(includes.check, library | {elsewhere: "#include <symphony/sqlite_files/folder.hpp>\n"}, elsewhere, "belongs to pit/sqlite-files")
        self.folder = tempfile.TemporaryDirectory(prefix="symphony-tidy-")
        self.addCleanup(self.folder.cleanup)
        for include in ('"../../store/src/store.hpp"', "<symphony/manifests/parse.hpp>"):
            with self.subTest(include=include):
                self.expect(includes.check, library | {"pit/sqlite-files/src/x.cpp": f"#include {include}\n"}, "pit/sqlite-files/src/x.cpp",
                            "pit/sqlite-files may include plugin-api")

    def test_the_library_of_packages_is_for_plugins_and_includes_none_of_them(self):
        library = {"plugins/README.md": "", "plugins/packaging/include/symphony/packaging/store.hpp": SPDX + "#include <symphony/manifests/parse.hpp>\n",
                   "manifests/include/symphony/manifests/parse.hpp": SPDX,
                   "plugins/packages/manifest.toml": "", "plugins/packages/src/install.hpp": SPDX + "#include <symphony/packaging/store.hpp>\n"}
        self.assertEqual(list(includes.check(self.tree(library))), [])
        broken = [("pit/words/src/plugin.cpp", "<symphony/packaging/store.hpp>", "belongs to plugins/packaging"),
                  ("host/src/packages.cpp", "<symphony/packaging/store.hpp>", "belongs to plugins/packaging"),
                  ("plugins/packaging/src/x.cpp", '"../../packages/src/install.hpp"', "plugins/packaging may include manifests, plugin-api")]
        for path, include, words in broken:
            with self.subTest(path=path), tempfile.TemporaryDirectory(prefix="symphony-tidy-") as folder:
                self.folder = SimpleNamespace(name=folder)
                self.expect(includes.check, library | {path: f"#include {include}\n"}, path, words)

    def test_test_support_outside_of_tests_is_found(self):
        files = {"tests/support/faults.hpp": "", "plugins/words/tests/words_test.cpp": '#include "support/faults.hpp"\n'}
        self.assertEqual(list(includes.check(self.tree(files))), [])
        self.expect(includes.check, {**files, "plugins/words/src/plugin.cpp": '#include "support/faults.hpp"\n'},
                    "plugins/words/src/plugin.cpp", "belongs to tests")

    def test_one_tbb_outside_the_dag_tracker_is_found(self):
        self.expect(includes.check, {"host/src/x.cpp": "#include <tbb/flow_graph.h>\n"}, "host/src/x.cpp", "only owner of flow graphs")

    def test_a_plugin_that_links_the_host_is_found(self):
        text = "symphony_add_plugin(words SOURCES src/plugin.cpp LIBS symphony_host)\n"
        self.expect(includes.check, {"plugins/words/CMakeLists.txt": text}, "plugins/words/CMakeLists.txt", "links the host")

    def test_a_dead_link_is_found(self):
        self.expect(documents.check, {"README.md": "Read [this](host/gone.md#part).\n"}, "README.md", "host/gone.md")

    def test_a_code_span_naming_a_path_that_is_not_there_is_found(self):
        self.expect(documents.check, {"README.md": "See `host/src/gone.cpp`.\n"}, "README.md", "host/src/gone.cpp")

    def test_patterns_fenced_blocks_and_addresses_are_no_paths(self):
        text = "`host/<name>.cpp` `a/b` `text/plain` [x](https://example.org/gone)\n```\nhost/gone.cpp [a](gone.md)\n```\n"
        self.assertEqual(list(documents.check(self.tree({"README.md": text}))), [])

    def test_a_source_file_without_its_licence_is_found(self):
        self.expect(sources.check_spdx, {"host/src/catalog.hpp": "int x;\n"}, "host/src/catalog.hpp", "SPDX")
        self.expect(sources.check_spdx, {"host/src/catalog.hpp": SPDX, "tools/go": "#!/bin/sh\n"}, "tools/go", "SPDX")

    def test_a_test_that_asserts_nothing_is_found(self):
        text = SPDX + "TEST(Count, Nothing) {\n    count();\n}\n"
        self.expect(sources.check_tests_assert, {"plugins/words/tests/count_test.cpp": text},
                    "plugins/words/tests/count_test.cpp", "Count, Nothing asserts nothing")

    def test_a_test_that_asserts_through_a_helper_is_fine(self):
        text = (SPDX + "void counts(int a,\n            int b) {\n    EXPECT_EQ(a, b);\n}\nvoid both() {\n    counts(1, 1);\n}\n"
                "TEST(Count, Both) {\n    both();\n}\n")
        self.assertEqual(list(sources.check_tests_assert(self.tree({"plugins/words/tests/count_test.cpp": text}))), [])

    def test_a_test_that_asserts_through_its_fixture_is_fine(self):
        text = (SPDX + "class Fixture : public testing::Test {\nprotected:\n    void one(int a) {\n        EXPECT_EQ(a, 1);\n    }\n};\n"
                "TEST_F(Fixture, One) {\n    one(1);\n}\nTEST_F(Fixture, Nothing) {\n    two(1);\n}\n")
        found = list(sources.check_tests_assert(self.tree({"plugins/words/tests/count_test.cpp": text})))
        self.assertEqual([finding.message.split(" asserts")[0] for finding in found], ["Fixture, Nothing"])

    def test_a_python_test_that_asserts_nothing_is_found(self):
        self.expect(sources.check_tests_assert, {"tests/test_x.py": "def test_nothing():\n    print(1)\n"}, "tests/test_x.py", "test_nothing")

    def test_an_early_return_behind_a_list_member_is_found(self):
        for statement, found in (("return Pair{std::string(a), SYMPHONY_TRY(read(b))};", True), ("out.push_back({a,\n    SYMPHONY_TRY(read(b))});", True),
                                 ("return Pair{SYMPHONY_TRY(read(b)), a};", False), ("if (a) {\n    use(a, b);\n    SYMPHONY_TRY(read(b));\n}", False),
                                 ("{ // first, then this\n    const auto c = SYMPHONY_TRY(read(b));\n}", False)):
            with self.subTest(statement):
                change = {"host/src/x.cpp": SPDX + f"void f() {{\n{statement}\n}}\n"}
                if found:
                    self.expect(sources.check_braced_lists, change, "host/src/x.cpp", "list")
                else:
                    self.assertEqual(list(sources.check_braced_lists(self.tree(change))), [])

    def test_a_path_of_one_machine_is_found(self):
        for text in ("/" + "home/ann/symphony", "/" + "root/x/y", "see /" + "work/main/x"):
            with self.subTest(text=text):
                self.expect(sources.check_machine_paths, {"README.md": text + "\n"}, "README.md", "path of one machine")

    def test_a_host_of_a_package_registry_is_found(self):
        self.expect(sources.check_machine_paths, {"README.md": "pypi" + ".org\n"}, "README.md", "package registry")


class Artifacts(TidyCase):
    def build(self, source):
        """A build folder with one plugin made of `source`."""
        folder = Path(self.folder.name) / "build" / "plugins" / "words"
        folder.mkdir(parents=True)
        (folder / "words.c").write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libwords.so", folder / "words.c"], check=True)
        return folder.parents[1]

    def test_one_exported_symbol_is_right(self):
        build = self.build("int symphony_plugin_v1(void) { return 0; }\n")
        self.assertEqual(list(artifacts.check_exports(self.tree(build=build))), [])

    def test_a_second_exported_symbol_is_found(self):
        build = self.build("int symphony_plugin_v1(void) { return 0; }\nint extra;\n")
        found = list(artifacts.check_exports(self.tree(build=build)))
        self.assertEqual([finding.path for finding in found], ["plugins/words/libwords.so"])
        self.assertIn("exports extra, symphony_plugin_v1", found[0].message)

    def test_no_exported_symbol_is_found(self):
        found = list(artifacts.check_exports(self.tree(build=self.build("static int x; int *f(void);\n"))))
        self.assertIn("exports nothing", found[0].message)

    def test_generated_files_out_of_date_are_found(self):
        changes = {"tools/portgen/portgen.py": "import sys\nprint('operator.hpp is out of date')\nsys.exit(1)\n"}
        found = list(artifacts.check_generated(self.tree(changes)))
        self.assertEqual([str(finding) for finding in found], ["plugin-api/generated: operator.hpp is out of date [generated]"])


class Command(TidyCase):
    def run_tidy(self, *words):
        return subprocess.run([sys.executable, "-B", str(REPOSITORY / "tools" / "tidy"), "--root", self.folder.name, *words],
                              capture_output=True, text=True)

    def test_status_says_whether_anything_was_found(self):
        self.tree()
        good = self.run_tidy()
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.tree({"scripts/x": "\n"})
        bad = self.run_tidy("top-level")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("error: scripts: ", bad.stderr)

    def test_an_unknown_rule_is_wrong_usage(self):
        self.assertEqual(self.run_tidy("no-such-rule").returncode, 2)


if __name__ == "__main__":
    unittest.main()
