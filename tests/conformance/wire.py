"""The cables of one director: TAPs in a namespace of their own, read and written as raw frames."""

import ctypes
import os
import select
import socket
import struct
import time

from scapy.utils import PcapWriter, checksum

from lab.shell import ip_batch, run

_CLONE_NEWNET = 0x40000000
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 263, 15, 23
# linux/virtio_net.h: flags, gso type, sizes, where a checksum begins and lies
_OFFLOAD_HEADER = struct.Struct("=BBHHHH")
_NEEDS_CHECKSUM = 1
_libc = ctypes.CDLL(None, use_errno=True)


def enter_namespace(name):
    """This process's sockets are of the namespace from now on; its files stay where they are."""
    descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {name}")
    finally:
        os.close(descriptor)


def silence(namespace):
    """A station that says nothing of its own and forwards nothing."""
    settings = [f"net.ipv6.conf.{which}.disable_ipv6=1" for which in ("all", "default")]
    run(["ip", "netns", "exec", namespace, "sysctl", "-qw", *settings])


def make_tap(namespace, name):
    ip_batch([f"tuntap add {name} mode tap", f"link set {name} up mtu 9000"], namespace)


class Cable:
    """One end of a director's port. The process is in the TAP's namespace."""

    def __init__(self, device):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((device, 0))
        self._socket.setblocking(False)
        self._capture = None

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        self._socket.close()

    def capture(self, path):
        """Everything from now on goes to a pcap file as well; None: no more."""
        if self._capture:
            self._capture.close()
        self._capture = PcapWriter(path, linktype=1, sync=True) if path else None

    def send(self, frame):
        self._keep(frame)
        self._socket.send(bytes(_OFFLOAD_HEADER.size) + frame)

    def receive(self):
        """The frames that wait."""
        frames = []
        while True:
            try:
                frame = completed(self._socket.recv(65535))
            except BlockingIOError:
                return frames
            self._keep(frame)
            frames.append(frame)

    def _keep(self, frame):
        if self._capture:
            self._capture.write(frame)


def completed(received):
    """The frame behind its offload header, with the checksum that Linux leaves to a network card (the guest's driver
    takes that upon it and cannot be told not to)."""
    flags, _, _, _, begin, offset = _OFFLOAD_HEADER.unpack_from(received)
    frame = received[_OFFLOAD_HEADER.size:]
    if not flags & _NEEDS_CHECKSUM:
        return frame
    at = begin + offset
    return frame[:at] + struct.pack("!H", checksum(frame[begin:])) + frame[at + 2:]


def wait_readable(cables, seconds):
    """Until a frame waits on one of the cables; False: none came."""
    return bool(select.select(list(cables), [], [], max(0, seconds))[0])


class Deadline:
    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def left(self):
        return self._end - time.monotonic()
