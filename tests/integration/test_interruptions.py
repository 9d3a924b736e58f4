# SPDX-License-Identifier: Apache-2.0
"""Signals while busy, two hosts at once, and what is left afterwards."""

import json
import os
import signal
import subprocess
import time

from harness import PATIENCE_S, Case, main

# The host gives a run ten seconds to end by itself; more than that, under a sanitizer on a busy machine too, is a hang.
STOP_S_MAX = 60


class Interruptions(Case):
    def busy(self, output="out"):
        """A survey of many pages that has begun to recognise."""
        pages = self.folder / "pages"
        if not pages.exists():
            self.pages(400)
        with open(self.folder / f"{output}.log", "wb") as log:
            process = self.start("run", "survey", "--input", f"folder={pages}", "--output", self.folder / output,
                                 "--log-level", "debug", stderr=log)
        self.wait_until(lambda: self.is_recognising(process), process)
        return process

    @staticmethod
    def is_recognising(process):
        """Has it used so much processor time that it must be recognising?"""
        with open(f"/proc/{process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK") > 1.5

    def wait_until(self, condition, process):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertIsNone(process.poll(), "it ended before it was busy")
            self.assertLess(time.monotonic(), end, "it never became busy")
            time.sleep(0.02)

    def log(self, output="out"):
        return (self.folder / f"{output}.log").read_text(errors="replace")

    def expect_stop(self, number):
        process = self.busy()
        begun = time.monotonic()
        process.send_signal(number)
        out, _ = process.communicate(timeout=STOP_S_MAX)
        self.assertLess(time.monotonic() - begun, STOP_S_MAX)
        self.assertIn(process.returncode, (1, 128 + number), self.log())
        self.assertRegex(self.log(), r"(?i)cancel|interrupt|stopp", self.log())
        self.assertNotIn("Sanitizer", self.log())
        self.expect_usable()

    def expect_usable(self):
        """What was left behind hinders nobody."""
        self.symphony("run", "survey", "--input", f"folder={self.texts()}", "--output", self.folder / "after")
        self.assertTrue((self.folder / "after" / "report.json").exists())
        listed = json.loads(self.symphony("list", "--json").out)
        self.assertEqual({plugin["state"] for plugin in listed["plugins"]}, {"usable"})

    def test_sigint_stops_a_busy_run(self):
        self.expect_stop(signal.SIGINT)

    def test_sigterm_stops_a_busy_run(self):
        self.expect_stop(signal.SIGTERM)

    def test_a_second_signal_stops_at_once(self):
        process = self.busy()
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOP_S_MAX)
        self.assertNotEqual(process.returncode, 0)
        self.expect_usable()

    def test_sigkill_leaves_nothing_that_hinders_the_next_run(self):
        process = self.busy()
        process.kill()
        process.communicate(timeout=STOP_S_MAX)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.expect_usable()

    def test_no_process_and_no_half_report_stay_behind(self):
        process = self.busy()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=STOP_S_MAX)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
        self.assertEqual(children, "")
        left = [path.name for path in (self.folder / "out").iterdir()] if (self.folder / "out").exists() else []
        self.assertEqual([name for name in left if not name.startswith("report.")], [])

    def test_two_hosts_share_one_state(self):
        texts = self.texts(20)
        running = [self.start("run", "survey", "--input", f"folder={texts}", "--output", self.folder / f"out-{number}") for number in range(2)]
        for process in running:
            done = self.finish(process)
            self.assertEqual(done.status, 0, str(done))
        reports = [(self.folder / f"out-{number}" / "report.json").read_bytes() for number in range(2)]
        self.assertEqual(reports[0], reports[1])

    def test_many_hosts_build_one_cache_at_once(self):
        running = [self.start("list", "--json") for _ in range(8)]
        answers = []
        for process in running:
            done = self.finish(process)
            self.assertEqual(done.status, 0, str(done))
            answers.append([plugin["name"] for plugin in json.loads(done.out)["plugins"]])
        self.assertEqual(answers, [answers[0]] * len(answers))


if __name__ == "__main__":
    main()
