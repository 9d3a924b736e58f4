# SPDX-License-Identifier: Apache-2.0
"""A run that somebody kills goes on where it was: what is done is not done again, and the outputs are those of a run that nobody killed.

SYMPHONY_KILLS=200 SYMPHONY_BUILD=BUILD test_runs.py KillLoop    so many rounds instead of a few
SYMPHONY_SEED=7                                                  the same moments again
"""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from harness import BUILD, PATIENCE_S, Case, main
from recorded import CLEANED_AND_STORED, COUNTED, HEAD, list_of

TEXTS = 20
FLOW = HEAD.format("kept") + CLEANED_AND_STORED + """
[nodes.again]
plugin = "artifact-store"
operation = "load"
inputs = { id = "store.id" }
each = "id"

[outputs.ids]
from = "store.id"
""" + COUNTED


class RunsCase(Case):
    def setUp(self):
        super().setUp()
        self.flow = self.file("kept.toml", FLOW)
        self.given = list_of([f"text {number} " + "x" * (number % 7) for number in range(TEXTS)])

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
        kinds = [line["kind"] for line in lines]
        self.assertEqual(kinds, sorted(kinds, key=["run", "step", "attempt"].index))
        self.assertEqual([line["node"] for line in lines if line["kind"] == "step"].count("store"), 1)
        attempts = [line for line in lines if line["kind"] == "attempt"]
        self.assertEqual([{**line, "kind": "attempt"} for line in json.loads(self.symphony("runs", "show", "--json").out)["attempts"]], attempts)
        self.assertEqual(sorted(line["element"] for line in attempts if line["node"] == "clean"), list(range(TEXTS)))
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
        long = list_of(["y" * 400 + str(number) for number in range(200)])
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


class AskingCase(RunsCase):
    """A run that waits for somebody."""

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


class FromOutside(AskingCase):
    """What one process asks of a run of another."""

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


CLOSING = ASKING + """
[nodes.last]
type = "control"
operation = "delay"
for = "4s"
finally = true
[nodes.told]
plugin = "text"
operation = "split"
with = { text = "it is over", by = "words" }
finally = true
after = ["last"]
[outputs.told]
from = "told.parts"
"""


class Closing(AskingCase):
    """What closes a run has its time, also after Ctrl-C, and is not forgotten when it had none."""

    def setUp(self):
        super().setUp()
        self.asking = self.file("closing.toml", CLOSING)

    def interrupted(self, *more):
        process = self.start("run", "--json", self.asking, "--output", self.folder / "out", *more, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        run = self.until("waiting")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 130, err.decode())
        return run, json.loads(out), err.decode()

    def test_ctrl_c_leaves_time_for_what_closes_the_run(self):
        _, told, err = self.interrupted()
        self.assertEqual(told["outputs"].get("told"), ["it", "is", "over"], err)
        self.assertEqual(self.runs()[0]["state"], "cancelled")

    def test_what_had_no_time_is_named_and_done_by_resume(self):
        run, told, err = self.interrupted("--set", "dag-tracker.cancel_grace=1s")
        self.assertIn("[not-closed]", err)
        self.assertIn("told", err)
        self.assertIn(f"symphony runs resume {run}", err)
        self.assertNotIn("told", told["outputs"])
        self.assertEqual(self.runs()[0]["state"], "interrupted")
        done = json.loads(self.symphony("runs", "resume", "--json", "--output", self.folder / "out", status=1).out)
        self.assertEqual(done["outputs"].get("told"), ["it", "is", "over"])
        self.assertNotIn("parts", done["outputs"], "what was cancelled is not gone on with")
        self.assertEqual(self.runs()[0]["state"], "cancelled")

    def test_a_step_that_never_answers_ends_with_the_time_of_the_run(self):
        self.expect_error(self.symphony("run", self.asking, "--timeout", "300ms", "--output", self.folder / "out", status=1), "deadline")
        self.assertEqual(self.runs()[0]["state"], "cancelled")


class Parts(RunsCase):
    def test_one_node_and_what_is_behind_a_node(self):
        whole = self.outputs(self.symphony(*self.words()))
        only = json.loads(self.symphony("run", "--json", self.flow, "--only", "count", "--of", "last", "--output", self.folder / "out").out)
        self.assertEqual(only["outputs"], {"total": whole["total"]})
        first = self.runs()[-1]["id"]
        again = json.loads(self.symphony("run", "--json", self.flow, "--from", "count", "--of", first, "--output", self.folder / "out").out)
        self.assertEqual(again["outputs"], whole)
        calls = {node["node"]: node["calls"] + node["cached"] for node in again["nodes"]}
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
        checked = self.symphony("check", outer)
        self.assertIn("unreadable-file", checked.out + checked.err)
        self.assertNotIn("unreadable-file", self.symphony("check", outer, "--include", part).out)
        wrong = self.file("part.toml", pathlib.Path(part).read_text().replace('"split"', '"splt"'))
        self.assertIn("unknown-operation", self.symphony("check", outer, "--include", wrong, status=1).out)
        self.file("part.toml", pathlib.Path(part).read_text().replace('"splt"', '"split"'))
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


class MemoryCase(RunsCase):
    def ran(self, *more, flow=None, given=None):
        """A run, and of each node how many calls were made and how many were not."""
        done = self.symphony("run", "--json", flow or self.flow, "--input", given or self.given, "--output", self.folder / "out", *more)
        told = json.loads(done.out)
        self.assertTrue(told["ok"], str(done))
        return told["outputs"], {node["node"]: (node["calls"], node["cached"]) for node in told["nodes"]}

    def why(self, node):
        told = json.loads(self.symphony("runs", "why", "last", node, "--json").out)
        return told["calls"]

    def rebuilt(self, plugin, old=b"", new=b""):
        """A folder with another build of the plugin: `old` is `new` in it, or there is a byte more at its end."""
        folder = self.folder / "rebuilt" / plugin
        shutil.copytree(BUILD / "plugins" / plugin, folder)
        manifest = folder / "manifest.toml"
        text = manifest.read_text()
        (library,) = folder.glob("*.so")
        before = library.read_bytes()
        self.assertTrue(old in before, f"{library.name} does not contain {old}")
        after = before.replace(old, new) if old else before + b"x"
        library.write_bytes(after)
        text = text.replace(hashlib.sha256(before).hexdigest(), hashlib.sha256(after).hexdigest())
        text = re.sub(r"(?m)^size = \d+$", f"size = {len(after)}", text)
        manifest.write_text(text)
        return folder.parent


class Memory(MemoryCase):
    """Answers that are kept: what is called again, and what is said about it."""

    def test_the_same_calls_are_made_once(self):
        first, calls = self.ran()
        self.assertEqual(calls, {"list": (1, 0), "clean": (TEXTS, 0), "store": (TEXTS, 0), "again": (TEXTS, 0), "count": (1, 0)})
        self.assertIn("never run before", self.symphony("runs", "why", "last", "count").out)
        second, calls = self.ran()
        self.assertEqual(second, first)
        self.assertEqual(calls, {"list": (0, 1), "clean": (0, TEXTS), "store": (TEXTS, 0), "again": (TEXTS, 0), "count": (0, 1)})
        self.assertRegex(self.symphony("runs", "show").out, r"clean +completed, cached +0 ")
        self.assertRegex(self.symphony("run", self.flow, "--input", self.given).out, r"count .*done, cached")
        self.assertRegex(self.symphony("runs", "why", "last", "count").out, r'node "count": hit \(made by run \S+ at ')
        self.assertIn(f"{TEXTS} of {TEXTS} calls", self.symphony("runs", "why", "last", "clean").out)
        self.assertIn("not cached: operation is not pure", self.symphony("runs", "why", "last", "store").out)
        self.expect_error(self.symphony("runs", "why", "last", "cuont", status=1), "no-such-node", '"count"')
        stats = json.loads(self.symphony("runs", "cache", "stats", "--json").out)
        self.assertEqual((stats["entries"], stats["hits"]), (TEXTS + 2, 2 * (TEXTS + 2)), stats)
        _, calls = self.ran("--no-cache")
        self.assertEqual(calls["clean"], (TEXTS, 0))
        self.assertIn("the run was told not to", self.symphony("runs", "why", "last", "count").out)
        self.symphony("runs", "cache", "clear")
        _, calls = self.ran()
        self.assertEqual(calls["clean"], (TEXTS, 0))

    def test_one_byte_of_an_input_is_one_call(self):
        texts = [f"text {number}" for number in range(TEXTS)]
        self.ran(given=list_of(texts))
        texts[7] = "texT 7!"
        _, calls = self.ran(given=list_of(texts))
        self.assertEqual((calls["list"], calls["clean"], calls["count"]), ((1, 0), (1, TEXTS - 1), (1, 0)))
        (made,) = [call for call in self.why("clean") if not call["hit"]]
        self.assertEqual((made["element"], made["component"], made["name"]), (7, "input", "text"))
        self.assertRegex(self.symphony("runs", "why", "last", "clean").out, r'element 7: input "text" differs \(nearest: made by run ')
        (made,) = self.why("count")
        self.assertEqual((made["component"], made["name"]), ("input", "texts"))

    def test_a_constant_and_a_setting_are_inputs_too(self):
        self.ran()
        flow = self.file("other.toml", FLOW.replace('inputs = { texts = "clean.results" }', 'inputs = { texts = "clean.results" }\nwith = { top = 3 }'))
        _, calls = self.ran(flow=flow)
        self.assertEqual((calls["list"], calls["clean"], calls["count"]), ((0, 1), (0, TEXTS), (1, 0)))
        (made,) = self.why("count")
        self.assertEqual((made["component"], made["name"], made["was"]), ("input", "top", "not there"))
        _, calls = self.ran("--set", "text.timeout=50s")
        self.assertEqual((calls["list"], calls["clean"], calls["count"]), ((0, 1), (TEXTS, 0), (1, 0)))
        (made,) = self.why("count")
        self.assertEqual((made["component"], made["name"]), ("configuration", "timeout"))

    def test_another_build_of_a_plugin_is_called_again(self):
        first, _ = self.ran()
        again, calls = self.ran("--plugins", self.rebuilt("text"))
        self.assertEqual(again, first)
        self.assertEqual((calls["list"], calls["clean"], calls["count"]), ((0, 1), (TEXTS, 0), (1, 0)))
        self.assertEqual({call["component"] for call in self.why("clean") + self.why("count")}, {"library"})
        _, calls = self.ran()
        self.assertEqual(calls["clean"], (0, TEXTS))

    def test_a_node_says_what_is_kept(self):
        flow = self.file("says.toml", FLOW.replace('operation = "load"\n', 'operation = "load"\ncache = "always"\nttl = "1h"\n')
                         .replace('operation = "count"\n', 'operation = "count"\ncache = "never"\n'))
        self.ran(flow=flow)
        _, calls = self.ran(flow=flow)
        self.assertEqual((calls["again"], calls["count"]), ((0, TEXTS), (1, 0)))
        self.assertIn("never", self.symphony("runs", "why", "last", "count").out)
        wrong = self.file("wrong.toml", FLOW.replace('operation = "count"\n', 'operation = "count"\ncache = "sometimes"\n'))
        self.assertIn('cache "sometimes" is not known [bad-value]', self.symphony("check", wrong, status=1).out)

    def test_a_damaged_cache_stops_nothing(self):
        self.ran()
        (path,) = self.home.rglob("cache.sqlite")
        for leftover in path.parent.glob("cache.sqlite-*"):
            leftover.unlink()
        path.write_bytes(b"nothing that SQLite knows " * 400)
        done = self.symphony(*self.words())
        self.assertIn("warning: the cache of calls is not used", done.err)
        self.assertIn("could not be used", self.symphony("runs", "why", "last", "count").out)
        self.expect_error(self.symphony("runs", "cache", "stats", status=1), "cache-corrupt", "symphony runs cache clear")
        self.symphony("runs", "cache", "clear")
        self.ran()
        _, calls = self.ran()
        self.assertEqual(calls["count"], (0, 1))

    def test_large_outputs_are_artifacts(self):
        texts = ["long " * 20_000 + str(number) for number in range(3)]
        given = self.file("texts.json", json.dumps(texts))
        flow = self.file("large.toml", FLOW.replace('[nodes.list]\nplugin = "json"\noperation = "parse"\ninputs = { text = "$inputs.list" }',
                                                    '[nodes.list]\nplugin = "json"\noperation = "parse"\ninputs = { text = "file.text" }\n'
                                                    '[nodes.file]\nplugin = "files"\noperation = "read"\ninputs = { file = "$inputs.list" }'))
        outputs, _ = self.ran(flow=flow, given=f"list={given}")
        (journal,) = self.home.rglob("runs.sqlite")
        self.assertLess(journal.stat().st_size + sum(path.stat().st_size for path in journal.parent.glob("runs.sqlite-wal")), 200_000)
        answers = json.loads(self.symphony("runs", "show", "--step", "clean").out)
        self.assertEqual([answer["text"] for answer in answers], texts)
        lines = [json.loads(line) for line in self.symphony("runs", "export", "--outputs").out.splitlines()]
        (exported,) = [line["output"] for line in lines if line["kind"] == "step" and line["node"] == "clean"]
        self.assertEqual(exported, answers)
        again, calls = self.ran(flow=flow, given=f"list={given}")
        self.assertEqual((again, calls["clean"]), (outputs, (0, 3)))
        # Without the store they are in the journal and in the cache.
        self.symphony("runs", "cache", "clear")
        plain = self.file("plain.toml", flow.read_text().split("[nodes.store]")[0] + "[nodes.count]" + flow.read_text().split("[nodes.count]")[1].replace(
            '[outputs.ids]\nfrom = "store.id"\n', ""))
        for calls_made in (3, 0):
            _, calls = self.ran("--set", "artifact-store.enabled=false", flow=plain, given=f"list={given}")
            self.assertEqual(calls["clean"], (calls_made, 3 - calls_made))
        answers = json.loads(self.symphony("runs", "show", "--step", "clean", "--set", "artifact-store.enabled=false").out)
        self.assertEqual([answer["text"] for answer in answers], texts)

    def test_a_lost_artifact_is_named_and_the_call_made_again(self):
        texts = ["lost " * 20_000 + str(number) for number in range(2)]
        given = self.file("texts.json", json.dumps(texts))
        flow = self.file("lost.toml", FLOW.split("[nodes.store]")[0].replace("$inputs.list", "file.text") +
                         '[nodes.file]\nplugin = "files"\noperation = "read"\ninputs = { file = "$inputs.list" }\n[outputs.texts]\nfrom = "clean.text"\n')
        outputs, _ = self.ran(flow=flow, given=f"list={given}")
        shutil.rmtree(next(self.home.rglob("packs")).parent)
        self.expect_error(self.symphony("runs", "show", "--step", "clean", status=1), "symphony artifact")
        again, calls = self.ran(flow=flow, given=f"list={given}")
        self.assertEqual((again, calls["clean"]), (outputs, (2, 0)))
        self.assertIn("lost", self.symphony("runs", "why", "last", "clean").out)


class Replay(MemoryCase):
    REPORT = """
[workflow]
id = "told"
version = "1.0.0"
[inputs.list]
type = "text"
[nodes.list]
plugin = "json"
operation = "parse"
inputs = { text = "$inputs.list" }
[nodes.kept]
plugin = "artifact-store"
operation = "store"
inputs = { value = "list.value" }
each = "value"
[nodes.told]
plugin = "report"
operation = "survey"
inputs = { problems = "kept.results" }
[nodes.page]
plugin = "artifact-store"
operation = "store"
inputs = { value = "told.html" }
[outputs.page]
from = "page.id"
"""

    def artifacts(self):
        return json.loads(self.symphony("artifact", "stats", "--json").out)["last_sequence"]

    def test_a_replay_does_nothing_outside_and_tells_what_another_build_changes(self):
        flow = self.file("told.toml", self.REPORT)
        self.ran(flow=flow)
        before = self.artifacts()
        done = self.symphony("runs", "replay")
        self.assertIn("nothing is other than it was", done.out)
        self.assertEqual(self.artifacts(), before)
        told = json.loads(self.symphony("runs", "replay", "last", "--json").out)
        self.assertTrue(told["same"], told)
        states = {node["node"]: (node["calls"], node["cached"]) for node in told["replay"]["nodes"]}
        self.assertEqual(states, {"list": (1, 0), "kept": (0, TEXTS), "told": (1, 0), "page": (0, 1)})
        other = ("--plugins", self.rebuilt("report", b'<p class="eyebrow">Symphony survey', b'<p class="eyebrow">Symphony SURVEY'))
        self.expect_error(self.symphony("runs", "replay", *other, status=1), "plugin-changed", "--with-changed")
        done = self.symphony("runs", "replay", "--with-changed", *other, status=1)
        self.assertRegex(done.out, r'it diverges first at node "told": output "html" is not what it was.*org.symphony.report is another build')
        self.assertRegex(done.out, r'then at node "page": input "value" is not what it was')
        self.assertIn("replay-diverged", done.err)
        self.assertEqual(self.artifacts(), before)
        self.assertEqual(len(self.runs()), 1, "a replay is not recorded")


if __name__ == "__main__":
    main()
