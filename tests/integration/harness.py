# SPDX-License-Identifier: Apache-2.0
"""Runs the built `symphony` as a person would, in a home of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

BUILD = Path(os.environ["SYMPHONY_BUILD"])
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = BUILD / "bin" / "symphony"
SAMPLES = REPOSITORY / "manifests" / "workflows" / "samples"
SANITIZED = bool(os.environ.get("SYMPHONY_SANITIZE"))
KEPT = ("PATH", "LANG", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
# Generous: it says that something hangs, never that something is slow.
PATIENCE_S = 300


class Done:
    """A finished program: status, and what it wrote."""

    def __init__(self, words, status, out, err):
        self.words, self.status, self.out, self.err = words, status, out, err

    def __str__(self):
        return f"{' '.join(map(str, self.words))}\nstatus {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="symphony-it-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name).resolve()
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(self.home)}

    def start(self, *words, before=(), **options):
        """Starts `symphony words`; `before` is a program that runs it."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.home,
                   "env": self.environment} | options
        process = subprocess.Popen([*map(str, before), str(PROGRAM), *map(str, words)], **options)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()

    def finish(self, process, words=()):
        out, err = process.communicate(timeout=PATIENCE_S)
        return Done(words, process.returncode, (out or b"").decode("utf-8", "replace"), (err or b"").decode("utf-8", "replace"))

    def symphony(self, *words, status=0, **options):
        """Runs to the end; the status must be `status`, a number or several."""
        done = self.finish(self.start(*words, **options), words)
        self.assertIn(done.status, status if isinstance(status, tuple) else (status,), str(done))
        self.assertNotIn("Sanitizer", done.err, str(done))
        return done

    def expect_error(self, done, *words):
        """An `error:` line with all the words, followed by a `hint:` line."""
        self.assertRegex(done.err, r"(?m)^error: ", str(done))
        self.assertRegex(done.err, r"(?m)^hint: ", str(done))
        for word in words:
            self.assertIn(word, done.err, str(done))

    def file(self, name, content=""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def texts(self, count=3, name="texts"):
        """A folder with some texts."""
        for number in range(count):
            self.file(f"{name}/text-{number}.txt", f"the workflow number {number} runs a plugin\n" * 5)
        return self.folder / name

    def pages(self, count, name="pages"):
        """A folder with so many page images to recognise that a run of it lasts."""
        page = SAMPLES / "scanned-letter.png"
        folder = self.folder / name
        folder.mkdir(parents=True)
        for number in range(count):
            shutil.copyfile(page, folder / f"page-{number:04}.png")
        return folder


def can_run(*words):
    """Does this little program work here? (Containers often forbid namespaces and tracing.)"""
    try:
        return subprocess.run([str(word) for word in words], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def main():
    unittest.main(verbosity=2)
