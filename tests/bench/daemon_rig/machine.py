"""The machine under the benchmark: what it is, its huge pages, and how much it was disturbed."""

import contextlib
import ctypes
import datetime
import os
import platform
import re
import subprocess
from dataclasses import dataclass

from lab.shell import LabError, run

_NR_HUGE_PAGES = "/proc/sys/vm/nr_hugepages"
_CLONE_NEWNS = 0x20000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Cpus:
    main: int
    worker: int

    @staticmethod
    def of_this_process():
        """The first two that this process may use; the same one twice where there is only one."""
        usable = sorted(os.sched_getaffinity(0))
        return Cpus(usable[0], usable[min(1, len(usable) - 1)])


def facts(root):
    """What a reader of figures asks first."""
    commit = run(["git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"], check=False).stdout.strip()
    version = run(["pkg-config", "--modversion", "libdpdk"], check=False).stdout.strip()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "commit": commit or "unknown",
        "dpdk": version or "unknown",
    }


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return found[1] if found else platform.machine()


# --- huge pages ---

def meminfo(field):
    """A field of /proc/meminfo: pages or kB, as it stands there."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        found = re.search(rf"^{field}:\s+(\d+)", file.read(), re.MULTILINE)
    return int(found[1]) if found else 0


def read_number(path):
    with open(path, encoding="utf-8") as file:
        return int(file.read())


def write_number(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(value))


@contextlib.contextmanager
def reserved_pages(pages, *, setting=_NR_HUGE_PAGES, free=lambda: meminfo("HugePages_Free") - meminfo("HugePages_Rsvd")):
    """Makes `pages` huge pages free for the time of the block; yields whether it could. Those that it added are taken
    away again: what somebody else adds or takes meanwhile stays so."""
    before = read_number(setting)
    missing = added = pages - free()
    try:
        if missing > 0:
            with contextlib.suppress(OSError):
                write_number(setting, before + missing)
        added = read_number(setting) - before  # the kernel gives what it has
        yield free() >= pages
    finally:
        if missing > 0:
            with contextlib.suppress(OSError):
                write_number(setting, max(0, read_number(setting) - added))


@contextlib.contextmanager
def huge_pages(megabytes, folder):
    """Yields None when programs started in the block may use that much memory on huge pages, else why not. The mount
    that EAL needs is made in a mount namespace of this process: it ends with it, even if it is killed."""
    if os.geteuid() != 0:
        yield "only root can reserve them"
        return
    size_kb = meminfo("Hugepagesize")
    if size_kb == 0:
        yield "this kernel has none"
        return
    # Each program rounds its need up; the odd page more is EAL's.
    with reserved_pages(megabytes * 1024 // size_kb + 16) as enough:
        if not enough:
            yield f"{megabytes} MiB of them could not be reserved"
            return
        why_not = _mount(folder, size_kb)
        try:
            yield why_not
        finally:
            if why_not is None:
                run(["umount", folder], check=False)


def _mount(folder, size_kb):
    if _libc.unshare(_CLONE_NEWNS) != 0:
        return f"no mount namespace could be made: {os.strerror(ctypes.get_errno())}"
    os.makedirs(folder, exist_ok=True)
    try:
        run(["mount", "--make-rprivate", "/"])
        run(["mount", "-t", "hugetlbfs", "-o", f"pagesize={size_kb}K", "nodev", folder])
    except LabError as error:
        return str(error)
    return None


# --- disturbance ---

# The kernel accounts the time that a running thread has had at its ticks.
_TICK_SECONDS = 0.01


@dataclass(frozen=True)
class CpuTime:
    """What the threads of a program's workers had of their CPUs until a moment, added."""

    ran: float
    waited: float  # ready to run, but another had the CPU; and what the host took from the CPU
    cpus: int = 1

    def share_lost_since(self, earlier, seconds):
        """The share of the `seconds` between that threads which never sleep did not get. Waiting counts only when it
        ends, so a thread that never got the CPU back shows by what it did not run."""
        missed = seconds * self.cpus - (self.ran - earlier.ran) - _TICK_SECONDS
        return max(self.waited - earlier.waited, missed, 0) / (seconds * self.cpus)


class WorkerThreads:
    """The threads of a program's worker lcores, which EAL names."""

    def __init__(self, pid, cpus):
        self._folders = [self._find(pid, f"rte-worker-{number}") for number in range(1, len(cpus) + 1)]
        self._cpus = set(cpus)
        # Where workers share a CPU they wait for each other; what others took shows by what they did not run.
        self._alone = len(cpus) == len(self._cpus)

    @staticmethod
    def _find(pid, name):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
                if file.read().strip() == name:
                    return f"/proc/{pid}/task/{task}"
        raise LabError(f"process {pid} has no thread {name}; did its EAL start?")

    def cpu_time(self):
        ran = waited = 0
        for folder in self._folders:
            with open(folder + "/schedstat", encoding="utf-8") as file:
                words = file.read().split()
            ran += int(words[0]) / 1e9
            waited += int(words[1]) / 1e9 if self._alone else 0
        return CpuTime(ran, waited + sum(map(stolen_seconds, self._cpus)), len(self._cpus))


def stolen_seconds(cpu):
    """What the host took from a CPU since the machine started."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = re.search(rf"^cpu{cpu} (.*)$", file.read(), re.MULTILINE)[1].split()
    return int(fields[7]) / os.sysconf("SC_CLK_TCK")


def runtime_folder(file_prefix):
    """Where EAL keeps a process's sockets (eal_create_runtime_dir)."""
    if os.geteuid() == 0:
        base = "/var/run"
    else:
        base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
    return os.path.join(base, "dpdk", file_prefix)


def testpmd_path():
    """dpdk-testpmd, or LabError."""
    found = subprocess.run(["sh", "-c", "command -v dpdk-testpmd"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise LabError("dpdk-testpmd is not there; install Debian's package dpdk-dev, or run scripts/setup")
    return found.stdout.strip()
