#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the attacks: plugins that try to leave their sandbox. README.md says what is where.

run_attacks.py BUILD [--as USER]... [--only NAME]... [--ablate] [--in-process] [--quick] [--table FILE]

Fails when anything got through, when something of the host changed, when the host crashed or hung, when the end is
another than expect.toml says, when the audit record is missing, or when something is left behind.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE_S = 100  # says that something hangs, never that something is slow
GONE_S = 10       # so long may what a killed host left behind need to go
NOBODY = 65534
KEYS = {"layer", "without", "end", "audit", "as", "variants", "needs", "not", "err_bytes_max"}
# How expect.toml names a layer, and how the ablation runner does.
LAYERS = {"L0 hygiene": "hygiene", "L1 namespaces": "namespaces", "L2 identity": "identity", "L3 landlock": "landlock",
          "L4 seccomp": "seccomp", "L4 memory": "memory", "L5 limits": "limits"}
OTHER_LAYERS = {"L6 broker", "channel", "supervisor", "kernel", "nothing"}
KEPT = ("PATH", "LANG", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
libc = ctypes.CDLL(None, use_errno=True)
# A program of 64 bit that ends with status 77.
EXIT_77 = bytes.fromhex("7f454c46020101000000000000000000" "02003e00010000007800400000000000" "40000000000000000000000000000000"
                        "00000000400038000100000000000000" "01000000050000000000000000000000" "00004000000000000000400000000000"
                        "84000000000000008400000000000000" "0010000000000000" "bf4d000000b83c0000000f05")


class Attack:
    """One folder: what it tries and what must come of it."""

    def __init__(self, folder):
        self.name = folder.name
        wanted = tomllib.loads((folder / "expect.toml").read_text())
        assert set(wanted) <= KEYS, f"{self.name}: unknown key {set(wanted) - KEYS}"
        self.layer, self.without = wanted["layer"], wanted.get("without", "nothing")
        assert self.layer in LAYERS or self.layer in OTHER_LAYERS, f"{self.name}: no layer is called {self.layer}"
        assert self.without in LAYERS or self.without in OTHER_LAYERS, f"{self.name}: no layer is called {self.without}"
        self.ends = wanted.get("end", ["stopped"])
        self.audit = wanted.get("audit")
        self.users = wanted.get("as", ["root", "nobody"])
        self.variants = wanted.get("variants", [""])
        self.needs = wanted.get("needs", [])
        self.asks = "capabilities" in tomllib.loads((folder / "manifest.toml").read_text())
        self.forbidden = wanted.get("not", [])
        self.err_bytes_max = wanted.get("err_bytes_max")


class Servers:
    """Sockets of the host that nobody may reach. Each contact is a note."""

    def __init__(self, folder):
        self.contacts, self.sockets = [], []
        self.abstract = folder.name
        self.unix = str(folder / "server")
        self.tcp = self.serve(socket.socket(socket.AF_INET), ("127.0.0.1", 0))
        self.udp = self.serve(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", 0))
        self.serve(socket.socket(socket.AF_UNIX), self.unix)
        self.serve(socket.socket(socket.AF_UNIX), "\0" + self.abstract)

    def serve(self, server, address):
        server.bind(address)
        if server.type == socket.SOCK_STREAM:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if server.family == socket.AF_INET:
                server.setsockopt(socket.IPPROTO_TCP, 23, 16)  # TCP_FASTOPEN
            server.listen()
        self.sockets.append(server)
        threading.Thread(target=self.watch, args=(server, address), daemon=True).start()
        return server.getsockname()[1] if server.family == socket.AF_INET else 0

    def watch(self, server, address):
        while True:
            try:
                if server.type == socket.SOCK_STREAM:
                    server.accept()[0].close()
                else:
                    server.recvfrom(16)
            except OSError:
                return
            self.contacts.append(f"somebody reached {address!r}")

    def take(self):
        contacts, self.contacts[:] = self.contacts[:], []
        return contacts


class Flipper:
    """Swaps a folder and a link to a secret as fast as it can."""

    def __init__(self, one, two):
        self.names = (os.fsencode(one), os.fsencode(two))
        self.stop = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        flips = 0
        while not self.stop.is_set() or flips % 2 == 1:
            libc.renameat2(-100, self.names[0], -100, self.names[1], 2)  # RENAME_EXCHANGE
            flips += 1

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class World:
    """A host to attack: its files, a process, sockets and shared memory, all of the user who runs the host."""

    def __init__(self, build, user):
        self.build, self.user = build, user
        self.folder = Path(tempfile.mkdtemp(prefix="symphony-attacks-")).resolve()
        self.folder.chmod(0o755)
        self.tree, self.workspace, self.home = (self.folder / name for name in ("tree", "workspace", "home"))
        self.outside = self.folder / "outside.txt"
        self.before = self.become()
        if self.before:
            os.chown(self.folder, NOBODY, NOBODY)
        self.make_files()
        self.servers = Servers(self.folder)
        os.chmod(self.servers.unix, 0o777)
        self.shm_key = 0x53000000 + os.getpid()
        self.shm = libc.shmget(self.shm_key, 4096, 0o1666)
        self.victim = None
        self.runs = 0

    def become(self):
        if self.user == "nobody" and os.geteuid() == 0:
            return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return []

    def make_files(self):
        """Also after an attack that changed some, so that the next one finds what it looks for."""
        for folder in (self.tree, self.workspace, self.home):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.tree, self.workspace, self.home, self.workspace / "folder", self.workspace / "flip"):
            folder.mkdir()
        files = {"tree/secret.txt": "SECRET\n", "tree/public.txt": "public\n", "tree/linked.txt": "linked\n", "home/private.txt": "SECRET\n",
                 "outside.txt": "SECRET\n", "workspace/granted.txt": "granted\n", "workspace/folder/file.txt": "granted\n",
                 "workspace/beside.txt": "granted\n", "workspace/flip/secret.txt": "granted\n"}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.tree / "secret.txt").chmod(0o600)
        (self.home / "private.txt").chmod(0o600)
        links = {"link-out.txt": self.tree / "secret.txt", "link-out": self.tree, "link-in.txt": "granted.txt", "link-root": "/",
                 "link-self": "link-self", "flip-other": self.tree}
        for name, target in links.items():
            (self.workspace / name).symlink_to(target)
        os.link(self.tree / "linked.txt", self.workspace / "hard-link.txt")
        os.mkfifo(self.workspace / "pipe")
        (self.workspace / "exit-77").write_bytes(EXIT_77)
        (self.workspace / "exit-77").chmod(0o755)
        here = os.getcwd()
        os.chdir(self.workspace)
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket")
        server.close()
        os.chdir(here)
        if os.geteuid() == 0:
            os.mknod(self.workspace / "device", 0o20666, os.makedev(1, 5))
        if self.before:
            for path in (self.outside, *(path for top in (self.tree, self.workspace, self.home) for path in (top, *top.rglob("*")))):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        self.was = self.look()

    def look(self):
        """All that an attack might change, as text."""
        seen = {}
        for top in (self.tree, self.home, self.outside, self.workspace):
            for path in sorted([top, *top.rglob("*")]):
                of = path.lstat()
                content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                # In the workspace a plugin with the right may write: only what is not its to write counts.
                own = self.workspace in path.parents and path.name in ("big.txt", "code", "program")
                if own or path == self.workspace:
                    continue
                times = () if path.is_dir() or path.is_symlink() else (of.st_mtime_ns,)
                attributes = tuple(os.listxattr(path, follow_symlinks=False))
                seen[str(path)] = (of.st_mode, of.st_uid, of.st_gid, of.st_nlink if path.is_file() else 0, times, content, attributes)
        return seen

    def changes(self):
        now = self.look()
        names = [name for name in now.keys() | self.was.keys() if now.get(name) != self.was.get(name)]
        if names:
            self.make_files()
        return [f"{Path(name).relative_to(self.folder)} changed" for name in sorted(names)]

    def start_victim(self):
        if self.victim is None or self.victim.poll() is not None:
            self.victim = subprocess.Popen([*self.before, "sleep", "infinity"], start_new_session=True)
        return self.victim.pid

    def close(self):
        if self.victim:
            self.victim.kill()
            self.victim.wait()
        for server in self.servers.sockets:
            server.close()
        libc.shmctl(self.shm, 0, None)
        shutil.rmtree(self.folder, ignore_errors=True)


class Outcome:
    """What came of one run, and everything that is wrong with it."""

    def __init__(self, attack, variant):
        self.attack, self.variant = attack, variant
        self.end, self.text, self.wrong, self.seconds = "nothing", "", [], 0.0

    def cell(self):
        return self.end + (" and more" if self.wrong and self.end != "ESCAPED" else "")


class Runner:
    def __init__(self, build, world, in_process=False, layer_off=None):
        self.build, self.world, self.in_process, self.layer_off = build, world, in_process, layer_off
        self.program = build / "bin" / "symphony"
        if layer_off:
            self.program = self.ablation_copy()

    def ablation_copy(self):
        """The same program beside the runner that obeys SYMPHONY_SANDBOX_OFF."""
        mirror = self.world.folder / "ablation"
        if not mirror.exists():
            (mirror / "bin").mkdir(parents=True)
            shutil.copy(self.build / "bin" / "symphony", mirror / "bin" / "symphony")
            shutil.copy(self.build / "tests" / "symphony-runner-ablation", mirror / "bin" / "symphony-runner")
            for name in ("plugins", "plugins.lock", "workflows"):
                (mirror / name).symlink_to(self.build / name)
        return mirror / "bin" / "symphony"

    def environment(self, state):
        variables = {name: os.environ[name] for name in KEPT if name in os.environ}
        variables |= {"HOME": str(self.world.home), "XDG_STATE_HOME": str(state), "SYMPHONY_CANARY": "SYMPHONY_CANARY=SECRET",
                      "TMPDIR": str(self.world.folder)}
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            variables[name] = str(state / name.lower())
        if self.layer_off:
            variables["SYMPHONY_SANDBOX_OFF"] = self.layer_off
        return variables

    def facts(self, state, variant):
        world = self.world
        facts = {"tree": world.tree, "home": world.home, "workspace": world.workspace, "state": state, "victim": world.start_victim(),
                 "tcp": world.servers.tcp, "udp": world.servers.udp, "unix": world.servers.unix, "abstract": world.servers.abstract,
                 "shm": world.shm_key, "hostname": socket.gethostname(), "host": "HOST"}
        return " ".join([*(f"{name}={value}" for name, value in facts.items()), *([variant] if variant else [])])

    def run(self, attack, variant=""):
        world, outcome = self.world, Outcome(attack, variant)
        world.runs += 1
        state = world.folder / f"state-{world.runs}"
        state.mkdir()
        (state / "marker").touch()
        flow = state / "flow.toml"
        (state / "flow.in").write_text(
            f'[workflow]\nid = "attack"\nversion = "1.0.0"\n\n[nodes.attack]\nplugin = "{attack.name}"\noperation = "go"\n'
            f'with = {{ text = "{self.facts(state, variant)}" }}\n\n[outputs.text]\nfrom = "attack.text"\n')
        if world.before:
            for path in (state, *state.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        # The shell's process becomes the host's: that is how the attack learns its number.
        script = f'sed "s/host=HOST/host=$$/" {state}/flow.in > {flow}; exec "$@"'
        words = ["run", "--json", flow, "--plugins", self.build / "tests" / "attacks" / attack.name, "--workspace", world.workspace]
        words += ["--in-process", "all"] if self.in_process else ["--isolate", attack.name]
        line = [*world.before, "sh", "-c", script, "sh", self.program, *words]
        if attack.asks:  # an attack begins where a user has agreed
            self.command(state, "permission", "grant", attack.name, "--all", "--plugins", self.build / "tests" / "attacks" / attack.name)
        begun = time.monotonic()
        try:
            if "flip" in attack.needs:
                with Flipper(world.workspace / "flip", world.workspace / "flip-other"):
                    self.execute(line, state, outcome)
            else:
                self.execute(line, state, outcome)
            self.check(outcome, state)
        finally:
            outcome.seconds = time.monotonic() - begun
            shutil.rmtree(state, ignore_errors=True)
        return outcome

    def execute(self, line, state, outcome):
        # Files, not pipes: what is left behind may hold them and must not hold us.
        groups = dead_cgroups()
        with open(state / "out", "wb+") as out, open(state / "err", "wb+") as err:
            process = subprocess.Popen([str(word) for word in line], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=state,
                                       env=self.environment(state))
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                outcome.wrong.append("the host hangs")
            outcome.wrong += left_behind({self.world.victim.pid}, groups)
        out, err = (state / "out").read_bytes(), (state / "err").read_bytes()
        outcome.err_bytes = len(err)
        outcome.out, outcome.err = (part.decode("utf-8", "backslashreplace") for part in (out, err))
        if process.returncode < 0 or process.returncode not in (0, 1, 3):
            outcome.wrong.append(f"the host ended with {process.returncode}")
        if "Sanitizer" in outcome.err:
            outcome.wrong.append("a sanitizer complains about the host:\n" + outcome.err[outcome.err.index("Sanitizer"):][:8000])
        self.read_end(outcome)

    @staticmethod
    def read_end(outcome):
        try:
            told = json.loads(outcome.out)
        except ValueError:
            told = {}
        outcome.text = (told.get("outputs") or {}).get("text") or ""
        if outcome.text:
            outcome.end = outcome.text.split(":")[0]
            return
        # What the call ended with, before what was told of it on the way.
        lines = [line for line in outcome.err.splitlines() if line.startswith("error:")]
        lines = [line for line in lines if line.startswith('error: node "attack": ')] or lines
        reasons = re.findall(r"\[([a-z0-9-]+)\]$", "\n".join([*lines, outcome.err]), re.M)
        outcome.end = reasons[0] if reasons else "nothing"
        outcome.text = lines[0] if lines else outcome.err[-300:]

    def check(self, outcome, state):
        attack = outcome.attack
        outcome.wrong += self.world.changes() + self.world.servers.take()
        if self.world.victim.poll() is not None:
            outcome.wrong.append("the victim was signalled")
        if not (state / "marker").exists():
            outcome.wrong.append("the host's state changed")
        if outcome.end not in attack.ends:
            outcome.wrong.append(f"it ended with {outcome.end}, not with {' or '.join(attack.ends)}")
        for part in attack.forbidden:
            if part in outcome.err:  # stdout is JSON, for programs
                outcome.wrong.append(f"people see {part!r}")
        if attack.err_bytes_max and outcome.err_bytes > attack.err_bytes_max:
            outcome.wrong.append(f"{outcome.err_bytes} bytes on stderr")
        if attack.audit and not self.in_process:
            outcome.wrong += self.missing_record(attack, state)

    def missing_record(self, attack, state):
        for line in self.command(state, "permission", "audit", "--json").stdout.splitlines():
            if attack.audit in line and attack.name in line:
                return []
        return [f"no audit record names {attack.audit}"]

    def command(self, state, *words):
        return subprocess.run([*self.world.before, str(self.program), *map(str, words)], env=self.environment(state), capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)


def become_subreaper():
    """Whatever a host leaves behind becomes our child, so that we see it."""
    libc.prctl(36, 1, 0, 0, 0)


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(word) for word in file.read().split()]


def dead_cgroups():
    """Groups symphony.PID.START whose launcher is dead."""
    found = set()
    # os.walk does not mind what vanishes meanwhile: others make and remove groups.
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found |= {Path(folder, name) for name in names if name.startswith("symphony.")}
        names[:] = [name for name in names if not name.startswith("symphony.")]
    return {str(path) for path in found if not Path("/proc", path.name.split(".")[1]).exists()}


def left_behind(known, groups):
    """Ends what is left of a run that has ended; says what did not go by itself."""
    end = time.monotonic() + GONE_S
    while left := [pid for pid in children() if pid not in known]:
        left = [pid for pid in left if os.waitpid(pid, os.WNOHANG)[0] == 0]
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    names = []
    for pid in left:
        names.append(f"process {Path(f'/proc/{pid}/comm').read_text().strip()} is left behind")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while (more := dead_cgroups() - groups) and time.monotonic() < end:
        time.sleep(0.01)
    return names + [f"cgroup {name} is left behind" for name in sorted(more)]


def run_all(runner, attacks, variants_max, quiet=False):
    """Quiet: says only what failed, so that a log which keeps the beginning of a test's output has it."""
    outcomes = []
    for attack in attacks:
        if runner.world.user not in attack.users and runner.world.user != "me":
            continue
        for variant in attack.variants[:variants_max]:
            outcome = runner.run(attack, variant)
            outcomes.append(outcome)
            if quiet and not outcome.wrong:
                continue
            mark = "FAILED" if outcome.wrong else "ok"
            name = attack.name + (f" ({variant})" if variant else "")
            print(f"{mark:7}{runner.world.user:8}{name:34}{outcome.seconds:6.2f} s  {outcome.end}: {outcome.text[:150]}", flush=True)
            told = [f"stderr: {line[:1000]}" for line in outcome.err.splitlines()[-10:]] if outcome.wrong else []
            for line in [*outcome.wrong, *told]:
                print(f"        {line}", flush=True)
    return outcomes


def judge_ablation(attack, layer, outcome):
    """With the layer off that stops it, it gets through, or another one stops it, as expect.toml says."""
    through = outcome.end == "ESCAPED" or any("changed" in wrong or "reached" in wrong or "signalled" in wrong for wrong in outcome.wrong)
    if layer != attack.layer:
        # That no code is made later is a filter, too, and goes with the others.
        own_layer_is_on = attack.layer in LAYERS and (attack.layer, layer) != ("L4 memory", "L4 seccomp")
        return ["it gets through, though its own layer is on"] if through and own_layer_is_on else []
    if through and attack.without != "nothing":
        return [f"it gets through; {attack.without} should have stopped it"]
    if not through and attack.without == "nothing":
        return ["it is stopped by another layer, which expect.toml does not know"]
    return []


def ablate(build, world, attacks):
    """Every attack with every layer switched off in turn. Returns rows for the table and what is wrong."""
    rows, wrong = {}, []
    for layer in [None, *LAYERS]:
        runner = Runner(build, world, layer_off=LAYERS.get(layer))
        for outcome in run_all(runner, attacks, variants_max=1):
            attack = outcome.attack
            row = rows.setdefault(attack.name, {})
            through = "**escapes**" if outcome.end == "ESCAPED" else outcome.end
            row[layer] = through if row.get(layer) != "**escapes**" else row[layer]
            for text in judge_ablation(attack, layer, outcome) if layer else outcome.wrong:
                wrong.append(f"{attack.name} without {layer or 'nothing'}: {text}")
    return rows, wrong


TABLE_HEAD = """# Which layer stops which attack

Made by `run_attacks.py BUILD --ablate --table tests/bundles/attacks/TABLE.md`. A column says what comes of the attack with that layer
switched off; an attack that escapes in one column only is stopped by that layer alone.
"""


def rows_of(part):
    """What a part of the table says of each attack, to be kept where it was not tried again."""
    cells = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in part.splitlines() if line.startswith("| ")]
    return {row[0]: dict(zip([None, *LAYERS], row[2:], strict=True)) for row in cells if row[0] not in ("attack", "---")}


def table(rows, attacks, user):
    """Markdown: which layer stops what."""
    alone = {layer: sum(1 for row in rows.values() if [name for name, cell in row.items() if cell == "**escapes**"] == [layer]) for layer in LAYERS}
    lines = [f"## As {user}", "", f"{len(rows)} attacks; stopped by one layer alone: " + ", ".join(f"{name} {count}" for name, count in alone.items()) + ".", "",
             "| attack | stopped by | all on | " + " | ".join(f"no {name}" for name in LAYERS) + " |", "| --- " * (3 + len(LAYERS)) + "|"]
    for attack in attacks:
        if attack.name in rows:
            cells = [rows[attack.name].get(layer, "") for layer in [None, *LAYERS]]
            lines.append(f"| {attack.name} | {attack.layer} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def put_table(path, user, rows, attacks):
    """Puts one user's rows in and leaves the others' as they are."""
    parts = re.split(r"^(?=## As )", path.read_text(), flags=re.M)[1:] if path.exists() else []
    users = {part.split()[2]: rows_of(part) for part in parts}
    users[user] = users.get(user, {}) | rows
    path.write_text("\n".join([TABLE_HEAD, *(table(users[name], attacks, name) for name in sorted(users, reverse=True))]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--as", dest="users", action="append", choices=["root", "nobody", "me"])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--in-process", action="store_true", help="without a sandbox: shows that the attacks get through")
    parser.add_argument("--quick", action="store_true", help="two variants of each, and only what failed is told")
    parser.add_argument("--table", type=Path)
    words = parser.parse_args()
    build = words.build.resolve()
    attacks = [Attack(path.parent) for path in sorted(HERE.glob("*/expect.toml"))]
    every = attacks
    if words.only:
        attacks = [attack for attack in attacks if attack.name in words.only]
    users = words.users or (["root", "nobody"] if os.geteuid() == 0 else ["me"])
    become_subreaper()
    failed = 0
    # Root's two are root's to run; "me" is for everybody else.
    users = [user for user in users if (user == "me") != (os.geteuid() == 0)]
    if not users:
        print("skipped: another user runs these")
        sys.exit(77)
    for user in users:
        world = World(build, user)
        try:
            if words.ablate:
                rows, wrong = ablate(build, world, attacks)
                put_table(words.table or build / "tests" / "attacks.md", user, rows, every)
                print("\n".join(wrong))
                failed += len(wrong)
            else:
                outcomes = run_all(Runner(build, world, in_process=words.in_process), attacks, 2 if words.quick else None, quiet=words.quick)
                failed += sum(1 for outcome in outcomes if outcome.wrong)
                print(f"{user}: {len(outcomes)} runs, {sum(1 for outcome in outcomes if outcome.wrong)} failed")
        finally:
            world.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
