"""Servers that people run behind a load balancer, on every real of a lab: nginx with HTTP/2, iperf3, dnsmasq."""

import hashlib
import os

from lab import nginx
from lab.config import HealthCheck, Service
from lab.family import FAMILIES
from lab.shell import run, wait_for

HTTPS_PORT, IPERF_PORT, DNS_PORT = 443, 5201, 53
FILE_BYTES = 100 << 20
HOST = "www.example.test"

_HTTP = """  server {{
    listen 0.0.0.0:{port} ssl http2;
    listen [::]:{port} ssl http2;
    ssl_certificate {files}/../cert.pem;
    ssl_certificate_key {files}/../key.pem;
    location / {{ return 200 "{name} $server_protocol\\n"; }}
    location /files/ {{ alias {files}/; }}
  }}
"""


class Programs:
    """Of a lab that stands; they end with it."""

    def __init__(self, lab):
        self._lab, self.files = lab, os.path.join(lab.folder, "files")
        self.certificate = os.path.join(lab.folder, "cert.pem")
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout",
             os.path.join(lab.folder, "key.pem"), "-out", self.certificate])
        self.digest = _make_file(os.path.join(self.files, "100mb"))
        for index, real in enumerate(lab.topology.reals, 1):
            self._start_nginx(real)
            self._start_iperf(real, index)
            self._start_dnsmasq(real)
        for real in lab.topology.reals:
            for port, sockets in ((HTTPS_PORT, 2), (IPERF_PORT, 2), (DNS_PORT, 2)):
                wait_for(lambda: self._listening(real, port) >= sockets, 20, f"{real} to listen on port {port}")

    def _listening(self, real, port):
        return len(self._lab.topology.exec(real, ["ss", "-Hltn", f"sport = :{port}"]).stdout.splitlines())

    def _start(self, real, name, command):
        self._lab.processes.start(f"{real}-{name}", command, namespace=self._lab.topology.namespace(real))

    def _start_nginx(self, real):
        inside = _HTTP.format(name=real, files=self.files, port=HTTPS_PORT)
        nginx.start(self._lab.processes, "https", os.path.join(self._lab.folder, real), inside, self._lab.topology.namespace(real))

    def _start_iperf(self, real, index):
        # Bound to the address that clients reach it by: its UDP answers leave from there.
        for family in FAMILIES:
            address = family.vip if self._lab.method in ("direct", "tunnel") else family.real(index)
            self._start(real, f"iperf{family.version}", ["iperf3", "-s", "-p", str(IPERF_PORT), "-B", address])

    def _start_dnsmasq(self, real):
        # "big" does not fit a datagram: a client has to ask again over TCP.
        big = ",".join(f"{number:03d}" + "x" * 200 for number in range(20))
        self._start(real, "dns", ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                                  "--user=root", f"--pid-file={self._lab.folder}/{real}/dns.pid", f"--port={DNS_PORT}",
                                  f"--txt-record=who.example.test,{real}", f"--txt-record=big.example.test,{big}",
                                  "--local=/example.test/"])

    def add_services(self, config):
        """To a configuration of the lab: HTTPS, DNS, and what iperf3 wants, whose connections belong together."""
        reals = dict.fromkeys(("r1", "r2", "r3"), 1)
        for family in FAMILIES:
            for name, protocol, port, scheduler, check in (
                    ("https", "tcp", HTTPS_PORT, "rr", HealthCheck()),
                    ("dns", "udp", DNS_PORT, "rr", HealthCheck(port=DNS_PORT)),
                    ("dns-tcp", "tcp", DNS_PORT, "rr", HealthCheck()),
                    ("iperf", "udp", IPERF_PORT, "sh", None),
                    ("iperf-tcp", "tcp", IPERF_PORT, "sh", None)):
                full = family.service(name)
                config.services[full] = Service(full, protocol, port, dict(reals), scheduler, check, family)


def _make_file(path):
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        for number in range(FILE_BYTES >> 20):
            # No two pieces alike: a lost, doubled or swapped one changes the digest.
            block = hashlib.shake_128(b"%d" % number).digest(1 << 20)
            digest.update(block)
            out.write(block)
    return digest.hexdigest()
