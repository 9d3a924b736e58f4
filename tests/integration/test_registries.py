# SPDX-License-Identifier: Apache-2.0
"""Registries behind web servers, through the host's network broker: good ones, broken ones and hostile ones."""

import json
import shutil
import time
import unittest

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
        self.server = Server(self.folder / "web")
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


if __name__ == "__main__":
    main()
