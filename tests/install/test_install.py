# SPDX-License-Identifier: Apache-2.0
"""The SDK as a stranger meets it: an install prefix, a copied template, and no source tree of Symphony in sight."""

import json
import re
import shutil
import struct
import unittest
from pathlib import Path

from prefix import BUILD, REPOSITORY, Prefix, run

TEMPLATES = {"cpp": "word-mask", "instrument": "letter-model", "transport": "loop-link", "c": "line-count", "rust": "word-count"}
CARGO = shutil.which("cargo") or next((path for path in [Path.home() / ".cargo/bin/cargo"] if path.exists()), None)


class Installed(Prefix):
    def build(self, template, prefix=None, name="built", definitions=(), change=None):
        """Copies a template out of the tree, changes it, builds it; returns its folder of plugins."""
        folder = self.home / f"{name}-{template}"
        shutil.copytree(REPOSITORY / "sdk-template" / template, folder)
        if change:
            change(folder)
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_PREFIX_PATH={prefix or self.prefix}", *launcher, *definitions)
        run("cmake", "--build", folder / "build", "--parallel", "2")
        return folder / "build" / "plugins"

    def hold_to_the_contract(self, plugin, level="10"):
        """No rule is broken: whoever begins with a template begins well."""
        said = json.loads(run(self.prefix / "bin/symphony-checker", plugin, "--level", level, "--seed", "1", "--json").stdout)
        self.assertEqual(said["diagnostics"], [])

    def redacted(self, plugins, output):
        """Runs the template's workflow with the plugin in `plugins`, and returns the text it wrote."""
        self.symphony("--plugins", plugins, "run", REPOSITORY / "sdk-template/cpp/workflows/word-mask.toml",
                      "--input", "text=call ann or bob", "--input", 'words=["ann", "bob"]', "--output", self.home / output)
        self.assertEqual(json.loads((self.home / output / "hits.json").read_text()), 2)
        return (self.home / output / "redacted.txt").read_text()

    def test_a_prefix_has_the_program_the_plugins_and_the_workflows(self):
        self.assertTrue(self.program.is_file())
        names = {path.parent.name for path in (self.prefix / "lib/symphony/plugins").glob("*/manifest.toml")}
        built = {path.parent.name for path in (BUILD / "plugins").glob("*/manifest.toml")}
        self.assertEqual(names, built)
        self.assertTrue((self.prefix / "share/symphony/workflows/survey.toml").is_file())

    def test_the_prefix_says_nothing_of_the_build_folder(self):
        for path in (self.prefix / "lib").rglob("*.cmake"):
            self.assertNotIn(str(BUILD), path.read_text(), path)
            self.assertNotIn(str(REPOSITORY), path.read_text(), path)

    def test_installed_plugins_are_listed_and_none_is_refused(self):
        listed = json.loads(self.symphony("list", "--json").stdout)
        text = json.dumps(listed)
        for path in (self.prefix / "lib/symphony/plugins").glob("*/manifest.toml"):
            self.assertIn(f'"{path.parent.name}"', text)
        self.assertNotIn("digest-mismatch", text)

    def test_the_cpp_template_is_built_tested_listed_shown_and_run(self):
        plugins = self.build("cpp")
        tests = run("ctest", "--test-dir", plugins.parent, "--output-on-failure").stdout
        self.assertRegex(tests, r"100% tests passed, 0 tests failed out of [1-9]")
        self.hold_to_the_contract(plugins / "word-mask")
        dropped = self.home / "dropped"
        shutil.copytree(plugins / "word-mask", dropped / "word-mask")
        self.assertIn("word-mask", self.symphony("--plugins", dropped, "list").stdout)
        shown = self.symphony("--plugins", dropped, "show", "word-mask").stdout
        self.assertIn("com.example.word-mask", shown)
        self.assertIn("Masks words in a text", shown)
        self.assertEqual(self.redacted(dropped, "out-cpp"), "call [redacted] or [redacted]")

    def test_the_configuration_reaches_the_plugin(self):
        plugins = self.build("cpp", name="configured")
        self.symphony("--plugins", plugins, "--set", "word-mask.mask=*", "run", REPOSITORY / "sdk-template/cpp/workflows/word-mask.toml",
                      "--input", "text=a secret", "--output", self.home / "out-mask")
        self.assertEqual((self.home / "out-mask" / "redacted.txt").read_text(), "a *")

    def test_the_c_template_is_built_by_a_project_without_cpp_and_run(self):
        plugins = self.build("c")
        tests = run("ctest", "--test-dir", plugins.parent, "--output-on-failure").stdout
        self.assertRegex(tests, r"100% tests passed, 0 tests failed out of [1-9]")
        self.hold_to_the_contract(plugins / "line-count")
        self.assertNotIn("CMAKE_CXX_COMPILER:", (plugins.parent / "CMakeCache.txt").read_text())
        self.symphony("--plugins", plugins, "run", REPOSITORY / "sdk-template/c/workflows/line-count.toml",
                      "--input", "text=one\ntwo", "--output", self.home / "out-c")
        self.assertEqual(json.loads((self.home / "out-c" / "lines.json").read_text()), 2)

    def test_the_templates_of_other_ports_are_built_tested_and_run(self):
        for template in ("instrument", "transport"):
            plugins = self.build(template)
            tests = run("ctest", "--test-dir", plugins.parent, "--output-on-failure").stdout
            self.assertRegex(tests, r"100% tests passed, 0 tests failed out of [1-9]")
            self.hold_to_the_contract(plugins / TEMPLATES[template])
        self.symphony("--plugins", self.home / "built-instrument/build/plugins", "run", REPOSITORY / "sdk-template/instrument/workflows/letter-model.toml",
                      "--input", "text=jeden Morgen gehen wir zusammen durch den Wald", "--output", self.home / "out-instrument")
        self.assertEqual((self.home / "out-instrument/language.txt").read_text().strip(), "german")

    def test_a_newcomer_makes_tests_and_checks_a_plugin(self):
        place = self.home / "person"
        made = json.loads(self.symphony("new", "loud-words", "--id", "org.acme.loud-words", "--json").stdout)
        self.assertEqual((made["id"], made["type"]), ("org.acme.loud-words", "operator"))
        for path in (place / "loud-words").rglob("*"):
            self.assertNotRegex(path.name, "word.mask")
            if path.is_file():
                self.assertNotRegex(path.read_text(), r"(?i)word[-_]?mask\b")
        steps = json.loads(self.symphony("test", "loud-words", "--json").stdout)
        self.assertEqual([step["step"] for step in steps["steps"]], ["configure", "build", "tests", "contract of loud-words"])
        self.assertTrue(steps["ok"])
        checked = self.symphony("check", "loud-words/build/plugins/loud-words")
        self.assertIn("its code was not run", checked.stdout)
        self.assertIn("53 rules of level 10", self.symphony("check", "loud-words/build/plugins/loud-words", "--level", "10").stdout)

        source = place / "loud-words/src/loud_words.cpp"
        source.write_text(source.read_text().replace("++done.hits", "done.hits += 2"))
        failed = self.symphony("test", "loud-words", status=1)
        self.assertIn("tests: failed", failed.stderr)
        self.assertIn("loud-words.LoudWords.MasksEveryPlaceOfEachWord", failed.stderr)

    def test_the_kit_says_what_it_cannot_make(self):
        place = self.home / "person"
        (place / "taken").mkdir()
        for words, reason in ((["new", "Loud"], "bad-name"), (["new", "loud", "--type", "opera"], "unknown-type"), (["new", "taken"], "exists"),
                              (["new", "loud", "--id", "loud"], "bad-id"), (["test", "taken"], "no-plugin"), (["new", "loud", "--isolate", "kit"], "isolated")):
            refused = run(self.program, *words, status=1, env=self.environment, cwd=place)
            self.assertIn(f"[{reason}]", refused.stderr)
            self.assertRegex(refused.stderr, r"(?m)^hint: ")
            self.assertFalse((place / "loud").exists())

    @unittest.skipUnless(CARGO, "there is no cargo")
    def test_the_rust_template_is_built_tested_and_run_without_any_crate(self):
        plugins = self.build("rust", definitions=["-DSYMPHONY_RUST=AUTO"])
        if not (plugins / "word-count").exists():
            self.skipTest("this cargo is too old for the template")
        tests = run("ctest", "--test-dir", plugins.parent, "--output-on-failure").stdout
        self.assertRegex(tests, r"100% tests passed, 0 tests failed out of [1-9]")
        for text, words in (("one two\nthree", 3), ("word " * 2000, 2000)):
            self.symphony("--plugins", plugins, "run", REPOSITORY / "sdk-template/rust/workflows/word-count.toml",
                          "--input", f"text={text}", "--output", self.home / "out-rust")
            self.assertEqual(json.loads((self.home / "out-rust" / "words.json").read_text()), words)
        self.hold_to_the_contract(plugins / "word-count", level="5")  # of the higher ones, Rust's own library breaks two
        exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", plugins / "word-count/libword-count.so").stdout.splitlines()]
        self.assertEqual(exported, ["symphony_plugin_v1"])

    def test_a_program_of_a_stranger_builds_workflows(self):
        """The example of build-workflows.md, compiled as it stands there, makes a file that is checked, run and the same in both formats."""
        page = next(self.prefix.rglob("build-workflows.md"))
        parts = {heading: "".join(line[4:] + "\n" for line in code.split("\n"))
                 for heading, code in re.findall(r"### (\S+)\n\n((?:    .*\n|\n)+)", page.read_text())}
        folder = self.home / "make-workflow"
        folder.mkdir()
        for name in ("main.cpp", "CMakeLists.txt"):
            (folder / name).write_text(parts[name])
        run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
        run("cmake", "--build", folder / "build")
        run(folder / "build/make-workflow", folder / "flow.json", folder / "flow.wf")
        digests = {self.symphony("workflow", "digest", folder / name).stdout.split()[0] for name in ("flow.json", "flow.wf")}
        self.assertEqual(len(digests), 1)
        self.symphony("check", folder / "flow.json")
        self.symphony("run", folder / "flow.wf", "--input", 'texts=["a word and a word", "one more word"]', "--output", self.home / "out-built")
        terms = json.loads((self.home / "out-built" / "terms.json").read_text())
        self.assertEqual((terms[0]["term"], terms[0]["count"]), ("word", 3))

    def newer_sdk(self):
        """A copy of the prefix whose headers are of ABI minor 1."""
        newer = self.home / "newer-sdk"
        if not newer.exists():
            shutil.copytree(self.prefix, newer)
            base = newer / "include/symphony/abi/base.h"
            text, count = re.subn(r"#define SYMPHONY_ABI_MINOR 0u", "#define SYMPHONY_ABI_MINOR 1u", base.read_text())
            self.assertEqual(count, 1)
            base.write_text(text)
        return newer

    def test_a_plugin_of_a_newer_sdk_runs_in_this_host(self):
        plugins = self.build("cpp", prefix=self.newer_sdk(), name="newer")
        library = (plugins / "word-mask/libword-mask.so").read_bytes()
        note = struct.unpack_from("<IHHH", library, library.index(b"Symphony\0\0\0\0") + 12)
        self.assertEqual(note[1:], (1, 1, 0), "ABI major, built minor, required minor")
        self.assertEqual(self.redacted(plugins, "out-newer"), "call [redacted] or [redacted]")

    def test_a_plugin_that_needs_a_newer_host_is_refused_by_name(self):
        def change(folder):
            manifest = folder / "manifest.toml"
            manifest.write_text(manifest.read_text().replace('version = "1.0" ', 'version = "1.1" '))

        plugins = self.build("cpp", prefix=self.newer_sdk(), name="needs-newer", change=change,
                             definitions=["-DCMAKE_CXX_FLAGS=-DSYMPHONY_TARGET_MINOR=1"])
        refused = self.symphony("--plugins", plugins, "run", REPOSITORY / "sdk-template/cpp/workflows/word-mask.toml",
                                "--input", "text=x", "--output", self.home / "out-refused", status=3)
        self.assertIn("abi-minor", refused.stderr)
        self.assertIn("word-mask", refused.stderr)
        self.assertIn("1.1", refused.stderr)
        self.assertIn("hint:", refused.stderr)
        self.assertIn("abi-minor", self.symphony("--plugins", plugins, "list", "--why").stdout)

    def test_a_changed_library_is_refused(self):
        plugins = self.build("c", name="tampered")
        library = plugins / "line-count/libline-count.so"
        library.write_bytes(library.read_bytes().replace(b"missing-input", b"missing-Input"))
        refused = self.symphony("--plugins", plugins, "run", REPOSITORY / "sdk-template/c/workflows/line-count.toml",
                                "--input", "text=x", "--output", self.home / "out-tampered", status=3)
        self.assertIn("digest-mismatch", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
