# SPDX-License-Identifier: Apache-2.0
"""Installing as people do it: packages that were packed by the document and signed by minisign, processes that are killed, disks that are full."""

import json
import os
import re
import shutil
import signal
import tarfile
import time
import unittest

import packing
from harness import BUILD, PATIENCE_S, SANITIZED, Case, can_run, main

VERSIONS = {"1.0.0": BUILD / "tests/bundles/update-widens/old", "1.1.0": BUILD / "tests/bundles/update-widens/new"}
FLOW = BUILD / "tests/bundles/update-widens/flow.toml"
ID = "org.example.notes"


@unittest.skipUnless(packing.Signer.is_here(), "this machine has no minisign or no zstd program")
class PackagesCase(Case):
    def setUp(self):
        super().setUp()
        self.signer = packing.Signer(self.folder / "publisher")

    def package(self, version, signed=True, where="packages", change=None):
        """A package of the plugin in that version; `change` may alter its files first."""
        files = packing.content_of(VERSIONS[version])
        if change:
            change(files)
        folder = self.folder / where
        folder.mkdir(exist_ok=True)
        path = packing.pack(files, folder)
        if signed:
            self.signer.sign(path, files)
        return path

    def install(self, version, *words, status=0, **how):
        return self.symphony("install", self.package(version, **how), *words, status=status)

    def data(self, *parts):
        return self.home.joinpath(".local/share/symphony/packages", *parts)

    def answer(self, status=0):
        return self.symphony("run", FLOW, "--output", self.folder / "out", status=status)

    def version(self, **options):
        """The version that is installed, or None."""
        generations = json.loads(self.symphony("generations", "--json", **options).out)
        current = [one for one in generations["generations"] if one["current"]]
        return current[0]["packages"][0]["version"] if current and current[0]["packages"] else None

    def shown(self):
        return json.loads(self.symphony("show", "notes", "--json").out)

    def expect_refused(self, done, reason, *words):
        self.assertIn(done.status, (1, 3), str(done))
        self.expect_error(done, f"[{reason}]", *words)


class Journey(PackagesCase):
    def test_from_install_to_remove(self):
        first = self.install("1.0.0", "--trust-key", self.signer.key)
        self.assertIn(f"signed with {self.signer.key}", first.err)
        self.assertIn("read:selected", first.err)
        self.assertIn("notes", self.symphony("list").out)
        self.assertEqual(self.shown()["placement"], "in-process", "its publisher is trusted")
        self.assertIn("old notes", self.answer().out)
        self.expect_refused(self.install("1.1.0", status=3), "consent-needed", "--agree", "added      write", "write:workspace", "high risk")
        self.assertIn("old notes", self.answer().out)
        update = self.symphony("update", self.package("1.1.0"), "--agree")
        self.assertIn("1.0.0 -> 1.1.0", update.err)
        self.assertIn("new notes", self.answer().out)
        self.assertIn("all 3 files are as they were packed", self.symphony("verify", "notes").out)
        self.assertIn("1.1.0 -> 1.0.0", self.symphony("rollback").err)
        self.assertIn("old notes", self.answer().out)
        self.symphony("rollback", "--to", "2")
        self.assertIn("new notes", self.answer().out)
        self.symphony("remove", "notes")
        self.expect_error(self.answer(status=(1, 3)), "notes")
        self.assertNotIn(ID, self.symphony("list", "--json").out)
        self.assertEqual([one["action"].split()[0] for one in json.loads(self.symphony("generations", "--json").out)["generations"]], ["install", "update", "remove"])
        self.symphony("packages", "gc", "--keep", "1")
        self.assertEqual(list(self.data("store").iterdir()), [])

    def test_what_nobody_signed_runs_isolated(self):
        self.expect_refused(self.install("1.0.0", signed=False, status=3), "unsigned", "--allow-unsigned")
        self.install("1.0.0", "--allow-unsigned", signed=False)
        self.assertEqual(self.shown()["placement"], "isolated")

    def test_the_folder_of_a_build_is_a_package_too(self):
        self.symphony("install", VERSIONS["1.0.0"], "--allow-unsigned")
        self.assertEqual(self.version(), "1.0.0")
        packed = self.data("store", os.listdir(self.data("store"))[0])
        self.assertEqual(json.loads((packed / "sbom.cdx.json").read_text())["bomFormat"], "CycloneDX")

    def test_show_and_doctor_ask_it_too(self):
        self.assertIn("packages: nothing was installed yet", self.symphony("doctor").out)
        self.install("1.0.0", "--trust-key", self.signer.key)
        self.assertRegex(self.symphony("show", "notes").out, r"As packages knows it\n(.*\n)*.*you asked for")
        self.assertEqual(self.shown()["packages"]["signature"], "signed")
        self.assertTrue(json.loads(self.symphony("doctor", "--json").out)["packages"]["ok"])
        link = self.data("generations/1/plugins", ID)
        target = os.readlink(link)
        link.unlink()
        broken = self.symphony("doctor", status=1)
        self.assertRegex(broken.out, r"fail  packages: .*does not lead to its package in the store\n +mend: symphony rollback")
        self.assertFalse(json.loads(self.symphony("doctor", "--json", status=1).out)["packages"]["ok"])
        link.symlink_to(target)
        self.symphony("doctor")
        self.symphony("packages", "revoke", self.signer.key)
        self.assertIn("[revoked-key]", self.symphony("doctor").out)
        self.expect_error(self.symphony("show", "nothing", status=1), "unknown-plugin")

    def test_isolated_it_refuses_to_work(self):
        refused = self.symphony("install", self.package("1.0.0"), "--isolate", "packages", "--allow-unsigned", status=1)
        self.expect_error(refused, "[isolated]")
        self.assertFalse(self.data().exists())

    def test_usage(self):
        self.symphony("install", status=2)
        self.symphony("packages", "gc", "--keep", "none", status=2)
        self.expect_refused(self.symphony("remove", "notes", status=1), "not-installed")
        self.expect_refused(self.symphony("rollback", status=1), "no-generation")
        self.expect_refused(self.symphony("install", "nothing.sympkg", status=1), "no-such-package", "nothing.sympkg")


class Tampered(PackagesCase):
    def refused(self, path, reason):
        self.expect_refused(self.symphony("install", path, "--trust-key", self.signer.key, "--allow-unsigned", status=(1, 3)), reason)
        self.assertIsNone(self.version())

    def test_signatures(self):
        path = self.package("1.0.0")
        good, signature = path.read_bytes(), path.with_name(path.name + ".minisig").read_text()
        path.write_bytes(packing.zstd(packing.tar_of(packing.entries_of(packing.content_of(VERSIONS["1.0.0"]))) + bytes(512)))
        self.refused(path, "altered-body")
        path.write_bytes(good)
        path.with_name(path.name + ".minisig").write_text(signature.replace("version:1.0.0", "version:1.0.1"))
        self.refused(path, "altered-comment")
        stranger = packing.Signer(self.folder / "stranger")
        stranger.sign(path, packing.content_of(VERSIONS["1.0.0"]))
        self.refused(path, "wrong-key")
        path.with_name(path.name + ".minisig").write_text(signature)
        self.symphony("install", path, "--trust-key", self.signer.key)
        stranger.sign(path, packing.content_of(VERSIONS["1.0.0"]))
        self.expect_refused(self.symphony("install", path, status=3), "publisher-changed", self.signer.key)

    def test_archives(self):
        entries = packing.entries_of(packing.content_of(VERSIONS["1.0.0"]))

        def special(name, kind, target=""):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            return info, b""
        outside = self.folder / "outside"
        bad = {"link": ("bad-entry", [special("link", tarfile.SYMTYPE, str(outside))]),
               "link-then-file": ("bad-entry", [special("link", tarfile.SYMTYPE, str(self.folder)), ("link/outside", b"x")]),
               "hard": ("bad-entry", [special("hard", tarfile.LNKTYPE, "manifest.toml")]),
               "device": ("bad-entry", [special("device", tarfile.CHRTYPE)]),
               "absolute": ("bad-path", [(str(outside), b"x")]),
               "parent": ("bad-path", [("../../../outside", b"x")]),
               "unlisted": ("file-mismatch", [("extra", b"x")]),
               "twice": ("bad-path", [entries[2]])}
        for name, (reason, more) in bad.items():
            with self.subTest(name=name):
                path = self.file(f"{name}.sympkg", packing.zstd(packing.tar_of(entries + more)))
                self.refused(path, reason)
        self.refused(self.file("bomb.sympkg", packing.zstd(packing.tar_of([("manifest.toml", bytes(300 << 20))]))), "too-large")
        self.refused(self.file("text.sympkg", "no package"), "not-a-package")
        self.assertFalse(outside.exists())
        self.assertEqual(list(self.folder.glob("**/store/*")), [])

    def test_a_flipped_bit_is_named_and_its_library_is_not_mapped(self):
        path = self.package("1.0.0")
        self.symphony("install", path, "--trust-key", self.signer.key)
        library = next(self.data("store").glob("*/*.so"))
        library.parent.chmod(0o755)
        library.chmod(0o644)
        content = bytearray(library.read_bytes())
        content[-1] ^= 1
        library.write_bytes(content)
        library.chmod(0o444)
        self.expect_error(self.answer(status=(1, 3)), "digest-mismatch")
        verified = self.symphony("verify", status=1)
        self.assertIn(f"altered  {library}", verified.out)
        command = re.search(r"hint: symphony (install \S+) mends it", verified.err)
        self.assertTrue(command, str(verified))
        self.symphony(*command[1].split())
        self.symphony("verify")
        self.assertIn("old notes", self.answer().out)


class Killed(PackagesCase):
    """SIGKILL at the n-th call of each kind that changes the disk."""

    CALLS = ("mkdir", "fsync", "rename", "symlink", "chmod", "fchmod", "rmdir", "unlink")

    def setUp(self):
        super().setUp()
        if SANITIZED or not can_run("strace", "-o", "/dev/null", "true"):
            self.skipTest("programs cannot be traced here")

    def expect_whole_whenever_killed(self, words, prepared, before, after, kills_min=20, again=0):
        """`prepared` is a home to begin with; what is found is `before` or `after`, and whole. `again` is how the same command may end afterwards."""
        seen, kills = set(), 0
        for call in self.CALLS:
            for number in range(1, 200):
                home = self.folder / f"home-{call}-{number}"
                shutil.copytree(prepared, home, symlinks=True)
                environment = self.environment | {"HOME": str(home)}
                trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
                done = self.finish(self.start(*words, before=trace, env=environment), words)
                with self.subTest(call=call, number=number):
                    verified = self.symphony("verify", env=environment)
                    found = self.version(env=environment)
                    self.assertIn(found, (before, after), str(verified))
                    seen.add(found)
                    self.symphony(*words, env=environment, status=again)
                    self.assertEqual(self.version(env=environment), after)
                    self.symphony("verify", env=environment)
                self.remove(home)
                if done.status == 0:
                    break
                kills += 1
                self.assertIn(done.status, (-signal.SIGKILL, 128 + signal.SIGKILL, 1), str(done))
        self.assertEqual(seen, {before, after})
        self.assertGreaterEqual(kills, kills_min)

    @staticmethod
    def remove(home):
        for folder, _, _ in os.walk(home):
            os.chmod(folder, 0o755)
        shutil.rmtree(home)

    def test_install(self):
        self.expect_whole_whenever_killed(("install", self.package("1.0.0"), "--trust-key", self.signer.key), self.home, None, "1.0.0")

    def test_update(self):
        self.install("1.0.0", "--trust-key", self.signer.key)
        self.expect_whole_whenever_killed(("update", self.package("1.1.0"), "--agree"), self.home, "1.0.0", "1.1.0")

    def test_rollback_and_gc(self):
        self.install("1.0.0", "--trust-key", self.signer.key)
        self.install("1.1.0", "--agree")
        self.expect_whole_whenever_killed(("rollback", "--to", "1"), self.home, "1.1.0", "1.0.0", kills_min=5)
        self.expect_whole_whenever_killed(("packages", "gc", "--keep", "1"), self.home, "1.1.0", "1.1.0", kills_min=3)

    def test_remove(self):
        self.install("1.0.0", "--trust-key", self.signer.key)
        self.expect_whole_whenever_killed(("remove", "notes", "--purge"), self.home, "1.0.0", None, kills_min=5, again=(0, 1))


class FullDisk(PackagesCase):
    def test_install_and_update(self):
        inside = ["unshare", "-rm", "sh", "-c"]
        if not can_run(*inside, f"mount -t tmpfs -o size=64k none {self.home}"):
            self.skipTest("a small file system cannot be mounted here")
        first, second = self.package("1.0.0"), self.package("1.1.0")
        data = self.folder / "small"
        data.mkdir()
        self.environment["XDG_DATA_HOME"] = str(data)
        seen = set()
        for kilobytes in range(8, 200, 8):
            script = (f'mount -t tmpfs -o size={kilobytes}k none {data} && for p in "$1" "$2"; do "$0" install "$p" --trust-key {self.signer.key} --agree --yes; '
                      'echo "install $?"; "$0" verify; echo "verify $?"; done')
            process = self.start(first, second, before=[*inside, script])
            done = self.finish(process)
            with self.subTest(kilobytes=kilobytes):
                states = tuple(re.findall(r"^install (\d+)$", done.out, re.MULTILINE))
                seen.add(states)
                self.assertEqual(re.findall(r"^verify (\d+)$", done.out, re.MULTILINE), ["0", "0"], str(done))
                if "1" in states:
                    self.assertIn("[disk-full]", done.err, str(done))
        with self.subTest("back, and collected, when nothing is left"):
            script = (f'mount -t tmpfs -o size=300k none {data} && for p in "$1" "$2"; do "$0" install "$p" --trust-key {self.signer.key} --agree --yes || exit 9; done; '
                      f'dd if=/dev/zero of={data}/filler bs=1024 2>/dev/null; "$0" rollback; echo "rollback $?"; "$0" verify; echo "verify $?"; '
                      '"$0" packages gc --keep 1; echo "gc $?"; "$0" verify; echo "verify $?"; "$0" rollback --to 1; "$0" remove notes; "$0" verify; echo "verify $?"')
            done = self.finish(self.start(first, second, before=[*inside, script]))
            self.assertEqual(re.findall(r"^verify (\d+)$", done.out, re.MULTILINE), ["0", "0", "0"], str(done))
            self.assertIn("gc 0", done.out, str(done))
            self.assertTrue("rollback 0" in done.out or "[disk-full]" in done.err, str(done))
        self.assertIn(("1", "1"), seen)
        self.assertIn(("0", "1"), seen)
        self.assertIn(("0", "0"), seen)


class Running(PackagesCase):
    """A host that is up while others install."""

    def serve(self):
        log = open(self.folder / "serve.log", "wb")
        self.addCleanup(log.close)
        place = self.folder / "run"
        place.mkdir(mode=0o700, exist_ok=True)
        process = self.start("serve", "--listen", f"unix:{place}/bus.sock", "--log-level", "info", stderr=log)
        self.assertTrue(process.stdout.readline())
        return process

    def wait_for(self, words):
        end = time.monotonic() + PATIENCE_S
        while words not in (self.folder / "serve.log").read_text():
            self.assertLess(time.monotonic(), end, (self.folder / "serve.log").read_text())
            time.sleep(0.02)
        return words

    def test_it_follows_an_update_and_what_it_uses_is_not_collected(self):
        self.install("1.0.0", "--trust-key", self.signer.key)
        process = self.serve()
        self.install("1.1.0", "--agree")
        self.assertTrue(self.wait_for("1.1.0 serves from now on"))
        collected = json.loads(self.symphony("packages", "gc", "--keep", "1", "--json").out)
        self.assertEqual((collected["generations"], collected["in_use"]), ([], [1]))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
        collected = json.loads(self.symphony("packages", "gc", "--keep", "1", "--json").out)
        self.assertEqual((collected["generations"], collected["in_use"]), ([1], []))
        self.symphony("verify")


if __name__ == "__main__":
    main()
