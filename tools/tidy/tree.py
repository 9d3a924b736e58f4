# SPDX-License-Identifier: Apache-2.0
"""The files of the repository, and what a rule says about one of them."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", "symphony-out", ".cache", "__pycache__"}
CPP_SUFFIXES = {".c", ".h", ".cpp", ".hpp"}
PLUGIN_PARENTS = ("ipc", "pit", "editor", "plugins", "sdk-template")


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule at one place. `line` 0 is the file as a whole."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message} [{self.rule}]"


@dataclass
class Tree:
    """A repository at `root` and, where there is one, its build folder."""

    root: Path
    build: Path | None = None
    texts: dict = field(default_factory=dict)

    @cached_property
    def paths(self):
        """Every file as a path relative to the root with `/`, sorted: what git tracks or would, else a walk."""
        command = ["git", "-c", "safe.directory=*", "-C", str(self.root), "ls-files", "-coz", "--exclude-standard"]
        try:
            listing = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")
            names = [name for name in listing.split("\0") if name]
        except (OSError, subprocess.CalledProcessError):
            names = []
        if not names:
            names = list(self._walk())
        return sorted(name for name in set(names) if (self.root / name).is_file())

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in files:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    @cached_property
    def folders(self):
        """Every folder that holds a file, as a relative path."""
        found = set()
        for path in self.paths:
            parts = path.split("/")[:-1]
            for count in range(1, len(parts) + 1):
                found.add("/".join(parts[:count]))
        return found

    def text(self, path):
        """The file's text; bytes that are not UTF-8 are replaced."""
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_bytes().decode("utf-8", "replace")
        return self.texts[path]

    def lines(self, path):
        """(number, line) for each line of the file."""
        return enumerate(self.text(path).splitlines(), start=1)

    def cpp(self):
        """The C and C++ files."""
        return [path for path in self.paths if Path(path).suffix in CPP_SUFFIXES]

    def is_binary(self, path):
        """As git decides it: a zero byte near the start."""
        with open(self.root / path, "rb") as file:
            return b"\0" in file.read(8000)

    @cached_property
    def plugins(self):
        """The folders of plugins: those with a manifest.toml where plugins live."""
        pattern = re.compile(r"^(" + "|".join(PLUGIN_PARENTS) + r")/(.+/)?manifest\.toml$")
        return sorted(str(Path(path).parent) for path in self.paths if pattern.match(path) and "/tests/" not in path)
