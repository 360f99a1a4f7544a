"""scripts/bench api: a shuntd without ports to the world, and api_bench as its client."""

import os
import tempfile

from lab.daemon import binary
from lab.shell import LabError, Processes, run, wait_for

_CONFIG = """
dpdk: {{lcores: '0@0,1@1', huge_pages: false, memory_mb: 512, file_prefix: {prefix}}}
workers: {{mbufs: 8192, connections: 65536, ipv6_connections: 16384}}
ports:
- {{name: p0, device: 'net_null0,no-rx=1', kernel_port: {{disabled: true}}}}
listener: {{unix_socket: {folder}/sock}}
journal: {{directory: {folder}/journal}}
http: {{disabled: true}}
services: []
"""


def main(arguments, build):
    """Exit status: api_bench's, 1 where a target is missed."""
    build("shuntd", "shuntctl", "api_bench")
    if any(word in ("-h", "--help") for word in arguments):
        print(run([binary("api_bench"), "--help"]).stdout)
        return 0
    # The journal's and the history's syncs are part of a change: not on a file system in memory.
    with tempfile.TemporaryDirectory(prefix="shunt-api-bench-", dir=os.environ.get("SHUNT_BENCH_DIR", "/var/tmp")) as folder:
        path = os.path.join(folder, "shunt.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(folder=folder, prefix=os.path.basename(folder)))
        processes = Processes(folder)
        daemon = processes.start("shuntd", [binary("shuntd"), "-c", path])
        try:
            def answers():
                if daemon.poll() is not None:
                    raise LabError(f"shuntd ended with {daemon.returncode}:\n{processes.log_tail('shuntd')}")
                return run([binary("shuntctl"), "-s", f"{folder}/sock", "status"], check=False).returncode == 0
            wait_for(answers, 60, "shuntd to answer", every=0.2)
            bench = processes.start("api_bench", [binary("api_bench"), "--socket", f"{folder}/sock", "--pid", str(daemon.pid),
                                                  *arguments], stdout=None, stderr=None)
            return bench.wait()
        finally:
            processes.stop(daemon)
