"""A Debian machine for a package: systemd as the first process of namespaces of its own, over the files of this machine, whose
changes go to memory and end with it. What is installed in it is in it alone."""

import os
import subprocess

from lab.shell import LabError, run, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# $1: where to work. /proc/sys is read-only but for the network's part, which is the namespace's own; so is /sys: nothing of
# the machine around it is set up anew.
_BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs machine "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir="$2",upperdir="$1/upper",workdir="$1/work" overlay root
cd root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net dev/hugepages
for device in null zero full random urandom tty net/tun; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mount -t tmpfs tmpfs dev/shm
mount -t hugetlbfs hugetlbfs dev/hugepages || true
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p run/systemd/system run/outside
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >run/systemd/system/machine.target
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-timesyncd.service systemd-journal-flush.service \
            systemd-modules-load.service systemd-sysctl.service e2scrub_reap.service; do
  ln -s /dev/null run/systemd/system/$unit
done
ip link set lo up
# Where this test's own files are seen.
mount --bind "$3" run/outside
pivot_root . mnt
umount -l /mnt
export container=shunt-test
exec /lib/systemd/systemd --log-target=console --show-status=no --unit=machine.target
"""


class Machine:
    """Boots; `namespace`: the network namespace that it lives in, else one of its own. `folder` is /run/outside there."""

    def __init__(self, processes, folder, namespace=None, base="/"):
        if os.geteuid() != 0:
            raise LabError("a machine of its own needs root; run it with sudo")
        if not os.path.exists(os.path.join(base, "lib/systemd/systemd")):
            raise LabError(f"{base} has no systemd; install it")
        self._processes = processes
        self._group = _make_group(folder)
        place = os.path.join(folder, "machine")
        os.makedirs(place)
        spaces = ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child"]
        spaces = ["ip", "netns", "exec", namespace, *spaces] if namespace else [*spaces, "--net"]
        enter = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
        self._process = processes.start("machine", ["/bin/sh", "-c", enter, "sh", self._group, *spaces,
                                                    "/bin/bash", "-c", _BOOT, "machine", place, base, folder])
        self._first = wait_for(self._first_process, 30, "the machine's first process")
        wait_for(self._is_up, 90, f"the machine to boot; it said: {self.log()}", every=0.2)

    def _first_process(self):
        if self._process.poll() is not None:
            raise LabError(f"the machine did not boot: {self.log()}")
        # Whoever the shell became is unshare; its child is the first process of the new namespace.
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="utf-8") as children:
            for pid in children.read().split():
                with open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                    if name.read().strip() == "systemd":
                        return int(pid)
        return None

    def _is_up(self):
        return self.run(["systemctl", "is-active", "machine.target"], check=False).stdout.strip() == "active"

    def log(self):
        return self._processes.log_tail("machine", 40)

    def command(self, command):
        """`command` as it is run from outside."""
        return ["nsenter", "--target", str(self._first), "--all", "--root", "--wd", *command]

    def run(self, command, **options):
        options.setdefault("env", {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                   "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        return run(self.command(command), **options)

    def unit(self, name, value):
        """One of a unit's properties, as systemctl show tells it."""
        return self.run(["systemctl", "show", "-P", value, name]).stdout.strip()

    def journal(self, unit):
        return self.run(["journalctl", "--no-pager", "-o", "cat", "-u", unit], check=False).stdout

    def stop(self):
        self._processes.kill(self._process)
        wait_for(lambda: _remove_group(self._group), 20, "the machine's processes to end")


def _make_group(folder):
    base = "/sys/fs/cgroup"
    if not os.path.exists(os.path.join(base, "cgroup.procs")):
        base = os.path.join(base, "unified")
    group = os.path.join(base, "shunt-" + os.path.basename(folder))
    os.makedirs(group)
    return group


def _remove_group(group):
    try:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)
    except OSError:
        return False
    return True


def make_package(folder):
    """The package of the build under test; its path."""
    build = os.path.dirname(os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin")))
    done = subprocess.run(["cpack", "--config", os.path.join(build, "CPackConfig.cmake"), "-B", folder], cwd=build,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    packages = [name for name in os.listdir(folder) if name.endswith(".deb")]
    if done.returncode != 0 or len(packages) != 1:
        raise LabError(f"cpack ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return os.path.join(folder, packages[0])
