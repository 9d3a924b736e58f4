# SPDX-License-Identifier: Apache-2.0
"""An update that wants more than was agreed to waits; until somebody agrees the old version serves."""

import json
import re
import shutil

from harness import BUILD, Case, main

VERSIONS = BUILD / "tests" / "bundles" / "update-widens"


class Consent(Case):
    def setUp(self):
        super().setUp()
        self.plugins = self.folder / "plugins"
        self.plugins.mkdir()
        shutil.copytree(VERSIONS / "old", self.plugins / "old")

    def answer(self, status=0):
        return self.symphony("run", VERSIONS / "flow.toml", "--plugins", self.plugins, "--output", self.folder / "out", status=status)

    def versions(self):
        """Version -> state and reason."""
        plugins = json.loads(self.symphony("list", "--json", "--plugins", self.plugins).out)["plugins"]
        return {one["version"]: (one["state"], one.get("error", {}).get("reason")) for one in plugins if one["id"] == "org.example.notes"}

    def audited(self, kind):
        """Rows of the audit log."""
        return [json.loads(line)["record"] for line in self.symphony("permission", "audit", "--kind", kind, "--last", "0", "--export").out.splitlines()]

    def test_the_log_names_on_whose_call_a_plugin_acted(self):
        self.texts(1)
        self.symphony("run", "survey", "--input", f"folder={self.folder / 'texts'}", "--output", self.folder / "out")
        chains = {(row["plugin"], tuple(row["chain"])) for row in self.audited("decision") if row["object"].startswith("read:")}
        self.assertIn(("org.symphony.files", ("dag-tracker",)), chains)

    def update(self):
        shutil.copytree(VERSIONS / "new", self.plugins / "new")

    def test_the_old_version_serves_until_somebody_agrees(self):
        self.assertIn("old notes", self.answer().out)
        self.update()
        self.assertIn("old notes", self.answer().out)
        self.assertEqual(self.versions(), {"1.0.0": ("usable", None), "1.1.0": ("refused", "consent-needed")})
        held_back = [row for row in self.audited("refused") if row["rule"] == "consent-needed"]
        self.assertEqual([row["version"] for row in held_back], ["1.1.0"], "the log knows what was held back")
        why = self.symphony("list", "--why", "--plugins", self.plugins)
        self.assertIn("to write any file in the project folder", why.out)
        command = re.search(r"hint: symphony (permission .*) agrees to it", why.out)
        self.assertTrue(command, str(why))
        self.symphony(*command[1].split(), "--plugins", self.plugins)
        self.assertIn("new notes", self.answer().out)
        self.assertEqual(self.versions()["1.1.0"], ("usable", None))

    def test_the_way_back_from_a_narrower_version_needs_consent(self):
        self.update()
        self.assertIn("new notes", self.answer().out)
        shutil.rmtree(self.plugins / "new")
        self.assertIn("old notes", self.answer().out)
        self.update()
        self.assertIn("old notes", self.answer().out)
        self.assertEqual(self.versions()["1.1.0"], ("refused", "consent-needed"))

    def trust(self, version):
        """As the person who vouches for a library."""
        manifest = (self.plugins / version / "manifest.toml").read_text()
        digest = re.search(r'sha256 = "([0-9a-f]{64})"', manifest)[1]
        folder = self.home / ".config/symphony"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trust.toml").write_text(f'[[trusted]]\nplugin = "org.example.notes"\nsha256 = "{digest}"\n')

    def test_a_trusted_update_waits_under_preset_strict_only(self):
        self.answer()
        self.update()
        self.trust("new")
        self.assertEqual(self.versions()["1.1.0"], ("usable", None))
        (self.home / ".config/symphony/policy.toml").write_text('preset = "strict"\n')
        self.assertEqual(self.versions()["1.1.0"], ("refused", "consent-needed"))

    def test_policy_decides_who_may_run_in_process(self):
        words = ("run", VERSIONS / "flow.toml", "--plugins", self.plugins, "--output", self.folder / "out", "--in-process")
        folder = self.home / ".config/symphony"
        folder.mkdir(parents=True)
        (folder / "policy.toml").write_text('in_process = "trusted"\n')
        self.expect_error(self.symphony(*words, "notes", status=(1, 3)), "in-process-forbidden", "policy.toml", "leave out --in-process notes")
        self.symphony(*words, "all")
        shown = json.loads(self.symphony("show", "notes", "--plugins", self.plugins, "--in-process", "all", "--json").out)
        self.assertEqual(shown["placement"], "isolated")
        self.trust("old")
        self.symphony(*words, "notes")

    def test_an_update_in_place_is_refused_with_the_command_that_agrees(self):
        self.answer()
        shutil.rmtree(self.plugins / "old")
        self.update()
        refused = self.answer(status=(1, 3))
        self.expect_error(refused, "consent-needed", "symphony permission")

    def test_a_first_use_is_no_update(self):
        self.update()
        self.assertIn("new notes", self.answer().out)


class SystemRights(Case):
    """What a manifest asks for is not what a plugin gets."""

    ATTACK = BUILD / "tests" / "attacks" / "executable-memory"

    def test_code_of_its_own_needs_a_grant(self):
        if not (self.ATTACK / "manifest.toml").exists():
            self.skipTest("this build has no attacks")
        plugins = self.folder / "plugins"
        shutil.copytree(self.ATTACK, plugins)
        with open(plugins / "manifest.toml", "a", encoding="utf-8") as manifest:
            manifest.write('\n[capabilities]\nsystem_access = ["jit"]\n')
        flow = self.file("flow.toml", '[workflow]\nid = "jit"\nversion = "1.0.0"\n[nodes.make]\nplugin = "executable-memory"\noperation = "go"\n'
                                      '[outputs.text]\nfrom = "make.text"\n')

        def made():
            return self.symphony("run", flow, "--plugins", plugins, "--output", self.folder / "out").out
        self.assertIn("stopped", made())
        self.symphony("permission", "grant", "executable-memory", "system:jit", "--plugins", plugins)
        self.assertIn("ESCAPED", made())
        self.symphony("permission", "revoke", "executable-memory", "system:jit", "--plugins", plugins)
        self.assertNotIn("ESCAPED", made())


if __name__ == "__main__":
    main()
