# SPDX-License-Identifier: Apache-2.0
"""Plugins that were built by older SDKs, in this host; and which versions go together."""

import hashlib
import json
import re
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from harness import REPOSITORY, Case, main  # noqa: E402

HERE = Path(__file__).resolve().parent
KEPT = sorted(path.parent for path in HERE.glob("abi-*/*/manifest.toml"))
QUESTIONS = {
    "word-mask": (["text=call ann or bob", 'words=["ann", "bob"]'], {"redacted.txt": "call [redacted] or [redacted]", "hits.json": "2"}),
    "line-count": (["text=one\ntwo"], {"lines.json": "2"}),
}


def note(library):
    """ABI major, and the minors that it was built for and needs, as its ELF note says it."""
    content = library.read_bytes()
    return struct.unpack_from("<IHHH", content, content.index(b"Symphony\0\0\0\0") + 12)[1:]


def host_minor():
    return int(re.search(r"#define SYMPHONY_ABI_MINOR (\d+)u", (REPOSITORY / "plugin-api/include/symphony/abi/base.h").read_text())[1])


class Kept(Case):
    def plugin(self, kept, needs=None):
        """The plugin, as it was installed; `needs` is another minor that its manifest asks for."""
        folder = self.folder / "plugins" / kept.name
        folder.mkdir(parents=True, exist_ok=True)
        for path in kept.iterdir():
            if path.is_file():
                (folder / path.name).write_bytes(path.read_bytes())
        if needs is not None:
            manifest = folder / "manifest.toml"
            text, count = re.subn(r'(\[abi\]\nversion = "1\.)0"', rf'\g<1>{needs}"', manifest.read_text())
            self.assertEqual(count, 1)
            manifest.write_text(text)
        return folder.parent

    def expect_answers(self, kept, placement, plugins, status=0):
        inputs, expected = QUESTIONS[kept.name]
        out = self.folder / f"out-{placement}"
        words = [word for value in inputs for word in ("--input", value)]
        done = self.symphony("--plugins", plugins, placement, kept.name, "run", kept / f"workflows/{kept.name}.toml", *words, "--output", out, status=status)
        if status == 0:
            for name, text in expected.items():
                self.assertEqual((out / name).read_text().strip(), text)
        return done

    def test_there_is_what_this_abi_promises_to_load(self):
        minors = {int(path.parent.name.rsplit(".", 1)[1]) for path in KEPT}
        self.assertEqual(minors, set(range(host_minor() + 1)), "tests/compat/make.py keeps the plugins of a new minor")

    def test_they_are_what_was_kept(self):
        for kept in KEPT:
            digests = dict(reversed(line.split()) for line in (kept.parent / "HOW").read_text().splitlines()[1:])
            library = kept / f"lib{kept.name}.so"
            self.assertEqual(hashlib.sha256(library.read_bytes()).hexdigest(), digests[f"{kept.name}/{library.name}"])
            self.assertEqual(kept.parent.name, "abi-{}.{}".format(*note(library)))

    def test_they_answer_in_both_placements(self):
        for kept in KEPT:
            for placement in ("--in-process", "--isolate"):
                with self.subTest(plugin=kept, placement=placement):
                    self.expect_answers(kept, placement, self.plugin(kept))

    def test_they_are_held_to_the_contract_of_today(self):
        for kept in KEPT:
            said = json.loads(self.symphony("check", self.plugin(kept) / kept.name, "--level", "5", "--json").out)
            self.assertEqual(said["diagnostics"], [], kept)

    def test_the_matrix_of_versions(self):
        """Rows: what a plugin was built with and needs at least; the column is this host. A plugin runs exactly when it needs no newer minor."""
        own = host_minor()
        rows = []
        for kept in KEPT:
            major, built, needs = note(kept / f"lib{kept.name}.so")
            for asked in {needs, own + 1}:
                plugins = self.plugin(kept, asked)
                if asked <= own:
                    self.expect_answers(kept, "--in-process", plugins)
                else:
                    self.expect_error(self.expect_answers(kept, "--in-process", plugins, status=3), "abi-minor", f"1.{asked}", kept.name)
                rows.append(f"{kept.name:12} built with {major}.{built}, needs {major}.{asked}   host {major}.{own}: {'loads' if asked <= own else 'refused, abi-minor'}")
        print("\n" + "\n".join(sorted(rows)), file=sys.stderr)


if __name__ == "__main__":
    main()
