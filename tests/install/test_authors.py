# SPDX-License-Identifier: Apache-2.0
"""What an author does, from an install prefix alone: make a plugin, try it while writing, give it to others, and give them the next version."""

import ctypes
import json
import os
import pty
import queue
import select
import shutil
import signal
import subprocess
import threading
import unittest
from pathlib import Path

from prefix import BUILD, Prefix, run

PATIENCE_S = 300  # generous: it says that something hangs, never that something is slow
WORKFLOWS = {"operator": ("text=a secret", "redacted.txt", "a [redacted]"), "c": ("text=one\ntwo", "lines.json", "2")}


def edit(path, *changes):
    """Saves the file once with places changed (old, new), as editors do it: whole, and by a rename."""
    text = path.read_text()
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{path} has no {old!r}")
        text = text.replace(old, new, 1)
    beside = path.with_name("." + path.name + ".new")
    beside.write_text(text)
    beside.rename(path)


class Person(Prefix):
    """Each test has a home of its own, in which there is a key without a passphrase."""

    def setUp(self):
        self.place = self.home / "people" / self.id().rsplit(".", 1)[-1]
        self.place.mkdir(parents=True)
        self.env = self.environment | {"HOME": str(self.place)}
        self.symphony("key", "make", "--no-passphrase")

    def symphony(self, *words, status=0):
        return run(self.program, *words, status=status, env=self.env, cwd=self.place)

    def told(self, *words, status=0):
        return json.loads(self.symphony(*words, "--json", status=status).stdout)

    def version(self, name):
        """Of the plugin that would be used."""
        return self.told("show", name)["manifest"]["extension"]["version"]


class Journey(Person):
    def release(self, name):
        """From a project to a registry that has it; returns the package's file."""
        package = self.told("pack", name, "--output", "dist")["packages"][0]["file"]
        self.symphony("sign", package)
        self.assertTrue(self.told("publish", package, "--to", "registry")["published"])
        return package

    def answer(self, kind, name):
        text, file, _ = WORKFLOWS[kind]
        self.symphony("run", f"{name}/workflows/{name}.toml", "--input", text, "--output", "out")
        return (self.place / "out" / file).read_text().strip()

    def expect_journey(self, kind):
        name = f"first-{kind}"
        self.assertEqual(self.told("new", name, "--type", kind)["key"], self.told("key", "show")["key"])
        self.assertTrue(self.told("test", name)["ok"])
        self.assertIn("rules of level 5", self.symphony("check", f"{name}/build/plugins/{name}", "--run").stdout)
        self.symphony("registry", "create", "registry", "--name", "mine")
        package = self.release(name)
        if shutil.which("minisign"):
            run("minisign", "-V", "-P", self.told("key", "show")["key"], "-m", package)
        self.assertEqual(Path(self.told("pack", f"{name}/build/plugins/{name}", "--output", "again.sympkg")["packages"][0]["file"]).read_bytes(), Path(package).read_bytes())

        self.symphony("packages", "registry", "add", "mine", "registry", "--root-key", self.told("key", "show")["key"])
        self.symphony("install", f"com.example.{name}")
        self.assertEqual(self.answer(kind, name), WORKFLOWS[kind][2])
        self.assertEqual(self.version(name), "0.1.0")

        edit(self.place / name / "manifest.toml", ('version = "0.1.0"', 'version = "0.2.0"'))
        if kind == "operator":
            edit(self.place / name / "manifest.toml", ('default = "[redacted]"', 'default = "[gone]"'))
        self.release(name)
        self.symphony("update")
        self.assertEqual(self.version(name), "0.2.0")
        self.assertEqual(self.answer(kind, name), "a [gone]" if kind == "operator" else WORKFLOWS[kind][2])
        self.symphony("remove", name)
        self.assertIn("missing-plugin", self.symphony("run", f"{name}/workflows/{name}.toml", "--input", WORKFLOWS[kind][0], status=1).stderr)

    def test_a_plugin_in_cpp_goes_from_new_to_removed(self):
        self.expect_journey("operator")

    def test_a_plugin_in_c_goes_from_new_to_removed(self):
        self.expect_journey("c")

    def test_a_symphony_without_an_sdk_says_where_to_get_one(self):
        self.symphony("new", "greet")
        for words in (("test", "greet"), ("pack", "greet"), ("test", "greet")):  # also when CMake has begun to configure once
            told = json.loads(run(BUILD / "bin" / "symphony", *words, "--json", status=1, env=self.env, cwd=self.place).stdout)["error"]
            self.assertEqual(told["reason"], "no-sdk")
            self.assertIn("cmake --install", told["hint"])

    def test_what_a_continuous_integration_starts_leaves_a_package(self):
        self.symphony("new", "built-elsewhere", "--type", "c", "--no-key")
        run(self.place / "built-elsewhere/.ci/run", env=self.env | {"PATH": f"{self.prefix / 'bin'}:{self.env['PATH']}"}, cwd=self.place)
        self.assertEqual([path.name for path in (self.place / "built-elsewhere/dist").iterdir()], ["com.example.built-elsewhere-0.1.0-x86_64-linux-gnu.sympkg"])

    def test_what_breaks_the_contract_is_neither_packed_nor_published(self):
        self.symphony("new", "bad-plugin", "--type", "c")
        self.symphony("registry", "create", "registry", "--name", "mine")
        source = self.place / "bad-plugin/src/plugin.c"
        edit(source, ("    if (arguments.failed) return SYMPHONY_E_INVALID_ARGUMENT;", "    if (arguments.failed) return SYMPHONY_OK;"))  # and never answers
        package = self.told("pack", "bad-plugin", "--output", "dist")["packages"][0]["file"]  # which runs none of its code
        self.symphony("sign", package)
        refused = self.symphony("publish", package, "--to", "registry", status=3)
        self.assertIn("[check-failed]", refused.stderr)
        edit(self.place / "bad-plugin/manifest.toml", ('type = "operator"', 'type = "operator"\nsurprise = true'))
        self.assertIn("[check-failed]", self.symphony("pack", "bad-plugin", "--output", "dist", status=3).stderr)


class Keys(Person):
    @unittest.skipUnless(shutil.which("minisign"), "there is no minisign")
    def test_keys_of_minisign_sign_and_minisign_verifies(self):
        run("minisign", "-G", "-W", "-f", "-s", self.place / "mini.key", "-p", self.place / "mini.pub")
        (self.place / "text").write_text("hello")
        signed = self.told("sign", "text", "--key", "mini.key", "--comment", "a comment")
        self.assertEqual(signed["key"], (self.place / "mini.pub").read_text().splitlines()[1])
        self.assertIn("a comment", run("minisign", "-V", "-p", self.place / "mini.pub", "-m", self.place / "text").stdout)
        (self.place / "text").write_text("hullo")
        run("minisign", "-V", "-p", self.place / "mini.pub", "-m", self.place / "text", status=1)

    def at_terminal(self, *words, answers):
        """Runs at a terminal of its own, where each question is answered; returns the status and all that could be seen."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.place)
            os.execve(self.program, ["symphony", *map(str, words)], self.env)
        seen, asked = b"", 0
        while True:
            self.assertTrue(select.select([terminal], [], [], PATIENCE_S)[0], seen)
            try:
                part = os.read(terminal, 4096)
            except OSError:  # its other end is closed
                break
            if not part:
                break
            seen += part
            if seen.endswith(b": ") and asked < len(answers):
                os.write(terminal, answers[asked].encode() + b"\n")
                asked += 1
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()

    def test_a_passphrase_is_asked_for_and_not_seen(self):
        status, seen = self.at_terminal("key", "make", "--key", "asked.key", answers=["correct horse", "battery staple"])
        self.assertEqual(status, 1)
        self.assertIn("[bad-passphrase]", seen)
        self.assertFalse((self.place / "asked.key").exists())
        status, seen = self.at_terminal("key", "make", "--key", "asked.key", answers=["correct horse", "correct horse"])
        self.assertEqual(status, 0, seen)
        self.assertNotIn("horse", seen)
        (self.place / "text").write_text("hello")
        refused = self.symphony("sign", "text", "--key", "asked.key", status=1)
        self.assertIn("[passphrase-needed]", refused.stderr)
        status, seen = self.at_terminal("sign", "text", "--key", "asked.key", answers=["correct horse"])
        self.assertEqual(status, 0, seen)
        self.assertNotIn("horse", seen)


class Session:
    """A running `symphony dev --json`, whose events come one by one."""

    def __init__(self, case, *words):
        self.process = subprocess.Popen([str(case.program), "dev", *map(str, words), "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=case.env, cwd=case.place)
        self.events, self.said = queue.Queue(), []
        threads = [threading.Thread(target=self.read_events, daemon=True), threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True)]
        for thread in threads:
            thread.start()
        case.addCleanup(self.reap)

    def read_events(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def next(self, kind="cycle"):
        """The next event of that kind."""
        while True:
            event = self.events.get(timeout=PATIENCE_S)
            if event is None:
                raise AssertionError(f"dev ended: {''.join(self.said)}")
            if event["event"] == kind:
                return event
            if event["event"] == "cycle" and not event["ok"]:
                raise AssertionError(f"instead of {kind}: {event}")

    def end(self):
        """As Ctrl-C does. Returns the status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_S)

    def reap(self):
        if self.process.poll() is None:
            self.process.terminate()  # it ends the host that it started
            try:
                self.process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


def descendants(pid):
    """All processes that the process started, however far down."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found, last = set(), {pid}
    while last:
        last = {child for child, parent in parents.items() if parent in last} - found
        found |= last
    return found


def seize(pid):
    """Attaches to a process as a debugger does, from a thread of its own, until the returned function is called. Null when that is not allowed."""
    libc, done, answer = ctypes.CDLL(None, use_errno=True), threading.Event(), queue.Queue()

    def attached():
        ok = libc.ptrace(0x4206, pid, None, None) == 0  # PTRACE_SEIZE
        answer.put(ok)
        if ok:
            done.wait()
            libc.ptrace(0x4207, pid, None, None)  # PTRACE_INTERRUPT, without which it cannot be let go
            os.waitpid(pid, 0x40000000)  # __WALL
            libc.ptrace(17, pid, None, None)  # PTRACE_DETACH

    thread = threading.Thread(target=attached, daemon=True)
    thread.start()
    if not answer.get():
        return None

    def let_go():
        done.set()
        thread.join()
    return let_go


STATEFUL = [
    ("    const symphony_host *host;\n", "    const symphony_host *host;\n    uint64_t calls;\n"),
    ("write_counts(count_lines(text, text_size), counts)", "write_counts((line_counts){++self->calls, REVISION}, counts)"),
    ('#include "line_count.h"', '#define REVISION 1\n#include "line_count.h"'),
    ("    (void)self;\n    (void)out;\n    (void)error;\n    return SYMPHONY_E_UNSUPPORTED;",
     "    symphony_status status = self->host->buf_alloc(self->host->ctx, 8, out);\n    (void)error;\n    if (status < 0) return status;\n"
     "    memcpy((void *)(uintptr_t)out->data, &self->calls, 8);\n    return SYMPHONY_OK;"),
    ("    (void)self;\n    (void)in;\n    (void)error;\n    return SYMPHONY_E_UNSUPPORTED;",
     "    (void)error;\n    if (in->size != 8) return SYMPHONY_E_DATA_CORRUPT;\n    memcpy(&self->calls, in->data, 8);\n    return SYMPHONY_OK;"),
    ("SYMPHONY_INSTANCE_CONCURRENT, succeed", "SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_STATEFUL, succeed"),
    ("    self->host = host;\n", "    self->host = host;\n    self->calls = 0;\n"),
]


class Dev(Person):
    def counter(self, name="counter"):
        """A plugin in C that answers how often it was asked, and its revision; the count is its state."""
        self.symphony("new", name, "--type", "c")
        source = self.place / name / "src/plugin.c"
        edit(source, *((old.replace("line_count.h", f"{name}.h"), new.replace("line_count.h", f"{name}.h")) for old, new in STATEFUL))
        return source

    def expect_answer(self, event, calls, revision):
        self.assertTrue(event["ok"], event)
        self.assertEqual(event["answer"], {"lines": calls, "bytes": revision})

    def test_what_is_saved_answers_with_the_state_of_the_version_before(self):
        source = self.counter()
        session = Session(self, "counter", "--call", "count", "--with", '{"text": "x"}')
        self.expect_answer(session.next(), 1, 1)
        edit(source, ("#define REVISION 1", "#define REVISION 2"))
        self.expect_answer(session.next(), 2, 2)

        edit(source, ("#define REVISION 2", "#define REVISION two words"))
        failed = session.next()
        self.assertEqual((failed["ok"], failed["step"]), (False, "build"))
        self.assertIn("two", failed["output"], "what the compiler said")

        edit(source, ("#define REVISION two words", "#define REVISION 3"), ("if (self == NULL) return", "if (self != NULL) return"))  # it cannot be created
        failed = session.next()
        self.assertEqual((failed["ok"], failed["step"]), (False, "reload"))
        self.assertIn("create", failed["message"])

        edit(source, ("if (self != NULL) return", "if (self == NULL) return"))
        self.expect_answer(session.next(), 3, 3)

        children = descendants(session.process.pid)
        self.assertTrue(children)
        self.assertEqual(session.end(), 0)
        self.assertEqual({pid for pid in children if Path(f"/proc/{pid}").exists()}, set(), "nothing is left behind")

    def test_an_installed_version_is_shadowed_and_comes_back(self):
        source = self.counter()
        edit(self.place / "counter/manifest.toml", ('version = "0.1.0"', 'version = "9.0.0"'))
        package = self.told("pack", "counter", "--output", "dist")["packages"][0]["file"]
        self.symphony("sign", package)
        self.symphony("install", package, "--trust-key", self.told("key", "show")["key"])
        edit(self.place / "counter/manifest.toml", ('version = "9.0.0"', 'version = "0.1.0"'))
        edit(source, ("#define REVISION 1", "#define REVISION 7"))
        session = Session(self, "counter", "--call", "count", "--with", '{"text": "x"}')
        self.assertEqual(session.next("watching")["version"], "0.1.0")
        self.expect_answer(session.next(), 1, 7)
        self.assertEqual(session.end(), 0)
        self.assertEqual(self.version("counter"), "9.0.0")

    def test_a_workflow_is_run_again_after_each_reload(self):
        self.symphony("new", "lines", "--type", "c")
        session = Session(self, "lines", "--run", "lines/workflows/lines.toml", "--with", '{"text": "one\\ntwo"}')
        self.assertEqual(session.next()["answer"]["lines"], 2)
        edit(self.place / "lines/src/lines.c", ("++counts.lines;", "counts.lines += 10;"))
        self.assertEqual(session.next()["answer"]["lines"], 20)
        self.assertEqual(session.end(), 0)

    def expect_attached(self, *flags):
        """Holds until a debugger is attached, and answers then."""
        self.counter()
        session = Session(self, "counter", "--call", "count", "--with", '{"text": "x"}', "--debugger", *flags)
        told = session.next("debugger")
        self.assertFalse(told["attached"])
        self.assertIn(f"gdb -p {told['pid']}", told["command"])
        self.assertIn(told["pid"], descendants(session.process.pid))
        self.assertTrue(session.events.empty(), "nothing is asked before")
        let_go = seize(told["pid"])
        if let_go is None:
            self.skipTest("this machine lets nobody attach to a process")
        self.addCleanup(let_go)
        self.expect_answer(session.next(), 1, 1)
        let_go()
        self.assertEqual(session.end(), 0)

    def test_a_debugger_is_waited_for_in_process(self):
        self.expect_attached()

    def test_a_debugger_is_waited_for_in_a_sandbox(self):
        self.expect_attached("--isolated")

    def test_what_cannot_be_asked_is_told_before_anything_is_built(self):
        self.symphony("new", "lines", "--type", "c")
        for words, reason in ((["nothing"], "no-plugin"), (["lines", "--with", "{}"], "usage"), (["lines", "--call", "count", "--with", "[1]"], "usage"),
                              (["lines", "--call", "count", "--run", "x.toml"], "usage"), (["lines", "--call", "count", "--with", "{"], "bad-json")):
            refused = run(self.program, "dev", *words, "--json", status=2 if reason == "usage" else 1, env=self.env, cwd=self.place)
            self.assertEqual(json.loads(refused.stdout)["error"]["reason"], reason)
            self.assertFalse((self.place / "lines/build").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
