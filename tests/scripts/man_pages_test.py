"""The man pages: made of the programs' help and the schema, complete, and without a word from mandoc."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# Stand for the programs, in CLI11's form.
_HELP = {"shuntd": """What it is
Usage: shuntd [OPTIONS]

Options:
  -h,--help                   Print this help message and exit
  -c,--config FILE=/etc/shunt/shunt.yaml
                              Configuration file

Exit codes:
  0  ended as asked""", "shuntctl": """Shows
Usage: shuntctl [OPTIONS] SUBCOMMAND

Options:
  -h,--help                   Print this help message and exit
  --exact                     Numbers in full

Subcommands:
  real                        Reals

Exit codes:
  0  done""", "shuntctl real": """Reals
Usage: shuntctl real [OPTIONS] SUBCOMMAND

Options:
  -h,--help                   Print this help message and exit

Subcommands:
  drain                       No new connections""", "shuntctl real drain": """No new connections
Usage: shuntctl real drain [OPTIONS] SERVICE

Positionals:
  SERVICE TEXT REQUIRED       The service's name

Options:
  -h,--help                   Print this help message and exit
  --undo                      The weight is given back

Exit codes:
  0  done"""}


class ManPagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ("shuntd", "shuntctl"):
            path = os.path.join(cls.folder, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write('#!/bin/sh\nwords=$(echo "${0##*/} $*" | sed "s/ --help$//")\ncase "$words" in\n')
                for words, text in _HELP.items():
                    out.write(f"'{words}') cat <<'HELP'\n{text}\nHELP\n;;\n")
                out.write("esac\n")
            os.chmod(path, 0o755)
        subprocess.run(["/usr/bin/python3", "-B", os.path.join(ROOT, "scripts/man-pages"), "--bin", cls.folder, "--version", "1.2.3",
                        "--date", "2026-01-31", "--output", cls.folder], check=True, timeout=60)

    def page(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read().replace("\\-", "-").replace("\\e", "\\")

    def test_programs_have_their_options_and_verbs(self):
        self.assertIn("\\fB-c,--config FILE=/etc/shunt/shunt.yaml\\fR\nConfiguration file\n", self.page("shuntd.8"))
        self.assertIn("0  ended as asked", self.page("shuntd.8"))
        shuntctl = self.page("shuntctl.1")
        self.assertIn('.SS "real drain [OPTIONS] SERVICE"', shuntctl)
        self.assertIn("\\fBSERVICE TEXT REQUIRED\\fR\nThe service's name\n", shuntctl)
        self.assertIn("\\fB--undo\\fR\nThe weight is given back\n", shuntctl)
        self.assertEqual(shuntctl.count("Print this help"), 1, "what every verb has is told once")

    def test_the_file_has_every_field_of_the_schema(self):
        page = self.page("shunt.yaml.5")
        with open(os.path.join(ROOT, "proto/shunt/v1/config.proto"), encoding="utf-8") as file:
            schema = file.read()
        state = schema.index("message DesiredState")
        rest = schema[:state] + schema[schema.index("}", state):]
        fields = re.findall(r"^ +(?:optional |repeated )?[\w.]+ (\w+) = \d+;", rest, re.M)
        self.assertGreater(len(fields), 100)
        for field in fields:
            self.assertIn(f"\\fB{field}\\fR\n", page)
        self.assertIn("A length of time: 1500ms, 5s, 2m. Default 5s. Range 100ms..1h.", page)
        self.assertIn("wlc", page)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed; run scripts/setup")
    def test_mandoc_finds_nothing_wrong(self):
        for name in ("shuntd.8", "shuntctl.1", "shunt.yaml.5"):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(self.folder, name)], capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
