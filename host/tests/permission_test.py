# SPDX-License-Identifier: Apache-2.0
"""symphony permission as a person or a script meets it. Argument: the program."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv[1]
MANIFEST = """[extension]
id = "org.example.{name}"
name = "{name}"
version = "{version}"
type = "operator"
[abi]
version = "1.0"
[provides]
"operator/1" = {{}}
[capabilities]
{capabilities}
"""
USUAL = '''file_access = [{ value = "read:workspace", reason = "to count the words" }, "write:cache"]
network_access = ["*.example.com:443"]
model_access = ["gpt-4"]'''


class Permission(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        self.plugins = os.path.join(self.home, "plugins")
        self.state = os.path.join(self.home, ".local/state/symphony")
        self.put("demo")

    def put(self, name, version="1.0.0", capabilities=USUAL):
        folder = os.path.join(self.plugins, f"{name}-{version}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "manifest.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST.format(name=name, version=version, capabilities=capabilities))

    def policy(self, text):
        folder = os.path.join(self.home, ".config/symphony")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "policy.toml"), "w", encoding="utf-8") as file:
            file.write(text)

    def expect(self, words, status, out=None, err=None):
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SYMPHONY_")) and k != "NO_COLOR"}
        variables["HOME"] = self.home
        result = subprocess.run([PROGRAM, "permission", *words, "--plugins", self.plugins], capture_output=True, text=True, timeout=60,
                                cwd=self.home, env=variables, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(result.returncode, status, f"{words}\n{result.stdout}\n{result.stderr}")
        if out is not None:
            self.assertRegex(result.stdout, out)
        if err is not None:
            self.assertRegex(result.stderr, err)
        return result

    def data(self, *words, status=0):
        return json.loads(self.expect([*words, "--json"], status).stdout)

    def answers(self):
        return {one["right"]: one["allowed"] for one in self.data("list", "demo")["permissions"]}

    def test_needs_a_known_member(self):
        self.expect([], 2, err="which one.*\n.*permission list, permission grant")
        self.expect(["gramt", "demo"], 2, err='no command "permission gramt".*\n.*permission grant')

    def test_the_group_helps_too(self):
        for words in (["--help"], ["-h"]):
            self.assertRegex(self.expect(words, 0).stdout, r"permission audit +\S")

    def test_helps(self):
        for name in ("list", "grant", "revoke", "explain", "audit"):
            self.expect([name, "--help"], 0, out=f"Usage: symphony permission {name}")

    def test_lists_what_is_asked_for_without_making_files(self):
        self.expect(["list"], 0, out=r"demo +read:workspace +asks first +preset:balanced +medium +read every file in the project folder")
        found = {one["right"]: one for one in self.data("list", "demo")["permissions"]}
        self.assertTrue(found["write:cache"]["allowed"])
        wish = found["read:workspace"]
        self.assertFalse(wish["allowed"])
        self.assertTrue(wish["needs_grant"])
        self.assertEqual(wish["hint"], "symphony permission grant demo read:workspace")
        self.assertEqual(wish["reason"], "to count the words")
        self.assertTrue(wish["file"].endswith("manifest.toml"))
        self.assertEqual(wish["line"], 11)
        self.assertFalse(os.path.exists(os.path.join(self.state, "permissions.sqlite")))

    def test_grants_and_revokes(self):
        self.expect(["grant", "demo", "read:workspace"], 0, out="may read every file in the project folder .*always")
        self.assertTrue(self.answers()["read:workspace"])
        self.expect(["list"], 0, out=r"(?s)Granted.*1 +org.example.demo +read:workspace +always")
        self.expect(["revoke", "demo", "read:workspace/docs/**"], 1, err="is not granted.*\n.*part of what is granted")
        self.expect(["revoke", "demo", "read:workspace"], 0, out="1 grant")
        self.expect(["revoke", "demo", "read:workspace"], 1, err="no-grant")
        self.assertFalse(self.answers()["read:workspace"])
        self.expect(["grant", "demo", "gpt-4", "--for", "1h"], 0, out="may use the model gpt-4 .*until 2")
        self.expect(["grant", "demo", "--all"], 0, out="agreed to all that demo 1.0.0 asks for")
        self.assertTrue(all(self.answers().values()))
        self.expect(["revoke", "demo", "--all"], 0, out="3 grants .*agreed")
        self.assertEqual([right for right, given in self.answers().items() if given], ["write:cache"])

    def test_takes_times(self):
        for how in (["--for", "once"], ["--for", "run"], ["--for", "always"], ["--for", "90m"], ["--until", "2199-12-31"],
                    ["--for", "until 2199-12-31"], ["--until", "2199-12-31 18:30"]):
            self.expect(["grant", "demo", "model:gpt-4", *how], 0)
        for how, why in ((["--for", "onse"], "did you mean once"), (["--for", "5parsecs"], "a duration such as 1h"), (["--for", "0s"], "ten years"),
                         (["--until", "2020-01-01"], "that time is over"), (["--until", "2199-02-31"], "is no time"),
                         (["--until", "soon"], "is no time"), (["--for", "run", "--until", "2199-12-31"], "one question")):
            self.expect(["grant", "demo", "model:gpt-4", *how], 2, err=why)

    def test_names_what_is_wrong(self):
        self.expect(["grant"], 2, err="needs plugin")
        self.expect(["grant", "demo"], 2, err="which right.*\n.*--all is all of it")
        self.expect(["grant", "demo", "read:workspace", "--all"], 2, err="two things")
        self.expect(["grant", "dmo", "read:workspace"], 1, err='no plugin "dmo"')
        self.expect(["grant", "demo", "model:gpt-5"], 1, err="does not ask for model:gpt-5.*\n.*did you mean model:gpt-4")
        self.expect(["grant", "demo", "raed:workspace"], 2, err="did you mean read:workspace")
        self.expect(["grant", "demo", "network:0x7f.1:443"], 2, err="0x7f.1")
        self.expect(["explain", "demo"], 2, err="needs right")
        self.expect(["explain", "demo", "read:workspace/../x"], 2, err="never lead upwards")
        self.expect(["revoke", "demo"], 2, err="--all")
        self.expect(["audit", "--kind", "violatoin"], 2, err="did you mean violation")
        self.expect(["audit", "--since", "yesterday"], 2, err="how long ago")
        self.expect(["audit", "--last", "many"], 2, err="is no number")

    def test_explains(self):
        self.expect(["explain", "demo", "read:workspace/a.txt"], 0,
                    out=r'(?s)asked +yes, as read:workspace in file_access \(.*manifest.toml:11\), because "to count the words".*granted +no.*answer +denied.*'
                        r"change +symphony permission grant demo read:workspace")
        self.expect(["explain", "demo", "write:workspace/a"], 0, out=r"(?s)asked +no .*answer +denied\n")
        self.expect(["grant", "demo", "network:api.example.com:443"], 0)
        self.expect(["explain", "demo", "network:api.example.com:443"], 0, out=r"(?s)granted +yes, grant 1.*answer +allowed, by grant:1.*permission revoke demo")
        told = self.data("explain", "demo", "network:other.example.com:443")
        self.assertFalse(told["allowed"])
        self.assertEqual(told["policy"]["verdict"], "open")

    def test_explains_by_the_grant_that_decides(self):
        self.expect(["grant", "demo", "network:*.example.com:443"], 0)
        self.expect(["grant", "demo", "network:api.example.com:443", "--for", "once"], 0)
        self.expect(["explain", "demo", "network:api.example.com:443"], 0, out=r"(?s)granted +yes, grant 1: .*answer +allowed, by grant:1")

    def test_knows_who_said_no_twice(self):
        self.expect(["grant", "demo", "gpt-4"], 0)
        self.expect(["revoke", "demo", "gpt-4"], 0)
        with sqlite3.connect(os.path.join(self.state, "permissions.sqlite")) as db:
            db.execute("INSERT INTO denials VALUES('unsigned', 'org.example.demo', 'model:gpt-4', 2)")
        db.close()
        self.expect(["explain", "demo", "gpt-4"], 0, out=r"answer +denied; you said no, and are not asked any more")
        self.expect(["list", "demo"], 0, out=r"model:gpt-4 +denied")

    def test_obeys_policy(self):
        self.policy('[[deny]]\nrights = ["model:*"]\nreason = "too dear"\n')
        self.expect(["grant", "demo", "model:gpt-4"], 1, err="denied by your policy.*too dear.*\n.*policy.toml:1")
        self.expect(["explain", "demo", "model:gpt-4"], 0, out=r"(?s)policy +denied by your policy .*answer +denied\n")
        self.policy('preset = "permisive"\n')
        self.expect(["list"], 0, out="denied", err='did you mean "permissive"')

    def test_rights_are_those_of_the_newest_version(self):
        self.put("demo", "2.0.0", 'file_access = ["write:workspace"]')
        self.expect(["grant", "demo", "write:workspace"], 0)

    def test_plugins_that_are_gone_leave_grants_that_can_be_taken_back(self):
        self.expect(["grant", "demo", "read:workspace"], 0)
        shutil.rmtree(os.path.join(self.plugins, "demo-1.0.0"))
        self.expect(["list"], 0, out="(?s)plugins that are gone.*org.example.demo")
        self.expect(["revoke", "org.example.demo", "--all"], 0, out="1 grant")
        self.assertEqual(self.data("list")["leftovers"], [])

    def test_keeps_a_log_that_can_be_verified(self):
        self.expect(["audit"], 0, err="nothing is recorded yet")
        self.expect(["audit", "--verify"], 0)
        self.expect(["grant", "demo", "read:workspace"], 0)
        self.expect(["grant", "demo", "model:gpt-4"], 0)
        self.expect(["revoke", "demo", "--all"], 0)
        self.expect(["audit"], 0, out=r"(?s)1 .*demo +grant +allowed +read:workspace.*3 .*revoke +revoked +everything")
        self.expect(["audit", "--verify"], 0, out="whole: 3 rows")
        rows = [json.loads(line) for line in self.expect(["audit", "--export", "--plugin", "demo", "--kind", "grant", "--since", "1h"], 0).stdout.splitlines()]
        self.assertEqual([row["record"]["object"] for row in rows], ["read:workspace", "model:gpt-4"])
        self.assertEqual(rows[1]["previous"], rows[0]["hash"])
        self.assertEqual(len(self.data("audit", "--last", "2")["rows"]), 2)
        self.expect(["audit", "--plugin", "nobody"], 0, err="nothing of that kind")
        log = os.path.join(self.state, "audit.sqlite")
        with sqlite3.connect(log) as db:
            db.execute("UPDATE rows SET record = replace(record, 'gpt-4', 'gpt-5') WHERE number = 2")
        db.close()
        self.expect(["audit", "--verify"], 1, err="row 2 was changed")
        damage = self.data("audit", "--verify", status=1)
        self.assertEqual((damage["damage"], damage["row"]), ("changed", 2))
        os.remove(log)
        self.expect(["audit", "--verify"], 1, err="was taken away")

    def doctor(self):
        """Lines about policy and audit log, as verdict and text."""
        result = subprocess.run([PROGRAM, "doctor", "--json", "--plugins", self.plugins], capture_output=True, text=True, timeout=60, cwd=self.home,
                                env={"HOME": self.home, "PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, check=False)
        findings = json.loads(result.stdout)["findings"]
        return [(one["verdict"], one["text"]) for one in findings if one["subject"] in ("policy", "audit log")]

    def test_doctor_looks_at_policy_and_log(self):
        self.assertEqual(self.doctor(), [("ok", "preset balanced"), ("ok", "nothing is recorded yet")])
        self.expect(["grant", "demo", "read:workspace"], 0)
        self.assertIn(("ok", "whole, 1 row"), self.doctor())
        with sqlite3.connect(os.path.join(self.state, "audit.sqlite")) as db:
            db.execute("UPDATE rows SET record = replace(record, 'workspace', 'selected')")
        db.close()
        self.policy('preset = "permisive"\n')
        broken, preset, log = self.doctor()
        self.assertEqual(broken[0], "fail")
        self.assertIn('did you mean "permissive"', broken[1])
        self.assertTrue(preset[1].startswith("preset strict"), preset)
        self.assertEqual(log[0], "fail")
        self.assertIn("row 1 was changed", log[1])

    def test_says_when_a_grant_cannot_be_kept(self):
        os.makedirs(os.path.dirname(self.state))
        with open(self.state, "w", encoding="utf-8") as file:
            file.write("in the way")
        self.expect(["grant", "demo", "read:workspace"], 1, err="not-kept")
        self.expect(["list"], 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
