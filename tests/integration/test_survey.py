# SPDX-License-Identifier: Apache-2.0
"""The main job over a folder that nobody tidied: the report is complete for the rest and names each problem."""

import json
import os
import shutil
import socket

from harness import PROGRAM, SAMPLES, Case, can_run, main

ODD_NAMES = ["with space.txt", "quote'\".txt", "new\nline.txt", "-dash.txt", "ünïcödé.txt", "<b>&amp;.txt", "$(reboot).txt",
             "🙂.txt", "back\\slash.txt", "n" * 251 + ".txt", "|pipe|.txt", "tab\there.txt"]


class Survey(Case):
    def survey(self, folder, output="out", status=0, **options):
        done = self.symphony("run", "survey", "--input", f"folder={folder}", "--output", self.folder / output, status=status, **options)
        report = json.loads((self.folder / output / "report.json").read_text())
        return done, report

    def test_reads_texts_and_recognises_pages(self):
        folder = self.texts()
        shutil.copyfile(SAMPLES / "clean-page.png", folder / "page.png")
        _, report = self.survey(folder)
        text = json.dumps(report)
        self.assertIn("page.png", text)
        self.assertIn("workflow", text)
        for name in ("report.html", "report.md", "report.json"):
            self.assertGreater((self.folder / "out" / name).stat().st_size, 200, name)
        self.assertIn("<svg", (self.folder / "out" / "report.html").read_text())

    def test_odd_names_are_read_and_shown_safely(self):
        for name in ODD_NAMES:
            self.file(f"odd/{name}", "zebra crossing\n")
        (self.folder / "odd").joinpath(os.fsdecode(b"raw-\xff\xfe.txt")).write_text("zebra crossing\n")
        _, report = self.survey(self.folder / "odd")
        zebra = [term for term in report["terms"] if term["term"] == "zebra"]
        self.assertEqual([term["count"] for term in zebra], [len(ODD_NAMES) + 1], json.dumps(report)[:4000])
        page = (self.folder / "out" / "report.html").read_text()
        self.assertNotIn("<b>&amp;.txt", page)
        self.assertIn("&lt;b&gt;", page)

    def nasty(self):
        """A folder of trouble with one good text; returns the names of what must be named as a problem."""
        folder = self.texts(count=1, name="nasty")
        (folder / "empty.txt").touch()
        with open(folder / "sparse.txt", "wb") as file:
            file.truncate(200 << 20)
        page = (SAMPLES / "clean-page.png").read_bytes()
        (folder / "broken.png").write_bytes(page[:8] + b"this is not a chunk" * 20)
        (folder / "cut.png").write_bytes(page[: len(page) // 3])
        (folder / "empty.png").touch()
        (folder / "deep").mkdir()
        os.symlink("..", folder / "deep" / "up")
        os.symlink("self", folder / "self")
        os.symlink("nowhere", folder / "dangling.txt")
        os.symlink("/etc/hostname", folder / "outside.txt")
        os.mkfifo(folder / "pipe.txt")
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        here = os.getcwd()
        os.chdir(folder)  # an address of a socket is short
        server.bind("socket.txt")
        os.chdir(here)
        return folder, {"sparse.txt", "broken.png", "cut.png", "empty.png", "self", "dangling.txt", "outside.txt", "pipe.txt", "socket.txt"}

    def test_names_each_problem_and_completes_the_rest(self):
        folder, troubled = self.nasty()
        done, report = self.survey(folder)
        problems = json.dumps(report["problems"])
        self.assertEqual({name for name in troubled if name not in problems}, set(), problems)
        self.assertIn("text-0.txt", json.dumps(report["files"]))
        self.assertIn("workflow", json.dumps(report["terms"]))
        # Nothing from behind a link that leaves the folder.
        with open("/etc/hostname") as file:
            name = file.read().strip()
        if len(name) > 6:
            self.assertNotIn(name, json.dumps(report["terms"]))
        # People see them without opening the report.
        self.assertIn("broken.png", done.out + done.err, str(done))

    def test_a_file_that_may_not_be_read_is_a_problem_with_its_name(self):
        folder = self.texts(count=1, name="locked")
        (folder / "secret.txt").write_text("secret\n")
        (folder / "secret.txt").chmod(0)
        (folder / "closed").mkdir()
        (folder / "closed").chmod(0)
        self.addCleanup((folder / "closed").chmod, 0o755)
        before = []
        if os.geteuid() == 0:
            before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if not can_run(*before, PROGRAM, "version"):
                self.skipTest("root reads everything, and another user cannot run the build here")
            for path in (self.home, self.folder, folder):
                os.chown(path, 65534, 65534)
            for path in (folder / "secret.txt", folder / "closed"):
                os.chown(path, 65534, 65534)
        _, report = self.survey(folder, before=before)
        problems = json.dumps(report["problems"])
        self.assertIn("secret.txt", problems)
        self.assertIn("closed", problems)
        self.assertIn("text-0.txt", json.dumps(report["files"]))

    def test_an_empty_folder_has_a_report_too(self):
        (self.folder / "void").mkdir()
        _, report = self.survey(self.folder / "void")
        self.assertEqual(report["files"], [])

    def test_a_folder_that_is_not_there_is_refused_with_a_hint(self):
        done = self.symphony("run", "survey", "--input", f"folder={self.folder}/gone", "--output", self.folder / "out", status=(1, 2))
        self.expect_error(done, "gone")

    def test_two_runs_write_the_same_report(self):
        folder = self.texts()
        reports = []
        for name in ("one", "two"):
            self.survey(folder, output=name)
            reports.append((self.folder / name / "report.json").read_bytes())
        self.assertEqual(reports[0], reports[1])

    def test_draws_the_workflow(self):
        picture = self.folder / "graph.svg"
        self.symphony("run", "survey", "--graph", picture)
        self.assertTrue(picture.read_text().lstrip().startswith(("<?xml", "<svg")))


if __name__ == "__main__":
    main()
