# SPDX-License-Identifier: Apache-2.0
"""Distributions, made and started by the built program: what runs in them, what they refuse, and that two of them are equal to the byte."""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import BUILD, PATIENCE_S, REPOSITORY, SANITIZED, Case, can_run, main
from packing import Signer, content_of, pack

EXAMPLES = REPOSITORY / "manifests" / "distributions"
SMALL = """[distribution]
name = "small"
version = "{version}"

[plugins]
"org.symphony.checksum" = "^1"
"org.symphony.files" = "^1"
"org.symphony.json" = "^1"
"org.symphony.packages" = "^1"
{plugins}
[policy]
{policy}
"""

READING = """[workflow]
id = "reading"
name = "Reading"
version = "1.0.0"

[inputs.folder]
type = "text"
description = "a folder"

[nodes.walk]
plugin = "files"
operation = "walk"
inputs = { folder = "$inputs.folder" }

[outputs.count]
from = "walk.count"
"""


def content(folder):
    return {path.relative_to(folder).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()}


class Composing(Case):
    def setUp(self):
        super().setUp()
        self.other_home = self.folder / "other-home"
        self.other_home.mkdir()

    def distribution(self, policy="", rest="", version="1.0.0", plugins="", name="small.toml"):
        return self.file(name, SMALL.format(policy=policy, version=version, plugins=plugins) + rest)

    def compose(self, *words, **options):
        return self.symphony("compose", *words, **options)

    def tree(self, name="tree", **distribution):
        self.compose("build", self.distribution(**distribution), "--output", self.folder / name)
        return self.folder / name

    def run_in(self, tree, *words, status=0, home=None, program="bin/symphony"):
        """Starts what was composed, as somebody else, who has nothing of this build."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(home or self.other_home), "LANG": "C.UTF-8"}
        environment |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
        done = subprocess.run([str(tree / program) if program else str(tree), *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, env=environment, cwd=home or self.other_home, stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,), f"{words}\n{done.stdout}\n{done.stderr}")
        return done


class Trees(Composing):
    def test_a_tree_that_was_moved_lists_its_plugins_and_nothing_else(self):
        tree = self.tree()
        moved = self.folder / "somewhere else" / "acme"
        moved.parent.mkdir()
        tree.rename(moved)
        listed = json.loads(self.run_in(moved, "list", "--json").stdout)
        self.assertEqual(sorted(plugin["name"] for plugin in listed["plugins"]), ["checksum", "files", "json", "packages"])
        shown = json.loads(self.run_in(moved, "show", "json", "--json").stdout)
        self.assertIn("trusts", json.dumps(shown))

    def test_minimal_runs_a_workflow(self):
        self.compose("build", EXAMPLES / "minimal.toml", "--output", self.folder / "minimal", "--locked", status=3)  # no lock is beside it, and none is made
        self.assertFalse((EXAMPLES / "minimal.lock").exists())
        self.assertFalse((self.folder / "minimal").exists())
        copy = Path(shutil.copy(EXAMPLES / "minimal.toml", self.folder))
        self.compose("build", copy, "--output", self.folder / "minimal")
        workflow = self.other_home / "reading.toml"
        workflow.write_text(READING)
        texts = self.texts(name="other-home/texts")
        done = json.loads(self.run_in(self.folder / "minimal", "run", workflow, "--input", f"folder={texts}", "--json").stdout)
        self.assertEqual(done["outputs"]["count"], 3, done)

    def test_everything_that_belongs_to_a_distribution_is_there(self):
        tree = self.tree(policy='deny_capabilities = ["network_access"]')
        files = content(tree)
        for path in ("bin/symphony", "bin/symphony-runner", "plugins/org.symphony.json/manifest.toml", "plugins.lock", "distribution.toml", "distribution.lock", "etc/symphony/policy.toml",
                     "etc/symphony/config.toml", "etc/symphony/locked.toml", "share/capabilities.json", "share/capabilities.txt", "share/sbom.cdx.json", "share/provenance.json", "SHA256SUMS", "licenses/symphony/LICENSE"):
            self.assertIn(path, files)
        self.assertEqual(files["bin/symphony"][0], 0o755)
        self.assertEqual(subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tree, capture_output=True).returncode, 0)
        bill = json.loads(files["share/sbom.cdx.json"][1])
        self.assertEqual((bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.5"))
        self.assertLessEqual({"org.symphony.files", "bin/symphony"}, {component["name"] for component in bill["components"]})
        self.assertIn("read every file in the project folder", files["share/capabilities.txt"][1].decode())
        self.assertNotIn("network:*:", files["share/capabilities.txt"][1].decode().split("and never")[0])
        self.assertEqual(json.loads(files["share/provenance.json"][1])["predicate"]["buildDefinition"]["buildType"], "symphony-compose/1")
        for _, each in files.values():
            self.assertNotIn(str(self.folder).encode(), each, "no path of the machine that composed")

    def test_the_programs_find_the_libraries_that_came_along(self):
        tree = self.tree()
        if not (tree / "lib").exists():
            self.skipTest("this build's programs need nothing but the base")
        loaded = subprocess.run(["ldd", tree / "bin" / "symphony"], capture_output=True, text=True).stdout
        for library in (tree / "lib").iterdir():
            if library.name in loaded:
                self.assertRegex(loaded, rf"{re.escape(library.name)} => \S*{re.escape(str(tree))}\S*")
        self.assertNotIn("not found", loaded)


class Onwards(Composing):
    def test_a_distribution_composes_the_next_one(self):
        first = self.tree(plugins='"org.symphony.composer" = "^1"\n')
        second = self.other_home / "second"
        source = self.distribution(plugins='"org.symphony.composer" = "^1"\n', version="2.0.0", name="next/small.toml")
        self.run_in(first, "compose", "build", source, "--output", second)
        self.run_in(second, "list")
        before, after = content(first), content(second)
        self.assertEqual(sorted(before), sorted(after))
        changed = {path for path, file in before.items() if after[path] != file}
        self.assertEqual({path.split("/")[0] for path in changed} - {"share", "etc"}, {"SHA256SUMS", "distribution.lock", "distribution.toml"})


class Equal(Composing):
    def test_the_same_in_another_folder_by_another_user_in_another_zone_with_another_umask(self):
        outputs = []
        for number, (mask, changes) in enumerate([(0o022, {"TZ": "UTC", "LC_ALL": "C"}), (0o077, {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "USER": "somebody"})]):
            home = self.folder / f"home-{number}" / ("x" * (1 + 30 * number))
            home.mkdir(parents=True)
            (home / "small.toml").write_text(SMALL.format(policy="", version="1.0.0", plugins=""))
            before = os.umask(mask)
            try:
                self.symphony("compose", "build", "small.toml", "-o", "out", "--format", "tree,tar.zst", "--format", "deb,single-file", cwd=home, env=self.environment | changes | {"HOME": str(home)})
            finally:
                os.umask(before)
            outputs.append((home / "small.lock", home / "out"))
        self.assertEqual(outputs[0][0].read_bytes(), outputs[1][0].read_bytes())
        first, second = content(outputs[0][1]), content(outputs[1][1])
        self.assertEqual(sorted(first), sorted(second))
        for path, file in first.items():
            self.assertTrue(file == second[path], path)
        self.assertEqual(len([path for path in first if "/" not in path]), 3)

    def test_the_lock_is_read_and_kept(self):
        source = self.distribution()
        self.compose("lock", source)
        lock = source.with_suffix(".lock")
        before = lock.read_bytes()
        self.assertIn("up to date", self.compose("lock", source, "--frozen").out)
        self.compose("build", source, "--output", self.folder / "one", "--frozen")
        self.assertEqual(lock.read_bytes(), before)
        self.distribution(policy='extensions = "none"')
        self.expect_error(self.compose("build", source, "--output", self.folder / "two", "--locked", status=3), "policy or settings were changed")
        self.assertFalse((self.folder / "two").exists())
        self.compose("lock", source)
        self.assertNotEqual(lock.read_bytes(), before)


class Damaged(Composing):
    def flip(self, path, at, bit):
        stamp = path.stat()
        with path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ (1 << bit)]))
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as if nobody had been there

    def test_one_flipped_bit_in_any_file_stops_the_start_and_names_it(self):
        tree = self.tree()
        self.run_in(tree, "list")
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        for path in sorted(tree.rglob("*")):
            name = path.relative_to(tree).as_posix()
            # What must be sound so that anything can be said at all; the shell and the linker speak for these.
            if not path.is_file() or name == "bin/symphony" or name.startswith("lib/"):
                continue
            at, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
            with self.subTest(file=name, at=at, bit=bit):
                self.flip(path, at, bit)
                refused = self.run_in(tree, "list", status=3)
                self.assertIn(f"{name} ", refused.stderr)
                self.assertIn("hint: ", refused.stderr)
                verified = self.symphony("compose", "verify", tree, "--json", status=1)
                self.assertEqual([damage["path"] for damage in json.loads(verified.out)["outputs"][0]["damages"]], [name])
                self.flip(path, at, bit)
        self.run_in(tree, "list")
        self.compose("verify", tree)

    def test_a_flipped_bit_in_the_host_or_its_libraries_stops_it_too(self):
        tree = self.tree()
        for name in ["bin/symphony", *(f"lib/{path.name}" for path in (tree / "lib").glob("*"))]:
            path = tree / name
            with self.subTest(file=name):
                at = path.stat().st_size - 40  # behind all that is run: names of sections
                self.flip(path, at, 0)
                for word in ("list", "version"):
                    self.assertIn(f"{name} was altered", self.run_in(tree, word, status=3).stderr)
                self.flip(path, at, 0)

    def test_what_is_missing_or_was_added_is_named(self):
        tree = self.tree()
        (tree / "plugins" / "evil").mkdir()
        (tree / "plugins" / "evil" / "manifest.toml").write_text("")
        self.assertIn("plugins/evil/manifest.toml is not of the distribution", self.run_in(tree, "list", status=3).stderr)
        shutil.rmtree(tree / "plugins" / "evil")
        (tree / "notes.txt").write_text("mine")  # where the host does not look
        self.run_in(tree, "list")
        (tree / "plugins.lock").rename(tree / "gone")
        self.assertIn("plugins.lock is missing", self.run_in(tree, "list", status=3).stderr)
        (tree / "gone").rename(tree / "plugins.lock")
        (tree / "SHA256SUMS").unlink()
        self.assertIn("SHA256SUMS is missing", self.run_in(tree, "list", status=3).stderr)

    def test_archives_are_verified_and_a_flipped_bit_is_found(self):
        self.compose("build", self.distribution(), "--output", self.folder / "out", "--format", "tar.zst,deb,single-file")
        self.compose("verify", self.folder / "out")
        self.compose("verify", self.folder / "out", "--from", self.folder / "small.toml")
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        for path in sorted((self.folder / "out").iterdir()):
            for _ in range(3):
                at, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
                with self.subTest(file=path.name, at=at, bit=bit):
                    self.flip(path, at, bit)
                    self.compose("verify", path, status=1)
                    if path.suffix == ".run":
                        done = subprocess.run(["sh", path, "version"], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": str(self.other_home)})
                        self.assertNotEqual(done.returncode, 0)
                    self.flip(path, at, bit)


# What is on every Debian 12: the essential packages that the script of a single file calls, and what they and apt need.
BASE = ("base-files", "coreutils", "dash", "gzip", "libacl1", "libattr1", "libc6", "libgcc-s1", "libgmp10", "libpcre2-8-0", "libselinux1", "libstdc++6", "tar")


class Archives(Composing):
    def build(self, *formats, **distribution):
        out = self.folder / "out"
        done = self.compose("build", self.distribution(**distribution), "--output", out, "--format", ",".join(formats))
        return [Path(line) for line in done.out.split()]

    def test_the_tar_unpacks_to_a_tree_that_starts(self):
        [path] = self.build("tar.zst")
        subprocess.run(["tar", "--zstd", "-xf", path, "-C", self.folder], check=True)
        self.assertIn("files", self.run_in(self.folder / "small-1.0.0", "list").stdout)

    @unittest.skipUnless(shutil.which("dpkg-deb"), "no dpkg")
    def test_the_debian_package_is_one(self):
        [path] = self.build("deb", version="1.0.0-rc.1")
        said = subprocess.run(["dpkg-deb", "--info", path], capture_output=True, text=True, check=True).stdout
        for line in ("Package: small", "Version: 1.0.0~rc.1", "Architecture: amd64", "libc6 (>= 2.", "libstdc++6 (>= "):
            self.assertIn(line, said)
        listed = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True, check=True).stdout
        self.assertIn("-rwxr-xr-x 0/0 ", listed)
        self.assertIn("./usr/bin/small -> ../../opt/small/bin/symphony", listed)
        root = self.folder / "root"
        subprocess.run(["dpkg", "-x", path, root], check=True)
        self.run_in(root / "opt" / "small", "list")
        self.run_in(root, "list", program="usr/bin/small")
        self.run_in(root / "opt" / "small", "list")

    @unittest.skipUnless(shutil.which("dpkg") and os.geteuid() == 0, "dpkg installs as root only")
    def test_dpkg_installs_the_package_and_takes_it_away_again(self):
        [path] = self.build("deb")
        root = self.folder / "root"
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        words = ["dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--log=/dev/null"]
        done = subprocess.run([*words, "-i", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.run_in(root, "list", program="usr/bin/small")

        def verify():
            done = subprocess.run([*words, "--verify", "small"], capture_output=True, text=True)
            return [line.split() for line in done.stdout.splitlines()]

        sums = dict(reversed(line.split("  ")) for line in (root / "var/lib/dpkg/info/small.md5sums").read_text().splitlines())
        self.assertEqual(sums, {path.relative_to(root).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in (root / "opt").rglob("*") if path.is_file()})
        self.assertEqual(verify(), [])
        manifest = root / "opt/small/plugins/org.symphony.json/manifest.toml"
        good = manifest.read_bytes()
        manifest.write_bytes(good.replace(b"json", b"jsom"))
        self.assertEqual(verify(), [["??5??????", "/opt/small/plugins/org.symphony.json/manifest.toml"]])
        manifest.write_bytes(good)
        (root / "opt/small/SHA256SUMS").unlink()
        self.assertEqual([path for *_, path in verify()], ["/opt/small/SHA256SUMS"])
        subprocess.run([*words, "-r", "small"], capture_output=True, check=True)
        self.assertFalse((root / "opt" / "small" / "bin").exists())

    def test_the_single_file_unpacks_once_and_starts(self):
        [path] = self.build("single-file")
        self.assertTrue(os.access(path, os.X_OK))
        self.assertIn("files", self.run_in(path, "list", program="").stdout)
        folder = self.other_home / ".cache" / "symphony" / "distributions"
        [place] = folder.iterdir()
        self.assertIn(f"digest={place.name}\n".encode(), path.read_bytes()[:4096])
        stamp = (place / "bin" / "symphony").stat()
        self.run_in(path, "list", program="")
        self.assertEqual((place / "bin" / "symphony").stat().st_ino, stamp.st_ino)
        self.assertEqual([item.name for item in folder.iterdir()], [place.name])
        self.run_in(path, "nonsense", program="", status=2)

    def test_two_that_unpack_at_once_are_in_nobodys_way(self):
        [path] = self.build("single-file")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.other_home)}
        running = [subprocess.Popen([path, "list"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]
        for process in running:
            out, _ = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(process.returncode, 0, out)
        self.assertEqual(len(list((self.other_home / ".cache/symphony/distributions").iterdir())), 1)


@unittest.skipUnless(shutil.which("dpkg-query") and can_run("unshare", "--mount", "--pid", "--fork", "--mount-proc", "chroot", "/", "true"), "no dpkg, or no root of one's own can be made")
@unittest.skipIf(SANITIZED, "a sanitizer's libraries are not of the base")
class Bare(Composing):
    """A machine that has Debian's base and nothing else."""

    def root(self):
        root = self.folder / "bare"
        for folder in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "proc", "dev", "tmp", "home", "opt", "etc"):
            (root / folder).mkdir(parents=True)
        (root / "dev" / "null").touch()
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        for line in subprocess.run(["dpkg-query", "-L", *BASE], capture_output=True, text=True).stdout.splitlines():
            source = Path(line)
            if not re.match(r"(/usr)?/(bin|sbin|lib|lib64)/", line) or (source.is_dir() and not source.is_symlink()) or not os.path.lexists(source):
                continue
            to = root / (line.lstrip("/") if line.startswith("/usr/") else "usr" + line)
            to.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(to):
                shutil.copy2(source, to, follow_symlinks=False)
        return root

    def in_root(self, root, *words):
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", root, *words], capture_output=True, text=True, timeout=PATIENCE_S, env={"HOME": "/home", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_minimal_starts_and_works_there(self):
        copy = Path(shutil.copy(EXAMPLES / "minimal.toml", self.folder))
        self.compose("build", copy, "--output", self.folder / "out", "--format", "tree,single-file")
        root = self.root()
        self.assertFalse(list((root / "usr/lib").rglob("libcrypto*")), "what the host needs is not there")
        shutil.copytree(self.folder / "out" / "symphony-minimal-1.0.0", root / "opt" / "minimal")
        shutil.copy(next((self.folder / "out").glob("*.run")), root / "opt" / "minimal.run")
        (root / "home" / "reading.toml").write_text(READING)
        shutil.copytree(self.texts(), root / "home" / "texts")
        for program in ("/opt/minimal/bin/symphony", "/opt/minimal.run"):
            with self.subTest(program=program):
                self.assertIn("dag-tracker", self.in_root(root, program, "list"))
                done = json.loads(self.in_root(root, program, "run", "/home/reading.toml", "--input", "folder=/home/texts", "--json"))
                self.assertEqual(done["outputs"]["count"], 3)


class Steered(Composing):
    def test_a_locked_setting_cannot_be_changed_and_a_default_can(self):
        rest = '[defaults."org.symphony.json"]\ntimeout = "7s"\n[locked."org.symphony.json"]\nretry = 2\n'
        tree = self.tree(rest=rest)
        config = self.other_home / ".config" / "symphony"
        config.mkdir(parents=True)
        (config / "config.toml").write_text("[plugins.json]\ntimeout = \"9s\"\nretry = 5\n")
        shown = self.run_in(tree, "show", "json").stdout
        self.assertRegex(shown, r"retry = 2 .*locked\.toml")
        self.assertRegex(shown, r"timeout = 9s ")
        self.assertIn("locked-setting", shown)
        (config / "config.toml").unlink()
        self.assertRegex(self.run_in(tree, "show", "json").stdout, r"timeout = 7s .*etc/symphony/config\.toml")
        self.assertIn("--set: error: the distribution locks retry", self.run_in(tree, "show", "json", "--set", "json.retry=9").stdout)

    def test_a_closed_distribution_takes_no_plugins_whoever_brings_them(self):
        tree = self.tree(policy='extensions = "none"')
        plugin = BUILD / "plugins" / "text"
        refused = self.run_in(tree, "install", plugin, "--allow-unsigned", status=3)
        self.assertIn("no plugins may be added to this symphony", refused.stderr)
        self.assertIn("hint: ", refused.stderr)
        self.assertIn("may be added", self.run_in(tree, "list", "--plugins", plugin, status=3).stderr)
        user = self.other_home / ".local" / "share" / "symphony"
        shutil.copytree(plugin, user / "plugins" / "text")  # without asking
        shutil.copytree(plugin, user / "packages" / "current" / "plugins" / "org.symphony.text")
        self.assertNotIn("text", [one["name"] for one in json.loads(self.run_in(tree, "list", "--json").stdout)["plugins"]])

    @unittest.skipUnless(Signer.is_here(), "minisign and zstd are not here")
    def test_a_distribution_that_takes_signed_plugins_takes_those_alone(self):
        signer, other = Signer(self.folder / "signer"), Signer(self.folder / "other")
        tree = self.tree(policy=f'trust = ["core", "publisher:{signer.key}"]\nextensions = "signed"')
        plugin = BUILD / "plugins" / "text"
        self.assertIn("nobody signed it", self.run_in(tree, "install", plugin, "--allow-unsigned", status=3).stderr)
        files = content_of(plugin)
        package = pack(files, self.folder)
        other.sign(package, files)
        self.assertIn("may not be added", self.run_in(tree, "install", package, "--trust-key", other.key, status=3).stderr)
        signer.sign(package, files)
        self.run_in(tree, "install", package, "--trust-key", signer.key, "--yes")
        states = {one["name"]: one["state"] for one in json.loads(self.run_in(tree, "list", "--json").stdout)["plugins"]}
        self.assertEqual(states["text"], "usable")
        shutil.copytree(BUILD / "plugins" / "report", self.other_home / ".local/share/symphony/plugins/report")
        states = {one["name"]: one["state"] for one in json.loads(self.run_in(tree, "list", "--json").stdout)["plugins"]}
        self.assertEqual(states["report"], "refused")

    def test_what_the_policy_denies_stays_denied(self):
        tree = self.tree(policy='deny_capabilities = ["network_access"]')
        explained = self.run_in(tree, "permission", "explain", "packages", "network:example.org:443", status=0).stdout
        self.assertIn("denied", explained)
        self.assertIn("small 1.0.0", explained)

    def test_an_isolated_placement_holds(self):
        self.distribution(plugins='"org.symphony.text" = { version = "^1", placement = "isolated" }\n')
        self.compose("build", self.folder / "small.toml", "--output", self.folder / "tree")
        tree = self.folder / "tree"
        shown = self.run_in(tree, "show", "text", "--in-process", "text").stdout
        self.assertIn("this distribution has it isolated", shown)


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
@unittest.skipIf(SANITIZED, "a sanitizer's programs bring libraries of their own")
class Isolated(Composing):
    """A plugin in a process of its own, whose library no machine has and the distribution brings."""

    def shared(self, to, name, text, *words):
        source = self.file(f"source/{name}.c", text)
        include = [f"-I{REPOSITORY / folder}" for folder in ("plugin-api/include", "plugin-api/generated/include", "tests/bundles")]
        subprocess.run(["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", *include, source, "-o", to / name, *words], check=True)

    def plugin(self, libraries):
        """Answers with what its library says, which has it from a library of its own."""
        self.shared(libraries, "libown-deep.so.1", '__attribute__((visibility("default"))) const char *deep(void) { return "from the distribution"; }', "-Wl,-soname,libown-deep.so.1")
        self.shared(libraries, "libown.so.1", 'extern const char *deep(void);\n__attribute__((visibility("default"))) const char *own(void) { return deep(); }',
                    "-Wl,-soname,libown.so.1", libraries / "libown-deep.so.1")
        folder = self.folder / "own"
        folder.mkdir()
        self.shared(folder, "libown-plugin.so", """#include "fault.h"
extern const char *own(void);
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, own());
}
FAULT_PLUGIN
""", "-DSYMPHONY_PLUGIN_ID=\"org.example.own\"", "-DSYMPHONY_PLUGIN_VERSION=\"1.0.0\"", libraries / "libown.so.1", "-Wl,-z,now", f"-Wl,-rpath-link,{libraries}")
        library = (folder / "libown-plugin.so").read_bytes()
        (folder / "manifest.toml").write_text(f"""[extension]
id = "org.example.own"
name = "own"
version = "1.0.0"
type = "operator"
license = "MIT"

[provides]
"operator/1" = {{}}

[[operation]]
name = "go"
inputs = {{ text = "text?" }}
outputs = {{ text = "text" }}

[[artifact]]
triple = "x86_64-linux-gnu"
path = "libown-plugin.so"
size = {len(library)}
sha256 = "{hashlib.sha256(library).hexdigest()}"
""")
        return folder

    def composed(self):
        """By a symphony in whose prefix the library is."""
        prefix = self.tree("prefix", plugins='"org.symphony.composer" = "^1"\n"org.symphony.dag-tracker" = "^1"\n')
        for name in ("SHA256SUMS", "distribution.lock"):
            (prefix / name).unlink()
        (prefix / "lib").mkdir(exist_ok=True)
        plugin = self.plugin(prefix / "lib")
        source = self.distribution(policy="allow_unsigned = true", plugins=f'"org.symphony.dag-tracker" = "^1"\n"org.example.own" = {{ path = "{plugin}", placement = "isolated" }}\n', name="next/small.toml")
        tree = self.other_home / "tree"
        self.run_in(prefix, "compose", "build", source, "--output", tree)
        shutil.rmtree(prefix)
        shutil.rmtree(self.folder / "source")
        return tree

    def test_it_finds_the_libraries_that_came_along(self):
        tree = self.composed()
        self.assertTrue((tree / "lib/libown.so.1").exists() and (tree / "lib/libown-deep.so.1").exists())
        flow = self.file("flow.toml", '[workflow]\nid = "own"\nname = "own"\nversion = "1.0.0"\n[nodes.own]\nplugin = "own"\noperation = "go"\n[outputs.said]\nfrom = "own.text"\n')
        done = json.loads(self.run_in(tree, "run", flow, "--json").stdout)
        self.assertEqual(done["outputs"]["said"], "from the distribution")
        self.assertIn("isolated", self.run_in(tree, "show", "own").stdout)
        self.assertIn("the distribution's lib/ is readable", self.run_in(tree, "doctor").stdout)
        moved = self.other_home / "a b" / "moved"
        moved.parent.mkdir()
        tree.rename(moved)
        self.assertEqual(json.loads(self.run_in(moved, "run", flow, "--json").stdout)["outputs"]["said"], "from the distribution")
        (moved / "lib").chmod(0o777)  # now anybody could bring code
        self.assertIn("libown.so.1: cannot open", self.run_in(moved, "run", flow, "--json", status=3).stdout)
        self.assertIn(f"isolated plugins do not see {moved}/lib", self.run_in(moved, "doctor", status=(0, 1)).stdout)


class Told(Composing):
    def test_all_that_is_wrong_is_told_at_once_with_place_and_remedy(self):
        out = self.folder / "out"
        source = self.file("bad.toml", """[distribution]
name = "bad"
version = "1.0.0"
host = "^2.0"
triples = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
[plugins]
"org.symphony.files" = "^1"
"org.symphony.bus" = "^1"
[policy]
deny_capabilities = ["read:selected"]
[locked."org.symphony.fils"]
timeout = "1s"
""")
        done = self.compose("build", source, "--output", out, status=1)
        for line in ("4:1: error: it wants symphony ^2.0", "[wrong-host]", "[missing-platform]", "[denied-right]", "[unknown-plugin]", 'hint: did you mean "org.symphony.files"?'):
            self.assertIn(line, done.err)
        self.assertFalse(out.exists())
        self.assertFalse(source.with_suffix(".lock").exists())
        problems = json.loads(self.compose("lock", source, "--json", status=1).out)["problems"]
        self.assertTrue(all(problem["reason"] and problem["hint"] and problem["line"] for problem in problems), problems)

    def test_unknown_keys_are_errors_with_a_suggestion(self):
        source = self.file("bad.toml", '[distribution]\nname = "x"\nversoin = "1"\n[plugin]\n')
        done = self.compose("lock", source, status=1)
        self.assertIn('did you mean "version"?', done.err)
        self.assertIn('did you mean "plugins"?', done.err)

    def test_diff_and_explain_say_what_people_want_to_know(self):
        one = self.tree("one")
        two = self.tree("two", version="1.1.0", policy='extensions = "none"', plugins='"org.symphony.text" = "^1"\n')
        said = self.compose("diff", one, two).out
        for words in ("small 1.0.0 -> small 1.1.0", "added org.symphony.text 1.0.0, +", 'policy + extensions = "none"', 'policy - extensions = "signed"'):
            self.assertIn(words, said)
        self.assertIn("nothing is different", self.compose("diff", one, one).out)
        self.assertEqual(json.loads(self.compose("diff", one, two, "--json").out)["equal"], False)
        (two / "plugins.lock").write_text("altered")
        (two / "share" / "capabilities.txt").unlink()
        done = self.compose("diff", one, two)
        self.assertIn("small 1.0.0 -> small 1.1.0", done.out, "what it says of itself is compared all the same")
        self.assertIn(f"note: {two} is not as it was composed (plugins.lock and 1 more): symphony compose verify {two} says what is wrong", done.err)
        self.assertEqual(json.loads(self.compose("diff", two, one, "--json").out)["damages"], {"from": 2, "to": 0})
        self.assertEqual(self.compose("diff", one, one).err, "")
        said = self.compose("explain", self.folder / "small.toml", "files").out
        self.assertRegex(said, r"why +.*small\.toml:7 asks for it")
        self.assertIn("may     read", said)
        self.assertIn("this distribution can reach", self.compose("explain", self.folder / "small.toml").out)

    def test_what_lies_at_the_output_is_not_overwritten_unless_it_is_a_distribution(self):
        self.file("out/precious.txt", "mine")
        source = self.distribution()
        self.expect_error(self.compose("build", source, "--output", self.folder / "out", status=1), "is no distribution")
        self.assertEqual((self.folder / "out" / "precious.txt").read_text(), "mine")
        self.compose("build", source, "--output", self.folder / "tree")
        self.compose("build", source, "--output", self.folder / "tree")
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def test_the_examples_are_complete(self):
        for name in ("minimal", "standard", "server"):
            copy = self.folder / "distributions" / f"{name}.toml"
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(EXAMPLES / copy.name, copy)
            shutil.copytree(REPOSITORY / "manifests" / "workflows", self.folder / "workflows", dirs_exist_ok=True)
            with self.subTest(name=name):
                self.compose("build", copy, "--output", self.folder / name, "--format", "tree")
                states = json.loads(self.run_in(self.folder / name, "list", "--json").stdout)["plugins"]
                self.assertEqual([plugin for plugin in states if plugin["state"] != "usable"], [])


if __name__ == "__main__":
    main()
