# SPDX-License-Identifier: Apache-2.0
"""Who may depend on whom (DESIGN.md 1), read from #include lines and from link lines."""

import posixpath
import re
from pathlib import Path

from tree import Finding

RULE = "include-direction"

# An area may include itself and these. A plugin is an area of its own; `None` is anything.
MAY_INCLUDE = {
    "plugin-api": set(),
    "manifests": {"plugin-api"},
    "ipc": {"plugin-api", "ipc"},  # its plugins stand on its libraries
    "host": {"plugin-api", "manifests", "ipc"},
    "pit": {"plugin-api", "manifests", "ipc"},
    "editor": {"plugin-api", "manifests", "ipc"},
    "plugins": {"plugin-api", "manifests", "ipc"},
    "sdk-template": {"plugin-api"},
    "tools": None,
    "tests": None,
}

# Pure libraries inside an area: areas of their own, for the plugins that name them here (decisions 0011, 0032).
LIBRARIES = {"pit/sqlite-files": {"plugin-api"}, "plugins/packaging": {"plugin-api", "manifests"}, "ipc/bus/clients/cpp": {"plugin-api", "ipc"}}
MAY_INCLUDE_LIBRARIES = {"pit": {"pit/sqlite-files"}, "plugins": {"plugins/packaging"}, "ipc": {"ipc/bus/clients/cpp"}}

# What a module's own tests may include besides, and its sources never.
SUPPORT = "tests/support/"

# (headers, the only places that may include them, why)
RESERVED = [
    (re.compile(r"^(tbb|oneapi)/"), ("pit/dag-tracker/", "tests/"), "the dag-tracker is the only owner of flow graphs"),
    (re.compile(r"^Python\.h$"), ("plugins/", "tests/"), "Python is embedded by a plugin alone"),
    (re.compile(r"^(tesseract|leptonica)/"), ("plugins/", "tests/"), "models belong to instruments"),
    (re.compile(r"^(spdlog|CLI)/"), ("host/", "tools/", "tests/"), "logging goes through the host's log service, commands through command/1"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def area_of(path, plugins):
    """The folder of the plugin or of the library inside an area, else the top-level folder."""
    for folder in [*LIBRARIES, *plugins]:  # a library may be in a plugin's folder
        if path.startswith(folder + "/"):
            return folder
    return path.split("/")[0]


def allowed(area):
    """What the area may include besides itself; None is anything, an unknown area nothing."""
    if area in LIBRARIES:
        return LIBRARIES[area]
    top = area.split("/")[0]
    may = MAY_INCLUDE.get(top, set())
    return may if may is None else may | MAY_INCLUDE_LIBRARIES.get(top, set())


class Headers:
    """Finds the repository's file behind an include."""

    def __init__(self, tree):
        self.tree = tree
        self.by_public_name = {}
        self.by_leaf = {}
        for path in tree.cpp():
            self.by_leaf.setdefault(path.rsplit("/", 1)[-1], []).append(path)
            match = re.match(r"^(?:.*/)?include/(.+)$", path)
            if match:
                self.by_public_name.setdefault(match.group(1), []).append(path)

    def resolve(self, path, name):
        """The files that `#include name` in `path` can mean; nothing for a header from outside."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if (self.tree.root / beside).is_file():
            return [beside]
        if name in self.by_public_name:
            return self.by_public_name[name]
        leaf = name.rsplit("/", 1)[-1]
        return [candidate for candidate in self.by_leaf.get(leaf, []) if candidate.endswith("/" + name)]


def check(tree):
    headers = Headers(tree)
    for path in tree.cpp():
        area = area_of(path, tree.plugins)
        may = allowed(area)
        for number, line in tree.lines(path):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, name = match.group(1) == '"', match.group(2)
            for pattern, places, why in RESERVED:
                if pattern.match(name) and not path.startswith(places):
                    yield Finding(path, number, RULE, f"{name} may be included from {' and '.join(places)} only: {why}")
            if may is None or not (quoted or name.startswith("symphony/")):
                continue
            targets = headers.resolve(path, name)
            if "/tests/" in path and any(target.startswith(SUPPORT) for target in targets):
                continue
            owners = {area_of(target, tree.plugins) for target in targets}
            if owners and area not in owners and not owners & may:
                what = f"{area} may include {', '.join(sorted(may)) or 'nothing but itself'}"
                yield Finding(path, number, RULE, f"{name} belongs to {' or '.join(sorted(owners))}; {what}")
    for path in tree.paths:
        if Path(path).name != "CMakeLists.txt":
            continue
        area = area_of(path, tree.plugins)
        if area in tree.plugins or area in ("plugin-api", "manifests", "ipc", *LIBRARIES):
            for number, line in tree.lines(path):
                if re.search(r"\bsymphony_host\b", line.split("#")[0]):
                    yield Finding(path, number, RULE, f"{area} links the host; it meets the host through plugin-api alone")
