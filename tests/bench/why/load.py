"""The clients (why_load) from the outside: start them, and read their records while they run."""

import os
import subprocess
from collections import namedtuple

from lab.daemon import binary
from lab.shell import LabError
from why import rig as rigs

# Times in seconds of the monotonic clock; `real` is None when none answered; `outcome` is "ok" or why it failed.
Record = namedtuple("Record", "start end site real bytes outcome tries")


def parse(line):
    start, end, site, real, size, outcome, tries = line.split()
    return Record(int(start) / 1e6, int(end) / 1e6, int(site), None if real == "-" else real, int(size), outcome, int(tries))


class Load:
    """One run of the clients against one contender."""

    def __init__(self, rig, contender, words, timeout):
        self._rig = rig
        self._path = os.path.join(rig.folder, "records")
        sites = [word for site in range(rigs.SITES) for word in
                 ("--site", f"{rigs.site_address(site)},{rigs.site_weight(site):.6f}{contender.site(site)}")]
        objects = [word for item in rigs.OBJECTS for word in ("--object", f"{item.path},{item.bytes},{item.weight:.6f}")]
        self._command = [binary("why_load"), *contender.where(), *sites, *objects, "--timeout", str(timeout), *words]
        self._seen = []
        self._rest = ""

    def start(self):
        with open(self._path, "wb") as out:
            self._process = self._rig.start_load(self._command, stdout=out, stderr=subprocess.PIPE)
        self._file = open(self._path, encoding="ascii")
        return self

    def require_alive(self):
        if self._process.poll() is not None:
            raise LabError(f"the clients ended with {self._process.returncode}: "
                           f"{self._process.stderr.read().decode().strip() or 'no word'}")

    def records(self):
        """All that is written until now."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        self._seen += map(parse, lines)
        return self._seen

    def stop(self):
        """Lets the requests under way end and returns all records."""
        self.require_alive()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            raise LabError("the clients do not end; their requests should have run out of time") from None
        if self._process.returncode != 0:
            raise LabError(f"the clients ended with {self._process.returncode}: {self._process.stderr.read().decode().strip()}")
        out = self.records()
        self._rig.stop_load()
        self._file.close()
        return out
