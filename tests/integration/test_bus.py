# SPDX-License-Identifier: Apache-2.0
"""`symphony serve` and `symphony bus`, and the client in Python that was written from the documents."""

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import PATIENCE_S, REPOSITORY, SANITIZED, Case, main

sys.path.insert(0, str(REPOSITORY / "ipc" / "bus" / "clients" / "python"))
from symphony_bus import BusError, Client, PipeTransport, UnixTransport, greeting  # noqa: E402


class Box:
    """What a handler got, waited for."""

    def __init__(self):
        self.items, self.changed = [], threading.Condition()

    def __call__(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wait(self, done):
        """Until done(items)."""
        with self.changed:
            if not self.changed.wait_for(lambda: done(self.items), PATIENCE_S):
                raise AssertionError(f"never happened; there are {len(self.items)}: {self.items[:5]}")
            return list(self.items)


class Bus(Case):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "run"
        self.place.mkdir(mode=0o700)
        self.address = f"unix:{self.place}/bus.sock"

    def serve(self, *words, **options):
        process = self.start("serve", "--listen", self.address, *words, **options)
        line = process.stdout.readline().decode()
        if not line:
            self.fail(f"it does not serve: {process.communicate(timeout=PATIENCE_S)}")
        self.assertIn(self.address, line)
        return process

    def client(self, **options):
        client = Client(self.address, timeout_s=PATIENCE_S, **options)
        self.addCleanup(client.close)
        return client

    def stop(self, process, status=0):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, status, err.decode())
        self.assertNotIn("Sanitizer", err.decode())
        return err.decode()

    def wait_until(self, condition):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), end, "never happened")
            time.sleep(0.005)

    @staticmethod
    def resident(process):
        """KiB."""
        with open(f"/proc/{process.pid}/status") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1])

    def bus(self, *words, **options):
        return self.symphony("bus", *words, "--at", self.address, **options)

    # ---- what it is for

    def test_two_programs_talk_over_it(self):
        process = self.serve()
        worker, asker = self.client(name="worker"), self.client(name="asker")
        worker.register("adder", ["math.add"], lambda numbers: sum(numbers))
        self.assertEqual(asker.request("math.add", [1, 2, 3]), 6)
        self.assertEqual(asker.request("math.add", [2**63], recipient="adder"), 2**63)
        with self.assertRaises(BusError) as failed:
            asker.request("math.add", ["a", 1])
        self.assertEqual((failed.exception.code, failed.exception.reason), ("plugin-failed", "exception"))
        for type_, recipient, reason in (("math.sub", "", "no-route"), ("math.add", "nobody", "no-endpoint")):
            with self.assertRaises(BusError) as failed:
                asker.request(type_, None, recipient)
            self.assertEqual(failed.exception.reason, reason)
        box = Box()
        asker.subscribe("build.*", box)
        for number in range(1000):
            worker.publish(f"build.{number}", {"number": number, "text": "\u00e4\U0001f3b5"})
            worker.publish(f"other.{number}")
        got = box.wait(lambda items: len(items) >= 1000)
        self.assertEqual([message["payload"]["content"]["number"] for message in got], list(range(1000)))
        self.assertEqual(got[0]["payload"]["content"]["text"], "\u00e4\U0001f3b5")
        stats = asker.stats()
        self.assertEqual(stats["counters"]["lost"], 0)
        self.assertEqual(stats["counters"]["answered"], 3)
        self.assertEqual([one["name"] for one in asker.endpoints("math.add")], ["adder"])
        asker.unsubscribe(1)
        worker.unregister("adder")
        self.assertEqual(asker.endpoints(), [])
        self.stop(process)

    def test_commands_look_at_it_and_take_part(self):
        process = self.serve("--json")
        worker = self.client()
        worker.register("adder", ["math.add"], lambda numbers: sum(numbers))
        self.assertEqual(self.bus("request", "math.add", "[1, 41]").out.strip(), "42")
        answer = json.loads(self.bus("request", "math.add", "[1, 41]", "--json").out)
        self.assertEqual((answer["content"], answer["sender"], answer["kind"]), (42, "adder", "response"))
        self.assertRegex(self.bus("endpoints").out, r"adder +healthy .*math\.add")
        self.assertEqual(json.loads(self.bus("endpoints", "--json").out)["endpoints"][0]["capabilities"], ["math.add"])
        self.assertGreaterEqual(json.loads(self.bus("stats", "--json").out)["counters"]["answered"], 2)
        self.assertRegex(self.bus("stats").out, r"(?m)^answered +2$")

        tap = self.start("bus", "tap", "news.#", "--count", "2", "--json", "--at", self.address)
        self.assertIn(b"listening", tap.stderr.readline())
        self.bus("publish", "news.one", '{"a": [1, null, "x"]}', "--sender", "me")
        self.bus("publish", "old")
        self.bus("publish", "news.two.more")
        done = self.finish(tap)
        self.assertEqual(done.status, 0, str(done))
        first, second = map(json.loads, done.out.splitlines())
        self.assertEqual((first["type"], first["sender"], first["content"]), ("news.one", "me", {"a": [1, None, "x"]}))
        self.assertEqual(second["type"], "news.two.more")

        self.expect_error(self.bus("request", "math.sub", status=1), "math.sub")
        self.expect_error(self.bus("publish", "a", "{no json", status=(1, 2)), "the content")
        self.expect_error(self.bus("publish", "a..b", status=(1, 2)), "empty segment")
        self.stop(process)
        self.expect_error(self.bus("stats", status=1), "symphony serve --listen")

    def test_it_serves_over_shared_memory(self):
        self.address = f"shm:{self.place}/bus.sock"
        process = self.serve()
        tap = self.start("bus", "tap", "news.#", "--count", "2", "--json", "--at", self.address)
        self.assertIn(b"listening", tap.stderr.readline())
        blob = "x" * 100_000
        self.bus("publish", "news.one", json.dumps(blob))
        self.bus("publish", "news.two", "[1, 2]", "--sender", "me")
        first, second = map(json.loads, self.finish(tap).out.splitlines())
        self.assertEqual((first["content"], second["content"], second["sender"]), (blob, [1, 2], "me"))
        self.expect_error(self.bus("request", "math.add", status=1), "math.add")
        self.assertGreaterEqual(json.loads(self.bus("stats", "--json").out)["counters"]["published"], 2)
        self.stop(process)

    def test_it_serves_who_started_it_over_standard_input_and_output(self):
        process = self.start("serve", "--listen", self.address, "--listen", "stdio:", "--set", "bus.token=open sesame", stdin=subprocess.PIPE, bufsize=0)
        with self.assertRaises(BusError) as failed:
            Client(PipeTransport(process.stdout, process.stdin)).ask("bus.stats")
        self.assertEqual(failed.exception.reason, "not-authenticated", "the system does not say who is at the other end of a pipe")
        process.stdin.close()
        process.wait(PATIENCE_S)
        self.assertEqual(process.returncode, 0, "it ends with who started it")

        process = self.start("serve", "--listen", "stdio:", "--listen", self.address)
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, "also when they go before they have said a word")

        process = self.start("serve", "--listen", self.address, "--listen", "stdio:", "--set", "bus.token=open sesame", stdin=subprocess.PIPE, bufsize=0)
        starter = Client(PipeTransport(process.stdout, process.stdin), token="open sesame", timeout_s=PATIENCE_S)
        other = self.client()
        starter.register("adder", ["math.add"], lambda numbers: sum(numbers))
        self.assertEqual(other.request("math.add", [1, 2, 3]), 6)
        box = Box()
        starter.subscribe("big", lambda message: box(message["payload"]["content"]))
        other.publish("big", "y" * 300_000)
        self.assertEqual(box.wait(lambda items: items), ["y" * 300_000])
        starter.close()
        process.wait(PATIENCE_S)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(process.stderr.read().decode(), r"(?m)^listening on unix:.*\nlistening on stdio:$", "standard output is no place for words")

    # ---- what goes wrong

    def test_ten_thousand_that_say_nothing_cost_bounded_memory_and_nobody_else(self):
        count = 10_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count + 1000:
            self.skipTest(f"{hard} open files are allowed, fewer than {count} connections need")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 1000), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        process = self.serve("--set", "bus.enter_ms=600000")
        before = self.resident(process)
        idle = []
        self.addCleanup(lambda: [one.close() for one in idle])
        for number in range(count):
            idle.append(UnixTransport(self.address.removeprefix("unix:"), PATIENCE_S))
            if number % 2 == 0:
                idle[-1].send(greeting("idle", ["json"]))
        worker, asker = self.client(), self.client()
        worker.register("adder", ["math.add"], lambda numbers: sum(numbers))
        self.assertEqual(asker.request("math.add", [1, 2]), 3)
        self.assertEqual(asker.stats()["counters"]["connections"], count + 2)
        if not SANITIZED:
            self.assertLess((self.resident(process) - before) / count, 24, "KiB for each")
        for one in idle:
            one.close()
        self.assertEqual(asker.request("math.add", [2, 2]), 4)
        self.wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) < 100)
        self.stop(process)

    def test_who_does_not_say_the_token_in_time_is_sent_away(self):
        process = self.serve("--set", "bus.token_always=true", "--set", "bus.token=open sesame", "--set", "bus.enter_ms=100")
        with self.assertRaises((BusError, ConnectionError)) as ended:
            silent = self.client()
            self.wait_until(lambda: silent.over is not None)
            silent.ask("bus.stats")
        self.assertNotEqual(getattr(ended.exception, "reason", ""), "not-authenticated")
        known = self.client(token="open sesame")
        self.wait_until(lambda: known.stats()["counters"]["refused_connections"] == 1)
        self.stop(process)

    def test_a_type_with_an_empty_segment_is_refused(self):
        process = self.serve()
        client = self.client()
        for type_ in ("a..b", ".a", "a."):
            with self.assertRaises(BusError) as failed:
                client.request(type_)
            self.assertEqual(failed.exception.reason, "bad-envelope")
        self.stop(process)

    def test_a_client_that_is_killed_leaves_at_once(self):
        process = self.serve()
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from symphony_bus import Client\n"
                  "bus = Client(sys.argv[2]); bus.register('mute', ['say'], None); bus.subscribe('#', print); print('ready', flush=True); import time; time.sleep(1000)")
        victim = subprocess.Popen([sys.executable, "-c", script, str(REPOSITORY / "ipc/bus/clients/python"), self.address], stdout=subprocess.PIPE)
        self.addCleanup(self.reap, victim)
        self.assertEqual(victim.stdout.readline(), b"ready\n")
        asker = self.client()
        failures = Box()

        def ask():
            try:
                asker.request("say", None, timeout_ms=600_000)
            except BusError as fault:
                failures(fault.reason)
        asking = threading.Thread(target=ask)
        asking.start()
        self.wait_until(lambda: any(one["open_requests"] == 1 for one in asker.endpoints()))
        victim.kill()
        self.assertEqual(failures.wait(lambda items: items), ["endpoint-gone"])
        asking.join()
        self.assertEqual(asker.endpoints(), [])
        self.assertEqual(asker.stats()["subscriptions"], [])
        self.client().register("mute", ["say"], lambda content: content)
        self.assertEqual(asker.request("say", "again"), "again")
        self.stop(process)

    def test_a_bus_that_is_killed_is_noticed_and_can_be_started_anew(self):
        process = self.serve()
        client = self.client()
        client.subscribe("#", lambda message: None)
        process.kill()
        process.wait()
        self.wait_until(lambda: client.over is not None)
        with self.assertRaises((BusError, OSError)):
            client.request("a")
        process = self.serve()  # the socket file of the dead one is in its way, and is taken over
        self.client().publish("a")
        self.stop(process)

    def test_an_endpoint_without_a_sign_of_life_leaves_routing(self):
        process = self.serve()
        hung, asker = self.client(), self.client()
        hung.register("hung", ["say"], None, heartbeat_ms=50)
        with self.assertRaises(BusError) as failed:
            asker.request("say", None, timeout_ms=600_000)
        self.assertEqual(failed.exception.reason, "endpoint-hung")
        self.assertFalse(asker.endpoints()[0]["healthy"])
        hung.heartbeat("hung")
        hung.ask("bus.stats")  # answered behind the heartbeat
        self.assertEqual(self.stop(process), "")

    def test_a_subscriber_that_never_reads_costs_bounded_memory_and_nobody_else(self):
        process = self.serve()
        lazy = UnixTransport(self.address.removeprefix("unix:"), PATIENCE_S)
        self.addCleanup(lazy.close)
        lazy.send(greeting("lazy", ["json"]))
        shape = self.client()
        raw = json.dumps(shape.envelope("request", "bus.subscribe", {"timeout_ms": 0, "content": {"channel": 1, "pattern": "#", "queue_max": 100, "name": "lazy"}}, "bus")).encode()
        lazy.send(struct.pack("<II", len(raw), 0) + raw)
        reader, writer = self.client(), self.client()
        self.wait_until(lambda: len(reader.stats()["subscriptions"]) == 1)
        box, losses = Box(), Box()
        reader.subscribe("#", lambda message: box(message["payload"]["content"]["n"]), lost=losses, policy="block", queue_max=1000)
        blob = "x" * 20_000
        count = 5_000  # 100 MB
        for number in range(count):
            writer.publish("n", {"n": number, "blob": blob})
        self.assertEqual(box.wait(lambda items: len(items) == count), list(range(count)))
        self.assertEqual(losses.items, [])
        stats = reader.stats()
        lazy_one = next(one for one in stats["subscriptions"] if one["name"] == "lazy")
        self.assertGreater(lazy_one["lost"], 0)
        self.assertEqual(lazy_one["lost"] + lazy_one["delivered"] + lazy_one["queued"], count)
        if not SANITIZED:
            self.assertLess(self.resident(process), 400_000, "KiB")
        self.stop(process, status=128 + signal.SIGTERM)  # what waits for the lazy one cannot be delivered

    def test_garbage_ends_its_connection_and_nothing_else(self):
        process = self.serve()
        path = self.address.removeprefix("unix:")
        good = self.client()

        def closes(send):
            transport = UnixTransport(path, PATIENCE_S)
            transport.socket.settimeout(PATIENCE_S)
            try:
                send(transport)
                while transport.receive() is not None:
                    pass
            except ConnectionError:
                pass
            finally:
                transport.close()

        def raw(data):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE_S)
            connection.connect(path)
            try:
                connection.sendall(data)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
            connection.close()

        def greeted(*frames):
            def send(transport):
                transport.send(greeting("bad", ["json"]))
                for frame in frames:
                    transport.send(frame)
            return send

        raw(b"GET / HTTP/1.1\r\n\r\n" + bytes(100))
        closes(lambda transport: transport.send(b"SYMG"))
        closes(lambda transport: transport.send(greeting("bad", ["klingon"])))
        closes(greeted(b"\x01"))
        closes(greeted(struct.pack("<II", 0xFFFFFFFF, 0)))
        closes(greeted(struct.pack("<II", 2, 0) + b"{}"))
        closes(greeted(struct.pack("<II", 0, 0)))
        closes(greeted(struct.pack("<II", 4, 70_000) + b"null"))
        half = UnixTransport(path, PATIENCE_S)
        half.socket.sendall(struct.pack("<IIQ", 2, 1000, 1000) + b"half")
        half.close()
        self.assertEqual(good.stats()["counters"]["lost"], 0)
        self.stop(process)

    def test_nobody_speaks_for_others(self):
        process = self.serve()
        owner, thief = self.client(), self.client()
        owner.register("bank", ["pay"], lambda content: "paid")
        thief.publish("news", None, sender="bank")
        thief.ask("bus.stats")
        self.assertEqual(thief.refused[-1]["payload"]["reason"], "not-the-sender")
        for type_, content, reason in (("bus.register", {"channel": 9, "name": "bank"}, "endpoint-exists"), ("bus.register", {"channel": 9, "name": "bus"}, "endpoint-exists"),
                                       ("bus.subscribe", {"channel": 0, "pattern": "#"}, "bad-channel"), ("bus.subscribe", {"channel": 1, "pattern": "a..b"}, "bad-pattern"),
                                       ("bus.unregister", {"name": "bank"}, "no-endpoint"), ("bus.dance", {}, "unknown-request-type")):
            with self.assertRaises(BusError) as failed:
                thief.ask(type_, content)
            self.assertEqual(failed.exception.reason, reason)
        self.stop(process)

    def test_a_token_is_asked_for_where_it_is_configured(self):
        words = ("--set", "bus.token_always=true", "--set", "bus.token=open sesame")
        process = self.serve(*words)
        with self.assertRaises(BusError) as failed:
            self.client().ask("bus.stats")
        self.assertEqual(failed.exception.reason, "not-authenticated")
        with self.assertRaises(BusError) as failed:
            self.client(token="open barley")
        self.assertEqual(failed.exception.reason, "bad-token")
        self.client(token="open sesame").ask("bus.stats")
        self.bus("stats", *words)
        self.stop(process)

    # ---- the process

    def test_it_tells_who_supervises_it_how_it_is(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.settimeout(PATIENCE_S)
        notify.bind(str(self.place / "notify"))
        self.addCleanup(notify.close)
        self.environment |= {"NOTIFY_SOCKET": str(self.place / "notify"), "WATCHDOG_USEC": "200000"}
        process = self.serve()
        self.assertEqual(notify.recv(100), b"READY=1")
        self.client().publish("it serves by then")
        self.assertEqual(notify.recv(100), b"WATCHDOG=1")
        self.assertEqual(notify.recv(100), b"WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        while (line := notify.recv(100)) != b"STOPPING=1":
            self.assertEqual(line, b"WATCHDOG=1")
        process.wait(PATIENCE_S)
        self.assertEqual(process.returncode, 0)

    def test_it_finishes_what_was_asked_before_it_ends(self):
        process = self.serve()
        worker, asker = self.client(), self.client()
        asked, gate = threading.Event(), threading.Event()

        def slow(content):
            asked.set()
            gate.wait(PATIENCE_S)
            return content
        worker.register("slow", ["say"], slow)
        answers = Box()
        asking = threading.Thread(target=lambda: answers(asker.request("say", 7)))
        asking.start()
        asked.wait(PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        self.wait_until(lambda: not can_connect(self.address.removeprefix("unix:")))
        gate.set()
        self.assertEqual(answers.wait(lambda items: items), [7])
        asking.join()
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0)

    def test_it_says_why_it_cannot_listen(self):
        process = self.serve()
        for address, words in ((self.address, "listen"), ("nowhere", "scheme"), ("carrier-pigeon:/x", "transport-carrier-pigeon")):
            done = self.symphony("serve", "--listen", address, status=(1, 2, 3))
            self.assertRegex(done.err, r"(?m)^error: ", str(done))
            self.assertIn(words, done.err, str(done))
        self.stop(process)

    def test_there_is_a_usual_place(self):
        for folder, path in ((str(self.folder), f"{self.folder}/symphony-bus.sock"), (None, f"/tmp/symphony-{os.geteuid()}/bus.sock")):
            done = self.symphony("bus", "endpoints", status=(0, 1), env=self.environment | ({"XDG_RUNTIME_DIR": folder} if folder else {}))
            if done.status == 1:  # else somebody serves there
                self.expect_error(done, "no-listener", path)


def can_connect(path):
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
            return True
        except OSError:
            return False


if __name__ == "__main__":
    main()
