"""CPU time: of a contender's processes, and of the whole machine.

Neither is the whole truth. A process is charged for its own work and for what the kernel does in its system calls, which
between namespaces of one machine includes the receiver's part of the network stack; the machine's figure is everybody's.
"""

import os

_TICK = os.sysconf("SC_CLK_TCK")


def family(pid):
    """The process and all that came of it."""
    out, new = [], [pid]
    while new:
        pid = new.pop()
        out.append(pid)
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
                new += [int(child) for child in children.read().split()]
        except OSError:
            pass  # it has ended
    return out


def of_processes(pids):
    """Seconds that the processes, their threads and their children have run. Threads and children that have ended are
    left out: compare only over a time in which none did."""
    total = 0
    for root in pids:
        for pid in family(root):
            try:
                threads = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            for thread in threads:
                try:
                    with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as file:
                        total += int(file.read().split()[0])
                except OSError:
                    continue
    return total / 1e9


def of_machine():
    """Seconds that the machine's CPUs have been at work; what the host took from them is not work."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _idle, _iowait, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICK
