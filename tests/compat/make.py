#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps plugins as an SDK of today builds them: tests/compat/make.py PREFIX

PREFIX is an installed Symphony. The operator templates in C++ and C are built with it, stripped, and put into abi-MAJOR.MINOR/ with their manifests, their
workflows and HOW, which says what built them. Done once for each minor of the ABI, by whoever releases it, and never again: what is kept is what authors have.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATES = {"cpp": "word-mask", "c": "line-count"}


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def keep(prefix, template, name, to, build):
    source = build / template
    shutil.copytree(HERE.parents[1] / "sdk-template" / template, source)
    flags = f"-DCMAKE_C_FLAGS=-ffile-prefix-map={build}=. -DCMAKE_CXX_FLAGS=-ffile-prefix-map={build}=.".split()
    run("cmake", "-S", source, "-B", source / "build", "-DCMAKE_BUILD_TYPE=MinSizeRel", "-DBUILD_TESTING=OFF", f"-DCMAKE_PREFIX_PATH={prefix}", *flags)
    run("cmake", "--build", source / "build")
    folder = to / name
    folder.mkdir(parents=True)
    library = folder / f"lib{name}.so"
    run("strip", "--strip-unneeded", "-o", library, source / "build/plugins" / name / library.name)
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    artifact = re.search(r"\n\[\[artifact\]\]\ntriple = \"([^\"]+)\"", (source / "build/plugins" / name / "manifest.toml").read_text())
    manifest = (source / "manifest.toml").read_text()
    manifest += f'\n[[artifact]]\ntriple = "{artifact[1]}"\npath = "{library.name}"\nsize = {library.stat().st_size}\nsha256 = "{digest}"\n'
    (folder / "manifest.toml").write_text(manifest)
    shutil.copytree(source / "workflows", folder / "workflows")
    return f"{digest}  {name}/{library.name}\n"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("prefix", type=Path)
    prefix = words.parse_args().prefix.resolve()
    base = (prefix / "include/symphony/abi/base.h").read_text()
    abi = ".".join(re.search(rf"#define SYMPHONY_ABI_{part} (\d+)u", base)[1] for part in ("MAJOR", "MINOR"))
    to = HERE / f"abi-{abi}"
    if to.exists():
        raise SystemExit(f"{to} is there already, and is kept as it is")
    with tempfile.TemporaryDirectory() as build:
        digests = "".join(keep(prefix, template, name, to, Path(build)) for template, name in TEMPLATES.items())
    compiler = run("c++", "--version").splitlines()[0]
    (to / "HOW").write_text(f"Built by tests/compat/make.py with {run(prefix / 'bin/symphony', 'version').splitlines()[0]} and {compiler}; then kept. sha256sum -c:\n{digests}")


if __name__ == "__main__":
    main()
