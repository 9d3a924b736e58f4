# SPDX-License-Identifier: Apache-2.0
"""What a build made: one exported symbol in each plugin, nothing of the host in it, generated files up to date."""

import re
import subprocess
import sys

from tree import Finding

ENTRY = "symphony_plugin_v1"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def exported(library):
    """Names of the dynamic symbols that the library defines."""
    rows = [line.split() for line in run("nm", "-D", "--defined-only", str(library)).splitlines()]
    return sorted(row[-1].split("@")[0] for row in rows if row)


def needed(library):
    """The DT_NEEDED entries of the library."""
    return re.findall(r"\(NEEDED\).*\[([^\]]+)\]", run("readelf", "-dW", str(library)))


def check_exports(tree):
    if tree.build is None:
        return
    for library in sorted((tree.build / "plugins").glob("*/lib*.so")):
        name = library.relative_to(tree.build).as_posix()
        symbols = exported(library)
        if symbols != [ENTRY]:
            what = ", ".join(symbols[:5]) + (", ..." if len(symbols) > 5 else "") if symbols else "nothing"
            yield Finding(name, 0, "plugin-exports", f"exports {what}; a plugin exports {ENTRY} and nothing else")
        for wanted in needed(library):
            if "symphony_host" in wanted or (wanted.startswith("libtbb.") and library.parent.name != "dag-tracker"):
                yield Finding(name, 0, "plugin-exports", f"needs {wanted}, which is not for this plugin")


def check_generated(tree):
    portgen = next((tree.root / path for path in ("tools/portgen/portgen.py", "tools/portgen/__main__.py")
                    if (tree.root / path).is_file()), None)
    if portgen is None:
        return
    done = subprocess.run([sys.executable, "-B", str(portgen), "--check"], cwd=tree.root, capture_output=True, text=True)
    if done.returncode != 0:
        for line in (done.stdout + done.stderr).strip().splitlines() or ["portgen --check failed and said nothing"]:
            yield Finding("plugin-api/generated", 0, "generated", line)
