"""What checks ask in health_kinds_test.py: a DNS server, and an nginx that serves https and more.

Run as a program, it is the DNS server: health_peers.py PORT CODE answers every query with that code."""

import os
import socket
import subprocess
import sys

from lab import nginx

HTTP_PORT, HTTPS_PORT, DNS_PORT, GRPC_PORT = 8081, 8443, 53, 50051

_HTTP = """  server {{
    listen 0.0.0.0:{http};
    listen [::]:{http};
    access_log {folder}/access.log;
    location = /healthz {{
      if (!-f {folder}/well) {{ return 503; }}
      return 200 "all is well\\n";
    }}
    location = /name {{ return 200 "{name}\\n"; }}
    location = /host {{
      if ($host != shop.example) {{ return 404; }}
      return 204;
    }}
  }}
  server {{
    listen 0.0.0.0:{https} ssl{h2};
    listen [::]:{https} ssl{h2};
    access_log {folder}/access.log;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    location / {{ return 200 "$ssl_server_name $server_protocol\\n"; }}
  }}
"""


class Authority:
    """Makes certificates, by openssl(1)."""

    def __init__(self, folder, name):
        self._folder, self._name = folder, name
        self._openssl(f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} "
                      f"-keyout {name}.key -out {name}.pem")

    @property
    def file(self):
        return os.path.join(self._folder, f"{self._name}.pem")

    def issue(self, folder, names):
        """server.pem and server.key in the folder: "DNS:shop.example,IP:10.0.0.1"."""
        made = os.path.join(folder, "server")
        self._openssl(f"req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server "
                      f"-keyout {made}.key -out {made}.csr")
        with open(made + ".ext", "w", encoding="utf-8") as out:
            out.write(f"subjectAltName={names}\n")
        self._openssl(f"x509 -req -in {made}.csr -CA {self._name}.pem -CAkey {self._name}.key -CAcreateserial -days 2 "
                      f"-extfile {made}.ext -out {made}.pem")

    def _openssl(self, arguments):
        subprocess.run(["openssl", *arguments.split()], cwd=self._folder, check=True, capture_output=True)


class Web:
    """An nginx of a real, well until told otherwise."""

    def __init__(self, lab, real, authority, names, http2):
        self.folder = os.path.join(lab.folder, f"{real}-health")
        os.makedirs(self.folder)
        authority.issue(self.folder, names)
        self.set_well(True)
        inside = _HTTP.format(folder=self.folder, name=real, http=HTTP_PORT, https=HTTPS_PORT, h2=" http2" if http2 else "")
        nginx.start(lab.processes, "nginx", self.folder, inside, lab.topology.namespace(real))

    def set_well(self, well):
        path = os.path.join(self.folder, "well")
        if well:
            with open(path, "w", encoding="utf-8"):
                pass
        else:
            os.unlink(path)

    def requests(self):
        with open(os.path.join(self.folder, "access.log"), encoding="utf-8") as log:
            return log.read().splitlines()


def _serve_dns(port, code):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    while True:
        query, client = server.recvfrom(4096)
        # The header, an answer's with the code, and the question alone, without what EDNS adds.
        server.sendto(query[:2] + bytes([0x81, 0x80 | code]) + query[4:6] + bytes(6) + query[12:], client)


if __name__ == "__main__":
    _serve_dns(int(sys.argv[1]), int(sys.argv[2]))
