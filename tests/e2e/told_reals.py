"""Servers that are told who their client is: nginx and HAProxy by the PROXY protocol, a server that speaks first, and one of
UDP. Each answers "CLIENT CLIENT-PORT ADDRESS-ASKED PORT-ASKED", as the PROXY header says."""

import os
import socket
import struct
import sys

from lab import nginx
from lab.shell import wait_for

NGINX_PORT, HAPROXY_PORT, BANNER_PORT, UDP_PORT = 8101, 8102, 8103, 8104
# Not told in a way that the server itself reads: what comes is looked at on the wire.
TOA_PORT, UOA_PORT = 8105, 8106

_HTTP = """  client_max_body_size 100m;
  server {{
    listen 0.0.0.0:{port} proxy_protocol;
    listen [::]:{port} proxy_protocol;
    set_real_ip_from 10.0.1.0/24;
    set_real_ip_from 2001:db8:2::/64;
    real_ip_header proxy_protocol;
    location / {{ return 200 "$remote_addr $remote_port $proxy_protocol_server_addr $proxy_protocol_server_port\\n"; }}
    location /files/ {{ alias {files}/; }}
  }}
"""

_HAPROXY = """defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 5s
frontend told
  bind 0.0.0.0:{port} accept-proxy
  bind [::]:{port} v6only accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]\\n"
"""


def start(lab, real):
    folder = os.path.join(lab.folder, real)
    space = lab.topology.namespace(real)
    inside = _HTTP.format(files=os.path.join(lab.folder, "files"), port=NGINX_PORT)
    nginx.start(lab.processes, "told", folder, inside, space)
    with open(os.path.join(folder, "haproxy.cfg"), "w", encoding="utf-8") as out:
        out.write(_HAPROXY.format(port=HAPROXY_PORT))
    lab.processes.start(f"{real}-haproxy", ["/usr/sbin/haproxy", "-db", "-f", os.path.join(folder, "haproxy.cfg")], namespace=space)
    for what in ("banner", "datagrams", "plain"):
        lab.processes.start(f"{real}-{what}", ["/usr/bin/python3", os.path.abspath(__file__), what], namespace=space)
    for port, kind in ((NGINX_PORT, "t"), (HAPROXY_PORT, "t"), (BANNER_PORT, "t"), (TOA_PORT, "t"), (UDP_PORT, "u"), (UOA_PORT, "u")):
        wait_for(lambda: lab.topology.exec(real, ["ss", f"-Hln{kind}", f"sport = :{port}"]).stdout.strip(), 10,
                 f"{real} to listen on port {port}")


_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read_proxy(data):
    """The header's words, and what stands behind it; None while it is not whole."""
    if data[:1] == b"P":
        line, end, rest = data.partition(b"\r\n")
        words = line.decode().split()
        return (" ".join((words[2], words[4], words[3], words[5])), rest) if end else None
    if len(data) < 16 or len(data) < 16 + struct.unpack("!H", data[14:16])[0]:
        return None
    assert data[:12] == _SIGNATURE and data[12] == 0x21, data
    family, size = (socket.AF_INET, 4) if data[13] >> 4 == 1 else (socket.AF_INET6, 16)
    source, asked = (socket.inet_ntop(family, data[at:at + size]) for at in (16, 16 + size))
    ports = struct.unpack("!HH", data[16 + 2 * size:20 + 2 * size])
    return f"{source} {ports[0]} {asked} {ports[1]}", data[20 + 2 * size:]


def _serve_banner():
    """Reads the header and then greets, before the client says anything."""
    with socket.create_server(("::", BANNER_PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                data, told = b"", None
                try:
                    while told is None:
                        more = connection.recv(4096)
                        if not more:
                            break
                        data += more
                        told = read_proxy(data)
                    if told:
                        connection.sendall(b"220 " + told[0].encode() + b"\n")
                        connection.recv(4096)
                except OSError:
                    pass


def _bind_udp(port):
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("::", port))
    return udp


def _serve_datagrams():
    udp = _bind_udp(UDP_PORT)
    while True:
        data, client = udp.recvfrom(65535)
        told, rest = read_proxy(data)
        udp.sendto(f"{told} {len(rest)}".encode(), client)


def _serve_plain():
    """Answers on TCP and UDP, and knows nothing of who is told what."""
    udp = _bind_udp(UOA_PORT)
    if os.fork() == 0:
        while True:
            data, client = udp.recvfrom(65535)
            udp.sendto(data, client)
    with socket.create_server(("::", TOA_PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)


if __name__ == "__main__":
    {"banner": _serve_banner, "datagrams": _serve_datagrams, "plain": _serve_plain}[sys.argv[1]]()
