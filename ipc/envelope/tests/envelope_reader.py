# SPDX-License-Identifier: Apache-2.0
"""Reads envelopes in all three codecs. Written from ipc/docs/envelope.md alone; nothing here knows the C++ code."""

import base64
import json
import re
import struct

KINDS = {1: "request", 2: "response", 3: "event", 4: "error"}
CODES = {-1: "invalid-argument", -2: "not-found", -3: "not-granted", -4: "unsupported", -5: "busy", -6: "cancelled", -7: "deadline", -8: "exhausted",
         -9: "conflict", -10: "data-corrupt", -11: "io", -12: "peer-died", -13: "internal", -14: "misuse", -15: "plugin-failed", -16: "abi-mismatch",
         -17: "refused"}
PAYLOADS = {"request": ("timeout_ms", "content"), "response": ("content",), "event": ("content",),
            "error": ("code", "retryable", "reason", "message", "hint")}
TEXT_BYTES_MAX = {"type": 255, "sender": 255, "recipient": 255, "reason": 63, "message": 4096, "hint": 1024}


class Refused(Exception):
    pass


class Bytes:
    """A record that is read from front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Refused(f"cut off at byte {self.at}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]


def utf8(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Refused(str(fault)) from None


# ---- dynamic values ----

HEADS = {0xC4: (">B", "bin"), 0xC5: (">H", "bin"), 0xC6: (">I", "bin"), 0xD9: (">B", "str"), 0xDA: (">H", "str"), 0xDB: (">I", "str"),
         0xDC: (">H", "array"), 0xDD: (">I", "array"), 0xDE: (">H", "map"), 0xDF: (">I", "map")}
NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}


def item(source, depth=0):
    tag = source.number(">B")
    if tag < 0x80:
        return tag
    if tag >= 0xE0:
        return tag - 0x100
    if tag in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[tag]
    if tag in NUMBERS:
        return source.number(NUMBERS[tag])
    if tag < 0x90:
        kind, count = "map", tag & 15
    elif tag < 0xA0:
        kind, count = "array", tag & 15
    elif tag < 0xC0:
        kind, count = "str", tag & 31
    elif tag in HEADS:
        layout, kind = HEADS[tag]
        count = source.number(layout)
    else:
        raise Refused(f"item {tag:#x}")
    if kind == "bin":
        return source.take(count)
    if kind == "str":
        return utf8(source.take(count))
    if depth == 130 or count > len(source.data) - source.at:
        raise Refused("too deep, or more items than bytes")
    if kind == "array":
        return [item(source, depth + 1) for _ in range(count)]
    out = {}
    for _ in range(count):
        key = item(source, depth + 1)
        if not isinstance(key, str) or key in out:
            raise Refused(f"key {key!r}")
        out[key] = item(source, depth + 1)
    return out


def value(data):
    if not data:
        return None
    source = Bytes(data)
    out = item(source)
    if source.at != len(data):
        raise Refused("bytes after the value")
    return out


# ---- what holds in every codec ----

def sound(envelope):
    texts = [(name, part[name]) for part in (envelope, envelope["payload"]) for name in TEXT_BYTES_MAX if name in part]
    for name, text in texts:
        if len(text.encode("utf-8")) > TEXT_BYTES_MAX[name]:
            raise Refused(f"{name} is too long")
    if not int(envelope["id"], 16):
        raise Refused("nil id")
    if envelope["kind"] == "response" and envelope["correlation"] is None:
        raise Refused("a response without correlation")
    if envelope["kind"] in ("request", "event") and not envelope["type"]:
        raise Refused("no type")
    return envelope


def check_major(major):
    if major != 1:
        raise Refused(f"protocol {major}")


# ---- compact binary ----

def record(source):
    return Bytes(source.take(source.number("<I")))


def text(source):
    return utf8(source.take(source.number("<I")))


def boolean(source):
    byte = source.number("<B")
    if byte > 1:
        raise Refused(f"boolean {byte}")
    return byte == 1


def read_compact(data):
    source = Bytes(data)
    whole = record(source)
    if source.at != len(data):
        raise Refused("bytes after the envelope")
    version = [whole.number("<H"), whole.number("<H")]
    check_major(version[0])
    header = record(whole)
    out = {"version": version, "id": header.take(16).hex(), "unix_us": header.number("<Q")}
    out["correlation"] = header.take(16).hex() if boolean(header) else None
    for name in ("type", "sender", "recipient"):
        out[name] = text(header)
    kind = whole.number("<B")
    if kind not in KINDS:
        raise Refused(f"kind {kind}")
    out["kind"] = KINDS[kind]
    payload = record(whole)
    readers = {"timeout_ms": lambda: payload.number("<I"), "content": lambda: value(payload.take(payload.number("<I"))),
               "code": lambda: CODES.get(payload.number("<i"), "internal"), "retryable": lambda: boolean(payload)}
    out["payload"] = {name: readers.get(name, lambda: text(payload))() for name in PAYLOADS[out["kind"]]}
    return sound(out)


# ---- MessagePack ----

def expect(kind, thing):
    if type(thing) is not kind:
        raise Refused(f"{thing!r} is no {kind.__name__}")
    return thing


def unsigned(thing, bits):
    if not 0 <= expect(int, thing) < 1 << bits:
        raise Refused(f"{thing} does not fit")
    return thing


def uuid(thing):
    if len(expect(bytes, thing)) != 16:
        raise Refused("a UUID has 16 bytes")
    return thing.hex()


def read_msgpack(data):
    try:
        version, header, kind, payload, *_ = expect(list, value(data))
        major, minor, *_ = expect(list, version)
        check_major(unsigned(major, 16))
        id_, unix_us, correlation, type_, sender, recipient, *_ = expect(list, header)
    except ValueError:
        raise Refused("too few fields") from None
    if unsigned(kind, 64) not in KINDS:
        raise Refused(f"kind {kind}")
    out = {"version": [major, unsigned(minor, 16)], "id": uuid(id_), "unix_us": unsigned(unix_us, 64),
           "correlation": None if correlation is None else uuid(correlation), "kind": KINDS[kind],
           "type": expect(str, type_), "sender": expect(str, sender), "recipient": expect(str, recipient)}
    names = PAYLOADS[out["kind"]]
    if len(expect(list, payload)) < len(names):
        raise Refused("too few fields")
    checks = {"timeout_ms": lambda x: unsigned(x, 32), "content": lambda x: x, "code": lambda x: CODES.get(expect(int, x), "internal"),
              "retryable": lambda x: expect(bool, x)}
    out["payload"] = {name: checks.get(name, lambda x: expect(str, x))(field) for name, field in zip(names, payload)}
    return sound(out)


# ---- JSON ----

def members(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Refused("a member twice")
    if list(out) == ["$bytes"] and isinstance(out["$bytes"], str):
        return base64.b64decode(out["$bytes"], validate=True)
    return out


def json_uuid(thing):
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", expect(str, thing)):
        raise Refused(f"{thing} is no UUID")
    return thing.replace("-", "").lower()


def read_json(data):
    try:
        whole = expect(dict, json.loads(data, object_pairs_hook=members))
        match = re.fullmatch(r"(\d+)\.(\d+)", expect(str, whole["version"]))
        if not match:
            raise Refused("version")
        check_major(int(match[1]))
        header, payload = expect(dict, whole["header"]), expect(dict, whole["payload"])
        kind, correlation = expect(str, whole["kind"]), header.get("correlation")
        if kind not in PAYLOADS:
            raise Refused(f"kind {kind}")
        out = {"version": [int(match[1]), int(match[2])], "id": json_uuid(header["id"]), "unix_us": unsigned(header["unix_us"], 64), "kind": kind,
               "correlation": None if correlation is None else json_uuid(correlation)}
        for name in ("type", "sender", "recipient"):
            out[name] = expect(str, header[name])
        checks = {"timeout_ms": lambda x: unsigned(x, 32), "content": lambda x: x, "retryable": lambda x: expect(bool, x),
                  "code": lambda x: x if expect(str, x) in CODES.values() else "internal"}
        out["payload"] = {name: checks.get(name, lambda x: expect(str, x))(payload[name]) for name in PAYLOADS[kind]}
    except (KeyError, ValueError, RecursionError) as fault:
        raise Refused(repr(fault)) from None
    return sound(out)


READERS = {"compact-binary": lambda data: read_compact(bytes.fromhex(data)), "msgpack": lambda data: read_msgpack(bytes.fromhex(data)), "json": read_json}


# ---- greeting ----

def read_greeting(data):
    source = Bytes(data)
    if source.take(4) != b"SYMG":
        raise Refused("not Symphony")
    body = record(source)
    name = text(body)
    versions = [[body.number("<H"), body.number("<H")] for _ in range(body.number("<I"))]
    codecs = [text(body) for _ in range(body.number("<I"))]
    return {"name": name, "versions": versions, "codecs": codecs, "envelope_bytes_max": body.number("<Q")}
