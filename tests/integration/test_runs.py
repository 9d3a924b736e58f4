# SPDX-License-Identifier: Apache-2.0
"""A run that somebody kills goes on where it was: what is done is not done again, and the outputs are those of a run that nobody killed.

SYMPHONY_KILLS=200 SYMPHONY_BUILD=BUILD test_runs.py KillLoop    so many rounds instead of a few
SYMPHONY_SEED=7                                                  the same moments again
"""

import hashlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time

from harness import PATIENCE_S, Case, main

TEXTS = 20
FLOW = """
[workflow]
id = "kept"
version = "1.0.0"

[inputs.list]
type = "text"

[nodes.list]
plugin = "json"
operation = "parse"
inputs = { text = "$inputs.list" }

[nodes.clean]
plugin = "text"
operation = "normalise"
inputs = { text = "list.value" }
each = "text"

[nodes.store]
plugin = "artifact-store"
operation = "store"
inputs = { value = "clean.text" }
each = "value"

[nodes.again]
plugin = "artifact-store"
operation = "load"
inputs = { id = "store.id" }
each = "id"

[nodes.count]
plugin = "text"
operation = "count"
inputs = { texts = "clean.results" }

[outputs.ids]
from = "store.id"
[outputs.total]
from = "count.total_words"
"""


class RunsCase(Case):
    def setUp(self):
        super().setUp()
        self.flow = self.file("kept.toml", FLOW)
        self.given = f"list={json.dumps([f'text {number} ' + 'x' * (number % 7) for number in range(TEXTS)])}"

    def words(self, *more):
        return ("run", "--json", self.flow, "--input", self.given, "--output", self.folder / "out", *more)

    def runs(self):
        return json.loads(self.symphony("runs", "list", "--json").out)["runs"]

    def outputs(self, done):
        told = json.loads(done.out)
        self.assertTrue(told["ok"], str(done))
        return told["outputs"]


class Runs(RunsCase):
    def test_a_run_is_recorded_and_can_be_shown(self):
        outputs = self.outputs(self.symphony(*self.words()))
        self.assertEqual(len(outputs["ids"]), TEXTS)
        (run,) = self.runs()
        self.assertEqual((run["state"], run["workflow"], run["steps"], run["steps_done"]), ("completed", "kept", 5, 5))
        shown = self.symphony("runs", "show")
        for word in ("clean", "store", "completed"):
            self.assertIn(word, shown.out)
        self.expect_error(self.symphony("runs", "resume", status=1), "run-completed", "symphony runs show")
        lines = [json.loads(line) for line in self.symphony("runs", "export", "last").out.splitlines()]
        self.assertEqual([line.get("node") for line in lines[1:]].count("store"), 1)
        self.symphony("runs", "remove", run["id"])
        self.assertEqual(self.runs(), [])

    def test_nothing_is_recorded_when_nobody_wants_it(self):
        self.symphony(*self.words("--durability", "none"))
        self.assertEqual(self.runs(), [])
        self.expect_error(self.symphony(*self.words("--durability", "maybe"), status=2), "usage", "symphony run --help")

    def test_a_cancelled_run_names_the_command_that_goes_on(self):
        done = self.symphony(*self.words("--timeout", "1ms"), status=1)
        command = re.search(r"hint: symphony (runs resume \S+)", done.err)
        if command is None:  # its own hint is about the time
            command = re.search(r"symphony (runs resume \S+)", self.symphony("runs", "show").out)
        self.assertTrue(command, str(done))
        outputs = self.outputs(self.symphony(*command[1].split(), "--json", "--output", self.folder / "out"))
        self.assertEqual(len(outputs["ids"]), TEXTS)
        self.assertEqual(self.runs()[0]["parts"], 2)

    def test_a_plugin_that_changed_needs_a_word(self):
        self.symphony(*self.words("--timeout", "1ms"), status=1)
        with sqlite3.connect(self.journal()) as database:
            (given, head, name) = database.execute("SELECT given, head, id FROM runs").fetchone()
            at = given.index(b"sha256") + 8  # behind the key and the text's head
            changed = given[:at + 2] + (b"0" if given[at + 2:at + 3] != b"0" else b"1") + given[at + 3:]
            database.execute("UPDATE runs SET given = ?, sum = ?", (changed, self.sum_of(name, head, changed)))
        self.expect_error(self.symphony("runs", "resume", status=1), "plugin-changed", "--accept-changes")
        self.outputs(self.symphony("runs", "resume", "--accept-changes", "--json", "--output", self.folder / "out"))

    @staticmethod
    def sum_of(name, head, given):
        parts = (name.encode(), head, given)
        return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).digest()[:16]

    def journal(self):
        (path,) = self.home.rglob("runs.sqlite")
        return path

    def test_a_damaged_record_is_named_and_runs_go_on_without(self):
        self.symphony(*self.words())
        path = self.journal()
        for leftover in path.parent.glob("runs.sqlite-*"):
            leftover.unlink()
        path.write_bytes(b"nothing that SQLite knows " * 400)
        self.expect_error(self.symphony("runs", "list", status=1), "journal-corrupt", "away")
        done = self.symphony(*self.words())
        self.assertIn("warning: the run is not recorded", done.err)
        self.expect_error(self.symphony(*self.words("--durability", "durable"), status=1), "journal-corrupt", "--durability none")

    def test_a_full_disk_stops_the_run_that_must_be_recorded(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        state = self.home / ".local/state/symphony"
        state.mkdir(parents=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", state], check=False).returncode != 0:
            self.skipTest("no disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=False)
        long = f"list={json.dumps(['y' * 400 + str(number) for number in range(200)])}"
        flow = self.file("long.toml", FLOW.replace("[nodes.store]", "[nodes.unused]").replace('"store.id"', '"unused.id"'))
        done = self.symphony("run", "--json", flow, "--input", long, "--output", self.folder / "out", "--durability", "durable", status=1)
        self.assertRegex(done.err, r"\[disk-full\]|\[journal-[a-z]+\]")


ASKING = """
[workflow]
id = "asking"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "split"
with = { text = "one two", by = "words" }
[nodes.ask]
type = "control"
operation = "wait"
expects = "text"
after = ["a"]
[nodes.b]
plugin = "text"
operation = "split"
inputs = { text = "ask.value" }
with = { by = "words" }
[outputs.parts]
from = "b.parts"
"""


class FromOutside(RunsCase):
    """What one process asks of a run of another."""

    def setUp(self):
        super().setUp()
        self.asking = self.file("asking.toml", ASKING)

    def until(self, state):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            runs = self.runs()
            if runs and runs[0]["state"] == state:
                return runs[0]["id"]
        self.fail(f"no run was ever {state}: {self.runs()}")

    def waiting(self):
        process = self.start("run", "--json", self.asking, "--output", self.folder / "out", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return process, self.until("waiting")

    def test_input_comes_from_another_process(self):
        process, run = self.waiting()
        self.assertIn(f"symphony runs provide {run} ask", self.symphony("runs", "show").out)
        self.expect_error(self.symphony("runs", "provide", run, "b", "x", status=1), "not-a-wait", "ask")
        self.symphony("runs", "provide", run, "ask", "three four five")
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertEqual(json.loads(out)["outputs"]["parts"], ["three", "four", "five"])

    def test_input_is_kept_for_a_run_that_was_killed(self):
        process, run = self.waiting()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.runs()[0]["state"], "waiting")
        self.symphony("runs", "provide", run, "ask", "later on")
        done = json.loads(self.symphony("runs", "resume", "--json", "--output", self.folder / "out").out)
        self.assertEqual(done["outputs"]["parts"], ["later", "on"])
        self.assertEqual(self.runs()[0]["state"], "completed")

    def test_a_cancel_from_another_process_stops_the_run(self):
        process, run = self.waiting()
        self.symphony("runs", "cancel", run)
        _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 1, err.decode())
        self.assertEqual(self.runs()[0]["state"], "cancelled")
        self.expect_error(self.symphony("runs", "cancel", run, status=1), "run-ended")
        self.expect_error(self.symphony("runs", "pause", run, status=1), "run-ended")

    def test_a_paused_run_goes_on_when_it_is_told_to(self):
        process, run = self.waiting()
        self.symphony("runs", "pause", run)
        self.until("paused")
        self.symphony("runs", "provide", run, "ask", "six seven")
        self.symphony("runs", "continue", run)
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertEqual(json.loads(out)["outputs"]["parts"], ["six", "seven"])


class Parts(RunsCase):
    def test_one_node_and_what_is_behind_a_node(self):
        whole = self.outputs(self.symphony(*self.words()))
        only = json.loads(self.symphony("run", "--json", self.flow, "--only", "count", "--of", "last", "--output", self.folder / "out").out)
        self.assertEqual(only["outputs"], {"total": whole["total"]})
        first = self.runs()[-1]["id"]
        again = json.loads(self.symphony("run", "--json", self.flow, "--from", "count", "--of", first, "--output", self.folder / "out").out)
        self.assertEqual(again["outputs"], whole)
        calls = {node["node"]: node["calls"] for node in again["nodes"]}
        self.assertEqual(calls["count"], 1)
        pinned = json.loads(self.symphony("run", "--json", self.flow, "--input", self.given, "--pin", 'list={"value": ["one two three"]}', "--output", self.folder / "out").out)
        self.assertEqual((pinned["outputs"]["total"], len(pinned["outputs"]["ids"])), (3, 1))
        self.expect_error(self.symphony("run", self.flow, "--input", self.given, "--only", "count", status=1), "not-known", "--pin")
        self.expect_error(self.symphony("run", self.flow, "--input", self.given, "--from", "count", status=2), "usage", "--of last")

    def test_a_sub_workflow_is_read_from_a_file_that_a_person_names(self):
        part = self.file("part.toml", """
[workflow]
id = "part"
version = "1.0.0"
[inputs.text]
type = "text"
[nodes.s]
plugin = "text"
operation = "split"
inputs = { text = "$inputs.text" }
with = { by = "words" }
[outputs.parts]
from = "s.parts"
""")
        outer = self.file("outer.toml", """
[workflow]
id = "outer"
version = "1.0.0"
[nodes.p]
type = "control"
operation = "workflow"
file = "part.toml"
with = { text = "one two" }
[outputs.parts]
from = "p.parts"
""")
        self.expect_error(self.symphony("run", outer, status=1), "unreadable-file", "--include")
        self.assertIn("warning", self.symphony("check", outer).err)
        done = json.loads(self.symphony("run", "--json", outer, "--include", part, "--output", self.folder / "out").out)
        self.assertEqual(done["outputs"]["parts"], ["one", "two"])


class KillLoop(RunsCase):
    def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not(self):
        seed = int(os.environ.get("SYMPHONY_SEED", random.randrange(1 << 30)))
        chance = random.Random(seed)
        wanted = self.outputs(self.symphony(*self.words()))
        self.symphony("runs", "remove", self.runs()[0]["id"])
        for number in range(int(os.environ.get("SYMPHONY_KILLS", "4"))):
            with self.subTest(round=number, seed=seed):
                words, parts = self.words(), 0
                while True:
                    process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    try:
                        out, err = process.communicate(timeout=chance.random() * 0.25 if parts < 6 else PATIENCE_S)
                        break
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGKILL)
                        process.communicate()
                    parts += 1
                    recorded = self.runs()
                    if not recorded:
                        continue  # killed before it was begun
                    self.assertIn(recorded[0]["state"], ("interrupted", "completed"), recorded)
                    if recorded[0]["state"] == "completed":
                        out, err = None, b""  # killed behind its end
                        break
                    words = ("runs", "resume", "--json", "--output", self.folder / "out")
                if out is not None:
                    self.assertEqual(process.returncode, 0, err.decode(errors="replace"))
                    self.assertEqual(json.loads(out)["outputs"], wanted, f"after {parts} kills")
                (run,) = self.runs()
                self.assertEqual((run["state"], run["steps_done"]), ("completed", 5))
                self.symphony("artifact", "verify", "--data")  # whatever was killed, what was stored is whole
                self.symphony("runs", "remove", run["id"])


if __name__ == "__main__":
    main()
