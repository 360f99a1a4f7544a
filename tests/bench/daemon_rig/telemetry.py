"""DPDK's telemetry socket: the same question to shuntd and to testpmd, answered by the port's driver."""

import json
import os
import socket
import time
from dataclasses import dataclass

from daemon_rig.machine import runtime_folder


@dataclass(frozen=True)
class PortCounters:
    seconds: float  # of the monotonic clock
    received: int
    sent: int
    sent_bytes: int


class Telemetry:
    def __init__(self, file_prefix):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(10)
        self._socket.connect(os.path.join(runtime_folder(file_prefix), "dpdk_telemetry.v2"))
        self._answer_bytes = json.loads(self._socket.recv(4096))["max_output_len"]

    def port(self):
        """The counters of port 0; zeros while the program starts and has none yet."""
        before = time.monotonic()
        self._socket.send(b"/ethdev/stats,0")
        stats = json.loads(self._socket.recv(self._answer_bytes))["/ethdev/stats"] or {}
        after = time.monotonic()
        received, sent, sent_bytes = (stats.get(name, 0) for name in ("ipackets", "opackets", "obytes"))
        return PortCounters((before + after) / 2, received, sent, sent_bytes)

    def close(self):
        self._socket.close()
