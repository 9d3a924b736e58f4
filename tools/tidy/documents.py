# SPDX-License-Identifier: Apache-2.0
"""Every path that a document names exists: links, and code spans that look like a path of this repository."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from tree import Finding

RULE = "document-path"
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH_LIKE = re.compile(r"^\.?[\w.+-]+(/[\w.+-]+)+/?$|^[\w.-]+/$")
# A path with one of these is a pattern or a place in a build, not a file of the repository.
PLACEHOLDER = re.compile(r"[<>*{}$…]|\bNNNN\b|\bNAME\b|\bDIR\b")


def spans_and_links(tree, path):
    """(line, text, is a link) outside fenced blocks."""
    fence = None
    for number, line in tree.lines(path):
        mark = re.match(r"^\s*(```+|~~~+)", line)
        if mark:
            fence = None if fence else mark.group(1)
            continue
        if fence:
            continue
        for match in LINK.finditer(SPAN.sub("", line)):
            yield number, match.group(1), True
        for match in SPAN.finditer(line):
            yield number, match.group(1), False


def exists(tree, base, target):
    """Is `target`, seen from the folder `base`, a file or folder of the repository?"""
    parts = []
    for part in (PurePosixPath(base) / target).parts:
        if part == "..":
            if not parts:
                return False
            parts.pop()
        elif part != ".":
            parts.append(part)
    name = "/".join(parts)
    return name == "" or name in tree.folders or (tree.root / name).is_file()


def check(tree):
    tops = {path.split("/")[0] for path in tree.paths}
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        base = str(PurePosixPath(path).parent)
        for number, text, is_link in spans_and_links(tree, path):
            if is_link:
                if re.match(r"^[a-z][a-z0-9+.-]*:|^#", text):
                    continue
                target = unquote(text.split("#")[0])
                if not exists(tree, base, target):
                    yield Finding(path, number, RULE, f"links to {target}, which does not exist")
                continue
            text = re.sub(r":\d+$", "", text)
            if not PATH_LIKE.match(text) or PLACEHOLDER.search(text):
                continue
            first = text.split("/")[0]
            beside = {name[len(base) + 1:].split("/")[0] for name in tree.paths if name.startswith(base + "/")} if base != "." else set()
            if first not in tops and first not in beside:
                continue
            if not exists(tree, ".", text) and not exists(tree, base, text):
                yield Finding(path, number, RULE, f"names {text}, which does not exist")
