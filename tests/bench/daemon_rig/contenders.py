"""The two programs that are measured: shuntd and testpmd, each alone on the workers' CPU while the other is paused."""

import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass

from lab.config import Plain, to_yaml
from lab.daemon import binary, numbers
from lab.shell import LabError, run, wait_for
from daemon_rig import flows
from daemon_rig.machine import Cpus, WorkerThreads, runtime_folder, testpmd_path
from daemon_rig.telemetry import Telemetry

# Buffers beside those that hold the source: bursts on their way, the pool's cache.
_SPARE_MBUFS = 16384
_MBUF_BYTES = 2560  # with its data room and its share of the pool
_CONNECTION_BYTES = 160  # of table memory at most
_PATIENCE = "30s"  # with shuntd's answers: its control threads share a CPU with everything else
_BASE_MB = 320  # EAL, the driver's ring, tables that all workers share
_WORKER_MB = 24  # a worker's counters


@dataclass(frozen=True)
class Setting:
    """What all programs of one row have in common."""

    source: str  # capture file
    packets: int  # in it
    connections: int
    cpus: Cpus
    huge_pages: bool
    folder: str  # for sockets, logs, configuration
    tag: str  # begins EAL's file prefixes
    # The CPU of each worker; each has a queue of its own, which repeats the source.
    worker_cpus: tuple

    @property
    def workers(self):
        return len(self.worker_cpus)

    @property
    def mbufs(self):
        # net_pcap keeps the whole source in buffers, and silently receives nothing when the pool is smaller.
        return (self.packets + _SPARE_MBUFS) * self.workers

    @property
    def memory_mb(self):
        return memory_mb(self.packets, self.connections, self.workers)

    @property
    def lcores(self):
        workers = [f"{number}@{cpu}" for number, cpu in enumerate(self.worker_cpus, 1)]
        return ",".join([f"0@{self.cpus.main}", *workers])

    @property
    def device(self):
        return "net_pcap0" + f",rx_pcap={self.source}" * self.workers + ",infinite_rx=1"

    @property
    def all_connections(self):
        # Every queue brings every flow, and each worker tracks what it receives.
        return self.connections * self.workers


def memory_mb(packets, connections, workers=1):
    """What a program needs for a source of so many packets."""
    each = (packets + _SPARE_MBUFS) * _MBUF_BYTES + connections * _CONNECTION_BYTES
    return _BASE_MB + (each * workers >> 20) + _WORKER_MB * workers


class Contender:
    """A running program. Ends paused() only by resume() or stop()."""

    name = ""

    def __init__(self, processes, setting):
        self._processes = processes
        self._setting = setting
        self._process = None
        self._telemetry = None
        self.threads = None

    @property
    def prefix(self):
        return f"{self._setting.tag}-{self.name}"

    def _launch(self, command, **options):
        # A session of its own: Ctrl-C is for the benchmark, which then ends its programs in order.
        self._process = self._processes.start(self.name, command, start_new_session=True, **options)

    def _connect(self):
        """True when the program answers and its packets flow."""
        self.require_alive()
        if self._telemetry is None:
            try:
                self._telemetry = Telemetry(self.prefix)
            except OSError:
                return False
        return self._telemetry.port().sent > 0

    def require_alive(self):
        if self._process.poll() is not None:
            raise LabError(f"{self.name} ended with status {self._process.returncode}:\n"
                           f"{self.log_tail()}")

    def log_tail(self):
        return self._processes.log_tail(self.name)

    def _find_workers(self):
        self.threads = WorkerThreads(self._process.pid, self._setting.worker_cpus)

    def reading(self):
        return self._telemetry.reading()

    def pause(self):
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self):
        self.require_alive()
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self):
        if self._telemetry:
            self._telemetry.close()
        if self._process:
            if self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGCONT)
            self._processes.stop(self._process)
        shutil.rmtree(runtime_folder(self.prefix), ignore_errors=True)

    def before_window(self):
        """Called with the program running, before its counters are read."""

    def after_window(self, first, last):
        """Called after the second reading; raises LabError when the packets between the two were not what is measured."""


class Testpmd(Contender):
    """testpmd swapping MAC addresses: the least that a DPDK program does to send on what it received."""

    name = "testpmd"

    def start(self):
        setting = self._setting
        memory = ["--huge-unlink=always"] if setting.huge_pages else ["--no-huge", "--no-shconf"]
        self._launch([testpmd_path(), "--lcores", setting.lcores, "--main-lcore", "0", "-m", str(setting.memory_mb),
                      *memory, "--no-pci", "--file-prefix", self.prefix, "--vdev", setting.device,
                      "--", "--forward-mode=macswap", "--auto-start", "--nb-cores=1", "--no-flush-rx",
                      "--port-topology=loop", f"--total-num-mbufs={setting.mbufs}", "--mbcache=256"],
                     stdin=subprocess.PIPE)  # it ends when its input does
        wait_for(self._connect, 120, f"testpmd to send packets of {setting.source}")
        self._find_workers()


class Shuntd(Contender):
    """shuntd with one service, 100 reals and static next hops; `tx_pcap` takes what it sends instead of net_pcap's drop."""

    name = "shuntd"

    def __init__(self, processes, setting, method, tx_pcap=None):
        super().__init__(processes, setting)
        self.method = method
        self._tx_pcap = tx_pcap
        self._before = None

    @property
    def _socket(self):
        return os.path.join(self._setting.folder, "shuntd.sock")

    def start(self):
        shutil.rmtree(self._journal, ignore_errors=True)
        self._launch([binary("shuntd"), "-c", self.write_configuration()])

    def write_configuration(self):
        """The path of the file."""
        path = os.path.join(self._setting.folder, "shunt.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(to_yaml(self._document()))
        return path

    def wait_until_open(self):
        """Waits until every flow is a connection, so that what follows are packets of connections."""
        wait_for(self._connect, 120, "shuntd to send packets")
        self._find_workers()
        wait_for(self._all_open, 120, f"{self._setting.all_connections} connections to be open", every=0.2)

    def _all_open(self):
        self.require_alive()
        # Packets flow before the daemon answers questions.
        return os.path.exists(self._socket) and self._workers()["connections"] >= self._setting.all_connections

    @property
    def _journal(self):
        return os.path.join(self._setting.folder, "journal")

    def _document(self):
        setting = self._setting
        device = setting.device + (f",tx_pcap={self._tx_pcap}" if self._tx_pcap else "")
        numbers = range(flows.REALS)
        return {
            "dpdk": {"lcores": setting.lcores, "memory_mb": setting.memory_mb, "huge_pages": setting.huge_pages,
                     "file_prefix": self.prefix},
            "workers": {"poll_mode": Plain("busy"), "mbufs": setting.mbufs, "hash_key": "000102030405060708090a0b0c0d0e0f",
                        # Four fifths full, as a table in service.
                        "connections": max(1024, setting.connections * 5 // 4), "ipv6_connections": 1024},
            "ports": [{"name": "port", "device": device, "mac": flows.PORT_MAC.hex(":"),
                       "kernel_port": {"disabled": True, "addresses": [f"{flows.OWN_ADDRESS}/16"]}}],
            "next_hops": {
                "neighbours": [{"address": flows.real_address(number), "mac": flows.real_mac(number).hex(":"),
                                "port": "port"} for number in numbers],
                "routes": [{"prefix": "10.1.0.0/16", "port": "port"}]},
            "listener": {"unix_socket": self._socket},
            "journal": {"directory": self._journal},
            "http": {"disabled": True},
            # Nothing expires during a run, and the time that the program is paused counts, too.
            "timeouts": {"udp": "24h"},
            "local_addresses": [{"name": "pool", "addresses": flows.LOCAL_ADDRESSES}],
            "services": [self._service(numbers)],
        }

    def _service(self, numbers):
        port = flows.REAL_PORT if flows.translates(self.method) else flows.VIP_PORT
        return {"name": "bench", "protocol": Plain("udp"), "address": flows.VIP, "port": flows.VIP_PORT,
                "scheduler": Plain("rr"), "method": Plain(self.method), "health_check": {"disabled": True},
                **({"local_addresses": "pool"} if self.method == "fullnat" else {}),
                "reals": [{"address": flows.real_address(number), "port": port} for number in numbers]}

    def ask(self, *words):
        return numbers(json.loads(run([binary("shuntctl"), "-s", self._socket, "--timeout", _PATIENCE, "-o", "json", *words]).stdout))

    def _workers(self):
        """The workers' counters, added; protobuf's JSON leaves out zeros."""
        workers = self.ask("workers")["workers"]
        return {key: sum(worker.get(key, 0) for worker in workers) for key in
                ("tx_packets", "dropped_packets", "kernel_packets", "handed_off_packets", "connections")}

    def _drops(self):
        return {drop["reason"]: drop.get("packets", 0) for drop in self.ask("drops").get("drops", [])}

    # --- that a window counted packets of open connections, and all of them ---

    def before_window(self):
        self._before = (self._workers(), self._drops())

    def after_window(self, first, last):
        before, drops = self._before
        after = self._workers()
        if after["dropped_packets"] != before["dropped_packets"]:
            new = {reason: count - drops.get(reason, 0) for reason, count in self._drops().items()
                   if count != drops.get(reason, 0)}
            raise LabError(f"shuntd dropped packets while it was measured: {new}")
        for counter in ("kernel_packets", "handed_off_packets"):
            if after[counter] != before[counter]:
                raise LabError(f"shuntd's {counter} rose by {after[counter] - before[counter]} while it was measured")
        if {before["connections"], after["connections"]} != {self._setting.all_connections}:
            raise LabError(f"shuntd had {before['connections']} connections before and {after['connections']} after the "
                           f"window instead of {self._setting.all_connections}")
        check_counts(before["tx_packets"], first, last, after["tx_packets"], self._bytes_a_packet())

    def _bytes_a_packet(self):
        # A tunnel adds one IPv4 header.
        return flows.FRAME_BYTES + (20 if self.method == "tunnel" else 0)


# Packets between a worker's receiving and its sending, and those that its own counters do not show yet.
_IN_FLIGHT = 1024


def check_counts(sent_before, first, last, sent_after, bytes_a_packet):
    """The worker's count of sent packets and the driver's must be the same; received and sent, too; and every packet
    must have had the size that its method gives it. The worker was asked before `first` and after `last`. A Reading's
    bounds say what is certain: only what no moment within them explains is an error."""
    if sent_before > first.sent or last.sent > sent_after + _IN_FLIGHT:
        raise LabError(f"shuntd says that it sent {sent_before} to {sent_after} packets, its port {first.sent} to {last.sent}")
    sent = last.sent - first.sent
    received = last.received.grown_since(first.received)
    if received.least > sent + _IN_FLIGHT or received.most < sent - _IN_FLIGHT:
        raise LabError(f"shuntd's port received {received.least} to {received.most} packets and sent {sent}")
    sent_bytes = last.sent_bytes.grown_since(first.sent_bytes)
    if (sent_bytes.least > (sent + _IN_FLIGHT) * bytes_a_packet or
            sent_bytes.most < (sent - _IN_FLIGHT) * bytes_a_packet):
        each = (sent_bytes.least + sent_bytes.most) / 2 / max(sent, 1)
        raise LabError(f"shuntd's packets left with {each:.2f} bytes each, {bytes_a_packet} are right")
