# SPDX-License-Identifier: Apache-2.0
"""What single files must and must not hold: SPDX header, assertions in tests, no early return within a list, no paths of one machine."""

import ast
import re
from pathlib import Path

from tree import CPP_SUFFIXES, Finding

SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE_SUFFIXES = CPP_SUFFIXES | {".py", ".sh", ".cmake", ".rs"}

# Joined here, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(root|work|farm|home/[a-z][a-z0-9_-]*|tmp/b-[a-z]+)/")
REGISTRY_HOSTS = re.compile("|".join(re.escape(host) for host in (
    "debian" + ".org", "pypi" + ".org", "pythonhosted" + ".org", "crates" + ".io", "registry.npmjs" + ".org",
    "proxy.golang" + ".org", "maven" + ".org")))


def is_code(tree, path):
    name = Path(path).name
    if name == "CMakeLists.txt" or Path(path).suffix in CODE_SUFFIXES:
        return True
    if "/corpus/" in path:
        return False
    return "." not in name and not tree.is_binary(path) and tree.text(path).startswith("#!")


def check_spdx(tree):
    for path in tree.paths:
        if is_code(tree, path) and SPDX not in "\n".join(tree.text(path).split("\n")[:4]):
            yield Finding(path, 1, "spdx", f'does not start with "{SPDX}"')


def check_machine_paths(tree):
    for path in tree.paths:
        if tree.is_binary(path):
            continue
        for number, line in tree.lines(path):
            found = MACHINE_PATHS.search(line)
            if found:
                yield Finding(path, number, "machine-path", f'"{found.group(0)}" is a path of one machine')
            found = REGISTRY_HOSTS.search(line)
            if found and Path(path).name != "Cargo.lock":  # its format names the registry's index
                yield Finding(path, number, "machine-path", f'"{found.group(0)}" is the host of a package registry')


def lists_left_half_way(text):
    """Lines with an early return behind another member of a braced list: GCC leaks the members that were made before."""
    for found in re.finditer(r"\bSYMPHONY_TRY\b", text):
        depth, comma, at = 0, False, found.start() - 1
        while at >= 0 and (depth > 0 or text[at] not in "({[;"):
            depth += (text[at] in ")}]") - (text[at] in "({[")
            comma = comma or (depth == 0 and text[at] == ",")
            at -= 1
        before = re.sub(r"//[^\n]*", "", text[at + 1:found.start()])
        # The brace of a block stands behind a blank and what is no operator: `if (a) {`, `else {`, `[&] {`.
        is_list = text[at] == "{" and (not text[at - 1].isspace() or re.search(r"(\breturn|[=,(])\s+$", text[max(0, at - 20):at]))
        if is_list and comma and "," in before:
            yield text.count("\n", 0, found.start()) + 1


def check_braced_lists(tree):
    for path in tree.cpp():
        for line in lists_left_half_way(tree.text(path)):
            yield Finding(path, line, "half-list", "an early return within a braced list leaks its members before: take the value first")


TEST_START = re.compile(r"^(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\s*\(([^)]*)\)")
FUNCTION_START = re.compile(r"^[\w:<>,&*\s\[\]]*?\b(\w+)\s*\(.*\{\s*$")
ASSERTION = re.compile(r"\b(EXPECT_|ASSERT_|ADD_FAILURE|FAIL\s*\(|static_assert)")


def cpp_blocks(lines):
    """(line, header, body) of each function and test whose text starts in column 0 and ends with a } in column 0."""
    start, header, body = 0, "", None
    for number, line in lines:
        if body is not None:
            if line.startswith("}"):
                yield start, header, "\n".join(body)
                start, header, body = 0, "", None
            else:
                body.append(line)
            continue
        if line and not line[0].isspace():
            start, header = number, line.rstrip()
        elif header and line.strip():
            header += " " + line.strip()
        else:
            header = ""
        if re.match(r"^(namespace|extern|class|struct|enum|union|#|//)", header) or header.endswith(";"):
            header = ""
        elif header.endswith("{"):
            body = []
        elif header.endswith("}"):
            yield start, header.split("{")[0] + "{", header
            header = ""


def fixture_methods(text):
    """Blocks, as those of cpp_blocks, of the methods that are defined in classes of the outermost level."""
    inside = []
    for line in text.splitlines():
        if re.match(r"^(class|struct)\b.*\{\s*$", line):
            inside.append("")
        elif line.startswith("}"):
            inside.append(line)
        elif line.startswith("    "):
            inside.append(line[4:])
        else:
            inside.append("")
    return cpp_blocks(enumerate(inside, start=1))


def silent_cpp_tests(text, shared_helpers=()):
    """(line, name) of the tests that assert nothing, themselves or through a helper that asserts."""
    blocks = list(cpp_blocks(enumerate(text.splitlines(), start=1)))
    helpers = {match.group(1): body for _, header, body in [*blocks, *fixture_methods(text)]
               if not TEST_START.match(header) and (match := FUNCTION_START.match(header))}
    asserting = {name for name, body in helpers.items() if ASSERTION.search(body)} | set(shared_helpers)

    def asserts(body):
        return ASSERTION.search(body) or any(re.search(rf"\b{re.escape(name)}\s*(<[^;]*>)?\s*\(", body) for name in asserting)

    grown = True
    while grown:
        more = {name for name, body in helpers.items() if name not in asserting and asserts(body)}
        asserting |= more
        grown = bool(more)
    for line, header, body in blocks:
        test = TEST_START.match(header)
        if test and not asserts(body):
            yield line, test.group(2)


def silent_python_tests(text):
    """(line, name) of the test functions without an assert, a self.assert... or a call of a helper named expect..."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
            continue
        names = [child.attr if isinstance(child, ast.Attribute) else child.id
                 for child in ast.walk(node) if isinstance(child, (ast.Attribute, ast.Name))]
        has_assert = any(isinstance(child, ast.Assert) for child in ast.walk(node))
        if not has_assert and not any(re.match(r"(assert|expect|fail|check|require)", name) for name in names):
            yield node.lineno, node.name


def check_tests_assert(tree):
    shared = set()
    for path in tree.cpp():
        if "/tests/" in f"/{path}" and Path(path).suffix in (".h", ".hpp"):
            shared |= set(re.findall(r"\b((?:expect|assert|check|require)\w*)\s*\(", tree.text(path)))
    for path in tree.paths:
        if re.search(r"_tests?\.cpp$", path):
            found = silent_cpp_tests(tree.text(path), shared)
        elif re.search(r"(^|/)(test_\w+|\w+_test)\.py$", path):
            found = silent_python_tests(tree.text(path))
        else:
            continue
        for line, name in found:
            yield Finding(path, line, "test-asserts", f"{name} asserts nothing: a test that cannot fail is a defect")


def report_sizes(tree):
    """Lines for people; a size is never an error."""
    def count(paths):
        return sum(tree.text(path).count("\n") for path in paths)

    cpp = tree.cpp()
    host = [path for path in cpp if path.startswith("host/") and "/tests/" not in path]
    yield f"host: {count(host):,} lines of {len(host)} files (target: under 5,000)"
    for area in sorted({path.split("/")[0] for path in cpp} - {"host"}):
        files = [path for path in cpp if path.startswith(area + "/")]
        yield f"{area}: {count(files):,} lines of {len(files)} files"
    for path in sorted(cpp, key=lambda path: -tree.text(path).count("\n"))[:5]:
        yield f"longest: {path} {tree.text(path).count(chr(10)):,} lines"
    for path in tree.paths:
        size = (tree.root / path).stat().st_size
        if size > 1 << 20:
            yield f"large: {path} {size / (1 << 20):.1f} MiB"
