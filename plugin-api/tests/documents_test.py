# SPDX-License-Identifier: Apache-2.0
"""The plugins in the documents are compiled as they stand there: documents_test.py CC CXX DOCS INCLUDE..."""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path


def blocks(text):
    """Indented code by the heading above it, in order."""
    found, heading, current = {}, "", None
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        if line.startswith("    ") or (current is not None and not line.strip()):
            if current is None:
                current = []
                found.setdefault(heading, []).append(current)
            current.append(line[4:])
        else:
            current = None
    return {heading: ["\n".join(lines) + "\n" for lines in parts] for heading, parts in found.items()}


def compile_one(command, source):
    run = subprocess.run([*command, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(source)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{source.name}:\n{run.stderr}")


def main():
    cc, cxx, docs, *includes = sys.argv[1:]
    flags = [f"-I{folder}" for folder in includes] + ['-DSYMPHONY_PLUGIN_ID="x"', '-DSYMPHONY_PLUGIN_VERSION="1.0.0"']
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cpp = blocks((Path(docs) / "write-a-plugin.md").read_text(encoding="utf-8"))
        c = blocks((Path(docs) / "write-a-plugin-in-c.md").read_text(encoding="utf-8"))
        header, body = cpp["src/shout.hpp and src/shout.cpp"][0].split("// shout.cpp\n")
        (folder / "shout.hpp").write_text(header)
        (folder / "shout.cpp").write_text(body)
        (folder / "plugin.cpp").write_text(cpp["src/plugin.cpp"][0])
        (folder / "shout_test.cpp").write_text(cpp["tests/shout_test.cpp"][0])
        command_manifest, command = cpp["A command of your own"]
        (folder / "command.cpp").write_text(command)
        (folder / "plugin.c").write_text(c["src/plugin.c"][0])
        for source in ("shout.cpp", "plugin.cpp", "shout_test.cpp", "command.cpp"):
            compile_one([cxx, "-std=c++20", *flags], folder / source)
        compile_one([cc, "-std=c11", *flags], folder / "plugin.c")
        builder = blocks((Path(docs) / "build-workflows.md").read_text(encoding="utf-8"))
        (folder / "main.cpp").write_text(builder["main.cpp"][0])
        compile_one([cxx, "-std=c++20", *flags], folder / "main.cpp")
        for manifest in (cpp["manifest.toml"][0], c["manifest.toml"][0], command_manifest):
            tomllib.loads(manifest)


main()
