# SPDX-License-Identifier: Apache-2.0
"""A client of the bus in the standard library's Python, written from ipc/docs/bus-wire.md, envelope.md and transports.md.

    with Client("unix:/run/user/1000/symphony-bus.sock") as bus:
        bus.subscribe("build.#", lambda message: print(message["header"]["type"], message["payload"]["content"]))
        bus.register("adder", ["add"], lambda content: sum(content))
        print(bus.request("add", [1, 2]))

One thread reads; handlers run on it, one after the other, and may publish but not wait for answers. Messages are dicts as envelope.md has them in JSON.
"""

import json
import os
import socket
import struct
import threading
import time

GREETING, CONTENT, FINISH = 1, 2, 3
KINDS = {"request": 1, "response": 2, "event": 4, "error": 8}
POLICIES = {"block": 1, "drop_oldest": 2, "drop_newest": 3, "disconnect": 4}
FRAME_BYTES_MAX = 16 << 20
PART_BYTES_MAX = 256 * 1024


class BusError(Exception):
    """An answer of kind error, or the end of the connection."""

    def __init__(self, code, reason, message):
        super().__init__(f"{reason}: {message}")
        self.code, self.reason, self.message = code, reason, message


class StreamTransport:
    """Frames over a stream of bytes (transports.md, "Bytes of a stream"). One thread may send while another receives. Who derives has
    write(data), all of it, and read(size), at least one byte and at most so many, none at the end."""

    def greet(self):
        self._part(GREETING, b"SMT1" + struct.pack("<IIIQ", 1, 0, 0, FRAME_BYTES_MAX), 24)
        kind, size, _ = struct.unpack("<IIQ", self._exactly(16))
        greeting = self._exactly(size) if kind == GREETING and size >= 24 else b""
        if greeting[:4] != b"SMT1":
            raise ConnectionError("who listens there speaks another protocol")
        if struct.unpack_from("<I", greeting, 8)[0] != 0:
            raise ConnectionError("who listens there has as many connections as it takes")

    def _part(self, kind, content, frame_size):
        self.write(struct.pack("<IIQ", kind, len(content), frame_size) + content)

    def _exactly(self, size):
        out = bytearray()
        while len(out) < size:
            some = self.read(min(size - len(out), 1 << 20))
            if not some:
                raise ConnectionError("the other side has closed the connection")
            out += some
        return bytes(out)

    def send(self, frame):
        for at in range(0, len(frame), PART_BYTES_MAX) or (0,):
            self._part(CONTENT, frame[at:at + PART_BYTES_MAX], len(frame))

    def receive(self):
        """The next frame; None at the end."""
        frame, whole = bytearray(), None
        while whole is None or len(frame) < whole:
            kind, size, of = struct.unpack("<IIQ", self._exactly(16))
            if kind == FINISH:
                return None
            if kind != CONTENT or of > FRAME_BYTES_MAX or (whole is not None and of != whole) or len(frame) + size > of:
                raise ConnectionError("the other side has broken the framing")
            whole = of
            frame += self._exactly(size)
        return bytes(frame)


class UnixTransport(StreamTransport):
    def __init__(self, path, timeout_s):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect(path)
        self.greet()
        self.socket.settimeout(None)

    def write(self, data):
        self.socket.sendall(data)

    def read(self, size):
        return self.socket.recv(size)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class PipeTransport(StreamTransport):
    """Over two pipes, such as those of a program that was started with `symphony serve --listen stdio:`; unbuffered binary files."""

    def __init__(self, reading, writing):
        self.reading, self.writing = reading, writing
        self.greet()

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.writing.write(view):]

    def read(self, size):
        return self.reading.read(size)

    def close(self):
        self.writing.close()


def greeting(name, codecs):
    def text(value):
        raw = value.encode()
        return struct.pack("<I", len(raw)) + raw
    body = text(name) + struct.pack("<IHH", 1, 1, 0) + struct.pack("<I", len(codecs)) + b"".join(map(text, codecs)) + struct.pack("<Q", FRAME_BYTES_MAX)
    return b"SYMG" + struct.pack("<I", len(body)) + body


def uuid7():
    """A UUID of version 7 (RFC 9562)."""
    raw = bytearray((time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Client:
    def __init__(self, address, name="python", token=None, timeout_s=30):
        """`address` is one of the scheme unix, or a transport that is there already."""
        self.timeout_s = timeout_s
        if isinstance(address, str):
            scheme, _, path = address.partition(":")
            if scheme != "unix":
                raise ValueError(f"{address}: this client knows the scheme unix only")
            self.transport = UnixTransport(path, timeout_s)
        else:
            self.transport = address
        self.sending = threading.Lock()
        self.changed = threading.Condition()
        self.answers = {}   # id of a request: its answer, or None
        self.channels = {}  # number: (message handler, handler of losses, handler of the end)
        self.refused = []   # errors that answer no request: events that were not taken
        self.over = None
        self.next_channel = 1
        self.transport.send(greeting(name, ["json"]))
        first = self.transport.receive()
        if first is None or first[:4] != b"SYMG" or b"json" not in first:
            raise ConnectionError("who listens there is no bus that speaks JSON")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if token is not None:
            try:
                self.ask("bus.authenticate", {"token": token})
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.transport.close()
        if threading.current_thread() is not self.reader:
            self.reader.join()

    # ---- out

    def envelope(self, kind, type_, payload, recipient="", sender="", correlation=None):
        header = {"id": uuid7(), "unix_us": time.time_ns() // 1000, "type": type_, "sender": sender, "recipient": recipient}
        if correlation is not None:
            header["correlation"] = correlation
        return {"version": "1.0", "header": header, "kind": kind, "payload": payload}

    def send(self, *envelopes):
        """All in one frame."""
        items = bytearray()
        for envelope in envelopes:
            raw = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
            items += struct.pack("<II", len(raw), 0) + raw
        with self.sending:
            self.transport.send(bytes(items))

    def publish(self, type_, content=None, sender="", recipient=""):
        self.send(self.envelope("event", type_, {"content": content}, recipient, sender))

    def request(self, type_, content=None, recipient="", timeout_ms=30_000):
        envelope = self.envelope("request", type_, {"timeout_ms": timeout_ms, "content": content}, recipient)
        id_ = envelope["header"]["id"]
        with self.changed:
            self.answers[id_] = None
        self.send(envelope)
        with self.changed:
            self.changed.wait_for(lambda: self.answers[id_] is not None or self.over, timeout_ms / 1000 + self.timeout_s)
            answer = self.answers.pop(id_)
        if answer is None:
            raise self.over or BusError("deadline", "no-answer", "the bus has not answered")
        if answer["kind"] == "error":
            raise BusError(answer["payload"]["code"], answer["payload"]["reason"], answer["payload"]["message"])
        return answer["payload"]["content"]

    def ask(self, type_, content=None):
        """A request to the bus itself."""
        return self.request(type_, content, "bus")

    def _channel(self, handler, lost=None, ended=None):
        with self.changed:
            number = self.next_channel
            self.next_channel += 1
            self.channels[number] = (handler, lost, ended)
        return number

    def subscribe(self, pattern, handler, lost=None, ended=None, kinds=("event",), policy="drop_oldest", **more):
        number = self._channel(handler, lost, ended)
        self.ask("bus.subscribe", {"channel": number, "pattern": pattern, "kinds": sum(KINDS[kind] for kind in kinds), "policy": POLICIES[policy]} | more)
        return number

    def unsubscribe(self, number):
        self.ask("bus.unsubscribe", {"channel": number})

    def register(self, name, capabilities, handler, heartbeat_ms=0, queue_max=0):
        """`handler` takes the content of a request and gives that of the answer; what it raises is the answer, too. None as handler: nothing is answered."""
        def serve(message):
            if message["kind"] != "request" or handler is None:
                return
            id_ = message["header"]["id"]
            try:
                answer = self.envelope("response", "", {"content": handler(message["payload"]["content"])}, message["header"]["sender"], name, id_)
            except Exception as fault:  # noqa: BLE001: whatever it is, who asked shall know
                answer = self.envelope("error", "", {"code": "plugin-failed", "retryable": False, "reason": "exception", "message": str(fault)[:4000], "hint": ""},
                                       message["header"]["sender"], name, id_)
            self.send(answer)
        self.ask("bus.register", {"channel": self._channel(serve), "name": name, "capabilities": capabilities, "heartbeat_ms": heartbeat_ms, "queue_max": queue_max})

    def unregister(self, name):
        self.ask("bus.unregister", {"name": name})

    def heartbeat(self, name):
        self.send(self.envelope("event", "bus.heartbeat", {"content": {"name": name}}, "bus"))

    def endpoints(self, type_=""):
        return self.ask("bus.endpoints", {"type": type_})["endpoints"]

    def stats(self):
        return self.ask("bus.stats")

    # ---- in

    def _read(self):
        over = BusError("peer-died", "closed", "the connection is over")
        try:
            while (frame := self.transport.receive()) is not None:
                at = 0
                while at < len(frame):
                    size, channel = struct.unpack_from("<II", frame, at)
                    self._handle(channel, json.loads(frame[at + 8:at + 8 + size]))
                    at += 8 + size
        except (OSError, ValueError, struct.error) as fault:
            over = BusError("peer-died", "closed", str(fault))
        with self.changed:
            self.over = over
            self.changed.notify_all()

    def _handle(self, channel, message):
        header = message["header"]
        if channel == 0:
            with self.changed:
                if header.get("correlation") in self.answers:
                    self.answers[header["correlation"]] = message
                else:
                    self.refused.append(message)
                self.changed.notify_all()
            return
        handler, lost, ended = self.channels.get(channel, (None, None, None))
        if header["sender"] == "bus" and header["type"] == "bus.lost":
            if lost:
                lost(message["payload"]["content"]["lost"])
        elif header["sender"] == "bus" and header["type"] == "bus.ended":
            if ended:
                ended(message["payload"]["content"]["reason"])
        elif handler:
            handler(message)
