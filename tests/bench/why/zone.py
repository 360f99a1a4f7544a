"""An authoritative name server of one name whose A records take turns, as round-robin DNS does it.

    python3 -m why.zone ADDRESS PORT NAME TTL one|all

Standard input sets the records: a line of addresses replaces them all. `one`: each answer holds one address, the next in
turn. `all`: each answer holds every address, beginning with the next in turn. Queries for other names are refused.
"""

import argparse
import os
import selectors
import socket
import struct
import sys

_TYPE_A, _TYPE_OPT, _CLASS_IN = 1, 41, 1
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x0400, 0x0200, 0x0100
_REFUSED, _FORMAT_ERROR = 5, 1
_PLAIN_ANSWER = 512  # RFC 1035: without EDNS, no answer over UDP is longer


class Zone:
    """The records and whose turn it is. Addresses are text."""

    def __init__(self, name, ttl, everything):
        self._name = encode_name(name)
        self._ttl = ttl
        self._everything = everything
        self._addresses = []
        self._turn = 0

    def set(self, addresses):
        """Replaces the records. Whose turn it was stays: an edit must not send everybody to the first one again."""
        self._addresses = list(addresses)

    def answer(self, query):
        """The answer to a query's bytes, or None when it is not worth one."""
        if len(query) < 12:
            return None
        number, flags, questions, *_ = struct.unpack_from("!6H", query)
        if flags & _RESPONSE or questions != 1:
            return None
        end = _end_of_name(query, 12)
        if end is None or end + 4 > len(query):
            return _head(number, flags, _FORMAT_ERROR, 0, 0, 0)
        kind, of = struct.unpack_from("!HH", query, end)
        question = query[12:end + 4]
        if query[12:end].lower() != self._name:
            return _head(number, flags, _REFUSED, 1, 0, 0) + question
        records = self._records() if (kind, of) == (_TYPE_A, _CLASS_IN) else []
        limit = _edns_size(query, end + 4)
        opt = b"" if limit is None else b"\0" + struct.pack("!HHIH", _TYPE_OPT, 4096, 0, 0)
        body = question + b"".join(records) + opt
        if 12 + len(body) > (limit or _PLAIN_ANSWER):
            return _head(number, flags | _TRUNCATED, 0, 1, 0, bool(opt)) + question + opt
        return _head(number, flags, 0, 1, len(records), bool(opt)) + body

    def _records(self):
        count = len(self._addresses)
        if count == 0:
            return []
        first = self._turn % count
        self._turn += 1
        turned = self._addresses[first:] + self._addresses[:first]
        return [b"\xc0\x0c" + struct.pack("!HHIH", _TYPE_A, _CLASS_IN, self._ttl, 4) + socket.inet_aton(address)
                for address in (turned if self._everything else turned[:1])]


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode().lower() for label in name.split(".")) + b"\0"


def _head(number, flags, code, questions, answers, additional):
    kept = flags & (_RECURSION_DESIRED | _TRUNCATED)
    return struct.pack("!6H", number, _RESPONSE | _AUTHORITATIVE | kept | code, questions, answers, 0, additional)


def _end_of_name(packet, at):
    """Where the name that starts at `at` has ended; None when it does not. A question has no pointers."""
    while at < len(packet) and packet[at] < 64:
        if packet[at] == 0:
            return at + 1
        at += 1 + packet[at]
    return None


def _edns_size(query, at):
    """The longest answer that the asker takes, from its OPT record (RFC 6891); None without one."""
    if at + 11 <= len(query) and query[at] == 0:
        kind, size = struct.unpack_from("!HH", query, at + 1)
        if kind == _TYPE_OPT:
            return max(size, _PLAIN_ANSWER)
    return None


def serve(zone, address, port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    selector = selectors.DefaultSelector()
    selector.register(server, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    lines = b""
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is server:
                query, client = server.recvfrom(4096)
                answer = zone.answer(query)
                if answer is not None:
                    server.sendto(answer, client)
                continue
            data = os.read(sys.stdin.fileno(), 1 << 16)
            if not data:
                return
            *whole, lines = (lines + data).split(b"\n")
            for line in whole:
                zone.set(line.decode().split())
                print("set", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("name")
    parser.add_argument("ttl", type=int)
    parser.add_argument("answers", choices=("one", "all"))
    options = parser.parse_args()
    serve(Zone(options.name, options.ttl, options.answers == "all"), options.address, options.port)


if __name__ == "__main__":
    main()
