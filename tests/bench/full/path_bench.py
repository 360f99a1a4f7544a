"""Runs path_bench and reads its rows."""

import json
import os
import re
import subprocess
import tempfile

from lab.daemon import binary
from lab.shell import LabError
from full.steps import NotHere

METHODS = ("direct", "tunnel", "nat", "nat-reply", "fullnat", "fullnat-reply")
FAMILIES = (4, 6)


def rows(command, *arguments, seconds=600):
    """The rows, one dictionary each, of `path_bench command arguments`."""
    with tempfile.TemporaryDirectory(prefix="shunt-bench-") as folder:
        path = os.path.join(folder, "rows.json")
        done = _run(command, *arguments, "--json", path, seconds=seconds)
        if done.returncode != 0:
            raise LabError(f"path_bench {' '.join((command, *arguments))} ended with {done.returncode}: "
                           f"{_last_lines(done.stderr or done.stdout)}")
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]


def _run(*arguments, seconds=60):
    try:
        return subprocess.run([binary("path_bench"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"path_bench {' '.join(arguments)} did not end within {seconds} s") from None


def _last_lines(text):
    return " / ".join(text.strip().splitlines()[-3:]) or "no output"


def commands():
    """The commands that this path_bench has, from its help."""
    return set(re.findall(r"^ {2}([a-z-]+) {2,}", _run("--help").stdout, re.MULTILINE))


def require(command):
    if command not in commands():
        raise NotHere(f"this path_bench has no command '{command}'")
