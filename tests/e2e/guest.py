"""A Linux of the tests' own: user-mode-linux, a kernel as a process, with protocols and devices that the machine's kernel may
lack. It is a station on one of the lab's bridges, its root the machine's files, read-only."""

import glob
import os
import shutil

from lab.shell import LabError, ip_batch, run, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_MODULES = "/usr/lib/uml/modules"

_INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in ipv6 {modules}; do modprobe -d {folder} $module; done
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_ra=0
ip link set lo up
ip link set vec0 up
cd {root}/scripts
{commands}
echo guest-ended $?
wait
halt -f -p
"""


class Guest:
    """Boots on `bridge` ("outside" or "inside") of the lab's fabric, where its device is vec0, loads `modules` and does
    `commands`, lines of shell; it ends when all of them have, or with the lab."""

    def __init__(self, lab, name, bridge, modules, commands):
        if shutil.which("linux.uml") is None or not os.path.isdir(_MODULES):
            raise LabError("user-mode-linux is not installed; run scripts/setup")
        self.name, self._lab = name, lab
        fabric, tap = lab.topology.namespace("fabric"), f"t-{name}"
        ip_batch([f"tuntap add {tap} mode tap", f"link set {tap} master {bridge} up"], fabric)
        folder = os.path.join(lab.folder, f"guest-{name}")
        os.makedirs(os.path.join(folder, "lib/modules"))
        for path in glob.glob(f"{_MODULES}/*"):
            os.symlink(path, os.path.join(folder, "lib/modules", os.path.basename(path)))
        init = os.path.join(folder, "init")
        with open(init, "w", encoding="utf-8") as out:
            out.write(_INIT.format(folder=folder, root=ROOT, modules=" ".join(modules), commands="\n".join(commands)))
        os.chmod(init, 0o755)
        self._process = lab.processes.start(f"guest-{name}", [
            "linux.uml", "mem=128M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}", "con=null",
            "con0=fd:0,fd:1", "ssl=null", "quiet", f"umid={lab.tag}{name}",
            f"vec0:transport=tap,ifname={tap},depth=128,gro=0"],
            namespace=fabric,
            # Its memory is a file that it runs code from, and /run may be mounted noexec.
            env={**os.environ, "TMPDIR": "/dev/shm", "HOME": folder})

    def log(self):
        """What it has said."""
        return self._lab.processes.log_tail(f"guest-{self.name}", 1000).replace("\r", "")

    def wait_for(self, words, seconds=120):
        """Waits until it has said them."""
        def said():
            if words in self.log():
                return True
            if self._process.poll() is not None:
                raise LabError(f"guest {self.name} ended with {self._process.returncode}")
            return False
        try:
            wait_for(said, seconds, f"guest {self.name} to say '{words}'")
        except LabError as error:
            raise LabError(f"{error}; it said:\n{self.log()[-2000:]}") from None

    def answers(self):
        return [line.split()[1] for line in self.log().splitlines() if line.startswith("answer ")]

    def stop(self):
        self._lab.processes.stop(self._process)


def make_way_for(lab, real):
    """Takes a real's station off its network, so that a guest can have its addresses."""
    run(["ip", "-n", lab.topology.namespace(real), "link", "set", "eth0", "down"])
