"""The traffic of the benchmark, as data: who sends what to whom. The source, the daemon's configuration and the check
of what left are all made from here, and from nothing else in common.

Flows are UDP: a connection is open with its first packet and stays as it is, so every further packet takes the same
way. A TCP source that can only repeat itself would send SYNs or segments without one for ever."""

import socket
import struct

ROUTER_MAC = bytes.fromhex("020000000009")
PORT_MAC = bytes.fromhex("020000000001")  # the load balancer's
VIP, VIP_PORT = "203.0.113.10", 80
REALS = 100
REAL_PORT = 8080  # where the method can translate it
OWN_ADDRESS = "10.1.255.254"  # the load balancer's own, the near end of tunnels
LOCAL_ADDRESSES = [f"192.0.2.{last}" for last in range(1, 17)]
METHODS = ("direct", "tunnel", "nat", "fullnat")
FRAME_BYTES = 60  # 64 with the frame check sequence
TTL = 64
_CLIENTS = 1 << 16  # 198.18.0.0/16: RFC 2544's addresses for benchmarks
_FIRST_CLIENT = 0xC6120000
_FIRST_CLIENT_PORT = 1024

# Each packet says in its payload which flow it is of, whatever becomes of its headers.
MARK = b"flow"
FILLER = b"0123456789"


def packed(address):
    return socket.inet_aton(address)


def real_address(number):
    return f"10.1.{number >> 8}.{(number & 255) + 1}"


def real_mac(number):
    return b"\x02\x01\x00\x00" + struct.pack("!H", number)


def translates(method):
    return method in ("nat", "fullnat")


def client_of(flow):
    """The flow's source address (packed) and port."""
    return struct.pack("!I", _FIRST_CLIENT + flow % _CLIENTS), _FIRST_CLIENT_PORT + flow // _CLIENTS


def ones_complement_rest(data):
    """What RFC 1071's sum of an even number of bytes leaves: 0 where a checksum in them is right. 2^16 is 1 modulo
    65535, so the number that the bytes spell and the sum of their 16-bit words leave the same."""
    return int.from_bytes(data, "big") % 65535


def checksum(data):
    """The value that makes `data`, its checksum field being 0, right; never 0, which UDP reserves."""
    return 65535 - ones_complement_rest(data)


def frame_of(flow):
    """The flow's packet as it reaches the load balancer."""
    source, port = client_of(flow)
    payload = MARK + struct.pack("!I", flow) + FILLER
    udp_bytes = 8 + len(payload)
    ports = struct.pack("!HHH", port, VIP_PORT, udp_bytes)
    addresses = source + packed(VIP)
    udp_sum = checksum(addresses + struct.pack("!HH", 17, udp_bytes) + ports + b"\0\0" + payload)
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + udp_bytes, 0, 0x4000, TTL, 17)
    ip_sum = checksum(start + b"\0\0" + addresses)
    return (PORT_MAC + ROUTER_MAC + b"\x08\x00" + start + struct.pack("!H", ip_sum) + addresses + ports +
            struct.pack("!H", udp_sum) + payload)
