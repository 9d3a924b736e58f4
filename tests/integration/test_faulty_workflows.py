# SPDX-License-Identifier: Apache-2.0
"""Workflow files with mistakes: all of them at once, each with its place, and nothing is run."""

import json

from harness import Case, main

HEAD = '[workflow]\nid = "faulty"\nversion = "1.0.0"\n'


def node(name, inputs="", plugin="text", operation="normalise"):
    return f'[nodes.{name}]\nplugin = "{plugin}"\noperation = "{operation}"\ninputs = {{ {inputs} }}\n'


class FaultyWorkflows(Case):
    def diagnostics(self, text, name="faulty.toml", ok=False):
        """What `check` says of the text, as {reason: [line, ...]}."""
        path = self.file(name, text)
        done = self.symphony("check", path, "--json", status=0 if ok else 1)
        report = json.loads(done.out)
        self.assertEqual(report["ok"], ok, str(done))
        found = {}
        for item in report["diagnostics"]:
            self.assertTrue(item["message"], item)
            self.assertTrue(str(path).endswith(item["file"].rsplit("/", 1)[-1]), item)
            found.setdefault(item["reason"], []).append(item["line"])
        return found

    def line_of(self, text, words):
        return text[: text.index(words)].count("\n") + 1

    def test_a_good_workflow_has_no_faults(self):
        self.assertEqual(self.diagnostics(HEAD + node("a", 'text = "$inputs.text"') + '[inputs.text]\ntype = "text"\n'
                                          '[outputs.text]\nfrom = "a.text"\n', ok=True), {})

    def test_a_cycle_is_named_with_its_nodes(self):
        text = HEAD + node("a", 'text = "b.text"') + node("b", 'text = "c.text"') + node("c", 'text = "a.text"')
        self.assertIn("cycle", self.diagnostics(text))
        done = self.symphony("check", self.folder / "faulty.toml", status=1)
        self.assertRegex(done.out, r"cycle.*a.*b.*c|cycle.*c.*b.*a|a -> .*\[cycle\]", str(done))

    def test_all_faults_are_told_at_once_with_their_lines(self):
        text = (HEAD
                + node("first", 'text = "second.text"')
                + node("second", 'text = "first.text"')
                + node("gone", 'text = "$inputs.text"', plugin="no-such-plugin")
                + node("wrong", 'text = "count.total_words"')
                + node("count", 'text = "$inputs.text"', operation="count")
                + node("unknown", 'text = "nowhere.text"')
                + node("lonely", "", plugin="text", operation="count")
                + node("operation", 'text = "$inputs.text"', operation="juggle")
                + '[inputs.text]\ntype = "text"\n')
        found = self.diagnostics(text)
        for reason, place in {"cycle": None, "missing-plugin": "no-such-plugin", "type-mismatch": "count.total_words",
                              "unknown-node": "nowhere.text", "orphan": None, "unknown-operation": "juggle"}.items():
            self.assertIn(reason, found)
            self.assertTrue(all(line > 0 for line in found[reason]), found)
            if place:
                here = self.line_of(text, place)
                self.assertTrue(any(here - 3 <= line <= here for line in found[reason]), (reason, here, found))

    def test_a_duplicate_id_is_told_with_its_line(self):
        text = HEAD + node("same", 'text = "$inputs.text"') + node("same", 'text = "$inputs.text"') + '[inputs.text]\ntype = "text"\n'
        found = self.diagnostics(text)
        self.assertTrue({"duplicate-id", "bad-toml"} & set(found), found)
        twice = '{"workflow": {"id": "x", "version": "1.0.0"}, "nodes": {"same": {}, "same": {}}}'
        self.assertIn("duplicate-id", self.diagnostics(twice, name="faulty.json"))

    def test_a_missing_plugin_comes_with_what_to_do(self):
        path = self.file("faulty.toml", HEAD + node("gone", plugin="no-such-plugin"))
        done = self.symphony("check", path, status=1)
        self.assertIn("no-such-plugin", done.out)
        self.assertIn("hint:", done.out)

    def test_run_refuses_what_check_refuses_and_writes_nothing(self):
        path = self.file("faulty.toml", HEAD + node("a", 'text = "b.text"') + node("b", 'text = "a.text"'))
        done = self.symphony("run", path, "--output", self.folder / "out", status=(1, 2, 3))
        self.expect_error(done, "cycle")
        self.assertFalse((self.folder / "out").exists() and any((self.folder / "out").iterdir()))

    def test_two_hundred_thousand_nodes_are_refused_quickly(self):
        nodes = "".join(f"[nodes.n{number}]\n" for number in range(200_000))
        self.assertEqual(set(self.diagnostics(HEAD + nodes)) - {"too-large"}, {"too-many-nodes"} & set(self.diagnostics(HEAD + nodes)))
        compact = '{"workflow":{"id":"x","version":"1.0.0"},"nodes":{' + ",".join(f'"n{n}":{{}}' for n in range(200_000)) + "}}"
        found = self.diagnostics(compact, name="many.json")
        self.assertIn("too-many-nodes", found)
        self.assertLess(sum(map(len, found.values())), 1000, "a refused file is not a flood of messages")

    def test_garbage_is_a_diagnosis(self):
        for name, text in [("a.toml", "[workflow\n"), ("b.json", "{"), ("c.toml", b"\xff\xfe\x00"), ("d.json", "[" * 100_000),
                           ("e.toml", "a = " + "[" * 100_000), ("f.toml", ""), ("g.json", "null")]:
            with self.subTest(name=name):
                self.assertNotEqual(self.diagnostics(text, name=name), {})

    def test_a_workflow_that_is_not_there_is_refused_with_a_hint(self):
        self.expect_error(self.symphony("run", "no-such-workflow", status=(1, 2)), "no-such-workflow")
        for command in ("run", "check"):
            self.assertIn("did you mean survey?", self.symphony(command, "suvey", status=(1, 2)).err)

    def test_a_folder_that_is_not_there_is_said_to_be_missing(self):
        for path in (self.folder / "nowhere", "./nowhere", "nowhere"):
            found = self.symphony("run", "survey", "--input", f"folder={path}", "--output", self.folder / "out", status=1)
            self.expect_error(found, "not-found", f'"{path}": it is not there')


if __name__ == "__main__":
    main()
