# SPDX-License-Identifier: Apache-2.0
"""`symphony bench ipc`: that it measures what it says, and ends when it should. How fast anything is, is no test."""

import json
import signal
import subprocess

from harness import PATIENCE_S, PROGRAM, Case, can_run, main


class BenchIpc(Case):
    def left_behind(self):
        return subprocess.run(["pgrep", "-f", f"^{PROGRAM} (bench echo|serve)"], capture_output=True, text=True, timeout=60).stdout

    def test_it_measures_every_transport_and_the_bus(self):
        done = self.symphony("bench", "ipc", "--seconds", "2", "--size", "64", "--size", "64KiB", "--json")
        result = json.loads(done.out)
        names = {"raw socket", "unix", "shm", "raw pipe", "stdio", "bus event, in process", "bus request, in process", "bus event, across", "bus request, across"}
        self.assertEqual({(row["name"], row["bytes"]) for row in result["round_trips"]}, {(name, size) for name in names for size in (64, 65_536)}, str(done))
        for row in result["round_trips"]:
            self.assertGreater(row["trips"], 0, str(row))
            self.assertLessEqual(0 < row["p50_us"] and row["p50_us"], row["p99_us"], str(row))
            self.assertLessEqual(row["p99_us"], row["p999_us"], str(row))
            self.assertEqual("ratio" in row, not row["name"].startswith("raw") and not row["name"].endswith("in process"), str(row))
        self.assertEqual([rate["name"] for rate in result["rates"]], ["bus, in process", "bus, across"])
        self.assertEqual(self.left_behind(), "", "no process stays")

    def test_it_measures_what_it_is_asked_for_as_a_table(self):
        done = self.symphony("bench", "ipc", "--seconds", "1", "--transport", "stdio", "--size", "1KiB")
        self.assertRegex(done.out, r"(?m)^THERE AND BACK +SIZE +P50 US")
        self.assertRegex(done.out, r"(?m)^raw pipe +1 KiB ")
        self.assertRegex(done.out, r"(?m)^stdio +1 KiB .*x raw pipe$")
        self.assertEqual(len(done.out.splitlines()), 3, str(done))

    def test_it_says_what_was_typed_wrong(self):
        for words, name in ((("--size", "9MiB"), "9MiB"), (("--transport", "pigeon"), "pigeon"), (("--seconds", "0"), "--seconds")):
            self.assertIn(name, self.symphony("bench", "ipc", *words, status=2).err)
        self.assertIn("path", self.symphony("bench", "echo", "unix", status=2).err)
        self.assertIn("juggler", self.symphony("bench", "echo", "juggler", status=2).err)

    def test_it_can_be_stopped(self):
        process = self.start("bench", "ipc", "--seconds", "600", "--transport", "stdio")
        # It says nothing before its end: that its other processes are there shows that it measures.
        while not can_run("pgrep", "-f", f"^{PROGRAM} bench echo stdio"):
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 130)
        while self.left_behind():
            pass


if __name__ == "__main__":
    main()
