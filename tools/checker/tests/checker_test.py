# SPDX-License-Identifier: Apache-2.0
"""The program as a person and a build file meet it. Whether it finds what is wrong is tried in tests/bundles."""

import json
import os
import re
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

CHECKER = os.environ["SYMPHONY_CHECKER"]
BUNDLES = Path(os.environ["SYMPHONY_BUNDLES"])
HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]


def bundle(name):
    return str(BUNDLES / name / name)


class Checker(unittest.TestCase):
    def run_checker(self, *words, status=0):
        done = subprocess.run([CHECKER, *words], capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def rules(self):
        return json.loads(self.run_checker("--rules", "--json").stdout)

    def test_the_page_of_rules_has_the_table_that_the_program_prints(self):
        page = (REPOSITORY / "tools/checker/docs/rules.md").read_text()
        self.assertIn(self.run_checker("--page").stdout, page, "replace the table by the output of symphony-checker --page")

    def test_every_rule_is_broken_by_a_bundle(self):
        """And only rules that exist are named: a bundle that names another could not pass."""
        named = set()
        for file in (REPOSITORY / "tests/bundles").glob("*/expect.toml"):
            named.update(tomllib.loads(file.read_text()).get("checker", {}).get("rules", []))
        self.assertEqual({rule["rule"] for rule in self.rules()} - named, set())

    def test_rules_have_levels_and_remedies(self):
        for rule in self.rules():
            self.assertIn(rule["level"], range(1, 11), rule)
            self.assertTrue(rule["owes"] and rule["remedy"], rule)
        self.assertEqual(len({rule["rule"] for rule in self.rules()}), len(self.rules()))

    def test_the_same_seed_finds_the_same(self):
        first = self.run_checker(bundle("crashes-on-long-text"), "--seed", "77", status=1).stdout
        self.assertEqual(first, self.run_checker(bundle("crashes-on-long-text"), "--reproduce", "77", status=1).stdout)
        self.assertIn("seed 77", first)

    def test_a_run_without_a_seed_tells_the_one_it_took(self):
        said = self.run_checker(bundle("output-missing"), "--only", "output-types", status=1).stdout
        seed = re.search(r"seed (\d+)$", said.strip())[1]
        self.assertEqual(said, self.run_checker(bundle("output-missing"), "--only", "output-types", "--seed", seed, status=1).stdout)

    def test_a_level_leaves_the_rules_above_it_out(self):
        self.run_checker(bundle("exit-handler"), "--level", "7")
        self.assertIn("[exit-handlers]", self.run_checker(bundle("exit-handler"), "--level", "8", status=1).stdout)

    def test_only_tells_of_one_rule(self):
        said = self.run_checker(bundle("leaks-a-thread"), "--only", "threads-left", status=1).stdout
        self.assertIn("[threads-left]", said)
        self.assertNotIn("[leaks-threads]", said)
        self.run_checker(bundle("leaks-a-thread"), "--only", "pure")

    def test_advice_is_told_and_breaks_nothing(self):
        said = self.run_checker(bundle("opens-a-socket"), "--level", "6").stdout
        self.assertIn("warning", said)
        self.assertIn("[stated-rights]", said)

    def test_static_runs_none_of_its_code(self):
        for name in ("prints-to-stdout", "crashes-in-activate"):
            self.assertIn(": ok, ", self.run_checker(bundle(name), "--static").stdout)

    def test_a_crash_tells_what_was_done_and_the_last_words(self):
        said = self.run_checker(bundle("crashes"), "--seed", "1", status=1).stdout
        self.assertRegex(said, r"invoke of go of operator/1 died by SIG(SEGV|ABRT|ILL|FPE|BUS).*\[answers\]\nhint: ")

    def test_a_hang_ends_at_the_limit(self):
        self.assertIn("did not come back in 2 s [answers]", self.run_checker(bundle("hangs"), "--timeout", "2", status=1).stdout)

    def test_json_is_one_object_a_line(self):
        lines = self.run_checker(bundle("output-missing"), bundle("healthy"), "--json", "--seed", "1", status=1).stdout.splitlines()
        broken, well = map(json.loads, lines)
        self.assertFalse(broken["ok"])
        self.assertTrue(well["ok"], well)
        self.assertEqual(broken["diagnostics"][0]["reason"], "output-types")

    def test_wrong_usage_is_told_with_the_remedy(self):
        for words, what in (([], "name a plugin"), (["--level", "11", "x"], "1 to 10"), (["--only", "nothing", "x"], "no rule"), (["--wrong"], "no flag"),
                            (["--seed"], "needs a value"), (["--timeout", "0", "x"], "1 to 3600"), (["/nowhere"], "no manifest.toml")):
            said = self.run_checker(*words, status=2)
            self.assertIn(what, said.stderr)
            self.assertRegex(said.stderr, r"(?m)^hint: ")
            self.assertEqual(said.stdout, "")

    def test_a_folder_of_anything_is_no_plugin(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "manifest.toml").write_bytes(bytes(range(256)) * 40)
            self.assertIn("[manifest]", self.run_checker(folder, status=1).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
