# SPDX-License-Identifier: Apache-2.0
"""Where things are: the closed top level, the shape of plugin folders, a README in every top-level folder."""

import re

from tree import Finding

TOP_FOLDERS = {"plugin-api", "manifests", "host", "ipc", "pit", "editor", "plugins", "sdk-template", "tools", "tests",
               ".ci", ".github"}
TOP_FILES = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "NOTICE", "CMakeLists.txt",
             "CMakePresets.json", ".gitignore", ".gitattributes", ".editorconfig", ".clang-format", ".clang-tidy"}


def check_top_level(tree):
    for name in sorted({path.split("/")[0] for path in tree.paths}):
        is_folder = name in tree.folders
        if name not in (TOP_FOLDERS if is_folder else TOP_FILES):
            kind = "folder" if is_folder else "file"
            yield Finding(name, 0, "top-level", f"the top level is closed and has no such {kind}; DESIGN.md 1 says where things go")


def check_readmes(tree):
    for folder in sorted(TOP_FOLDERS & tree.folders):
        if not folder.startswith(".") and f"{folder}/README.md" not in tree.paths:
            yield Finding(folder, 0, "folder-readme", "has no README.md: what is here, what must never be here, where to start reading")


def has_rust_tests(tree, folder):
    """Unit tests of Rust stand in the module that they test."""
    return any(path.startswith(f"{folder}/src/") and path.endswith(".rs") and "#[cfg(test)]" in tree.text(path) for path in tree.paths)


def check_plugin_shape(tree):
    paths = set(tree.paths)
    for folder in tree.plugins:
        for need in ("CMakeLists.txt", "README.md"):
            if f"{folder}/{need}" not in paths:
                yield Finding(folder, 0, "plugin-shape", f"a plugin folder has a {need}")
        if not {f"{folder}/src/plugin.cpp", f"{folder}/src/plugin.c", f"{folder}/src/plugin.rs"} & paths:
            yield Finding(folder, 0, "plugin-shape", "a plugin folder has a src/plugin.cpp (or plugin.c, plugin.rs) with the wiring")
        if f"{folder}/tests" not in tree.folders and not has_rust_tests(tree, folder):
            yield Finding(folder, 0, "plugin-shape", "a plugin folder has tests/")
        build_file = f"{folder}/CMakeLists.txt"
        if build_file in paths:
            calls = len(re.findall(r"^\s*symphony_add_(?:rust_)?plugin\s*\(", tree.text(build_file), re.MULTILINE))
            if calls != 1:
                yield Finding(build_file, 0, "plugin-shape", f"calls symphony_add_plugin {calls} times; one folder is one plugin")


# Files that stand alone where they are and are still one text: a template is copied out of the tree, and so cannot point into it.
COPIES = [("sdk-template/rust/src/abi.rs", "pit/search-tantivy/src/abi.rs")]


def check_copies(tree):
    paths = set(tree.paths)
    for original, copy in COPIES:
        if {original, copy} <= paths and tree.text(original) != tree.text(copy):
            yield Finding(copy, 0, "copies", f"differs from {original}; change both: cp {original} {copy}")
