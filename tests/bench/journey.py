#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The journey of a fresh plugin, from `new` to an answer of the installed one, in C++ and in C; and from an edit to the answer in `symphony dev`.

Needs nothing but the build: it installs that into a temporary prefix first, which is not counted. Writes the rows of tools/bench_table.py.
"""

import argparse
import json
import os
import queue
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path("@CMAKE_BINARY_DIR@")
KINDS = {"cpp": ("operator", "text=a secret"), "c": ("c", "text=one")}
QUESTIONS = {"cpp": ("mask", '{"text": "a secret", "words": ["secret"]}'), "c": ("count", '{"text": "one"}')}
EDITS = 5
PATIENCE_S = 300


class Person:
    """A home with an installed Symphony. No compiler cache: a fresh plugin has none."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.home.mkdir()
        prefix = folder / "prefix"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        self.program = prefix / "bin" / "symphony"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "CCACHE_DISABLE": "1"}

    def symphony(self, *words):
        """What it printed, and how long it took in seconds."""
        begin = time.monotonic()
        done = subprocess.run([str(self.program), *map(str, words)], cwd=self.home, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"symphony {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout, time.monotonic() - begin


def journey(person, kind):
    """The steps with their seconds."""
    template, text = KINDS[kind]
    name = f"fresh-{kind}"
    steps = {}

    def step(label, *words):
        said, steps[label] = person.symphony(*words)
        return said

    step("new", "new", name, "--type", template, "--no-passphrase")
    tested = json.loads(step("test", "test", name, "--json"))
    del steps["test"]
    for part in tested["steps"]:
        label = {"configure": "build", "contract of " + name: "check"}.get(part["step"], part["step"])
        steps[label] = steps.get(label, 0) + part["ms"] / 1000
    package = json.loads(step("pack", "pack", f"{name}/build/plugins/{name}", "--output", "dist", "--json"))["packages"][0]["file"]
    step("sign", "sign", package)
    if not (person.home / "registry").exists():
        person.symphony("registry", "create", "registry", "--name", "mine")
        person.symphony("packages", "registry", "add", "mine", "registry", "--root-key", person.symphony("key", "show")[0].strip())
    step("publish", "publish", package, "--to", "registry")
    step("install", "install", f"com.example.{name}")
    step("run", "run", f"{name}/workflows/{name}.toml", "--input", text, "--output", f"out-{kind}")
    return steps


def edit_to_answer(person, kind):
    """Seconds from a save to the answer of the new code, as somebody at the terminal sees it."""
    name = f"fresh-{kind}"
    operation, inputs = QUESTIONS[kind]
    process = subprocess.Popen([str(person.program), "dev", name, "--json", "--call", operation, "--with", inputs], cwd=person.home, env=person.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    events = queue.Queue()
    threading.Thread(target=lambda: [events.put((time.monotonic(), json.loads(line))) for line in process.stdout], daemon=True).start()

    def answer():
        while True:
            at, event = events.get(timeout=PATIENCE_S)
            if event["event"] == "cycle":
                if "answer" not in event:
                    raise SystemExit(f"dev: {event}")
                return at

    answer()
    source = person.home / name / "src" / ("plugin.cpp" if kind == "cpp" else "plugin.c")
    text = source.read_text()
    old = '"no operation' if kind == "cpp" else '"line-count has'
    old = old if old in text else f'"{name} has'
    samples = []
    for i in range(EDITS):
        saved = time.monotonic()
        source.write_text(text.replace(old, f'"{i}: {old[1:]}'))
        samples.append(answer() - saved)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=PATIENCE_S)
    return samples


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--output", type=Path, help="the file for the figures; default: they are printed")
    output = words.parse_args().output
    rows = []
    with tempfile.TemporaryDirectory(prefix="symphony-journey-") as folder:
        person = Person(Path(folder))
        for kind in KINDS:
            steps = journey(person, kind)
            rows += [{"figure": f"{kind} {label}", "value": seconds, "unit": "s"} for label, seconds in steps.items()]
            rows.append({"figure": f"{kind} new to run", "value": sum(steps.values()), "unit": "s", "goal": "<= 60 s on two cores"})
        for kind in KINDS:
            samples = sorted(edit_to_answer(person, kind))
            middle = statistics.median(samples)
            rows.append({"figure": f"{kind} edit to answer", "value": middle, "unit": "s", "spread": (samples[-2] - samples[1]) / middle, "goal": "<= 3 s"})
    text = json.dumps({"name": "journey", "rows": rows}, indent=1) + "\n"
    if output:
        output.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
