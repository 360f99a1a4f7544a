"""Linux in a process (user-mode-linux), whose root file system is this machine's, read-only."""

import glob
import os
import select
import subprocess

from conformance.wire import Deadline
from lab.shell import LabError

_READY, _DONE = b"guest-ready\n", b"guest-done "
_BOOT_SECONDS, _COMMAND_SECONDS = 90, 60


class Guest:
    """Boots with `taps`, {device: (tap, mac)}; say() runs a shell command inside."""

    def __init__(self, processes, namespace, folder, taps):
        self._unread = b""
        self._processes, self._folder, self._fed = processes, folder, 0
        modules = self._lay_out_modules(folder)
        here = os.path.dirname(os.path.abspath(__file__))
        command = ["linux.uml", "mem=160M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={here}/guest_init",
                   "con=null", "con0=fd:0,fd:1", "ssl=null", "quiet", "loglevel=0", f"SHUNT_MODULES={modules}"]
        command += [f"{device}:transport=tap,ifname={tap},depth=128,gro=0,mac={mac}"
                    for device, (tap, mac) in taps.items()]
        self._process = processes.start("guest", command, namespace=namespace, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": folder})
        os.set_blocking(self._process.stdout.fileno(), False)
        self._read_until(_READY, _BOOT_SECONDS, "to boot")

    @staticmethod
    def _lay_out_modules(folder):
        """modprobe looks in lib/modules/RELEASE; Debian's package has the modules elsewhere."""
        found = glob.glob("/usr/lib/uml/modules/*")
        if not found:
            raise LabError("/usr/lib/uml/modules has no modules; install Debian's user-mode-linux ('scripts/setup')")
        root = os.path.join(folder, "modules")
        os.makedirs(os.path.join(root, "lib/modules"), exist_ok=True)
        for path in found:
            link = os.path.join(root, "lib/modules", os.path.basename(path))
            if not os.path.islink(link):
                os.symlink(path, link)
        return root

    def say(self, command, check=True):
        """Runs one line of shell in the guest and returns its output."""
        if "\n" in command:
            raise ValueError("a command is one line")
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        output = self._read_until(_DONE, _COMMAND_SECONDS, f"to run '{command}'").decode(errors="replace")
        status = self._read_until(b"\n", _COMMAND_SECONDS, "to say how it ended").strip()
        if check and status != b"0":
            raise LabError(f"in the guest '{command}' ended with {status.decode()}: {output.strip()}")
        return output

    def feed(self, command, lines):
        """Runs a command that reads these lines. The guest sees them in a file, which is new each time: what it read of
        one before it would not read again."""
        self._fed += 1
        path = os.path.join(self._folder, f"input-{self._fed}")
        with open(path, "w", encoding="utf-8") as out:
            out.write("".join(f"{line}\n" for line in lines))
        try:
            return self.say(f"{command} <{path}")
        except LabError as error:
            raise LabError(f"{error} (its input: {'; '.join(lines)[:600]})") from None
        finally:
            os.unlink(path)

    def _read_until(self, mark, seconds, what):
        deadline = Deadline(seconds)
        while mark not in self._unread:
            if not select.select([self._process.stdout], [], [], max(0, deadline.left()))[0]:
                raise LabError(f"the guest took over {seconds} s {what}; its last words: {self._unread[-300:]!r}")
            words = self._process.stdout.read()
            if words == b"":
                raise LabError(f"the guest ended; its last words: {self._unread[-300:]!r}")
            self._unread += words or b""
        before, _, self._unread = self._unread.partition(mark)
        return before

    def stop(self):
        if self._process.poll() is not None:
            return
        try:
            self._process.stdin.write(b"halt -f -p\n")
            self._process.stdin.flush()
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self._processes.stop(self._process)
