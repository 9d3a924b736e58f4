# SPDX-License-Identifier: Apache-2.0
"""The gate catches every change that breaks a built plugin, and the IDL refuses what cannot be generated."""

import copy
import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import gate  # noqa: E402
import idl  # noqa: E402
import layout  # noqa: E402
import portgen  # noqa: E402

ROOT = HERE.parents[2] / "plugin-api"


class Gate(unittest.TestCase):
    def setUp(self):
        self.frozen = gate.without_drafts(portgen.current(ROOT)[2])
        self.now = copy.deepcopy(self.frozen)

    def expect_fault(self, *words):
        faults = gate.compare(self.frozen, self.now)
        self.assertTrue(faults, "the gate let the change pass")
        for word in words:
            self.assertIn(word, " ".join(faults))

    def expect_pass(self):
        self.assertEqual(gate.compare(self.frozen, self.now), [])

    def members(self, struct):
        return self.now["structs"][struct]["members"]

    def test_no_change_passes(self):
        self.expect_pass()

    def test_an_appended_member_passes(self):
        struct = self.now["structs"]["symphony_host"]
        self.members("symphony_host").append({"name": "fresh", "offset": struct["size"], "size": 8, "type": "void*"})
        struct["size"] += 8
        self.expect_pass()

    def test_a_reorder_is_caught(self):
        rows = self.members("symphony_call")
        rows[5], rows[6] = dict(rows[6], offset=rows[5]["offset"]), dict(rows[5], offset=rows[6]["offset"])
        self.expect_fault("symphony_call." + self.frozen["structs"]["symphony_call"]["members"][5]["name"])

    def test_a_retype_is_caught(self):
        self.members("symphony_call")[4]["type"] = "int64_t"
        self.expect_fault("symphony_call.", "int64_t")

    def test_an_insertion_is_caught(self):
        rows = self.members("symphony_instance_ops")
        rows.insert(3, {"name": "early", "offset": rows[3]["offset"], "size": 8, "type": "void*"})
        for row in rows[4:]:
            row["offset"] += 8
        self.expect_fault("symphony_instance_ops.", "early")

    def test_a_removal_is_caught(self):
        self.members("symphony_host_fs").pop()
        self.expect_fault("symphony_host_fs.sync_folder: removed")
        del self.now["structs"]["symphony_host_log"]
        self.expect_fault("struct symphony_host_log: removed")

    def test_a_struct_used_by_value_cannot_grow(self):
        struct = self.now["structs"]["symphony_buf"]
        struct["members"].append({"name": "fresh", "offset": struct["size"], "size": 8, "type": "uint64_t"})
        struct["size"] += 8
        self.expect_fault("symphony_buf", "cannot grow")

    def test_a_renumbered_constant_is_caught(self):
        self.now["constants"]["SYMPHONY_E_BUSY"] = -50
        self.expect_fault("SYMPHONY_E_BUSY: was -5, is -50")

    def test_a_renumbered_method_is_caught(self):
        methods = self.now["ports"]["workflow/1"]["methods"]
        methods["9"] = methods.pop("2")
        self.expect_fault("workflow/1 method 2 (run): removed or renumbered")

    def test_a_changed_signature_is_caught(self):
        self.now["ports"]["operator/1"]["methods"]["1"]["hash"] = "0x0"
        self.expect_fault("operator/1 method 1")

    def test_a_new_method_and_an_appended_field_pass(self):
        self.now["ports"]["operator/1"]["methods"]["2"] = {"name": "fresh", "hash": "0x1", "signature": ""}
        self.now["ports"]["workflow/1"]["records"]["RunOptions"].append("u32 fresh")
        self.now["ports"]["workflow/1"]["constants"]["NodeState"]["fresh"] = 99
        self.expect_pass()

    def test_a_field_that_is_not_appended_is_caught(self):
        self.now["ports"]["workflow/1"]["records"]["RunOptions"].insert(0, "u32 fresh")
        self.expect_fault("record RunOptions")
        self.now["ports"]["workflow/1"]["constants"]["NodeState"]["failed"] = 77
        self.expect_fault("NodeState.failed: was 5, is 77")

    def test_a_port_that_went_is_caught(self):
        del self.now["ports"]["command/1"]
        self.expect_fault("port command/1")

    def test_snapshots_in_the_tree_hold(self):
        for path in sorted((ROOT / "abi").glob("*.json")):
            frozen = json.loads(path.read_text(encoding="utf-8"))
            self.assertEqual(gate.compare(frozen, portgen.current(ROOT)[2]), [], path.name)


class Headers(unittest.TestCase):
    """The layout reader and the compiler see the same headers; here a header is really changed."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name) / "plugin-api"
        shutil.copytree(ROOT / "include", self.root / "include")
        shutil.copytree(ROOT / "ports", self.root / "ports")
        self.frozen = gate.without_drafts(portgen.current(ROOT)[2])

    def edit(self, name, old, new):
        path = self.root / "include" / "symphony" / "abi" / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_swapped_members_of_a_header_are_caught(self):
        self.edit("call.h", "uint64_t trace_hi;\n    uint64_t trace_lo;", "uint64_t trace_lo;\n    uint64_t trace_hi;")
        self.assertTrue(gate.compare(self.frozen, portgen.current(self.root)[2]))

    def test_a_member_at_the_end_of_a_header_passes(self):
        self.edit("services/log.h", "(void *ctx, uint32_t level, symphony_str text); /* [any] */",
                  "(void *ctx, uint32_t level, symphony_str text);\n    void (*flush)(void *ctx);")
        self.assertEqual(gate.compare(self.frozen, portgen.current(self.root)[2]), [])

    def test_padding_without_a_name_is_refused(self):
        self.edit("call.h", "uint32_t flags; /* zero in 1.0 */", "uint8_t flags;")
        with self.assertRaisesRegex(layout.LayoutError, "padding"):
            portgen.current(self.root)

    def test_types_outside_the_abi_are_refused(self):
        self.edit("call.h", "uint32_t flags; /* zero in 1.0 */", "bool flags;")
        with self.assertRaisesRegex(layout.LayoutError, "\"bool\" is not allowed"):
            portgen.current(self.root)


class Generator(unittest.TestCase):
    def test_the_same_bytes_every_time(self):
        self.assertEqual(portgen.outputs(ROOT), portgen.outputs(ROOT))

    def test_check_lists_what_differs_and_what_is_too_much(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for part in ("include", "ports", "generated", "docs"):
                shutil.copytree(ROOT / part, root / part)
            files = portgen.outputs(root)
            self.assertEqual(portgen.differences(root, files), [])
            (root / "generated/abi.json").write_text("{}")
            (root / "docs/ports/gone.md").write_text("old")
            (root / "docs/ports/pool.md").unlink()
            self.assertEqual(portgen.differences(root, files), [
                "differs: generated/abi.json", "missing: docs/ports/pool.md", "not generated any more: docs/ports/gone.md"])


class Idl(unittest.TestCase):
    def expect_refused(self, text, words):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.toml"
            path.write_text(text)
            with self.assertRaisesRegex(idl.IdlError, words):
                idl.load_port(path)

    def port(self, body, record=""):
        return f'port = "x"\nrevision = 1\nsummary = "s"\n{record}\n[[method]]\nid = 1\nname = "m"\ndoc = "d"\nthread = "worker"\nidempotent = true\n{body}\n'

    def test_refuses_what_cannot_be_generated(self):
        for body, record, words in (
            ("argz = []", "", "unknown key \"argz\""),
            ('args = [{ name = "a", type = "u9" }]', "", "unknown type \"u9\""),
            ('args = [{ name = "a", type = "Thing" }]', "", "unknown record \"Thing\""),
            ('args = [{ name = "delete", type = "u8" }]', "", "cannot be a name"),
            ('args = [{ name = "a", type = "u8" }, { name = "a", type = "u8" }]', "", "there twice"),
            ('args = [{ name = "a", type = "u8??" }]', "", "optional of an optional"),
            ('errors = [{ code = "oops", reason = "x" }]', "", "unknown code"),
            ("", '[[record]]\nname = "A"\nfields = [{ name = "b", type = "list<B>" }]\n[[record]]\nname = "B"\nfields = [{ name = "a", type = "A?" }]', "contains itself"),
            ("", '[[constants]]\nname = "C"\ntype = "u8"\nvalues = [{ name = "zero", value = 0 }]', "start at 1"),
            ('[[method]]\nid = 1\nname = "n"\ndoc = "d"\nthread = "worker"\nidempotent = true', "", "never reused"),
            ('[[method]]\nid = 2\nname = "n"\ndoc = "d"\nthread = "green"\nidempotent = true', "", "thread is one of"),
        ):
            with self.subTest(words):
                self.expect_refused(self.port(body, record), words)

    def test_takes_records_of_another_port(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            other = self.port("", '[[record]]\nname = "A"\nfields = [{ name = "b", type = "B" }]\n[[record]]\nname = "B"\nfields = []').replace('"x"', '"other"')
            mine = self.port('args = [{ name = "a", type = "A" }]').replace('summary', 'uses = ["other"]\nsummary')
            (folder / "other.toml").write_text(other)
            (folder / "x.toml").write_text(mine)
            port = idl.load_port(folder / "x.toml")
            self.assertEqual([record.name for record in port.foreign()], ["B", "A"])
            self.assertEqual(len(idl.load_ports(folder)), 2)
            for name, text, words in (
                ("x.toml", mine.replace('"other"', '"absent"'), "there is no other port"),
                ("x.toml", mine.replace('"other"', '"x"'), "there is no other port"),
                ("other.toml", other.replace("summary", "draft = true\nsummary"), "uses the draft"),
                ("other.toml", other.replace("summary", 'uses = ["x"]\nsummary'), "used by another port and uses"),
            ):
                with self.subTest(words):
                    before = (folder / name).read_text()
                    (folder / name).write_text(text)
                    with self.assertRaisesRegex(idl.IdlError, words):
                        idl.load_port(folder / "x.toml")
                    (folder / name).write_text(before)


if __name__ == "__main__":
    unittest.main()
