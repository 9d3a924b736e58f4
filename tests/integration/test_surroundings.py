# SPDX-License-Identifier: Apache-2.0
"""A closed stdout, full disks, a missing home, no network: said in one sentence, or not noticed at all."""

import json
import os
import re

from harness import BUILD, PROGRAM, SANITIZED, Case, can_run, main


class Surroundings(Case):
    LIBRARIES = {path.name for path in (BUILD / "plugins").glob("*/lib*.so")}

    def survey_words(self, output="out"):
        return "run", "survey", "--input", f"folder={self.texts()}", "--output", self.folder / output

    def expect_report(self):
        self.assertIn("files", json.loads((self.folder / "out" / "report.json").read_text()))

    def test_a_closed_stdout_is_no_crash(self):
        for words in (("list",), ("version",), ("help",), self.survey_words()):
            with self.subTest(words=words):
                process = self.start(*words, stdout=None, preexec_fn=lambda: os.close(1))
                done = self.finish(process, words)
                self.assertIn(done.status, (0, 1), str(done))
                self.assertNotIn("Sanitizer", done.err)

    def test_a_closed_stdout_takes_no_file_that_is_opened_later(self):
        self.finish(self.start(*self.survey_words(), stdout=None, preexec_fn=lambda: (os.close(0), os.close(1))))
        self.expect_report()

    def test_a_reader_that_goes_away_is_no_crash(self):
        read, write = os.pipe()
        os.close(read)
        done = self.finish(self.start("list", stdout=write))
        os.close(write)
        self.assertIn(done.status, (0, 1), str(done))

    def test_a_full_standard_output_fails_and_says_so(self):
        with open("/dev/full", "wb") as full:
            done = self.finish(self.start("list", "--json", stdout=full))
        self.assertEqual(done.status, 1, str(done))
        self.assertIn("No space left", done.err)

    def test_a_full_disk_beneath_the_output_fails_and_says_so(self):
        inside = ["unshare", "-rm", "sh", "-c"]
        mount = f"mount -t tmpfs -o size=4k none {self.home}"
        if not can_run(*inside, mount):
            self.skipTest("a small file system cannot be mounted here")
        words = self.survey_words(output="home/out")
        done = self.finish(self.start(*words[:-1], words[-1], before=[*inside, mount + ' && exec "$0" "$@"'], cwd="/"), words)
        self.assertEqual(done.status, 1, str(done))
        self.assertRegex(done.err, r"(?i)no space left|disk", str(done))

    def test_without_a_home_it_works_and_warns_at_most_once(self):
        del self.environment["HOME"]
        listed = self.symphony("list")
        self.assertLessEqual(listed.err.count("warning"), 1, str(listed))
        self.symphony(*self.survey_words())
        self.expect_report()

    def test_with_folders_that_cannot_be_written_it_works(self):
        # Not even root can make folders in /proc.
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            self.environment[name] = "/proc/symphony-test"
        for _ in range(2):
            self.symphony("list")
        self.symphony(*self.survey_words())
        self.expect_report()

    def test_a_cache_that_is_garbage_is_made_anew(self):
        self.symphony("list")
        cache = self.home / ".cache" / "symphony"
        files = [path for path in cache.rglob("*") if path.is_file()]
        self.assertTrue(files, "the catalog keeps a cache")
        expected = json.loads(self.symphony("list", "--json").out)["plugins"]
        for content in (b"", b"garbage" * 1000, os.urandom(65536)):
            for path in files:
                path.write_bytes(content)
            self.assertEqual(json.loads(self.symphony("list", "--json").out)["plugins"], expected)
        for path in files:
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
        self.assertEqual(json.loads(self.symphony("list", "--json").out)["plugins"], expected)

    def test_works_without_a_network(self):
        if not can_run("unshare", "-rn", "true"):
            self.skipTest("a process without a network cannot be made here")
        self.symphony(*self.survey_words(), before=["unshare", "-rn"])
        self.expect_report()

    def traced(self, *words):
        """The system calls of a run."""
        trace = self.folder / "trace"
        before = ["strace", "-f", "-qq", "-e", "trace=openat2,openat,open,socket,connect,mmap", "-o", trace]
        if SANITIZED or not can_run("strace", "-o", "/dev/null", "true"):
            self.skipTest("programs cannot be traced here")
        self.symphony(*words, before=before)
        return trace.read_text(errors="replace")

    def test_list_show_and_help_open_no_plugin(self):
        for words in (("list",), ("list", "--why"), ("help",), ("run", "--help")):
            with self.subTest(words=words):
                opened = re.findall(r'open(?:at2?)?\(.*"(?:[^"]*/)?(lib[^"/]*\.so)"', self.traced(*words))
                self.assertEqual(self.LIBRARIES & set(opened), set())

    def test_show_reads_a_library_and_maps_none_of_it(self):
        trace = self.traced("show", "text")
        opened = re.search(r'openat2?\(.*libtext\.so".*\) = (\d+)', trace)
        self.assertIsNotNone(opened)
        self.assertIsNone(re.search(rf"mmap\(.*, {opened[1]}, ", trace[opened.end():]))

    def test_a_run_opens_no_internet_socket(self):
        self.assertEqual(re.findall(r"socket\(AF_INET6?.*", self.traced(*self.survey_words())), [])

    def test_json_is_json_and_errors_are_on_stderr(self):
        for words in (("list", "--json"), ("show", "text", "--json"), ("doctor", "--json"), ("version", "--json")):
            with self.subTest(words=words):
                done = self.symphony(*words, status=(0, 1))
                json.loads(done.out)
                self.assertNotIn("error:", done.out)

    def test_statuses_tell_work_usage_and_refusal_apart(self):
        for words, status in [(("no-such-command",), 2), (("list", "--no-such-flag"), 2), (("show", "no-such-plugin"), 1), (("run",), 2)]:
            with self.subTest(words=words):
                done = self.symphony(*words, status=status)
                self.expect_error(done)
                self.assertEqual(done.out, "")


if __name__ == "__main__":
    main()
