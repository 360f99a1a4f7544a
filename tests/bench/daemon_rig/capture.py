"""Capture files (classic pcap): the source that net_pcap repeats for ever, and the stream that it writes."""

import os
import struct

from daemon_rig import flows
from pktgen.frames import order_of

# Changes with what is in the files: one made by older code is not used again.
_FORMAT = 2
_FILE_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_MAGIC = {0xA1B2C3D4: "microseconds", 0xA1B23C4D: "nanoseconds"}
_ETHERNET = 1


def write(path, order):
    """Writes the capture under another name first: a file that is there is whole."""
    record = _RECORD.pack(0, 0, flows.FRAME_BYTES, flows.FRAME_BYTES)
    with open(path + ".part", "wb", buffering=1 << 20) as out:
        out.write(_FILE_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, _ETHERNET))
        for flow in order:
            out.write(record + flows.frame_of(flow))
    os.rename(path + ".part", path)


def source(folder, connections):
    """The path and number of packets of the capture with that many flows; made once, then kept in `folder`."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"udp-{connections}-v{_FORMAT}.pcap")
    if not os.path.exists(path):
        write(path, order_of(connections))
    packets = (os.path.getsize(path) - _FILE_HEADER.size) // (_RECORD.size + flows.FRAME_BYTES)
    return path, packets


class Reader:
    """Takes a capture apart as its bytes come in."""

    def __init__(self):
        self._rest = b""
        self._started = False

    def frames(self, data):
        """The frames that `data` completes."""
        data = self._rest + data
        at = 0
        if not self._started:
            if len(data) < _FILE_HEADER.size:
                self._rest = data
                return
            magic, *_, link = _FILE_HEADER.unpack_from(data)
            if magic not in _MAGIC or link != _ETHERNET:
                raise ValueError(f"not a capture of Ethernet frames (magic {magic:#x}, link type {link})")
            self._started = True
            at = _FILE_HEADER.size
        while at + _RECORD.size <= len(data):
            end = at + _RECORD.size + _RECORD.unpack_from(data, at)[2]
            if end > len(data):
                break
            yield data[at + _RECORD.size:end]
            at = end
        self._rest = data[at:]
