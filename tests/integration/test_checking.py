# SPDX-License-Identifier: Apache-2.0
"""`symphony check` on a plugin: its own part, and what it hands on to whoever runs plugins to check them."""

import json
import unittest

import harness

BUNDLES = harness.BUILD / "tests" / "bundles"
PLUGINS = harness.BUILD / "plugins"


class Checking(harness.Case):
    def check(self, plugin, *words, status=0):
        return self.symphony("check", plugin, *words, status=status)

    def test_the_code_of_a_plugin_that_nobody_vouches_for_is_not_run(self):
        done = self.check(BUNDLES / "output-missing" / "output-missing")
        self.assertIn("its code was not run", done.out)
        self.assertNotIn("its code was not run", self.check(BUNDLES / "output-missing" / "output-missing", "--static").out)

    def test_it_is_run_when_the_person_says_so(self):
        for words in (["--run"], ["--level", "3"], ["--only", "output-types"], ["--seed", "9"]):
            done = self.check(BUNDLES / "output-missing" / "output-missing", *words, status=1)
            self.assertIn("[output-types]", done.out)
        self.assertIn("seed 9", done.out)

    def test_the_code_of_a_trusted_plugin_is_run_unless_the_person_says_no(self):
        self.assertIn("rules of level 5", self.check(PLUGINS / "checksum").out)
        self.assertIn("rules of level 5", self.check(PLUGINS / "checksum" / "manifest.toml").out)
        self.assertNotIn("rules of level", self.check(PLUGINS / "checksum", "--static").out)

    def test_nothing_is_run_while_the_static_part_finds_errors(self):
        done = self.check(BUNDLES / "digest-mismatch" / "digest-mismatch", "--run", status=1)
        self.assertIn("[digest-mismatch]", done.out)
        self.assertNotIn("rules of level", done.out)

    def test_json_is_one_value_of_one_shape(self):
        for plugin, words in (("output-missing", ["--run"]), ("output-missing", []), ("digest-mismatch", ["--run"])):
            done = self.check(BUNDLES / plugin / plugin, "--json", *words, status=(0, 1))
            report = json.loads(done.out)
            self.assertEqual(report["ok"], done.status == 0)
            for item in report["diagnostics"]:
                self.assertTrue(item["severity"] and item["reason"] and item["message"], item)

    def test_without_the_kit_it_is_told_who_would_run_it(self):
        done = self.check(PLUGINS / "checksum", "--run", "--set", "kit.enabled=false", status=(1, 3))
        self.expect_error(done, "the plugin was not run")

    def test_the_kit_is_refused_in_a_sandbox_with_a_reason(self):
        done = self.symphony("conformance", "--rules", "--isolate", "kit", status=(1, 3))
        self.expect_error(done, "[isolated]")
        self.assertIn("completion-once", self.symphony("conformance", "--rules").out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
