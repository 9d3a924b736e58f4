# SPDX-License-Identifier: Apache-2.0
"""Registries behind web servers, through the host's network broker: good ones, broken ones and hostile ones."""

import json
import random
import re
import shutil
import time
import unittest

import certificates
import packing
from harness import Case, main
from registries import Registry, Server, plugin_files

GREET, WORDS = "org.example.greet", "org.example.words"
NEEDS = f'[dependencies]\n"{WORDS}" = "^1.0"'


@unittest.skipUnless(packing.Signer.is_here(), "this machine has no minisign or no zstd program")
class WebCase(Case):
    def setUp(self):
        super().setUp()
        self.publisher = packing.Signer(self.folder / "publisher")
        self.registry = Registry(self.folder / "web/registry", self.folder / "keys")
        self.registry.add(plugin_files(WORDS, "1.0.0"), self.publisher)
        self.registry.publish(plugin_files(GREET, "1.0.0", more=NEEDS), self.publisher)
        self.serve()

    def serve(self, protection=None):
        self.server = Server(self.folder / "web", protection)
        self.addCleanup(self.server.stop)
        self.address = f"{self.server.address}/registry"

    def add(self, status=0):
        return self.symphony("packages", "registry", "add", "main", self.address, "--root-key", self.registry.root.key, status=status)

    def begin(self):
        self.symphony("permission", "grant", "packages", f"network:127.0.0.1:{self.server.server_port}")
        self.add()

    def installed(self):
        generations = json.loads(self.symphony("generations", "--json").out)["generations"]
        current = [one for one in generations if one["current"]]
        return {one["id"]: one["version"] for one in current[0]["packages"]} if current else {}

    def refused(self, reason, *words, status=(1, 3)):
        done = self.symphony(*words, status=status)
        self.expect_error(done, f"[{reason}]")
        return done


class OverHttp(WebCase):
    def test_the_way_there_is_told_in_commands(self):
        refused = self.refused("not-granted", "packages", "registry", "add", "main", self.address, "--root-key", self.registry.root.key)
        self.expect_error(refused, f"hint: symphony permission grant packages 'network:127.0.0.1:{self.server.server_port}'")
        self.symphony("permission", "grant", "packages", "network:*")
        refused = self.refused("forbidden-address", "packages", "registry", "add", "main", self.address, "--root-key", self.registry.root.key)
        self.expect_error(refused, f"'network:127.0.0.1:{self.server.server_port}'")
        self.begin()
        self.assertEqual(json.loads(self.symphony("packages", "registry", "list", "--json").out)["registries"][0]["address"], self.address)
        self.server.stop()
        self.refused("cannot-connect", "search", "greet")

    def test_install_search_update_and_then_offline(self):
        self.begin()
        self.assertIn(GREET, self.symphony("search", "greet").out)
        self.symphony("install", GREET)
        self.assertEqual(self.installed(), {GREET: "1.0.0", WORDS: "1.0.0"})
        self.registry.publish(plugin_files(WORDS, "1.1.0"), self.publisher)
        self.assertIn("1.0.0 -> 1.1.0", self.symphony("update").err)
        asked = len(self.server.asked)
        self.assertIn(GREET, self.symphony("search", "greet", "--offline").out)
        self.assertIn("nothing to do", self.symphony("update", "--offline").out)
        self.symphony("rollback")
        self.assertIn("1.0.0 -> 1.1.0", self.symphony("update", "--offline").err, "what a kept generation had is in the store")
        self.symphony("remove", GREET, WORDS)
        self.symphony("install", GREET, "--frozen", status=3)
        self.symphony("install", GREET, "--offline")
        self.assertEqual(self.installed(), {GREET: "1.0.0", WORDS: "1.1.0"})
        self.assertEqual(len(self.server.asked), asked, "nobody was asked")
        self.registry.publish(plugin_files("org.example.other", "1.0.0"), self.publisher)
        self.symphony("search", "other")
        self.refused("offline-missing", "install", "org.example.other", "--offline")
        self.server.stop()
        self.expect_error(self.refused("cannot-connect", "update"), "registry main")
        self.symphony("update", "--offline")

    def test_show_tells_what_can_be_had_and_what_is_here(self):
        self.begin()
        shown = self.symphony("show", "greet").out
        self.assertIn(f"{GREET} 1.0.0, not installed", shown)
        self.assertIn(f"symphony install {GREET}", shown)
        self.assertEqual(json.loads(self.symphony("show", GREET, "--json").out)["packages"]["publisher"], self.publisher.key)
        self.expect_error(self.symphony("show", "nothing", status=1), "symphony search")
        self.symphony("install", GREET)
        self.server.stop()
        self.assertIn("in registry main", self.symphony("show", GREET).out, "from what was fetched before")
        self.assertIn("2 plugins installed as generation 1, whole", self.symphony("doctor", status=(0, 1)).out)

    def test_the_lock_names_the_registry_and_another_machine_takes_it_from_there(self):
        self.begin()
        self.symphony("install", GREET)
        lock = self.folder / "symphony.lock"
        self.symphony("packages", "lock", "--output", lock)
        self.assertIn(f'address = "{self.address}"', lock.read_text())
        other = self.environment | {"HOME": str(self.folder / "other")}
        (self.folder / "other").mkdir()
        refused = self.symphony("install", lock, "--locked", status=1, env=other)
        command = [line for line in refused.err.splitlines() if line.startswith("hint: ")][0].split()[2:]
        self.symphony("permission", "grant", "packages", f"network:127.0.0.1:{self.server.server_port}", env=other)
        self.symphony(*command, env=other)
        self.symphony("install", lock, "--locked", env=other)
        self.assertEqual(self.symphony("packages", "lock", env=other).out, lock.read_text())
        self.registry.publish(plugin_files(WORDS, "1.1.0"), self.publisher)
        self.symphony("install", lock, "--locked", env=other)
        self.refused("lock-out-of-date", "update", "--locked")

    def test_the_doctor_asks_nobody_and_knows_what_was_fetched(self):
        self.begin()
        self.symphony("install", WORDS)

        def doctor():
            asked = len(self.server.asked)
            done = self.symphony("packages", "doctor")
            self.assertEqual(len(self.server.asked), asked, "the doctor asks nobody")
            return done.out

        self.registry.advise("SYM-2026-0007", WORDS, "counts one too many")
        self.assertNotIn("SYM-2026-0007", doctor(), "nobody fetched it yet")
        told = "1.0.0 has a known defect: SYM-2026-0007, high: counts one too many"
        self.assertIn(f"warning: {WORDS} {told}", self.symphony("update").err)
        self.assertIn(f"package {WORDS}: {told} [advisory]", doctor())
        self.assertNotIn("expired-snapshot", doctor())
        snapshot = self.home / ".local/state/symphony/registries/main/snapshot.toml"
        snapshot.write_text(re.sub(r'expires = "[^"]*"', 'expires = "2026-01-01T00:00:00Z"', snapshot.read_text()))
        self.assertIn("registry main: its snapshot 3 was good until 2026-01-01T00:00:00Z [expired-snapshot]", doctor())
        self.assertIn(told, doctor(), "what it had is told nevertheless")
        self.registry.sign_snapshot()
        self.symphony("update")
        self.assertNotIn("expired-snapshot", doctor())
        for blob in (self.home / ".cache/symphony/registries/main/blobs").iterdir():
            if WORDS.encode() in blob.read_bytes() and blob.read_bytes().startswith(b"{"):
                blob.unlink()
        self.assertRegex(doctor(), rf"warn +package {WORDS}: what registry main says of it cannot be read: .*\[offline-missing\]\n +mend: symphony update --dry-run fetches it")
        self.symphony("update", "--dry-run")
        self.assertNotIn("cannot be read", doctor())

    def test_what_a_server_does_wrong_is_said_and_changes_nothing(self):
        self.begin()
        self.symphony("install", WORDS)
        self.symphony("--set", "packages.network_wait=1s", "list")
        self.registry.publish(plugin_files(WORDS, "1.1.0", library=b"the second library"), self.publisher)
        update = ("update", "--set", "packages.network_wait=1s")
        wrong = {"missing": "missing", "failing": "http-status", "forbidden": "http-status", "elsewhere": "redirected", "cut": "stream-cut", "huge": "too-large", "endless": "too-large",
                 "silent": "server-silent", "dribbling": "server-slow", "packed": "bad-http", "not_http": "bad-http"}
        for where in ("snapshot.toml", ".sympkg"):
            for how, reason in wrong.items():
                with self.subTest(where=where, how=how):
                    self.server.behave(how, where)
                    begun = time.monotonic()
                    refused = self.refused(reason, *update)
                    self.assertLess(time.monotonic() - begun, 60, "bounded, whatever the server does")
                    self.assertIn("registry main", refused.err)
                    self.assertEqual(self.installed(), {WORDS: "1.0.0"})
        for where, how, reason in ((".sympkg", "longer", "digest-mismatch"), (".sympkg", "other", "digest-mismatch"), (".list", "other", "digest-mismatch"), (".jsonl", "other", "digest-mismatch"),
                                   ("snapshot.toml", "other", "bad-syntax"), (".minisig", "missing", "not-enough-signatures")):
            with self.subTest(where=where, how=how):
                shutil.rmtree(self.home / ".cache", ignore_errors=True)
                shutil.rmtree(self.home / ".local/state/symphony/registries", ignore_errors=True)
                self.server.behave(how, where)
                self.refused(reason, *update)
                self.assertEqual(self.installed(), {WORDS: "1.0.0"})
        self.server.behave()
        self.symphony("update")
        self.assertEqual(self.installed(), {WORDS: "1.1.0"})
        self.symphony("verify")


@unittest.skipUnless(certificates.is_here, "this machine has no openssl program")
class OverHttps(WebCase):
    """A registry of a company, behind a certificate that the company's own authority signed."""

    def serve(self, protection=None):
        self.authority = certificates.Authority(self.folder / "authority")
        super().serve(protection or self.authority.server("registry"))
        self.environment["SSL_CERT_FILE"] = str(self.authority.file)

    def serve_with(self, protection):
        """The same files behind another certificate; the right to reach it is there."""
        WebCase.serve(self, protection)
        self.symphony("permission", "grant", "packages", f"network:127.0.0.1:{self.server.server_port}")

    def expect_refused_to_add(self, *words, reason="tls-failed"):
        refused = self.refused(reason, "packages", "registry", "add", "main", self.address, "--root-key", self.registry.root.key)
        self.expect_error(refused, *words)
        self.assertEqual(self.server.asked, [], "nothing was asked of a server that is not who it should be")
        self.assertEqual(json.loads(self.symphony("packages", "registry", "list", "--json").out)["registries"], [])

    def test_the_whole_way_with_an_authority_of_the_house(self):
        large = random.Random(7).randbytes(3_000_000)
        self.registry.publish(plugin_files(WORDS, "1.0.1", library=large), self.publisher)
        self.begin()
        self.assertIn(GREET, self.symphony("search", "greet").out)
        self.symphony("install", GREET)
        self.assertEqual(self.installed(), {GREET: "1.0.0", WORDS: "1.0.1"})
        self.symphony("verify")
        self.registry.publish(plugin_files(WORDS, "1.1.0"), self.publisher)
        self.symphony("update")
        self.assertEqual(self.installed(), {GREET: "1.0.0", WORDS: "1.1.0"})
        self.assertIn(f'address = "{self.address}"', self.symphony("packages", "lock").out)

    def test_a_folder_of_authorities(self):
        del self.environment["SSL_CERT_FILE"]
        self.environment["SSL_CERT_DIR"] = str(self.authority.folder_of_trusted())
        self.begin()
        self.assertIn(GREET, self.symphony("search", "greet").out)

    def test_an_authority_that_nobody_knows(self):
        del self.environment["SSL_CERT_FILE"]
        self.serve_with(self.authority.server("again"))
        self.expect_refused_to_add("127.0.0.1", "certificate is not accepted", "SSL_CERT_FILE=FILE")
        other = certificates.Authority(self.folder / "other", "Another house")
        self.environment["SSL_CERT_FILE"] = str(other.file)
        self.expect_refused_to_add("certificate is not accepted")

    def test_a_file_of_authorities_that_is_none(self):
        self.serve_with(self.authority.server("again"))
        for name in (self.folder / "nowhere.pem", self.file("words.pem", "no certificate\n")):
            with self.subTest(name=name):
                self.environment["SSL_CERT_FILE"] = str(name)
                self.expect_refused_to_add(str(name), "unset SSL_CERT_FILE")

    def test_a_certificate_that_is_over(self):
        self.serve_with(self.authority.server("old", days=-1))
        self.expect_refused_to_add("certificate has expired", "clock is right")

    def test_a_certificate_of_another_host(self):
        for names in ("DNS:localhost", "IP:127.0.0.2", "DNS:127.0.0.1"):
            with self.subTest(names=names):
                self.serve_with(self.authority.server("other", names))
                self.expect_refused_to_add("mismatch", "the name that the certificate is for")

    def test_a_server_that_speaks_no_tls(self):
        self.serve_with(None)
        self.address = self.address.replace("http://", "https://")
        self.expect_refused_to_add("does not speak TLS there")

    def test_a_server_that_sends_elsewhere_is_not_followed(self):
        self.begin()
        self.symphony("install", WORDS)
        self.registry.publish(plugin_files(WORDS, "1.1.0"), self.publisher)
        plain = Server(self.folder / "web")
        self.addCleanup(plain.stop)
        second = Server(self.folder / "web", self.authority.server("second"))
        self.addCleanup(second.stop)
        for other in (plain, second):  # as far as rights go, both may be reached
            self.symphony("permission", "grant", "packages", f"network:127.0.0.1:{other.server_port}")
        for where in ("snapshot.toml", ".sympkg"):
            for other, words in ((plain, "where nothing is protected"), (second, "name the registry by its own address")):
                with self.subTest(where=where, to=other.address):
                    self.server.behave("elsewhere", where, f"{other.address}/registry/{where}")
                    refused = self.refused("redirected", "update")
                    self.expect_error(refused, other.address, words)
                    self.assertEqual(other.asked, [])
                    self.assertEqual(self.installed(), {WORDS: "1.0.0"})
        self.server.behave()
        self.symphony("update")
        self.assertEqual(self.installed(), {WORDS: "1.1.0"})

    def test_the_composer_asks_registries_the_same_way(self):
        self.begin()
        source = self.file("small.toml", f'[distribution]\nname = "small"\nversion = "1.0.0"\n[plugins]\n"org.symphony.files" = "^1"\n"{GREET}" = "^1"\n')
        refused = self.refused("not-granted", "compose", "lock", source)
        self.expect_error(refused, f"hint: symphony permission grant composer 'network:127.0.0.1:{self.server.server_port}'")
        self.symphony("permission", "grant", "composer", f"network:127.0.0.1:{self.server.server_port}")
        self.symphony("compose", "lock", source)
        lock = source.with_suffix(".lock").read_text()
        self.assertIn(WORDS, lock)
        built = self.symphony("compose", "build", source, "--output", self.folder / "one", "--frozen")
        self.assertIn("one", built.out, "what was fetched for the lock is there without the registry")
        self.server.behave("silent", "snapshot.toml")
        begun = time.monotonic()
        self.expect_error(self.refused("server-silent", "compose", "lock", source, "--update", "--set", "composer.network_wait=1s"), "registry main", "for 1 seconds", "--offline")
        self.assertLess(time.monotonic() - begun, 25, "as its setting says, and not as long as by default")
        del self.environment["SSL_CERT_FILE"]
        self.server.behave()
        self.refused("tls-failed", "compose", "lock", source, "--update")
        self.assertEqual(source.with_suffix(".lock").read_text(), lock)

    def test_who_stops_trusting_the_authority_is_refused_and_offline_goes_on(self):
        self.begin()
        self.symphony("install", WORDS)
        del self.environment["SSL_CERT_FILE"]
        self.expect_error(self.refused("tls-failed", "update"), "registry main", "SSL_CERT_FILE")
        self.symphony("update", "--offline")
        self.assertEqual(self.installed(), {WORDS: "1.0.0"})


class Hostile(WebCase):
    """A registry, or who stands between, that wants something else installed than what was published."""

    def setUp(self):
        super().setUp()
        self.begin()
        self.symphony("install", WORDS)

    def published_again(self):
        self.registry.publish(plugin_files(WORDS, "1.1.0", library=b"the second library"), self.publisher)

    def copy_of(self, name="copy"):
        return shutil.copytree(self.registry.folder, self.folder / name)

    def give(self, folder):
        shutil.rmtree(self.registry.folder)
        shutil.copytree(folder, self.registry.folder)

    def expect_refused(self, reason, *words):
        words = words or ("update",)
        refused = self.refused(reason, *words)
        self.assertEqual(self.installed(), {WORDS: "1.0.0"})
        self.symphony("verify")
        return refused

    def test_replay_and_rollback(self):
        old = self.copy_of()
        self.published_again()
        self.symphony("update", "--dry-run")
        new = self.copy_of("new")
        self.give(old)
        self.expect_refused("rollback")
        self.give(new)
        self.symphony("update")
        self.assertEqual(self.installed(), {WORDS: "1.1.0"})

    def test_freeze(self):
        self.symphony("search", "words")
        self.registry.days = -1
        self.registry.sign_snapshot()
        self.expect_refused("expired-snapshot")
        self.symphony("search", "words", "--offline")

    def test_an_old_root_and_a_root_of_nobody(self):
        self.registry.new_root(days=-1)
        self.registry.sign_snapshot()
        self.expect_refused("expired-root")
        self.registry.new_root()
        thief = packing.Signer(self.folder / "thief")
        self.registry.root = thief
        self.registry.new_root()
        self.registry.sign_snapshot()
        self.expect_refused("not-enough-signatures")

    def test_mix_and_match(self):
        old = self.copy_of()
        self.published_again()
        for path in old.glob("index/**/*.jsonl"):
            shutil.copy(path, self.registry.folder / path.relative_to(old))
        self.expect_refused("digest-mismatch")
        self.registry.sign_snapshot()
        for path in (old / "packages").glob("**/*-1.0.0-*"):
            shutil.copy(path, str(self.registry.folder / path.relative_to(old)).replace("1.0.0", "1.1.0"))
        self.expect_refused("digest-mismatch")

    def test_two_snapshots_of_one_number(self):
        self.registry.add(plugin_files(WORDS, "1.1.0"), self.publisher)
        self.registry.sign_snapshot(number=self.registry.number)
        self.expect_refused("snapshot-changed")

    def test_a_snapshot_that_another_key_signed(self):
        thief = packing.Signer(self.folder / "thief")
        self.registry.add(plugin_files(WORDS, "1.1.0"), self.publisher)
        self.registry.sign_snapshot(signer=thief)
        self.expect_refused("not-enough-signatures")

    def test_tampered_snapshot_index_and_comment(self):
        self.published_again()
        folder = self.registry.folder
        index = next(folder.glob(f"index/*/*/{WORDS}.jsonl"))
        for file, before, after, reason in ((folder / "snapshot.toml", "number", "number ", "not-enough-signatures"), (index, "1.1.0", "1.1.1", "digest-mismatch"),
                                            (next(folder.glob("snapshot.*.minisig")), "trusted comment: main", "trusted comment: mine", "not-enough-signatures"),
                                            (next((folder / "packages" / WORDS).glob("*1.1.0*.minisig")), "version:1.1.0", "version:1.1.1", "altered-comment")):
            with self.subTest(file=file.name):
                shutil.rmtree(self.home / ".cache", ignore_errors=True)
                shutil.rmtree(self.home / ".local/state/symphony/registries")
                good = file.read_bytes()
                files = folder.glob("snapshot.*.minisig") if file.name.startswith("snapshot.") and file.suffix == ".minisig" else [file]
                kept = {one: one.read_bytes() for one in files}
                for one, content in kept.items():
                    one.write_bytes(content.replace(before.encode(), after.encode()))
                self.expect_refused(reason)
                for one, content in kept.items():
                    one.write_bytes(content)
                file.write_bytes(good)

    def test_a_package_of_another_plugin_under_the_name(self):
        other = plugin_files("org.example.other", "1.1.0")
        package = self.registry.add(other, self.publisher)
        content = package.read_bytes()
        del self.registry.lines["org.example.other"]
        self.registry.add(plugin_files(WORDS, "1.1.0"), self.publisher,
                          {"artifacts": [{"triple": "x86_64-linux-gnu", "size": len(content), "sha256": packing.sha256(content), "files": packing.sha256(packing.file_list(other))}]})
        target = next((self.registry.folder / "packages" / WORDS).glob("*1.1.0*.sympkg"))
        target.write_bytes(content)
        target.with_name(target.name + ".minisig").write_bytes(package.with_name(package.name + ".minisig").read_bytes())
        self.registry.sign_snapshot()
        self.expect_refused("wrong-package")

    def test_an_older_package_under_a_newer_version(self):
        old = plugin_files(WORDS, "1.0.0")
        content = next((self.registry.folder / "packages" / WORDS).glob("*1.0.0*.sympkg")).read_bytes()
        self.registry.add(plugin_files(WORDS, "1.1.0"), self.publisher,
                          {"artifacts": [{"triple": "x86_64-linux-gnu", "size": len(content), "sha256": packing.sha256(content), "files": packing.sha256(packing.file_list(old))}]})
        for path in (self.registry.folder / "packages" / WORDS).glob("*1.0.0*"):
            shutil.copy(path, str(path).replace("1.0.0", "1.1.0"))
        self.registry.sign_snapshot()
        self.expect_refused("wrong-package")

    def test_another_publisher_and_an_index_that_lies_about_him(self):
        thief = packing.Signer(self.folder / "thief")
        self.registry.publish(plugin_files(WORDS, "1.1.0"), thief)
        self.assertIn("nothing to do", self.symphony("update").out)
        self.assertEqual(self.installed(), {WORDS: "1.0.0"})
        self.registry.publish(plugin_files(WORDS, "1.2.0"), thief, {"signer": self.publisher.key})
        self.expect_refused("publisher-changed")

    def test_an_index_that_hides_rights(self):
        more = '[capabilities]\nfile_access = ["write:workspace"]'
        self.registry.publish(plugin_files(WORDS, "1.1.0", more=more), self.publisher)
        self.expect_refused("consent-needed")
        self.symphony("update", "--agree")
        self.assertEqual(self.installed(), {WORDS: "1.1.0"})

    def test_a_version_that_changes(self):
        self.symphony("install", WORDS)
        self.registry.lines.clear()
        self.registry.publish(plugin_files(WORDS, "1.0.0", library=b"other bytes, same version"), self.publisher)
        self.expect_refused("digest-changed")


if __name__ == "__main__":
    main()
