"""Instructions a packet, which do not depend on the machine's mood."""

import json
import os
import subprocess
import sys
import tempfile

from lab.shell import LabError
from full.figures import Figure, key
from full.steps import NotHere, Section, Step

_METHODS = ("direct", "tunnel", "nat", "nat-reply", "fullnat", "fullnat-reply")
_SECONDS = 60


def section(root):
    figures = [Figure(_key(method), "") for method in _METHODS]
    return Section("instructions", "Instructions a packet (callgrind); the test run holds them to the committed figures",
                   [Step("callgrind", _SECONDS, figures, lambda: measure(root))], most_tries=1)


def _key(method):
    return key("instructions", "instructions_per_packet", method=method)


def measure(root):
    script = os.path.join(root, "tests/bench/instructions_test.py")
    if not os.path.exists(script):
        raise NotHere("tests/bench/instructions_test.py is not there")
    with tempfile.TemporaryDirectory(prefix="shunt-bench-") as folder:
        path = os.path.join(folder, "rows.json")
        done = subprocess.run([sys.executable, "-B", script, "--json", path], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=1200)
        if not os.path.exists(path):
            raise LabError(f"{script} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
        with open(path, encoding="utf-8") as file:
            return values(json.loads(line) for line in file if line.strip())


def values(rows):
    return {_key(row["method"]): row["instructions_per_packet"] for row in rows if row.get("case") == "instructions"}
