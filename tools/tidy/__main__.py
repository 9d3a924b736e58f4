# SPDX-License-Identifier: Apache-2.0
"""Holds the repository to the rules that a compiler does not see: python3 tools/tidy [--build DIR] [RULE]..."""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import artifacts  # noqa: E402
import documents  # noqa: E402
import includes  # noqa: E402
import layout  # noqa: E402
import sources  # noqa: E402
from tree import Tree  # noqa: E402

RULES = {
    "top-level": layout.check_top_level,
    "folder-readme": layout.check_readmes,
    "plugin-shape": layout.check_plugin_shape,
    "copies": layout.check_copies,
    "include-direction": includes.check,
    "plugin-exports": artifacts.check_exports,
    "generated": artifacts.check_generated,
    "document-path": documents.check,
    "half-list": sources.check_braced_lists,
    "spdx": sources.check_spdx,
    "test-asserts": sources.check_tests_assert,
    "machine-path": sources.check_machine_paths,
}


def main(words):
    parser = argparse.ArgumentParser(prog="tools/tidy", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the repository")
    parser.add_argument("--build", type=Path, help="a build folder whose plugins are looked at too")
    parser.add_argument("--sizes", action="store_true", help="print sizes too; they are never an error")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="of " + ", ".join(RULES))
    options = parser.parse_args(words)
    unknown = [name for name in options.rules if name not in RULES]
    if unknown:
        parser.error(f"no rule {', '.join(unknown)}")
    tree = Tree(options.root.resolve(), options.build.resolve() if options.build else None)
    findings = sorted(finding for name in options.rules or RULES for finding in RULES[name](tree))
    for finding in findings:
        print(f"error: {finding}", file=sys.stderr)
    if options.sizes:
        print("\n".join(sources.report_sizes(tree)))
    print(f"tidy: {len(tree.paths)} files, {len(tree.plugins)} plugin folders, {len(options.rules or RULES)} rules, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
