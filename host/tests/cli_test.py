# SPDX-License-Identifier: Apache-2.0
"""The symphony program as a person or a script meets it. Arguments: the program, the folder of the trial plugin."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PLUGINS = sys.argv[1], sys.argv[2]
MANIFEST = '[extension]\nid = "org.{0}"\nname = "{0}"\nversion = "{1}"\ntype = "operator"\n{2}'


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        self.plugins = os.path.join(self.home, "plugins")
        os.mkdir(self.plugins)

    def environment(self, **changes):
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SYMPHONY_")) and k != "NO_COLOR"}
        variables["HOME"] = self.home
        variables.update(changes)
        return {k: v for k, v in variables.items() if v is not None}

    def command(self, *words, trial=True):
        words = [w for w in words]
        # Where a plugin runs is the matter of other tests, and this machine may not be able to isolate.
        return [PROGRAM, "--in-process", "all", *words, "--plugins", self.plugins, *(["--plugins", PLUGINS] if trial else [])]

    def run_it(self, *words, trial=True, env=None, **more):
        return subprocess.run(self.command(*words, trial=trial), capture_output=True, text=True, timeout=60, cwd=self.home,
                              env=self.environment(**(env or {})), **more)

    def expect(self, words, status, out=None, err=None, **more):
        result = self.run_it(*words, **more)
        self.assertEqual(result.returncode, status, f"{words}\n{result.stdout}\n{result.stderr}")
        if out is not None:
            self.assertRegex(result.stdout, out)
        if err is not None:
            self.assertRegex(result.stderr, err)
        return result

    def put(self, folder, name, version="1.0.0", rest=""):
        path = os.path.join(self.plugins, folder)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "manifest.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST.format(name, version, rest))

    # ---- help

    def test_help_lists_the_commands_of_host_and_plugins(self):
        for words in (["help"], ["--help"], ["-h"]):
            self.expect(words, 0, out=r"(?s)say +Print the arguments.*list +List the plugins")
        self.expect([], 2, err="which command")

    def test_each_command_has_a_short_and_a_long_help(self):
        for name in ("list", "show", "check", "doctor", "version", "completion", "say"):
            short = self.expect([name, "-h"], 0, out=f"Usage: symphony {name}").stdout
            long = self.expect([name, "--help"], 0, out=r"Exit status").stdout
            self.assertGreater(len(long), len(short))
            self.assertEqual(self.expect(["help", name], 0).stdout, long)
        self.expect(["say", "--help"], 0, out=r"(?s)-i, --input NAME=VALUE +a repeated value \(may be repeated\).*hello --loud")
        self.expect(["help", "trial", "status"], 0, out="Usage: symphony trial status STATUS")
        self.expect(["help", "trial"], 0, out=r"trial fail +Fail with an error of its own\n  trial flood")

    def test_completion_offers_commands_flags_and_values(self):
        def words(*typed):
            lines = subprocess.run([PROGRAM, "__complete", *typed], capture_output=True, text=True, cwd=self.home,
                                   env=self.environment(SYMPHONY_PLUGIN_PATH=PLUGINS), timeout=60).stdout.splitlines()
            return [line.split("\t")[0] for line in lines]
        self.assertIn("list", words("li"))
        self.assertIn("say", words(""))
        self.assertEqual(words("trial", "fl"), ["flood"])
        self.assertEqual(words("say", "--lo"), ["--loud", "--log-level", "--log-file"])
        self.assertEqual(words("show", "tri"), ["trial"])
        self.assertEqual(words("completion", ""), ["bash", "zsh"])
        self.assertEqual(words("check", ""), [":file"])
        for shell in ("bash", "zsh"):
            script = self.expect(["completion", shell], 0).stdout
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)

    # ---- wrong usage

    def test_wrong_usage_is_status_2_with_the_nearest_right_word(self):
        self.expect(["lst"], 2, err=r"error: there is no command \"lst\".*\nhint: did you mean list\?")
        self.expect(["list", "--wy"], 2, err=r"unknown flag --wy.*\nhint: did you mean --why\?")
        self.expect(["say", "x", "--lod"], 2, err=r"did you mean --loud\?")
        self.expect(["--jsn", "list"], 2, err="--jsn")
        self.expect(["show"], 2, err=r"needs plugin.*\nhint: symphony show PLUGIN")
        self.expect(["list", "extra"], 2, err="does not understand \"extra\"")
        self.expect(["trial"], 2, err=r"which one\?")
        self.expect(["say"], 2, err="needs word")
        self.expect(["list", "--log-level", "loud"], 2, err="no such level")
        self.expect(["list", "--workspace", "nowhere"], 2, err="no such folder")
        self.expect(["say", "x", "--set", "nonsense.depth=1"], 2, err='no plugin "nonsense"')
        self.expect(["say", "x", "--set", "depth"], 2, err="PLUGIN.KEY=VALUE")
        self.expect(["show", "trail"], 1, err=r"there is no plugin \"trail\".*\nhint: did you mean trial\?")

    def test_errors_are_json_on_standard_output_when_that_is_wanted(self):
        for words, status, reason in ((["lst"], 2, "usage"), (["show", "zz"], 1, "unknown-plugin"), (["list", "--nope"], 2, "usage"),
                                      (["trial", "fail"], 1, "trial-reason")):
            result = self.expect(["--json", *words], status)
            error = json.loads(result.stdout)["error"]
            self.assertEqual(error["reason"], reason)
            self.assertEqual(sorted(error), ["code", "hint", "message", "reason"])

    # ---- the host's own commands

    def test_version(self):
        self.expect(["version"], 0, out=r"^symphony \d+\.\d+\.\d+ \(ABI 1\.\d+")
        self.assertEqual(json.loads(self.expect(["version", "--json"], 0).stdout)["abi"], "1.0")

    def test_list_shows_good_and_refused_plugins(self):
        self.put("a", "good", rest='[provides]\n"search/1" = {}\n')
        self.put("b", "lacks", rest='[dependencies]\ntokio = "^1.0"\n')
        os.makedirs(os.path.join(self.plugins, "broken"))
        with open(os.path.join(self.plugins, "broken", "manifest.toml"), "w") as file:
            file.write("[extension\n")
        result = self.expect(["list"], 0, out=r"NAME +VERSION +TYPE +STATE +PROVIDES", err="symphony list --why")
        self.assertRegex(result.stdout, r"lacks \(org\.lacks\) +1\.0\.0 +operator +refused")
        self.assertRegex(result.stdout, r"trial \(org\.symphony\.test\.trial\) +1\.2\.3 +tool +usable +command/1")
        self.expect(["list", "--why"], 0, out=r"(?s)broken.*manifest\.toml:1.*unknown package tokio \^1\.0 .*\[missing-dependency\]")
        listing = json.loads(self.expect(["list", "--json"], 0).stdout)
        states = {plugin["name"]: plugin["state"] for plugin in listing["plugins"]}
        self.assertEqual(states["trial"], "usable")
        self.assertEqual(states["lacks"], "refused")
        self.assertEqual(states["broken"], "refused")
        reasons = {plugin["name"]: plugin["error"]["reason"] for plugin in listing["plugins"] if "error" in plugin}
        self.assertEqual(reasons["lacks"], "missing-dependency")

    def test_two_folders_with_one_plugin_are_both_named(self):
        self.put("a", "twin")
        self.put("b", "twin")
        result = self.expect(["list", "--why"], 0)
        self.assertRegex(result.stdout, r"(?s)plugins/b/manifest\.toml.*\[duplicate-id\]")
        self.assertIn("plugins/a", result.stdout)

    def test_show_tells_all_and_hides_secrets(self):
        out = self.expect(["show", "trial", "--set", "trial.api_key=hush", "--set", "trial.depth=4"], 0).stdout
        self.assertIn("read the files and folders that you name on the command line: to read what it is told to read", out)
        self.assertRegex(out, r"depth = 4 +from --set")
        self.assertRegex(out, r"timeout = .* +from default")
        self.assertRegex(out, r"library +sha256 [0-9a-f]{64} as the manifest says")
        self.assertRegex(out, r"note +ABI 1\.0")
        self.assertNotIn("hush", out)
        shown = json.loads(self.expect(["show", "org.symphony.test.trial", "--json"], 0).stdout)
        self.assertTrue(shown["library"]["ok"])
        self.assertEqual(shown["manifest"]["extension"]["version"], "1.2.3")

    def test_show_words_permissions_as_permission_list_does(self):
        self.put("a", "pages", rest='[capabilities]\nfile_access = ["write:workspace/pages/**"]\n')
        self.expect(["show", "pages"], 0, out=r'write "pages/\*\*" in the project folder')

    def test_show_says_when_the_library_is_not_what_the_manifest_says(self):
        shutil.copytree(os.path.join(PLUGINS, "trial"), os.path.join(self.plugins, "trial"))
        with open(os.path.join(self.plugins, "trial", "libtrial.so"), "r+b") as file:
            file.seek(5000)
            file.write(b"changed")
        self.expect(["show", "trial"], 0, out=r"digest-mismatch", trial=False)
        self.expect(["say", "x"], 3, err=r"sha256.*\[digest-mismatch\]\nhint:", trial=False)

    def test_check_finds_everything_at_once_with_its_place(self):
        self.put("a", "good")
        self.put("b", "bad", "1.0", 'typo = 1\n[nonsense]\n')
        self.expect(["check", os.path.join(self.plugins, "a")], 0, out="ok")
        out = self.expect(["check", os.path.join(self.plugins, "b", "manifest.toml")], 1).stdout
        self.assertRegex(out, r"manifest\.toml:4:\d+: error: ")
        self.assertRegex(out, r"manifest\.toml:6:\d+: error: ")
        report = json.loads(self.expect(["check", os.path.join(self.plugins, "b"), "--json"], 1).stdout)
        self.assertFalse(report["ok"])
        self.assertGreaterEqual(len(report["diagnostics"]), 3)
        self.expect(["check", "nowhere"], 1, err="no-such-file")

    def test_doctor_names_what_is_missing_and_the_command_that_mends_it(self):
        self.put("b", "lacks", rest='[dependencies]\ntokio = "^1.0"\n')
        result = self.run_it("doctor")
        self.assertIn(result.returncode, (0, 1))
        self.assertRegex(result.stdout, r"(?m)^(ok|fail) +verified loading: ")
        self.assertRegex(result.stdout, r"(?m)^warn  plugin lacks: .*\n +mend: ")
        findings = json.loads(self.run_it("doctor", "--json").stdout)["findings"]
        self.assertTrue(all(item["verdict"] in ("ok", "warn", "fail") for item in findings))
        self.expect(["doctor", "--release", "trial"], 1, err="quarantine")

    # ---- plugin commands

    def test_a_command_gets_its_arguments_as_they_were_typed(self):
        cases = {
            ("say", "hello"): {"word": "hello", "times": "1"},
            ("say", "a", "b", "c"): {"word": "a", "more": ["b", "c"], "times": "1"},
            ("say", "-l", "a", "--times=3"): {"word": "a", "loud": True, "times": "3"},
            ("say", "-i", "x=1", "a", "--input", "y=2"): {"word": "a", "input": ["x=1", "y=2"], "times": "1"},
            ("say", "a", "--times", "2", "--times", "5"): {"word": "a", "times": "5"},
            ("say", "--", "--loud"): {"word": "--loud", "times": "1"},
            ("say", "--times", "-5", "x"): {"word": "x", "times": "-5"},
            ("say", "grüße\n"): {"word": "grüße\n", "times": "1"},
            ("say", ""): {"word": "", "times": "1"},
        }
        for words, expected in cases.items():
            with self.subTest(words=words):
                result = subprocess.run([PROGRAM, "--in-process", "all", "--plugins", PLUGINS, *words], capture_output=True, text=True, timeout=60,
                                        cwd=self.home, env=self.environment())
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads(result.stdout), {**expected, "color": False})

    def test_the_status_of_a_command_is_the_plugins(self):
        for status in (0, 1, 2, 3):
            self.expect(["trial", "status", str(status)], status)
        self.expect(["trial", "fail"], 1, err=r"the sky fell \[trial-reason\]\nhint: look up")

    def test_a_plugin_that_prints_does_not_spoil_the_data(self):
        result = self.expect(["trial", "print"], 0)
        self.assertEqual(result.stdout, "data\n")
        self.assertIn("written", result.stderr)

    def test_what_is_selected_may_be_read_and_nothing_else(self):
        path = os.path.join(self.home, "note.txt")
        with open(path, "w") as file:
            file.write("noted\n")
        self.expect(["trial", "read", path], 0, out="noted")
        self.expect(["trial", "read", "note.txt"], 0, out="noted")
        self.expect(["trial", "peek", path], 1, err="error: ")

    def test_check_waits_for_nobody_and_reads_no_end_of_bytes(self):
        pipe, large = os.path.join(self.home, "pipe.toml"), os.path.join(self.home, "large.toml")
        os.mkfifo(pipe)
        with open(large, "wb") as file:
            file.truncate(100 << 20)
        for path, status, reason in ((pipe, 1, "not-a-file"), ("/dev/zero", 1, "not-a-file"), (large, 1, "file-too-large")):
            self.expect(["check", path], status, err=reason)

    def test_a_folder_in_the_place_of_a_library_is_told(self):
        trial = shutil.copytree(os.path.join(PLUGINS, "trial"), os.path.join(self.plugins, "trial"))
        os.remove(os.path.join(trial, "libtrial.so"))
        os.mkdir(os.path.join(trial, "libtrial.so"))
        for words in (["doctor"], ["show", "trial"]):
            result = self.run_it(*words, trial=False)
            self.assertNotIn("internal", result.stderr)
            self.assertIn("not-a-file", result.stdout)

    def test_settings_are_checked_before_a_plugin_starts(self):
        self.expect(["say", "x", "--set", "trial.depth=99", "--set", "trial.dept=1"], 3, err=r"(?s)depth.*dept.*\[bad-config\]")
        self.expect(["say", "x"], 3, err="bad-config", env={"SYMPHONY_SET__TRIAL__DEPTH": "99"})
        os.makedirs(os.path.join(self.home, ".symphony"))
        with open(os.path.join(self.home, ".symphony", "config.toml"), "w") as file:
            file.write("[plugins.trial]\nenabled = false\n")
        self.expect(["say", "x"], 3, err="disabled")
        self.expect(["say", "x", "--set", "trial.enabled=true"], 0)

    def test_safe_mode_uses_only_the_distributions_plugins(self):
        self.expect(["say", "x", "--safe-mode"], 2, err='no command "say"')
        self.expect(["list", "--safe-mode"], 0)

    # ---- the world around

    def test_a_reader_that_goes_away_ends_the_program_quietly(self):
        for words in (["help", "--help"], ["trial", "flood"]):
            with self.subTest(words=words):
                read, write = os.pipe()
                process = subprocess.Popen(self.command(*words), stdout=write, stderr=subprocess.PIPE, text=True,
                                           cwd=self.home, env=self.environment())
                os.close(write)
                os.close(read)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1)
                self.assertEqual(err, "")
        result = subprocess.run(["sh", "-c", 'exec "$0" version >&-', PROGRAM], capture_output=True, text=True, timeout=60,
                                env=self.environment())
        self.assertEqual((result.returncode, result.stderr), (1, ""))

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=self.environment())
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"error: standard output: No space left on device \[io\]")

    def test_works_without_a_home_and_says_so_once(self):
        result = self.expect(["say", "x"], 0, env={"HOME": None})
        self.assertEqual(result.stderr.count("warning:"), 1, result.stderr)
        self.assertIn("HOME is not set", result.stderr)

    def test_works_when_nothing_can_be_written_and_says_so_once(self):
        blocked = os.path.join(self.home, "file")
        open(blocked, "w").close()
        result = self.expect(["list"], 0, env={"XDG_CACHE_HOME": blocked})
        self.assertEqual(result.stderr.count("warning:"), 1, result.stderr)
        self.expect(["say", "x"], 0, env={"XDG_CACHE_HOME": blocked, "XDG_STATE_HOME": blocked})

    def test_two_at_once_share_the_folders(self):
        for i in range(20):
            self.put(str(i), f"p{i}")
        running = [subprocess.Popen(self.command("list", "--json"), stdout=subprocess.PIPE, text=True, cwd=self.home,
                                    env=self.environment()) for _ in range(6)]
        for process in running:
            out, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)
            mine = [plugin for plugin in json.loads(out)["plugins"] if plugin["folder"].startswith(str(self.plugins)) and plugin["name"].startswith("p")]
            self.assertEqual(len(mine), 20)

    def test_a_signal_cancels_and_the_end_is_bounded(self):
        for name, number, status in (("trial sleep", signal.SIGINT, 130), ("trial sleep", signal.SIGTERM, 143)):
            process = subprocess.Popen(self.command(*name.split()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       cwd=self.home, env=self.environment())
            self.assertEqual(process.stdout.readline(), "waiting\n")
            process.send_signal(number)
            process.communicate(timeout=30)
            self.assertEqual(process.returncode, status)

    def test_a_second_signal_ends_a_plugin_that_does_not_listen(self):
        process = subprocess.Popen(self.command("trial", "stubborn"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=self.home, env=self.environment())
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertIn(process.returncode, (130, 143))

    def test_colour_only_on_a_terminal_that_wants_it(self):
        def on_terminal(**variables):
            parent, child = pty.openpty()
            process = subprocess.Popen([PROGRAM, "lst"], stdout=child, stderr=child, env=self.environment(TERM="xterm", **variables))
            os.close(child)
            text = b""
            while select.select([parent], [], [], 30)[0]:
                try:
                    piece = os.read(parent, 1000)
                except OSError:
                    break
                if not piece:
                    break
                text += piece
            process.wait(timeout=30)
            os.close(parent)
            return text.decode()
        self.assertIn("\x1b[31merror:", on_terminal())
        self.assertNotIn("\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.run_it("lst").stderr)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_list_and_help_open_no_library_of_a_plugin(self):
        for words in (["list"], ["list", "--why"], ["help"], ["say", "--help"], ["__complete", "say", "-"]):
            trace = os.path.join(self.home, "trace")
            command = self.command(*words) if words[0] != "__complete" else [PROGRAM, *words]
            result = subprocess.run(["strace", "-f", "-e", "trace=open,openat,openat2", "-o", trace, *command], capture_output=True,
                                    timeout=60, cwd=self.home, env=self.environment(SYMPHONY_PLUGIN_PATH=PLUGINS))
            if not os.path.exists(trace) or result.returncode != 0:
                self.skipTest("strace cannot trace here")
            with open(trace) as file:
                opened = re.findall(r'"([^"]*)"', file.read())
            self.assertTrue(any("manifest.toml" in name or name.endswith(".index") for name in opened))
            self.assertEqual([name for name in opened if name.endswith("libtrial.so")], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
