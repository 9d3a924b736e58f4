#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes headers, schemas, reference pages and abi.json from the port definitions and the C headers.

  portgen.py             writes what changed
  portgen.py --check     lists what differs from the committed files; status 1 if anything does
  portgen.py gate        compares with every frozen snapshot in plugin-api/abi; status 1 unless only appended
  portgen.py freeze 1.0  writes plugin-api/abi/1.0.json, once per released minor
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import c  # noqa: E402
import cpp  # noqa: E402
import docs  # noqa: E402
import gate  # noqa: E402
import idl  # noqa: E402
import layout  # noqa: E402
import schema  # noqa: E402


def as_json(data):
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def current(root):
    """The ports, the structs and the snapshot of the tree below `root` (plugin-api)."""
    ports = idl.load_ports(root / "ports")
    structs, constants = layout.structs(root / "include")
    return ports, structs, gate.snapshot(structs, constants, ports)


def outputs(root):
    """Every generated file: path relative to plugin-api, and its text."""
    ports, structs, snapshot = current(root)
    files = {}
    for port in ports:
        files[f"generated/include/symphony/{port.folder}/{port.file}.hpp"] = cpp.header(port)
        files[f"generated/include/symphony/abi/{port.folder}/{port.file}.h"] = c.header(port)
        files[f"generated/schema/{port.name}.json"] = schema.document(port)
        files[f"docs/ports/{port.name}.md"] = docs.page(port)
    files["generated/include/symphony/abi/layout.h"] = layout.layout_header(structs)
    files["generated/tests/records.hpp"] = cpp.records_header(ports)
    files["generated/abi.json"] = as_json(snapshot)
    return files


def existing(root):
    """Files that portgen owns, so that one whose port went away is noticed."""
    folders = [root / "generated", root / "docs" / "ports"]
    return {str(path.relative_to(root)) for folder in folders for path in folder.rglob("*") if path.is_file()}


def differences(root, files):
    found = []
    for name, text in files.items():
        path = root / name
        if not path.exists():
            found.append(f"missing: {name}")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"differs: {name}")
    return sorted(found + [f"not generated any more: {name}" for name in existing(root) - set(files)])


def write(root, files):
    changed = 0
    for name, text in files.items():
        path = root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
        changed += 1
    for name in existing(root) - set(files):
        (root / name).unlink()
        print(f"removed {name}")
    print(f"{len(files)} files, {changed} written")


def run_gate(root):
    faults = []
    snapshots = sorted((root / "abi").glob("*.json"))
    if not snapshots:
        faults.append("no snapshot in abi/; write one with: portgen.py freeze 1.0")
    _, _, now = current(root)
    for path in snapshots:
        frozen = json.loads(path.read_text(encoding="utf-8"))
        faults += [f"{path.name}: {fault}" for fault in gate.compare(frozen, now)]
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        print("hint: the ABI only grows at its end; see plugin-api/docs/abi.md", file=sys.stderr)
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=("generate", "gate", "freeze"), default="generate")
    parser.add_argument("version", nargs="?")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2] / "plugin-api")
    args = parser.parse_args()
    try:
        if args.action == "gate":
            return run_gate(args.root)
        if args.action == "freeze":
            if not args.version:
                parser.error("freeze needs a version such as 1.0")
            _, _, now = current(args.root)
            path = args.root / "abi" / f"{args.version}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(as_json(gate.without_drafts(now)), encoding="utf-8")
            print(f"wrote abi/{args.version}.json")
            return 0
        files = outputs(args.root)
        if not args.check:
            write(args.root, files)
            return 0
        found = differences(args.root, files)
        for line in found:
            print(line)
        if found:
            print("hint: run tools/portgen/portgen.py and commit what it writes", file=sys.stderr)
        return 1 if found else 0
    except (idl.IdlError, layout.LayoutError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
