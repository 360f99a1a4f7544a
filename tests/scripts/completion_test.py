"""Completion as zsh and fish offer it, of a shuntctl that knows two services."""

import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/completion")
_SHUNTCTL = """#!/bin/sh
case "$*" in
  *"__complete services") printf 'web-front\\ndns\\n' ;;
  *"__complete reals web-front") printf '10.0.0.1:80\\n10.0.0.2:80\\n' ;;
esac
"""


class CompletionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        program = os.path.join(self.folder, "shuntctl")
        with open(program, "w", encoding="utf-8") as out:
            out.write(_SHUNTCTL)
        os.chmod(program, 0o755)
        self.env = {"PATH": self.folder + ":" + os.environ["PATH"], "HOME": self.folder, "TERM": "dumb", "LC_ALL": "C.UTF-8",
                    "SHUNT_COMPLETION_PATH": os.path.join(_FOLDER, "shuntctl.bash")}

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed; run scripts/setup")
    def test_fish(self):
        def offered(line):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {_FOLDER}/shuntctl.fish; complete -C '{line}'"],
                                  env=self.env, capture_output=True, text=True, timeout=60, check=True)
            return sorted(word.split("\t")[0] for word in done.stdout.splitlines())
        self.assertIn("drain", offered("shuntctl real "))
        self.assertEqual(offered("shuntctl real drain "), ["dns", "web-front"])
        self.assertEqual(offered("shuntctl real drain web-front 10"), ["10.0.0.1:80", "10.0.0.2:80"])
        self.assertEqual(offered("shuntctl service list --st"), ["--stats"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed; run scripts/setup")
    def test_zsh(self):
        os.symlink(os.path.join(_FOLDER, "shuntctl.zsh"), os.path.join(self.folder, "_shuntctl"))
        self.assertIn("dns ", self.line_after_tab("shuntctl real drain d", "dns "))
        self.assertIn("10.0.0.2:80", self.line_after_tab("shuntctl real drain web-front 10.0.0.2", "10.0.0.2:80"))

    def line_after_tab(self, line, wanted):
        """What an interactive zsh makes of `line` and a tab, up to what is wanted."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.env)
        try:
            self.say(terminal, f"PS1='> '; fpath=({self.folder} $fpath); autoload -U compinit; compinit -u -d {self.folder}/dump; "
                     "echo rea''dy\n", "ready")
            return self.say(terminal, line + "\t", wanted)
        finally:
            os.close(terminal)
            os.kill(pid, 9)
            os.waitpid(pid, 0)

    def say(self, terminal, text, wanted):
        os.write(terminal, text.encode())
        said, end = "", time.monotonic() + 30
        while time.monotonic() < end and wanted not in said:
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 4096).decode(errors="replace")
        return said


if __name__ == "__main__":
    unittest.main(verbosity=2)
