# SPDX-License-Identifier: Apache-2.0
"""The reader that was written from the document reads the document's own examples, the golden bytes, and generated envelopes."""

import json
import os
import re
import struct
import subprocess
import unittest
from pathlib import Path

import envelope_reader
from envelope_reader import READERS, Refused

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
SEED, COUNT = 11, 1500


def same(a, b):
    """Equal, and of the same types: 1 is neither 1.0 nor True, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return struct.pack("<d", a) == struct.pack("<d", b) if isinstance(a, float) else a == b


def plain(sample):
    """What the sample is, as it was written down without any codec."""
    out = json.loads(json.dumps(sample["plain"]))
    if "content" in out["payload"]:
        out["payload"]["content"] = envelope_reader.value(bytes.fromhex(out["payload"]["content"]))
    return out


def blocks_of_the_document():
    """The indented blocks that follow "in compact binary:", "in MessagePack:", "in JSON:" in the example."""
    text = Path(os.environ["ENVELOPE_DOCUMENT"]).read_text()
    example = text[text.index("## An example"):text.index("## Agreeing")]
    blocks = re.findall(r"((?:^ {4}\S.*\n)+)", example, re.MULTILINE)

    def from_hex(block):
        return "".join(re.match(r" {4}((?:[0-9a-f]{2} ?)+)(?: {2}|$)", line)[1].replace(" ", "") for line in block.splitlines())

    return {"compact-binary": from_hex(blocks[0]), "msgpack": from_hex(blocks[1]), "json": blocks[2].strip()}


class Document(unittest.TestCase):
    def test_its_example_is_the_golden_request(self):
        request = next(golden for golden in GOLDEN if golden["name"] == "request")
        for codec, block in blocks_of_the_document().items():
            self.assertEqual(block, request[codec], codec)

    def test_its_example_says_what_it_says(self):
        for codec, block in blocks_of_the_document().items():
            envelope = READERS[codec](block)
            self.assertEqual((envelope["type"], envelope["sender"], envelope["unix_us"]), ("pool.lease", "conductor", 1000000), codec)
            self.assertEqual(envelope["payload"], {"timeout_ms": 5000, "content": {"model": "eng"}}, codec)


class Golden(unittest.TestCase):
    def test_all_three_codecs_say_the_same(self):
        for golden in GOLDEN:
            envelopes = [READERS[codec](golden[codec]) for codec in READERS]
            for envelope in envelopes[1:]:
                self.assertTrue(same(envelope, envelopes[0]), (golden["name"], envelope, envelopes[0]))

    def test_every_prefix_is_refused(self):
        for golden in GOLDEN:
            for codec in READERS:
                step = 1 if codec == "json" else 2
                for size in range(0, len(golden[codec]), step):
                    with self.assertRaises(Refused, msg=(golden["name"], codec, size)):
                        READERS[codec](golden[codec][:size])


class Generated(unittest.TestCase):
    def test_all_three_codecs_say_what_was_written(self):
        lines = subprocess.run([os.environ["ENVELOPE_SAMPLES"], str(SEED), str(COUNT)], capture_output=True, check=True).stdout.splitlines()
        self.assertEqual(len(lines), COUNT)
        for number, line in enumerate(lines):
            sample = json.loads(line)
            expected = plain(sample)
            for codec in READERS:
                found = READERS[codec](sample[codec])
                self.assertTrue(same(found, expected), (f"seed {SEED} envelope {number} {codec}", found, expected))


if __name__ == "__main__":
    unittest.main()
