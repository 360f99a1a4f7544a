"""What a real server runs: nginx that answers with its name and serves a big file, and echo servers beside it."""

import hashlib
import os
import selectors
import socket
import sys

from lab import nginx
from lab.family import IPV4
from lab.shell import LabError, wait_for

HTTP_PORT, ECHO_PORT, UPLOAD_PORT = 80, 5000, 8080
BIG_BYTES = 16 << 20

_HTTP = """  keepalive_timeout 0;
  server {{
    listen 0.0.0.0:{port} backlog=4096;
    listen [::]:{port} backlog=4096;
    add_header X-Real {name};
    add_header X-Client $remote_addr;
    location = / {{ return 200 "{name}\\n"; }}
    location /files/ {{ alias {files}/; }}
  }}
"""


def make_big_file(path):
    """Writes the big file, the same bytes each time, and returns their SHA-256."""
    digest = hashlib.sha256()
    with open(path, "wb") as big:
        for number in range(BIG_BYTES >> 16):
            # Every block is different: a lost, doubled or swapped piece changes the digest.
            block = b"".join(hashlib.sha256(b"%d/%d" % (number, line)).digest() for line in range(8)) * 256
            digest.update(block)
            big.write(block)
    return digest.hexdigest()


class Reals:
    """The servers of all reals. A real's web server may be killed and started again; its echo servers stay."""

    def __init__(self, topology, processes, folder, files):
        self._topology, self._processes, self._folder, self._files = topology, processes, folder, files
        self._nginx = {}

    def start_all(self):
        scripts = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        for real in self._topology.reals:
            self.start(real)
            self._processes.start(f"{real}-echo", ["/usr/bin/python3", "-m", "lab.reals", real], cwd=scripts,
                                  namespace=self._topology.namespace(real))
        for real in self._topology.reals:
            self.wait_listening(real, HTTP_PORT)
            self.wait_listening(real, UPLOAD_PORT)

    def start(self, real):
        """Starts the web server of a real; returns at once."""
        inside = _HTTP.format(name=real, files=self._files, port=HTTP_PORT)
        self._nginx[real] = nginx.start(self._processes, "nginx", os.path.join(self._folder, real), inside,
                                        self._topology.namespace(real))

    def kill(self, real):
        """SIGKILL: the real's connections are reset and new ones refused, as after a crash."""
        self._processes.kill(self._nginx.pop(real))

    def wait_listening(self, real, port, seconds=10):
        def listening():
            web = self._nginx.get(real)
            if web is not None and web.poll() is not None:
                raise LabError(f"nginx of {real} ended with {web.poll()}: {self._processes.log_tail(real + '-nginx')}")
            sockets = self._topology.exec(real, ["ss", "-Hltn", f"sport = :{port}"]).stdout
            return bool(sockets.strip())
        wait_for(listening, seconds, f"{real} ({IPV4.real(int(real[1:]))}) to listen on port {port}")


def _serve_echo(name):
    """UDP: each datagram back with the real's name before it, "answer N" with N bytes of the real's own. TCP: counts and digests an upload, then says so. The sockets
    are IPv6 ones that serve IPv4 too, as addresses ::ffff:a.b.c.d."""
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.bind(("::", ECHO_PORT))
    tcp = socket.create_server(("::", UPLOAD_PORT), family=socket.AF_INET6, backlog=512, dualstack_ipv6=True)
    selector = selectors.DefaultSelector()
    selector.register(udp, selectors.EVENT_READ, None)
    selector.register(tcp, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.fileobj is udp:
                data, ancillary, _, client = udp.recvmsg(65535, 256)
                # The answer must leave from the address that was asked, which is the VIP under direct and tunnel:
                # pktinfo is that address and an interface, which is left open for the answer.
                [(_, _, info)] = ancillary
                reply_from = info[:16] + b"\0" * 4
                if data.startswith(b"answer "):
                    data = bytes(i % 251 for i in range(int(data[7:])))
                udp.sendmsg([name.encode() + b" " + data], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, reply_from)], 0, client)
            elif key.fileobj is tcp:
                connection, _ = tcp.accept()
                selector.register(connection, selectors.EVENT_READ, [0, hashlib.sha256()])
            else:
                try:
                    data = key.fileobj.recv(1 << 16)
                    key.data[0] += len(data)
                    key.data[1].update(data)
                    if not data:
                        key.fileobj.sendall(f"{name} {key.data[0]} {key.data[1].hexdigest()}\n".encode())
                except OSError:
                    data = b""
                if not data:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


if __name__ == "__main__":
    _serve_echo(sys.argv[1])
