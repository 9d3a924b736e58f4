# SPDX-License-Identifier: Apache-2.0
"""The artifact store as a person meets it: every command, right and wrong use, two stores, damage, and a workflow that keeps what it makes."""

import hashlib
import json
import os
import random
import shutil
import signal

from harness import BUILD, SAMPLES, Case, main

ODD_NAMES = ["with space.txt", "quote'\".txt", "new\nline.txt", "-dash.txt", "ünïcödé.txt", "<b>&amp;.txt", "$(reboot).txt", "🙂.txt", "back\\slash.txt",
             "n" * 251 + ".txt", "|pipe|.txt", "tab\there.txt", "at@2.txt", "9f86d081.txt", "..hidden", "esc\x1b[31m.txt"]


def sha256(content):
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


class ArtifactCase(Case):
    def artifact(self, *words, status=0, **options):
        return self.symphony("artifact", *words, status=status, cwd=self.folder, **options)

    def json(self, *words, status=0):
        return json.loads(self.artifact(*words, "--json", status=status).out)

    def fails(self, *words, reason, status=1, hint=True):
        """Ends with the status, an error of that reason, and what to do about it."""
        done = self.artifact(*words, status=status)
        self.assertRegex(done.err, rf"(?m)^error: .*\[{reason}\]$" if status == 1 else r"(?m)^error: ", str(done))
        if hint:
            self.assertRegex(done.err, r"(?m)^hint: ", str(done))
        return done

    def content(self, *words):
        process = self.start("artifact", "get", *words, cwd=self.folder)
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, err)
        return out

    def bytes_of(self, size, seed):
        return random.Random(seed).randbytes(size)


class Contents(ArtifactCase):
    def test_what_is_put_is_got(self):
        self.file("a.txt", "hello\n")
        done = self.artifact("put", "a.txt")
        self.assertEqual(done.out, f"{sha256('hello' + chr(10))}  a.txt@1\n")
        for name in ("a.txt", "a.txt@1", sha256("hello\n"), sha256("hello\n")[:6]):
            self.assertEqual(self.content(name), b"hello\n", name)
        self.assertEqual(self.content("a.txt", "--offset", "1", "--size", "3"), b"ell")
        self.assertEqual(self.content("a.txt", "--offset", "6"), b"")

    def test_large_and_empty_files(self):
        big = self.bytes_of(9_000_001, seed=1)
        self.file("big.bin", big)
        self.file("empty", b"")
        told = self.json("put", "big.bin", "empty")
        self.assertEqual([one["id"] for one in told["artifacts"]], [sha256(big), sha256(b"")])
        self.assertEqual(sha256(self.content("big.bin")), sha256(big))
        self.assertEqual(self.content("big.bin", "--offset", "4MiB", "--size", "1000"), big[4 << 20:(4 << 20) + 1000])
        self.assertEqual(self.content("empty"), b"")

    def test_the_same_content_is_stored_once(self):
        content = self.bytes_of(3_000_000, seed=2)
        self.file("one.bin", content)
        self.file("two.bin", content[:1_500_000] + b"!" + content[1_500_000:])
        self.artifact("put", "one.bin")
        before = self.json("stats")
        self.artifact("put", "two.bin")
        after = self.json("stats")
        self.assertEqual(after["content_bytes"] - before["content_bytes"], 3_000_001)
        self.assertLess(after["stored_bytes"] - before["stored_bytes"], 2_200_000, "only chunks that are new")

    def test_a_folder_with_odd_names(self):
        for number, name in enumerate(ODD_NAMES):
            self.file(f"odd/{name}", f"{number}\n")
        (self.folder / "odd").joinpath(os.fsdecode(b"raw-\xff\xfe.txt")).write_text("raw\n")
        self.file("odd/deep/er/file.txt", "deep\n")
        os.symlink("nowhere", self.folder / "odd" / "link")
        told = self.json("put", "odd")
        self.assertEqual(told["problems"], [])
        self.assertEqual(told["skipped"], 1)
        by_id = {one["id"]: one["name"] for one in told["artifacts"]}
        self.assertEqual(len(by_id), len(ODD_NAMES) + 2)
        self.assertEqual(by_id[sha256("raw\n")], "odd/raw-\\xFF\\xFE.txt")
        self.assertEqual(by_id[sha256("deep\n")], "odd/deep/er/file.txt")
        for number, name in enumerate(ODD_NAMES):
            stored = by_id[sha256(f"{number}\n")]
            self.assertTrue(stored.isprintable(), stored)
            self.assertEqual(self.content("--", stored), f"{number}\n".encode(), name)
        listed = self.artifact("list")
        self.assertNotIn("\x1b", listed.out)

    def test_unreadable_files_are_named_and_the_rest_goes_on(self):
        self.file("some/good.txt", "good\n")
        self.file("some/bad.txt", "bad\n").chmod(0)
        done = self.artifact("put", "some", "missing.txt", status=(0, 1))
        self.assertIn("missing.txt", done.err)
        if os.geteuid() != 0:
            self.assertIn("bad.txt", done.err)
        self.assertEqual(done.status, 1)
        self.expect_error(done, "missing.txt")
        self.assertEqual(self.content("some/good.txt"), b"good\n")

    def test_output_appears_whole_or_not_at_all(self):
        self.file("a.txt", "new\n")
        self.file("old.txt", "old\n")
        self.artifact("put", "a.txt")
        done = self.artifact("get", "a.txt", "--output", "old.txt")
        self.assertIn("wrote old.txt", done.err)
        self.assertEqual((self.folder / "old.txt").read_text(), "new\n")
        self.fails("get", "nothing", "--output", "old.txt", reason="unknown-artifact")
        self.assertEqual((self.folder / "old.txt").read_text(), "new\n")
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".new")], [])

    def test_wrong_words(self):
        self.file("a.txt", "a\n")
        self.file("b.txt", "b\n")
        self.fails("get", "a.txt", reason="no-store")
        self.artifact("put", "a.txt")
        self.fails("put", status=2, reason="usage")
        self.assertIn("standard input", self.fails("put", "-", status=2, reason="usage").err)
        self.fails("put", "a.txt", "b.txt", "--name", "x", status=2, reason="usage")
        self.fails("put", "a.txt", "--lease", "soon", status=2, reason="usage")
        self.fails("get", "a.txt", "--offset", "three", status=2, reason="usage")
        self.fails("get", "a.txt", "--offset", "3", reason="bad-range", hint=False)
        self.fails("get", "a.txt", "--json", status=2, reason="usage")
        self.fails("list", "--since", "yesterday", status=2, reason="usage")
        self.fails("find", "colour:red", reason="bad-query")
        for name in ("../../etc/passwd", "/etc/passwd", "sha256/../x", "0" * 64, "0" * 63, "a.txt@9", "a.txt@x", "@", "%00"):
            self.fails("get", name, reason="unknown-artifact")
        self.fails("put", "b.txt", "--tag", "x" * 300, reason="bad-tag", hint=False)
        self.fails("put", "b.txt", "--input", "nothing", reason="unknown-artifact", hint=False)
        self.fails("get", "a.txt", "--output", ".", reason=r"[a-z-]+", hint=False)
        told = json.loads(self.artifact("get", "nothing", "--output", "x", "--json", status=1).out)
        self.assertEqual(told["error"]["reason"], "unknown-artifact")


class Meaning(ArtifactCase):
    def versions(self):
        for number in range(1, 4):
            self.file("notes.txt", "".join(f"line {line}\n" for line in range(10)) + f"version {number}\n")
            self.artifact("put", "notes.txt", "--message", f"the {number}. time", "--tag", f"v{number}")

    def test_versions_are_logged_and_compared(self):
        self.versions()
        told = self.json("log", "notes.txt")
        self.assertEqual([one["version"] for one in told["versions"]], [3, 2, 1])
        self.assertEqual(told["versions"][0]["message"], "the 3. time")
        self.assertEqual(told["versions"][0]["parent"], told["versions"][1]["id"])
        self.assertIn("the 2. time", self.artifact("log", "notes.txt@1").out)
        diff = self.artifact("diff", "notes.txt").out
        self.assertEqual(diff, "--- notes.txt@2\n+++ notes.txt@3\n@@ -8,4 +8,4 @@\n line 7\n line 8\n line 9\n-version 2\n+version 3\n")
        self.assertIn("-version 1\n+version 3", self.artifact("diff", "notes.txt@1", "notes.txt").out)
        self.assertIn("the same", self.artifact("diff", "notes.txt", "notes.txt@3").err)
        self.assertIn("chunks of a", self.artifact("diff", "notes.txt@1", "notes.txt", "--chunks").out)
        self.assertTrue(self.json("diff", "notes.txt", "notes.txt")["same"])
        self.fails("put", "notes.txt", "--after-version", "2", reason="newer-version")
        self.fails("diff", "notes.txt@1", reason="usage", status=2)

    def test_the_audit_trail_names_who_did_what(self):
        self.versions()
        self.artifact("tag", "notes.txt", "final", "--remove", "v3")
        self.artifact("pin", "notes.txt")
        self.artifact("hold", "notes.txt", "--reason", "case 7")
        changes = self.json("log")["changes"]
        self.assertEqual([one["action"] for one in changes[:3]], ["hold", "pin", "tag"])
        self.assertEqual(changes[0]["actor"], "symphony artifact hold")
        self.assertEqual(self.json("show", "notes.txt")["artifact"]["tags"], ["final"])

    def test_show_explains_the_quality(self):
        self.versions()
        quality = self.json("show", "notes.txt")["quality"]
        self.assertEqual([part["name"] for part in quality["parts"]], ["structure", "completeness", "use"])
        weights = sum(part["weight"] for part in quality["parts"])
        self.assertAlmostEqual(quality["score"], sum(part["score"] * part["weight"] for part in quality["parts"]) / weights)
        self.assertIn("well-formed text", self.artifact("show", "notes.txt").out)

    def test_what_is_held_or_pinned_stays(self):
        self.versions()
        self.artifact("hold", "notes.txt", "--reason", "case 7")
        self.fails("remove", "notes.txt", reason="held")
        self.artifact("hold", "notes.txt", "--off")
        self.artifact("pin", "notes.txt")
        done = self.fails("remove", "notes.txt", "notes.txt@1", "nothing", reason="held")
        self.assertIn("nothing", done.err)
        self.artifact("pin", "notes.txt", "--off")
        self.artifact("remove", "notes.txt")
        self.assertEqual(self.json("show", "notes.txt")["artifact"]["version"], 2)

    def test_lists_are_filtered(self):
        self.versions()
        self.file("other.json", "{}")
        self.artifact("put", "other.json", "--type", "report")
        self.assertEqual(len(self.json("list")["artifacts"]), 4)
        self.assertEqual(len(self.json("list", "--tag", "v2")["artifacts"]), 1)
        self.assertEqual(len(self.json("list", "--media-type", "text/")["artifacts"]), 3)
        self.assertEqual(len(self.json("list", "--type", "report")["artifacts"]), 1)
        self.assertEqual(len(self.json("list", "--until", "1d")["artifacts"]), 0)
        self.assertEqual(len(self.json("list", "--since", "1d")["artifacts"]), 4)
        self.assertEqual([one["name"] for one in self.json("list", "--names")["names"]], ["notes.txt", "other.json"])
        self.assertIn("there are more", self.artifact("list", "--limit", "2").err)


class Search(ArtifactCase):
    def test_what_was_stored_a_moment_ago_is_found(self):
        self.file("docs/fox.md", "# A fox\n\nThe quick brown fox jumps over the lazy dog.\n")
        self.file("docs/hen.md", "# A hen\n\nThe hen sleeps.\n")
        self.artifact("put", "docs", "--tag", "animals")
        told = self.json("find", "quick", "fox")
        self.assertEqual([hit["artifact"]["name"] for hit in told["hits"]], ["docs/fox.md"])
        hit = told["hits"][0]
        begin, size = hit["highlights"][:2]
        self.assertIn(hit["excerpt"].encode()[begin:begin + size].decode().lower(), ("quick", "fox"))
        self.assertEqual(told["note"], "")
        self.assertEqual(self.json("find", "tag:animals NOT fox")["hits"][0]["artifact"]["name"], "docs/hen.md")
        self.assertIn("docs/fox.md@1", self.artifact("find", '"quick brown"').out)
        self.assertIn("nothing was found", self.artifact("find", "crocodile", status=1).err)
        facets = self.json("find", "tag:animals", "--facets")["facets"]
        self.assertIn({"field": "tag", "value": "animals", "count": 2}, facets)
        self.artifact("remove", "docs/fox.md")
        self.assertEqual(self.json("find", "fox", status=1)["hits"], [])

    def test_an_index_belongs_to_one_store(self):
        self.file("a.txt", "antelope\n")
        self.file("b.txt", "buffalo\n")
        self.artifact("put", "a.txt")
        self.artifact("find", "antelope")
        self.artifact("init", "--store", "other")
        self.artifact("put", "b.txt", "--store", "other")
        told = self.json("find", "buffalo", "--store", "other", status=1)
        self.assertIn("another store", told["note"])
        self.assertEqual(len(self.json("find", "name:b", "--store", "other")["hits"]), 1)
        self.assertEqual(len(self.json("find", "buffalo", "--store", "other", "--reindex")["hits"]), 1)
        self.assertEqual(len(self.json("find", "antelope")["hits"]), 1, "one's own store takes its index back")

    def test_without_a_plugin_that_searches_names_are_found(self):
        self.file("a.txt", "antelope\n")
        self.artifact("put", "a.txt", "--tag", "zoo")
        off = ("--set", "search-fts.enabled=false", "--set", "search-tantivy.enabled=false")
        told = json.loads(self.artifact("find", "tag:zoo", "--json", *off, status=(0, 2)).out or "{}")
        if "error" in told:
            off = off[:2]  # the provider for scale is not built here
            told = json.loads(self.artifact("find", "tag:zoo", "--json", *off).out)
        self.assertEqual(len(told["hits"]), 1)
        self.assertIn("names, tags", told["note"])


class Encrypted(ArtifactCase):
    def vault(self):
        self.file("phrase", "correct horse\n")
        self.file("wrong", "wrong horse\n")
        self.file("key", self.bytes_of(32, seed=5))
        self.file("secret.txt", "the treasure lies beneath the oak\n")
        self.artifact("init", "--store", "vault", "--key-file", "key", "--encrypt")
        self.artifact("put", "secret.txt", "--store", "vault", "--key-file", "key")
        return ("--store", "vault", "--key-file", "key")

    def test_only_its_secret_opens_it(self):
        vault = self.vault()
        self.assertEqual(self.content("secret.txt", *vault), b"the treasure lies beneath the oak\n")
        self.fails("get", "secret.txt", "--store", "vault", reason="key-needed")
        self.fails("get", "secret.txt", "--store", "vault", "--passphrase-file", "wrong", reason="wrong-key")
        self.file("short", "too short")
        self.fails("get", "secret.txt", "--store", "vault", "--key-file", "short", reason="weak-key")
        self.fails("get", "secret.txt", "--store", "vault", "--key-file", "nowhere", reason="[a-z-]+", hint=False)
        self.fails("init", "--store", "plain", "--encrypt", reason="key-needed")
        for path in (self.folder / "vault").rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                self.assertNotIn(b"treasure", content, path)
                self.assertNotIn(b"secret.txt", content, path)

    def test_keys_are_added_removed_and_rotated(self):
        vault = self.vault()
        slot = self.artifact("key", "add", *vault, "--new-passphrase-file", "phrase", "--label", "by hand").out.strip()
        by_phrase = ("--store", "vault", "--passphrase-file", "phrase")
        self.assertEqual(self.content("secret.txt", *by_phrase), b"the treasure lies beneath the oak\n")
        keys = json.loads(self.artifact("key", "list", "--store", "vault", "--json").out)["keys"]
        self.assertEqual({key["kind"] for key in keys}, {"passphrase", "key file"})
        self.artifact("key", "remove", slot, *vault)
        self.fails("get", "secret.txt", *by_phrase, reason="wrong-key")
        last = json.loads(self.artifact("key", "list", "--store", "vault", "--json").out)["keys"][0]["id"]
        self.fails("key", "remove", last, *vault, reason="last-key", hint=False)
        self.artifact("key", "add", *vault, "--new-passphrase-file", "phrase")
        done = self.artifact("key", "rotate", *vault)
        self.assertIn("no longer opens", done.err)
        self.assertEqual(self.content("secret.txt", *vault), b"the treasure lies beneath the oak\n")
        self.fails("get", "secret.txt", *by_phrase, reason="wrong-key")

    def test_its_texts_are_in_no_index(self):
        vault = self.vault()
        told = json.loads(self.artifact("find", "treasure", "--json", *vault, status=1).out)
        self.assertIn("encrypted", told["note"])
        self.assertEqual(len(json.loads(self.artifact("find", "name:secret", "--json", *vault).out)["hits"]), 1)
        for path in self.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"treasure", path.read_bytes(), path)
        told = json.loads(self.artifact("find", "treasure", "--json", *vault, "--set", "artifact-store.index_encrypted=true").out)
        self.assertEqual(len(told["hits"]), 1)


class Stores(ArtifactCase):
    def test_bundles_and_stores_meet(self):
        for number in range(3):
            self.file(f"docs/{number}.txt", f"text {number}\n" * 100)
        self.artifact("put", "docs")
        self.artifact("export", "all.bundle")
        self.artifact("init", "--store", "other")
        told = json.loads(self.artifact("import", "all.bundle", "--store", "other", "--json").out)["imported"]
        self.assertEqual(told["artifacts_new"], 3)
        self.assertEqual(self.content("docs/1.txt", "--store", "other"), b"text 1\n" * 100)
        told = json.loads(self.artifact("import", "all.bundle", "--store", "other", "--json").out)["imported"]
        self.assertEqual(told["artifacts_new"], 0)
        self.file("new.txt", "new\n")
        self.artifact("put", "new.txt", "--store", "other")
        self.assertEqual(self.json("sync", "other")["fetched"]["artifacts_new"], 1)
        self.assertEqual(self.content("new.txt"), b"new\n")
        self.file("mine.txt", "mine\n")
        self.artifact("put", "mine.txt")
        self.assertEqual(self.json("sync", "other", "--push")["sent"]["artifacts_new"], 1)
        self.assertEqual(self.content("mine.txt", "--store", "other"), b"mine\n")
        bundle = (self.folder / "all.bundle").read_bytes()
        self.file("cut.bundle", bundle[:len(bundle) // 2])
        self.fails("import", "cut.bundle", "--store", "other", reason="torn", hint=True)
        self.file("none.bundle", b"this is no bundle")
        self.fails("import", "none.bundle", reason="[a-z-]+", hint=False)

    def test_a_locked_store_names_who_has_it(self):
        self.file("pipe.txt", "x")
        self.file("a.txt", "a\n")
        self.artifact("init", "--store", "s")
        self.artifact("put", "a.txt", "--store", "s")
        big = self.file("big.bin", self.bytes_of(64 << 20, seed=9))
        holder = self.start("artifact", "put", big, big, big, big, big, big, big, big, "--store", "s", cwd=self.folder)
        try:
            # The first line says that the writer is at work.
            self.assertTrue(holder.stdout.readline())
            holder.send_signal(signal.SIGSTOP)
            self.assertEqual(self.content("a.txt", "--store", "s"), b"a\n", "reading goes on")
            done = self.fails("tag", "a.txt", "x", "--store", "s", "--set", "artifact-store.lock_wait=100ms", reason="store-locked")
            self.assertIn("symphony artifact put", done.err)
        finally:
            holder.send_signal(signal.SIGCONT)
            holder.kill()
            holder.wait()
        self.artifact("tag", "a.txt", "x", "--store", "s")
        self.assertTrue(self.json("verify", "--data", "--store", "s")["good"])

    def test_the_quota_is_kept(self):
        self.artifact("init", "--store", "s", "--quota", "100KB")
        self.file("big.bin", self.bytes_of(300_000, seed=3))
        self.file("small.txt", "small\n")
        self.fails("put", "big.bin", "--store", "s", reason="store-full", hint=False)
        self.artifact("put", "small.txt", "--store", "s")
        self.assertTrue(self.json("verify", "--data", "--store", "s")["good"])

    def test_nothing_is_made_where_there_is_no_right_to(self):
        self.file("a.txt", "a\n")
        self.fails("put", "a.txt", "--store", "nowhere", reason="no-store")
        self.artifact("init", "--store", "s")
        self.fails("init", "--store", "s", reason="store-exists", hint=False)
        if os.geteuid() == 0:
            return  # whoever may everything is refused nothing
        (self.folder / "shut").mkdir()
        (self.folder / "shut").chmod(0o555)
        self.fails("init", "--store", "shut/s", reason="[a-z-]+")

    def test_damage_is_found_named_and_repaired(self):
        self.file("a.txt", self.bytes_of(200_000, seed=4))
        self.file("b.txt", "b\n" * 1000)
        self.artifact("init", "--store", "s")
        self.artifact("put", "a.txt", "b.txt", "--store", "s")
        self.assertIn("good", self.artifact("verify", "--store", "s").out)
        packs = [path for path in (self.folder / "s").rglob("*") if path.is_file() and path.stat().st_size > 150_000 and "index" not in path.name]
        self.assertTrue(packs, sorted(str(path) for path in (self.folder / "s").rglob("*")))
        pack = max(packs, key=lambda path: path.stat().st_size)
        content = bytearray(pack.read_bytes())
        content[100_000] ^= 1
        pack.write_bytes(content)
        done = self.artifact("verify", "--data", "--store", "s", status=1)
        self.assertIn("a.txt@1", done.err)
        self.assertRegex(done.err, r"(?m)^hint: symphony artifact repair --store s")
        told = json.loads(self.artifact("verify", "--data", "--store", "s", "--json", status=1).out)
        self.assertFalse(told["good"])
        self.assertEqual(told["findings"][0]["damage"], "bit-rot")
        self.fails("get", "a.txt", "--output", "x", "--store", "s", reason="bit-rot")
        self.assertFalse((self.folder / "x").exists())
        done = self.artifact("repair", "--store", "s", status=1)
        self.assertIn("lost: a.txt@1", done.out)
        self.assertEqual(self.content("b.txt", "--store", "s"), b"b\n" * 1000)
        self.artifact("put", "a.txt", "--store", "s")
        self.assertTrue(json.loads(self.artifact("verify", "--data", "--store", "s", "--json").out)["good"])

    def test_what_nothing_needs_is_collected(self):
        self.artifact("init", "--store", "s")
        self.file("a.bin", self.bytes_of(500_000, seed=6))
        self.artifact("put", "a.bin", "--store", "s", "--set", "artifact-store.put_lease=1ms")
        self.artifact("remove", "a.bin", "--store", "s")
        self.assertGreater(json.loads(self.artifact("gc", "--dry-run", "--store", "s", "--json").out)["condemned"], 0)
        self.artifact("gc", "--store", "s")
        self.assertEqual(json.loads(self.artifact("stats", "--store", "s", "--json").out)["artifacts"], 0)
        self.assertTrue(json.loads(self.artifact("verify", "--data", "--store", "s", "--json").out)["good"])


class Workflow(ArtifactCase):
    def test_an_archive_is_found_by_text_and_traced_to_its_source(self):
        self.file("letters/letter.txt", "Dear aardvark, the invoice is paid.\n")
        shutil.copyfile(SAMPLES / "clean-page.png", self.folder / "letters" / "page.png")
        self.symphony("run", "archive", "--input", "folder=letters", "--output", "out", cwd=self.folder)
        self.assertEqual(json.loads((self.folder / "out" / "problems.json").read_text()), [])
        hits = self.json("find", "aardvark", "tag:read")["hits"]
        self.assertEqual(len(hits), 1)
        text = hits[0]["artifact"]
        # The text is its own source here: the same bytes are one artifact, which two nodes made.
        self.assertEqual(text["id"], sha256("Dear aardvark, the invoice is paid.\n"))
        lineage = self.json("lineage", text["id"])["nodes"]
        self.assertEqual({origin["made_by"]["node"] for origin in lineage[0]["origins"]}, {"sources", "read"})
        page = self.json("list", "--tag", "recognised")["artifacts"][0]
        nodes = self.json("lineage", page["id"])["nodes"]
        self.assertEqual(nodes[1]["id"], sha256((SAMPLES / "clean-page.png").read_bytes()))
        maker = nodes[0]["origins"][0]["made_by"]
        self.assertRegex(maker["plugin_digest"], r"^tesseract@.* sha256:[0-9a-f]{64}$")
        self.assertIn(maker["plugin_digest"][-64:], (BUILD / "plugins" / "tesseract" / "manifest.toml").read_text())
        tree = self.artifact("lineage", page["id"]).out
        self.assertRegex(tree, r"`-- [0-9a-f]{12}  .*page\.png@1")
        back = self.json("lineage", nodes[1]["id"], "--outputs")["nodes"]
        self.assertEqual(back[1]["id"], page["id"])


if __name__ == "__main__":
    main()
