# SPDX-License-Identifier: Apache-2.0
"""An install prefix of the build, and a person with a home who knows nothing else."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["SYMPHONY_BUILD"])


def run(*command, status=0, **options):
    """Runs a command, which must end with `status`; everything it said is in the failure."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **options)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}")
    return done


class Prefix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="symphony-install-")
        cls.addClassCleanup(cls.holder.cleanup)
        cls.home = Path(cls.holder.name).resolve()
        cls.prefix = cls.home / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.program = cls.prefix / "bin" / "symphony"
        cls.environment = {"PATH": os.environ["PATH"], "HOME": str(cls.home / "person"), "LANG": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "CCACHE_DIR"):
            if name in os.environ:
                cls.environment[name] = os.environ[name]
        (cls.home / "person").mkdir()

    def symphony(self, *words, status=0):
        return run(self.program, *words, status=status, env=self.environment, cwd=self.home / "person")
