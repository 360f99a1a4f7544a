"""Clients of a few lines that run in the lab's client namespace. Address and port of the service are their first words;
the address says the family."""

import subprocess

from lab.reals import UPLOAD_PORT


def run(lab, script, *words):
    """Runs a client to its end and returns the lines that it printed."""
    return lab.client(["/usr/bin/python3", "-c", script, *map(str, words)]).stdout.splitlines()


# Sends one datagram per source port and prints "PORT ANSWER from ADDRESS".
UDP = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
for port in map(int, sys.argv[3:]):
    s = socket.socket(family, kind); s.settimeout(3)
    s.bind(("", port)); s.sendto(b"%d" % port, vip)
    data, address = s.recvfrom(2000)
    print(port, data.decode(), "from", address[0])
"""

# Sends one datagram of BYTES bytes from PORT, again when no answer comes within a second (IPv6 learns the path's MTU
# by a lost one), and prints "REAL RECEIVED-BYTES DIGEST from ADDRESS sent DIGEST".
BIG_UDP = """
import hashlib, os, socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
port, size = map(int, sys.argv[3:])
data = os.urandom(size)
s = socket.socket(family, kind); s.settimeout(1); s.bind(("", port))
for attempt in range(4):
    s.sendto(data, vip)
    try:
        answer, address = s.recvfrom(65535)
        break
    except TimeoutError:
        pass
real, _, body = answer.partition(b" ")
print(real.decode(), len(body), hashlib.sha256(body).hexdigest(), "from", address[0], "sent", hashlib.sha256(data).hexdigest())
"""

# Asks from PORT for an answer of BYTES bytes, as a resolver does, and prints "REAL RECEIVED-BYTES from ADDRESS".
BIG_ANSWER = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
port, size = map(int, sys.argv[3:])
s = socket.socket(family, kind); s.settimeout(3); s.bind(("", port))
s.sendto(b"answer %d" % size, vip)
answer, address = s.recvfrom(65535)
real, _, body = answer.partition(b" ")
assert body == bytes(i % 251 for i in range(size))
print(real.decode(), len(body), "from", address[0])
"""

# Sends COUNT datagrams from one port, one after the other, and prints "ANSWER from ADDRESS" of each.
UDP_FLOW = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
s = socket.socket(family, kind); s.settimeout(3)
for number in range(int(sys.argv[3])):
    s.sendto(b"%d" % number, vip)
    data, address = s.recvfrom(2000)
    print(data.decode(), "from", address[0])
"""

# Uploads BYTES bytes in one connection and prints the server's account of them.
UPLOAD = """
import hashlib, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
data = hashlib.sha256(b"upload").digest() * (int(sys.argv[3]) // 32)
s.sendall(data); s.shutdown(socket.SHUT_WR)
print(s.makefile().read().strip(), "sent", hashlib.sha256(data).hexdigest())
"""

# Sends one datagram that is an IP packet of BYTES bytes, not to be fragmented, with HOPS as its TTL or hop limit. Prints
# the ICMP error that comes back, "TYPE CODE MTU from ADDRESS", or nothing when none comes within a second.
ICMP_ERROR = """
import select, socket, struct, sys
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, DO = 10, 23, 2
IP_RECVERR, IPV6_RECVERR = 11, 25
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
size, hops = map(int, sys.argv[3:])
s = socket.socket(family, kind)
if family == socket.AF_INET:
    for option, value in ((IP_MTU_DISCOVER, DO), (IP_RECVERR, 1), (socket.IP_TTL, hops)):
        s.setsockopt(socket.IPPROTO_IP, option, value)
else:
    for option, value in ((IPV6_MTU_DISCOVER, DO), (IPV6_RECVERR, 1), (socket.IPV6_UNICAST_HOPS, hops)):
        s.setsockopt(socket.IPPROTO_IPV6, option, value)
s.connect(vip)
s.send(bytes(size - (28 if family == socket.AF_INET else 48)))
waiting = select.poll(); waiting.register(s, select.POLLERR)
if waiting.poll(1000):
    _, [(_, _, error)], _, _ = s.recvmsg(2000, 512, socket.MSG_ERRQUEUE)
    # struct sock_extended_err, then the sockaddr of who said it.
    _, _, icmp_type, code, mtu = struct.unpack_from("=IBBBxI", error)
    who = error[20:24] if family == socket.AF_INET else error[24:40]
    print(icmp_type, code, mtu, "from", socket.inet_ntop(family, who))
"""

# Opens a connection, sends some bytes and then says nothing; prints "connected", and what becomes of it: "reset", "closed",
# or, after SECONDS, the server's account of all that was sent.
HOLD = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
s.sendall(b"x" * 1000)
print("connected", flush=True)
s.settimeout(float(sys.argv[3]))
try:
    print("closed" if s.recv(1) == b"" else "data", flush=True)
except ConnectionResetError:
    print("reset", flush=True)
except TimeoutError:
    try:
        s.settimeout(20); s.sendall(b"x" * 1000); s.shutdown(socket.SHUT_WR)
        print(s.makefile().read().strip(), flush=True)
    except (ConnectionResetError, BrokenPipeError):
        print("reset when it spoke", flush=True)
"""


class Held:
    """A client with an open connection that says nothing."""

    def __init__(self, lab, family, seconds):
        self._process = lab.start_client(f"held-{family.version}", ["/usr/bin/python3", "-c", HOLD, family.vip,
                                                                    str(UPLOAD_PORT), str(seconds)],
                                         stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "connected\n"

    def end(self):
        """What became of it."""
        line = self._process.stdout.readline().strip()
        self._process.wait(20)
        return line
