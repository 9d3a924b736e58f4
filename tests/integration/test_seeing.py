# SPDX-License-Identifier: Apache-2.0
"""What a run did can be seen: on a terminal, as a picture, in the viewers and databases of other projects, and while it happens."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import formats_of_others as others
from harness import PATIENCE_S, Case, main
from recorded import CLEANED_AND_STORED, COUNTED, HEAD, list_of

FLOW = HEAD.format("seen") + """name = "Texts & <b>words</b> \\" </title><script>alert(1)</script>"
""" + CLEANED_AND_STORED + """
[nodes.missing]
plugin = "artifact-store"
operation = "load"
with = { id = "no-such-</text>-artifact" }
on_error = "collect"
after = ["store"]  # which makes the store

[nodes.both]
type = "control"
operation = "merge"
mode = "named"
inputs = { clean = "clean.results", lost = "missing.problems" }
""" + COUNTED.replace("[outputs", 'after = ["both"]\n[outputs')
BROKEN = FLOW.replace('on_error = "collect"', "").replace(', lost = "missing.problems"', "")
STEPS = {"list", "clean", "store", "missing", "count"}


class SeeingCase(Case):
    def setUp(self):
        super().setUp()
        self.flow = self.file("seen.toml", FLOW)

    def run_it(self, texts=12, flow=None, **options):
        return self.symphony("run", flow or self.flow, "--input", list_of([f"text {number}" for number in range(texts)]), "--output", self.folder / "out", **options)

    def json(self, *words, **options):
        return json.loads(self.symphony(*words, **options).out)


class Formats(SeeingCase):
    def test_a_picture_and_a_page(self):
        self.run_it()
        self.symphony("runs", "timeline", "last", "--svg", self.folder / "run.svg", "--html", self.folder / "run.html")
        picture = (self.folder / "run.svg").read_text()
        root = others.svg(picture)
        words = " ".join(root.itertext())
        for word in ("Texts & <b>words</b> \" </title><script>alert(1)</script>", "org.symphony.text", "store", "12 elements", "Critical path", "1 problem"):
            self.assertIn(word, words)
        page = others.Page((self.folder / "run.html").read_text())
        self.assertNotIn("script", page.tags)
        self.assertNotIn("b", page.tags)
        for word in ("no-such-</text>-artifact", "Critical path", "completed"):
            self.assertTrue(any(word in text for text in page.text), word)

    def test_a_page_to_go_through_a_run(self):
        self.run_it()
        self.symphony("runs", "view", "last", "--html", self.folder / "view.html")
        text = (self.folder / "view.html").read_text()
        page = others.Page(text)
        self.assertEqual(page.tags.count("script"), 2, "its data and its program, and nobody else's")
        data, program = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
        told = json.loads(data)
        self.assertEqual({told["names"][stint[0]] for stint in told["stints"]}, STEPS)
        for _, _, state, begin, end, answered, _, elements, cached in told["stints"]:
            self.assertEqual((told["states"][state], len(answered)), ("done", elements))
            self.assertLessEqual(begin, end)
            self.assertEqual(cached, "", "every call was made")
        if node := shutil.which("node"):
            subprocess.run([node, "--check", self.file("view.js", program)], check=True, timeout=60)
        self.expect_error(self.symphony("runs", "view", status=2), "usage", "--html")

    def test_a_terminal_and_programs(self):
        self.run_it()
        text = self.symphony("runs", "timeline").out
        self.assertIn("critical path", text)
        self.assertNotIn("\x1b", text, "this is no terminal")
        told = self.json("runs", "timeline", "--json")
        self.assertEqual({step["node"] for step in told["steps"]}, STEPS)
        path = [step["node"] for step in told["critical_path"]]
        self.assertEqual(path[0], "list")
        for before, after in zip(told["critical_path"], told["critical_path"][1:]):
            self.assertLessEqual(before["start_ns"] + before["took_ns"], after["start_ns"] + 1_000_000)
        for step in told["steps"]:
            self.assertLessEqual(0, step["start_ns"])
            self.assertLessEqual(step["start_ns"], step["end_ns"])
            self.assertLessEqual(step["end_ns"], told["span_ns"] + 1_000_000)
        self.expect_error(self.symphony("runs", "timeline", "nobody", status=1), "no-such-run")

    def test_trace_events(self):
        self.run_it()
        events = others.trace_events(self.json("runs", "export", "--format", "chrome"))
        self.assertEqual({event["name"] for event in events}, STEPS | {"part 1"})
        (clean,) = (event for event in events if event["name"] == "clean")
        self.assertEqual((clean["args"]["elements"], clean["args"]["state"]), (12, "done"))

    def test_spans(self):
        self.run_it()
        first = self.json("runs", "export", "--format", "spans")
        spans = {span["name"]: span for span in others.otlp(first)}
        self.assertEqual(set(spans), STEPS | {"seen"})
        clean = others.attributes_of(spans["clean"])
        self.assertEqual(clean["symphony.plugin.id"], "org.symphony.text")
        self.assertEqual(clean["symphony.elements"], "12")
        self.assertEqual([link["spanId"] for link in spans["clean"]["links"]], [spans["list"]["spanId"]])
        self.assertEqual({link["spanId"] for link in spans["count"]["links"]} - {spans["clean"]["spanId"], spans["missing"]["spanId"]}, set())
        self.assertEqual(spans["missing"]["events"][0]["name"], "exception")
        self.assertEqual(spans["seen"]["status"], {"code": 1})
        self.assertEqual(self.json("runs", "export", "--format", "spans"), first, "ids and times are the same each time")

    def test_calls_from_memory_are_marked_everywhere(self):
        self.run_it()
        self.run_it()
        self.assertRegex(self.symphony("runs", "timeline").out, r"clean .*cached")
        told = {step["node"]: step["cached"] for step in self.json("runs", "timeline", "--json")["steps"]}
        self.assertEqual((told["clean"], told["store"]), (12, 0))
        self.symphony("runs", "timeline", "--svg", self.folder / "run.svg", "--html", self.folder / "run.html")
        self.assertIn("cached", " ".join(others.svg((self.folder / "run.svg").read_text()).itertext()))
        self.symphony("runs", "view", "--html", self.folder / "view.html")
        data = json.loads(re.search(r"<script[^>]*>(.*?)</script>", (self.folder / "view.html").read_text(), re.DOTALL).group(1))
        self.assertEqual({data["names"][stint[0]] for stint in data["stints"] if stint[8] == "cached"}, {name for name, cached in told.items() if cached})
        spans = {span["name"]: span for span in others.otlp(self.json("runs", "export", "--format", "spans"))}
        self.assertEqual(others.attributes_of(spans["clean"])["symphony.calls.cached"], "12")
        (clean,) = (event for event in others.trace_events(self.json("runs", "export", "--format", "chrome")) if event["name"] == "clean")
        self.assertEqual(clean["args"]["cached"], 12)

    def test_metrics(self):
        self.assertEqual(others.prometheus(self.symphony("runs", "metrics").out)["symphony_runs"]["samples"], [])
        for _ in range(3):
            self.run_it(texts=5)
        broken = self.file("broken.toml", BROKEN)
        self.run_it(texts=5, flow=broken, status=1)
        families = others.prometheus(self.symphony("runs", "metrics").out)
        runs = {(labels["workflow"], labels["state"]): value for _, labels, value in families["symphony_runs"]["samples"]}
        self.assertEqual(runs, {("seen", "completed"): 3, ("seen", "failed"): 1})
        steps = {(labels["plugin"], labels["state"]): value for _, labels, value in families["symphony_steps"]["samples"]}
        self.assertEqual(steps["org.symphony.artifact-store", "failed"], 1)
        elements = {labels["plugin"]: value for _, labels, value in families["symphony_step_elements"]["samples"]}
        self.assertEqual(elements["org.symphony.text"], 20)
        counts = {labels["plugin"]: value for name, labels, value in families["symphony_step_duration_seconds"]["samples"] if name.endswith("_count")}
        self.assertEqual(counts["org.symphony.json"], 4)
        newest = others.prometheus(self.symphony("runs", "metrics", "--last", "1").out)
        self.assertEqual([value for _, _, value in newest["symphony_runs"]["samples"]], [1])
        self.expect_error(self.symphony("runs", "metrics", "--last", "few", status=2), "usage", "--last")

    def test_the_checks_can_fail(self):
        for text in ("a 1", "# TYPE a gauge\na{b=\"c} 1\n", "# TYPE a gauge\na{b=\"\\x\"} 1\n", "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
                     "# TYPE a gauge\nb 1\n", "# TYPE a gauge\na 1\na 1\n"):
            self.assertRaises(ValueError, others.prometheus, text)
        self.run_it(texts=2)
        spans = self.json("runs", "export", "--format", "spans")
        (scope,) = spans["resourceSpans"][0]["scopeSpans"]
        for change in ({"traceId": "00" * 16}, {"spanId": "XY"}, {"startTimeUnixNano": 5}, {"kind": "INTERNAL"}, {"unknown": 1}, {"parentSpanId": "0123456789abcdef"}):
            kept = dict(scope["spans"][1])
            scope["spans"][1].update(change)
            self.assertRaises(ValueError, others.otlp, spans)
            scope["spans"][1] = kept
        others.otlp(spans)
        overlapping = [{"name": "a", "ph": "X", "pid": 1, "tid": 1, "ts": at, "dur": 10, "args": {}} for at in (0, 5)]
        self.assertRaises(ValueError, others.trace_events, {"traceEvents": overlapping})

    def test_a_format_that_there_is_not(self):
        self.run_it(texts=1)
        self.expect_error(self.symphony("runs", "export", "--format", "xml", status=2), "usage", "chrome, spans")


class Following(SeeingCase):
    def events(self, done):
        return [json.loads(line) for line in done.out.splitlines()]

    def begun(self, process):
        """Waits until the run of the process is on record; its name."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            ended = process.poll() is not None
            runs = self.json("runs", "list", "--json")["runs"]
            if runs:
                return runs[0]["id"]
            self.assertFalse(ended, "it was never recorded")
        self.fail("the run is not on record")

    def check_events(self, events, name):
        *rows, last = events
        self.assertEqual([row["seq"] for row in rows], list(range(1, len(rows) + 1)))
        exported = [json.loads(line) for line in self.symphony("runs", "export", name).out.splitlines()]
        states = {step["node"]: step["state"] for step in exported if step["kind"] == "step"}
        ended = {row["node"]: row["state"] for row in rows if row["event"] == "ended"}
        for node, state in ended.items():
            self.assertEqual(states[node], state)
        self.assertEqual(last["run"]["state"], exported[0]["state"])
        return ended

    def test_a_run_of_another_process_is_followed_to_its_end(self):
        running = self.start("run", "survey", "--input", f"folder={self.pages(4)}", "--output", self.folder / "out")
        name = self.begun(running)
        followed = self.symphony("runs", "tail", name, "--from-start", "--json")
        done = self.finish(running)
        self.assertEqual(done.status, 0, str(done))
        ended = self.check_events(self.events(followed), name)
        self.assertEqual(set(ended.values()), {"completed"})
        self.assertIn("recognise", ended)
        answered = [event for event in self.events(followed) if event["event"] == "answered" and event["node"] == "recognise"]
        self.assertEqual(len(answered), 4)

    def test_a_run_that_is_over_is_told_at_once(self):
        self.run_it()
        text = self.symphony("runs", "tail", "last", "--from-start").out
        for word in ("done       clean", "12 elements", "problem: ", "is completed: 5 of 6 steps"):
            self.assertIn(word, text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(len(self.symphony("runs", "tail").out.splitlines()), 1)
        self.assertEqual(set(self.check_events(self.events(self.symphony("runs", "tail", "--from-start", "--json")), "last")), STEPS)

    def test_what_is_not_completed_has_another_status(self):
        self.run_it(flow=self.file("broken.toml", BROKEN), status=1)
        failed = self.symphony("runs", "tail", status=1)
        self.assertIn("is failed", failed.out)
        self.assertIn("hint: symphony runs resume", failed.err)
        self.expect_error(self.symphony("runs", "tail", "nobody", status=1), "no-such-run")

    def test_the_death_of_a_run_is_its_end(self):
        running = self.start("run", "survey", "--input", f"folder={self.pages(200)}", "--output", self.folder / "out")
        name = self.begun(running)
        tail = self.start("runs", "tail", name, "--from-start", "--json")
        line = tail.stdout.readline()  # it follows
        self.assertIn(b'"event"', line)
        running.kill()
        running.wait()
        done = self.finish(tail)
        self.assertEqual(done.status, 1, str(done))
        self.assertEqual(json.loads(done.out.splitlines()[-1])["run"]["state"], "interrupted")
        self.symphony("runs", "timeline", name, "--svg", self.folder / "dead.svg")
        self.assertIn("interrupted", (self.folder / "dead.svg").read_text())

    def test_following_can_be_stopped_and_the_run_goes_on(self):
        running = self.start("run", "survey", "--input", f"folder={self.pages(200)}", "--output", self.folder / "out")
        name = self.begun(running)
        tail = self.start("runs", "tail", name, "--from-start", "--json")
        self.assertIn(b'"event"', tail.stdout.readline())
        tail.send_signal(2)
        self.assertEqual(self.finish(tail).status, 130)
        self.assertIsNone(running.poll())
        self.assertEqual(self.json("runs", "list", "--json")["runs"][0]["state"], "running")


class LiveTree(SeeingCase):
    def on_terminal(self, *words, columns=90, terminal="xterm"):
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = self.start(*words, stdout=subprocess.DEVNULL, stderr=child, env=self.environment | {"TERM": terminal})
        os.close(child)
        seen, end = b"", time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if not select.select([parent], [], [], 1)[0]:
                continue
            try:
                part = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        self.assertEqual(process.wait(PATIENCE_S), 0)
        return seen.decode()

    def test_a_terminal_shows_what_is_under_way(self):
        seen = self.on_terminal("run", "survey", "--input", f"folder={self.pages(6)}", "--output", self.folder / "out")
        self.assertRegex(seen, r"\[#*-*\] \d+% \d+/\d+ steps")
        self.assertRegex(seen, r"[├└] recognise +tesseract +\d+/6")
        widths = [len(re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", line)) for part in seen.split("\r") for line in part.split("\n")]
        self.assertLess(max(widths), 90)
        self.assertEqual(set(re.findall(r"\x1b\[[0-9]*([A-Za-z])", seen)) - set("AKJm"), set())
        self.assertEqual(screen(seen), [], "the tree is gone when the run is over")

    def test_nothing_of_it_is_seen_elsewhere(self):
        seen = self.on_terminal("run", "survey", "--input", f"folder={self.pages(1, 'dumb')}", "--output", self.folder / "out", terminal="dumb")
        self.assertNotIn("\x1b", seen)
        done = self.symphony("run", "survey", "--input", f"folder={self.pages(1)}", "--output", self.folder / "out")
        for text in (done.out, done.err):
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\r", text)
            self.assertNotIn("└", text)


def screen(text):
    """What is left on a terminal of which only these movements are known: \\r, \\n, up, erase to the line's end and to the screen's."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[([0-9]*)([A-Za-z])|([^\x1b])", text):
        count, what, plain = part
        if what == "A":
            row = max(0, row - int(count or 1))
        elif what == "K":
            lines[row] = lines[row][:column]
        elif what == "J":
            lines[row] = lines[row][:column]
            del lines[row + 1:]
        elif plain == "\r":
            column = 0
        elif plain == "\n":
            row += 1
            lines.extend([""] * (row + 1 - len(lines)))
        elif plain:
            lines[row] = lines[row][:column].ljust(column) + plain + lines[row][column + 1:]
            column += 1
    return [line for line in lines if line.strip()]


if __name__ == "__main__":
    main()
