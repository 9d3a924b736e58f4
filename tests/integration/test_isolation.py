# SPDX-License-Identifier: Apache-2.0
"""Where a plugin runs is not to be seen in what it answers; and whatever happens to its process, every call ends once.

SYMPHONY_STORM=1000 SYMPHONY_BUILD=BUILD test_isolation.py KillStorm   sends so many signals instead of a few
SYMPHONY_SEED=7                                                        the same moments and choices again
"""

import ctypes
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from harness import BUILD, PATIENCE_S, REPOSITORY, SAMPLES, Case, main

ISOLATED, TOGETHER = ("--isolate-all",), ("--in-process", "all")
SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV)
TEXT = "The quick brown fox. Jumps over the lazy dog!\nÄpfel und ﬁsche\n"
PAGE = SAMPLES / "clean-page.png"

# Each operation of each shipped plugin with inputs that it takes and inputs that it refuses.
OPERATIONS = {
    ("text", "split"): [{"text": TEXT, "by": "words"}, {"text": TEXT, "by": "sentences", "max_parts": 1}, {"text": TEXT, "by": "hand"}],
    ("text", "count"): [{"text": TEXT, "min_length": 3, "top": 5}, {"texts": [{"path": "a", "text": TEXT}]}, {"top": -1}],
    ("text", "match"): [{"text": TEXT, "patterns": ["fox", "/[dl]o?g/"]}, {"text": TEXT, "patterns": ["/(/"]}],
    ("text", "normalise"): [{"text": TEXT, "form": "NFKC", "fold_case": True, "collapse_blanks": True}, {"text": TEXT, "form": "NFX"}],
    ("json", "parse"): [{"text": '{"a": [1, 2.5, null, true, "ü"], "big": 18446744073709551615}'}, {"text": "{\n  oops"}],
    ("json", "select"): [{"value": {"a": [{"b": 1}, {"b": 2}]}, "path": "/a/*/b"}, {"value": {}, "path": "/x", "default": 7}, {"value": {}, "path": "/x"}],
    ("json", "merge"): [{"values": [{"a": {"b": 1}}, {"a": {"c": 2}}]}, {"values": [{"a": 1}, {"a": 2}], "mode": "no-such-mode"}],
    ("json", "template"): [{"template": "<b>{{name}}</b>", "values": {"name": "<&>"}}, {"template": "{{name", "values": {}}],
    ("json", "format"): [{"value": {"b": 1, "a": [1.5, None]}}],
    ("checksum", "crc32"): [{"data": TEXT}, {"data": 5}],
    ("checksum", "histogram"): [{"data": TEXT}],
    ("files", "walk"): [{"folder": "texts"}, {"folder": "nowhere"}, {"folder": "../.."}],
    ("files", "read"): [{"file": "texts/text-0.txt"}, {"file": "texts/nothing.txt"}, {"file": "page.png"}],
    ("files", "read_all"): [{"files": ["texts/text-0.txt", "texts/text-1.txt", "texts/nothing.txt"]}],
    ("files", "read_bytes"): [{"file": "page.png"}, {"file": "/etc/passwd"}],
    ("report", "survey"): [{"title": "A & B", "texts": [], "terms": [{"term": "fox", "count": 2}], "problems": []}, {}],
    ("artifact-store", "store"): [{"value": TEXT, "name": "one", "tags": ["a", "b"]}, {"value": {"path": "a/b", "n": 1}, "name_from": "path", "plugin": "text"},
                                  {"value": TEXT, "name": "no\nname"}, {"value": TEXT, "inputs": ["nothing"]}, {}],
    # What the cases before it have stored, by id.
    ("artifact-store", "load"): [{"id": hashlib.sha256(TEXT.encode()).hexdigest()}, {"id": "a/b", "as": "value"}, {"id": "../../etc/passwd"},
                                 {"id": "one", "offset": 4, "size": 5}, {"id": "one", "size": 5000}, {"id": "one", "as": "picture"}],
    ("tesseract", "recognise"): [{"image": "page.png"}, {"image": "texts/text-0.txt"}, {"image": "page.png", "language": "no-such-language"}],
}
TIMES = {"elapsed_ms", "elapsed_ns", "started_ns", "ended_ns", "lane"}  # what differs between any two runs


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(member) for key, member in value.items() if key not in TIMES}
    return [without_times(member) for member in value] if isinstance(value, list) else value


def toml(value):
    """A value in a workflow file."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(member)}" for key, member in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return "nan" if value is None else json.dumps(value, ensure_ascii=False)


class IsolationCase(Case):
    def setUp(self):
        super().setUp()
        if not any((BUILD / "bin" / name).exists() for name in ("symphony-runner",)):
            self.skipTest("this build has no symphony-runner")
        self.environment["TMPDIR"] = str(self.folder / "tmp")
        (self.folder / "tmp").mkdir()

    def flow(self, name, text):
        return self.file(f"{name}.toml", f'[workflow]\nid = "{name}"\nversion = "1.0.0"\n\n{text}')


class Placement(IsolationCase):
    """The same bytes, wherever it runs."""

    def both(self, *words, status=(0, 1)):
        """Runs the words in both placements, each with a home and an output of its own; returns the two."""
        made = []
        for name, where in (("together", TOGETHER), ("isolated", ISOLATED)):
            self.environment["HOME"] = str(self.folder / name)
            Path(self.environment["HOME"]).mkdir(exist_ok=True)
            output = self.folder / "out" / name
            done = self.symphony("run", "--json", "--no-cache", *words, "--output", output, *where, cwd=self.folder, status=status)
            files = {path.name: path.read_bytes() for path in sorted(output.glob("*"))} if output.exists() else {}
            told = without_times(json.loads(done.out)) if done.out else {}
            told.pop("files", None)  # the paths of the two outputs
            made.append((done, files, told))
        return made

    def expect_equal(self, *words, status=(0, 1)):
        (one, one_files, one_told), (other, other_files, other_told) = self.both(*words, status=status)
        self.assertEqual(one.status, other.status, f"{one}\n{other}")
        self.assertEqual(one_told, other_told, f"{one}\n{other}")
        self.assertEqual(one_files.keys(), other_files.keys())
        for name, content in one_files.items():
            self.assertEqual(content, other_files[name], name)
        return one, one_files

    def sources(self):
        self.texts(4)
        (self.folder / "texts" / "page.png").write_bytes(PAGE.read_bytes())
        (self.folder / "texts" / "broken.png").write_bytes(PAGE.read_bytes()[:3000])
        return self.folder / "texts"

    def test_every_shipped_workflow(self):
        folder = self.sources()
        shipped = sorted((REPOSITORY / "manifests" / "workflows").glob("*.toml"))
        self.assertTrue(shipped)
        for path in shipped:
            with self.subTest(path.stem):
                inputs = tomllib.loads(path.read_text()).get("inputs", {})
                words = ["--input", f"folder={folder}"] if "folder" in inputs else []
                _, files = self.expect_equal(path.stem, *words, status=0)
                self.assertTrue(files)

    def test_every_operation_of_every_shipped_plugin(self):
        self.texts(2)
        (self.folder / "page.png").write_bytes(PAGE.read_bytes())
        for (plugin, operation), cases in OPERATIONS.items():
            for number, inputs in enumerate(cases):
                with self.subTest(plugin=plugin, operation=operation, case=number):
                    kind = 'type = "instrument"\n' if plugin == "tesseract" else ""
                    members = "".join(f"{name} = {toml(value)}\n" for name, value in inputs.items() if value is not None)
                    flow = self.flow("one", f'[nodes.it]\n{kind}plugin = "{plugin}"\noperation = "{operation}"\n\n[nodes.it.with]\n{members}\n'
                                     + "".join(f'[outputs.{name}]\nfrom = "it.{name}"\n' for name in self.outputs(plugin, operation)))
                    done, _ = self.expect_equal(flow)
                    self.assertEqual(done.status == 0, '"ok": true' in done.out, str(done))

    @staticmethod
    def manifest(plugin):
        return tomllib.loads((BUILD / "plugins" / plugin / "manifest.toml").read_text())

    def outputs(self, plugin, operation):
        return [name for it in self.manifest(plugin)["operation"] if it["name"] == operation for name in it["outputs"] if name not in TIMES]

    def test_no_shipped_operation_is_forgotten(self):
        shipped = {(path.parent.name, it["name"]) for path in (BUILD / "plugins").glob("*/manifest.toml")
                   for it in tomllib.loads(path.read_text()).get("operation", [])}
        self.assertEqual(shipped - OPERATIONS.keys(), set())

    def test_a_plugin_that_nobody_vouches_for_is_isolated_without_being_asked(self):
        bundle = BUILD / "tests" / "attacks" / "has-privileges"
        flow = self.flow("who", '[nodes.it]\nplugin = "has-privileges"\noperation = "go"\n[outputs.text]\nfrom = "it.text"\n')
        done = self.symphony("run", "--json", flow, "--plugins", bundle)
        self.assertTrue(json.loads(done.out)["outputs"]["text"].startswith("stopped: uid"), str(done))


class Processes:
    """The processes beneath a host, by looking at /proc."""

    @staticmethod
    def children(pid):
        try:
            return [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]
        except OSError:
            return []

    @classmethod
    def beneath(cls, pid):
        found, waiting = [], [pid]
        while waiting:
            more = cls.children(waiting.pop())
            found += more
            waiting += more
        return found

    @classmethod
    def of_plugins(cls, pid):
        """Runners and the inits of their sandboxes; not the launcher."""
        return [child for launcher in cls.children(pid) for child in cls.beneath(launcher)]


class KillStorm(IsolationCase):
    """Signals hit plugin processes at random moments under load. Each element of the list comes back exactly once, as a result or as a
    problem that names it; the host neither dies nor hangs; nothing is left."""

    ELEMENTS = 3000
    KILLS_A_RUN = 6
    FLOW = ('[nodes.list]\nplugin = "json"\noperation = "parse"\n[nodes.list.with]\ntext = """{list}"""\n\n'
            '[nodes.work]\nplugin = "text"\noperation = "normalise"\ninputs = {{ text = "list.value" }}\neach = "text"\non_error = "collect"\n\n'
            '[outputs.results]\nfrom = "work.results"\n[outputs.problems]\nfrom = "work.problems"\n')

    def setUp(self):
        super().setUp()
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what a host leaves behind becomes ours
        self.seed = int(os.environ.get("SYMPHONY_SEED", random.randrange(1 << 30)))
        self.random = random.Random(self.seed)
        self.make_load(self.ELEMENTS)
        self.cgroups = self.own_cgroups()

    def make_load(self, count):
        elements = [f"element {number} " + "x" * (number % 700) for number in range(count)]
        self.expected = sorted(elements)
        self.load = self.flow("storm", self.FLOW.format(list=json.dumps(elements)))

    @staticmethod
    def own_cgroups():
        """Groups symphony.PID.START whose launcher is dead; those of others who run tests now are not."""
        found = {os.path.join(above, name) for above, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith("symphony.")}
        return {path for path in found if not Path("/proc", Path(path).name.split(".")[1]).exists()}

    def storm(self, kills, where, victims):
        """One run under fire. Returns how it ended and how many signals hit."""
        with open(self.folder / "out", "wb") as out, open(self.folder / "err", "wb") as err:
            process = self.start("run", "--json", "--no-cache", self.load, *where, stdout=out, stderr=err)
            hits, end = 0, time.monotonic() + PATIENCE_S
            while process.poll() is None:
                self.assertLess(time.monotonic(), end, f"seed {self.seed}: the run hangs\n{self.told()}")
                found = victims(process.pid)
                if found and hits < kills and self.random.random() < 0.3 and self.hit(self.random.choice(found)):
                    hits += 1
                time.sleep(self.random.random() * 0.02)  # a random moment, which no result depends on
        return process.returncode, hits

    @staticmethod
    def name_of(pid):
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""

    def hit(self, pid):
        try:
            os.kill(pid, self.random.choice(SIGNALS))
            return True
        except ProcessLookupError:
            return False

    def told(self):
        return (self.folder / "err").read_text(errors="replace")[-4000:]

    def expect_each_once(self):
        told = json.loads((self.folder / "out").read_text())
        results = [result["text"] for result in told["outputs"]["results"]]
        problems = [problem["item"] for problem in told["outputs"]["problems"]]
        self.assertEqual(sorted(results + problems), self.expected, f"seed {self.seed}: lost or doubled")
        for problem in told["outputs"]["problems"]:
            self.assertTrue(problem["reason"] and problem["message"], f"seed {self.seed}: {problem}")

    def expect_nothing_left(self):
        end = time.monotonic() + 10
        while left := [pid for pid in Processes.children(os.getpid()) if os.waitpid(pid, os.WNOHANG)[0] == 0]:
            names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in left]
            self.assertLess(time.monotonic(), end, f"seed {self.seed}: {names} are left behind")
            time.sleep(0.01)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [], f"seed {self.seed}: files are left behind")
        while left := self.own_cgroups() - self.cgroups:
            self.assertLess(time.monotonic(), end, f"seed {self.seed}: {left} are left behind")
            time.sleep(0.01)

    def rounds(self):
        """How many signals in all: a few for ctest."""
        return int(os.environ.get("SYMPHONY_STORM", "15"))

    def test_workers_die_at_random_moments(self):
        sent = 0
        while sent < self.rounds():
            status, hits = self.storm(self.KILLS_A_RUN, ("--isolate", "text"), Processes.of_plugins)
            # SIGSEGV in its start is not to be told from a plugin that crashes there: then the run has the cause.
            if status == 0 or not re.search(r"(?m)^error: .*\[crashed\]$", self.told()):
                self.assertEqual(status, 0, f"seed {self.seed}\n{self.told()}")
                self.expect_each_once()
            self.expect_nothing_left()
            sent += max(hits, 1)
            self.forgive()

    def test_anything_isolated_dies_at_random_moments(self):
        sent = 0
        while sent < self.rounds():
            status, hits = self.storm(2, ISOLATED, Processes.of_plugins)
            # The tracker may be among the dead: then the run fails with the cause, and never looks as if it had worked.
            self.assertIn(status, (0, 1, 3), f"seed {self.seed}\n{self.told()}")
            if status == 0:
                self.expect_each_once()
            else:
                self.assertRegex(self.told(), r"(?m)^error: .*\[[a-z-]+\]$", f"seed {self.seed}")
            self.expect_nothing_left()
            sent += max(hits, 1)
            self.forgive()

    def test_the_launcher_dies(self):
        for number in SIGNALS:
            with self.subTest(number):
                def launchers(pid):
                    return Processes.children(pid)[:1] if Processes.of_plugins(pid) else []
                self.random.choice, choice = lambda found: found[0] if found is not SIGNALS else number, self.random.choice
                status, _ = self.storm(1, ("--isolate", "text"), launchers)
                self.random.choice = choice
                self.assertIn(status, (0, 1, 3), self.told())
                if status == 0:
                    self.expect_each_once()
                self.expect_nothing_left()
                self.forgive()

    def test_no_descriptor_stays_open_for_a_dead_process(self):
        """Descriptors of the host in each life of its plugin. Files are others' (a store is opened when it is first needed)."""
        counts = []  # of each life

        def held(pid):
            names = [os.readlink(f"/proc/{pid}/fd/{one}") for one in os.listdir(f"/proc/{pid}/fd")]
            return sum(not name.startswith("/") or name.startswith("/memfd:symphony:text") for name in names)

        def victims(pid):
            runners = [one for one in Processes.of_plugins(pid) if self.name_of(one).startswith("text")]
            if runners:
                if runners[-1] not in seen:
                    seen.append(runners[-1])
                    counts.append([])
                try:
                    counts[-1].append(held(pid))
                except OSError:
                    pass
            return runners if runners and len(counts[-1]) > 5 else []
        seen = []
        self.make_load(6 * self.ELEMENTS)
        self.load.write_text(self.load.read_text().replace('each = "text"', 'each = "text"\nparallel = 1'))  # so that it lasts
        status, _ = self.storm(5, ("--isolate", "text"), victims)
        self.assertEqual(status, 0, self.told())
        while counts and len(counts[-1]) < 3:
            counts.pop()  # hardly seen
        if len(counts) < 4:
            self.skipTest("the run was over too soon after the last hit")
        self.assertLess(min(counts[-1]), max(counts[1]) + len(counts) - 2, f"one more for each dead process: {counts}")

    def test_killing_the_host_ends_its_plugins(self):
        with open(self.folder / "out", "wb") as out:
            process = self.start("run", "--json", "--no-cache", self.load, *ISOLATED, stdout=out, stderr=out)
            end = time.monotonic() + PATIENCE_S
            while not Processes.of_plugins(process.pid) and process.poll() is None:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.001)
            process.kill()
            process.wait()
        self.expect_nothing_left()

    def forgive(self):
        """Deaths of one run must not put the plugin into quarantine for the next."""
        for name in ("text", "json", "dag-tracker"):
            self.symphony("doctor", "--release", name, status=(0, 1, 2, 3))


if __name__ == "__main__":
    main()
