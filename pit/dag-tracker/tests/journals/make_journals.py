#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes format-1.sqlite and format-2.sqlite: journals of a run that was interrupted, as dag-tracker wrote them in the formats 1 and 2.

The bytes are those of the code of that time: rows are lists of MessagePack in its shortest form, the sum of a row is the first half of
SHA-256 over its parts, each behind its length. Run it in this folder; the files are the same each time.
"""

import hashlib
import os
import sqlite3
import struct

FLOW = """[workflow]
id = "old"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "start" }
[nodes.b]
plugin = "text"
operation = "count"
inputs = { text = "a.text" }
[nodes.c]
plugin = "text"
operation = "count"
inputs = { text = "b.text" }
[outputs.last]
from = "c.text"
"""
RUN = "20251103-070809-abc123"
CREATED_MS = 1762153689000


def pack(value):
    """MessagePack in its shortest form: what a journal's rows have of it."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 128:
            return bytes([value])
        for mark, form, most in ((0xCC, ">B", 0xFF), (0xCD, ">H", 0xFFFF), (0xCE, ">I", 0xFFFFFFFF)):
            if value <= most:
                return bytes([mark]) + struct.pack(form, value)
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode()
        return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else b"\xd9" + bytes([len(raw)])) + raw
    if isinstance(value, bytes):
        return b"\xc5" + struct.pack(">H", len(value)) + value if len(value) > 255 else b"\xc4" + bytes([len(value)]) + value
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
    return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(item) for key, item in value.items())


def sum_of(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(struct.pack("<Q", len(part)) + part)
    return digest.digest()[:16]


def text_answer(text):
    return pack({"text": text, "total": len(text) - 1, "confidence": 0.5})


def make(version):
    path = f"format-{version}.sqlite"
    if os.path.exists(path):
        os.remove(path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA page_size = 1024")
    database.execute("PRAGMA application_id = 1400466770")
    database.execute(f"PRAGMA user_version = {version}")
    database.execute("CREATE TABLE runs(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, head BLOB NOT NULL, given BLOB NOT NULL, "
                     "part INTEGER NOT NULL, state INTEGER NOT NULL, done INTEGER NOT NULL, ended_ms INTEGER NOT NULL, sum BLOB NOT NULL)")
    if version == 2:
        database.execute("CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, kind INTEGER NOT NULL, node TEXT NOT NULL, "
                         "value BLOB NOT NULL, at_ms INTEGER NOT NULL, sum BLOB NOT NULL)")
    database.execute("CREATE TABLE steps(key INTEGER PRIMARY KEY, part INTEGER NOT NULL, body BLOB NOT NULL, output BLOB NOT NULL, sum BLOB NOT NULL)")
    head = pack(["old", "1.0.0", "old.toml", 3, 3, CREATED_MS])
    given = pack([FLOW.encode(), {}, {}, {}])
    database.execute("INSERT INTO runs VALUES(1, ?, ?, ?, 1, 1, 1, 0, ?)", (RUN, head, given, sum_of(RUN.encode(), head, given)))
    ended = [3, "a", 0, CREATED_MS + 20, 4, False, 1, 1, 4_000_000, []]
    if version == 2:  # by_fallback, closing, each, recalled, and how the call is known
        ended += [False, False, False, 0, [0, None, "", 0, None]]
    rows = [([1, "a", 0, CREATED_MS + 10], b""), (ended, text_answer("start!")), ([1, "b", 0, CREATED_MS + 21], b"")]
    for seq, (body, output) in enumerate(rows, 1):
        key = 1 << 32 | seq
        body = pack(body)
        database.execute("INSERT INTO steps VALUES(?, 1, ?, ?, ?)", (key, body, output, sum_of(struct.pack("<QQ", key, 1), body, output)))
    database.execute("VACUUM")
    database.close()


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    make(1)
    make(2)
