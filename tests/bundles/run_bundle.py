#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and tries the bundles: plugins that misbehave, and what must come of it. README.md says what is where.

run_bundle.py build FOLDER OUT TRIPLE [LIBRARY...]   puts manifests and libraries together, with the bundle's own damage
run_bundle.py test FOLDER OUT SYMPHONY               does what expect.toml says, in a home of its own
run_bundle.py check FOLDER OUT CHECKER               the checker finds the rules that expect.toml names, and no others
run_bundle.py rules REPOSITORY                       each rule marked enforced names a test or bundle that exists
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PATIENCE_S = 100  # says that something hangs, never that something is slow
KEPT = ("PATH", "LANG", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
STEP_KEYS = {"run", "status", "error", "hint", "out", "err", "not", "json", "times", "env"}
BUILD_KEYS = {"patch", "replace", "truncate", "content", "omit", "change", "artifact", "generate"}


# --- build ---------------------------------------------------------------------------------------------------------

def build(folder, out, triple, *libraries):
    """The library is damaged before its digest is taken, except by `change`, which comes after."""
    folder, out = Path(folder), Path(out)
    wishes = tomllib.loads((folder / "expect.toml").read_text()).get("build", {})
    assert set(wishes) <= BUILD_KEYS, f"unknown key in [build]: {set(wishes) - BUILD_KEYS}"
    built = {(Path(path).parent.name, Path(path).name): Path(path) for path in libraries}
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for manifest in sorted(folder.rglob("manifest.toml")):
        home = out / (manifest.parent.name if manifest.parent != folder else folder.name)
        home.mkdir()
        text = manifest.read_text()
        name = re.search(r'^name *= *"(.*?)"', text, re.M)
        file = f"lib{name[1]}.so" if name else ""
        library = built.get((home.name, file))
        content = library.read_bytes() if library else None
        if "content" in wishes:
            content = wishes["content"].encode()
        if content is not None:
            text += place_library(home / file, content, triple, wishes)
        if "generate" in wishes:  # more text than a person would write
            text += wishes["generate"]["text"] * wishes["generate"]["times"]
        (home / "manifest.toml").write_text(text)
    for flow in folder.glob("flow*.toml"):
        shutil.copy(flow, out)


def place_library(path, content, triple, wishes):
    content = bytearray(content)
    for offset, value in wishes.get("patch", {}).items():
        value = bytes.fromhex(value)
        content[int(offset):int(offset) + len(value)] = value
    for old, new in wishes.get("replace", {}).items():
        assert len(old) == len(new) and old.encode() in content, f"nothing to replace: {old}"
        content = content.replace(old.encode(), new.encode())
    del content[wishes.get("truncate", len(content)):]
    artifact = {"triple": triple, "path": path.name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    for key, value in wishes.get("artifact", {}).items():
        artifact[key] = artifact[key] + value if key == "size" else value
    if "change" in wishes:
        content[wishes["change"]] ^= 0xFF
    if not wishes.get("omit"):
        path.write_bytes(content)
    return "\n[[artifact]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in artifact.items())


# --- test ----------------------------------------------------------------------------------------------------------

class Bundle:
    def __init__(self, folder, out, symphony):
        self.out, self.symphony = Path(out).resolve(), str(Path(symphony).resolve())
        self.healthy = self.out.parent / "healthy"
        self.wanted = tomllib.loads((Path(folder) / "expect.toml").read_text())
        assert set(self.wanted) <= {"step", "isolated", "build", "also", "checker"}, set(self.wanted)
        self.placement = ["--in-process", "all"]
        self.home = Path(tempfile.mkdtemp(prefix="symphony-bundle-")).resolve()

    def run(self, words, env, plugins):
        variables = {name: os.environ[name] for name in KEPT if name in os.environ}
        for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            variables[name] = str(self.home / name.lower())
            Path(variables[name]).mkdir(exist_ok=True)
        if os.environ.get("SYMPHONY_SANITIZE"):  # the host's own handler is what is tried here
            signals = ":".join(f"handle_{name}=0" for name in ("segv", "abort", "sigbus", "sigfpe", "sigill"))
            for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
                variables[name] = f"{variables.get(name, '')}:{signals}:detect_leaks=0:report_thread_leaks=0"
        places = {"{bundle}": str(self.out), "{home}": str(self.home)}
        words = [re.sub(r"\{(bundle|home)\}", lambda found: places[found[0]], word) for word in words]
        line = [self.symphony, *words, *self.placement]
        for folder in plugins:
            line += ["--plugins", str(folder)]
        try:
            done = subprocess.run(line, capture_output=True, cwd=self.home, env=variables | env, stdin=subprocess.DEVNULL,
                                  timeout=PATIENCE_S)
        except subprocess.TimeoutExpired as late:
            fail(f"{' '.join(line)}\nstill runs after {PATIENCE_S} s\n{late.stdout}\n{late.stderr}")
        status = signal.Signals(-done.returncode).name if done.returncode < 0 else done.returncode
        return line, status, done.stdout.decode("utf-8", "backslashreplace"), done.stderr.decode("utf-8", "backslashreplace")

    def step(self, step, plugins):
        assert set(step) <= STEP_KEYS, f"unknown key in [[step]]: {set(step) - STEP_KEYS}"
        line, status, out, err = self.run(step["run"], step.get("env", {}), plugins)
        text = f"{' '.join(map(str, line))}\nstatus {status}\n--- stdout\n{out}--- stderr\n{err}---"
        print(text, flush=True)
        allowed = step.get("status", 0)
        if status not in (allowed if isinstance(allowed, list) else [allowed]):
            fail(f"status is {status}, not {allowed}")
        if "Sanitizer" in err:
            fail("a sanitizer complains about the host")
        lines = (err + out).splitlines()
        errors = step.get("error", [])
        at = [i for i, line in enumerate(lines) if errors and all(part in line for part in errors)]
        if errors and not at:
            fail(f"no line has all of {errors}")
        hints = step.get("hint", [])
        advice = [lines[i + 1] for i in at if i + 1 < len(lines) and re.match(r"\s*(hint|mend): ", lines[i + 1])]
        if hints and not any(all(part in line for part in hints) for line in advice):
            fail(f"the line behind it is no hint with all of {hints}")
        for part in step.get("out", []):
            if part not in out:
                fail(f"stdout has no {part!r}")
        for part in step.get("err", []):
            if part not in err:
                fail(f"stderr has no {part!r}")
        for part in step.get("not", []):
            if part in out + err:
                fail(f"{part!r} must not be there")
        if step.get("json"):
            json.loads(out)

    def test(self):
        for step in self.wanted["step"]:
            for _ in range(step.get("times", 1)):
                self.step(step, [self.out])
        self.others_work()
        # In a process of its own no fault is the host's end: it fails a step, or is refused, or harms nothing.
        shutil.rmtree(self.home)
        self.home.mkdir()
        self.placement = ["--isolate-all"]
        contained = {**{key: self.wanted["step"][0][key] for key in ("run", "env") if key in self.wanted["step"][0]}, "status": [0, 1, 3]}
        for step in self.wanted.get("isolated", [contained]):
            for _ in range(step.get("times", 1)):
                self.step(step, [self.out])
        self.others_work()

    def others_work(self):
        if self.wanted.get("also", True):  # the others still work, whatever happened before and lies beside them
            self.step({"run": ["healthy"], "out": ["well\n"]}, [self.out, self.healthy])


def fail(text):
    print(f"FAILED: {text}", flush=True)
    sys.exit(1)


def test(folder, out, symphony):
    bundle = Bundle(folder, out, symphony)
    try:
        bundle.test()
    finally:
        shutil.rmtree(bundle.home, ignore_errors=True)


# --- check ---------------------------------------------------------------------------------------------------------

def check(folder, out, checker):
    """Seed and limit are fixed: what is found is the same each time."""
    wanted = tomllib.loads((Path(folder) / "expect.toml").read_text())["checker"]
    assert set(wanted) <= {"rules", "also"}, set(wanted)
    unseen = {"leaks-memory"} if os.environ.get("SYMPHONY_SANITIZE") else set()  # the heap is the sanitizer's then
    for plugin in sorted(path.parent for path in Path(out).glob("*/manifest.toml")):
        line = [checker, plugin, "--level", "10", "--seed", "1", "--timeout", "10", "--json"]
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
        print(*line, done.stdout, done.stderr, sep="\n", flush=True)
        if done.returncode not in (0, 1):
            fail(f"status is {done.returncode}")
        verdict = json.loads(done.stdout)
        found = {finding["reason"] for finding in verdict["diagnostics"]}
        if missed := set(wanted["rules"]) - found - unseen:
            fail(f"not found: {', '.join(sorted(missed))}")
        if more := found - set(wanted["rules"]) - set(wanted.get("also", [])):
            fail(f"found, too: {', '.join(sorted(more))}")
        if verdict["ok"] != (done.returncode == 0):
            fail("the status is not what the verdict says")


# --- rules ---------------------------------------------------------------------------------------------------------

def rules(repository):
    """Each row of plugin-api/docs/rules.md begins with its number, and its last cell says what enforces it. Tests named
    there exist; "yes" names one."""
    repository = Path(repository)
    numbers, bad = [], []
    for line in (repository / "plugin-api/docs/rules.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not re.fullmatch(r"SYM-[PH]-\d\d", cells[0]):
            continue
        number, enforced = cells[0], cells[-1]
        if number in numbers:
            bad.append(f"{number} is there twice")
        numbers.append(number)
        named = re.findall(r"`((?:tests|host|plugin-api|manifests)/[^`]*)`", enforced)
        for path in named:
            path = repository / path
            if not (path.is_file() or (path / "expect.toml").is_file()):
                bad.append(f"{number}: there is no {path.relative_to(repository)}")
        if enforced.startswith("yes") and not named:
            bad.append(f"{number} is enforced but names no test and no bundle")
    if not numbers:
        bad.append("rules.md has no rules")
    if bad:
        fail("\n".join(bad))
    print(f"{len(numbers)} rules, all well")


if __name__ == "__main__":
    {"build": build, "test": test, "check": check, "rules": rules}[sys.argv[1]](*sys.argv[2:])
