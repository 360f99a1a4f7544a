"""The application-level dispatchers: they end the client's connection, read the request and ask a real on one of
their own. Both as their manuals advise for servers that fail, and both with as many threads as there are CPUs.
"""

import os
import shutil
import signal
import socket
import time

from lab import nginx
from lab.reals import HTTP_PORT
from lab.shell import LabError, wait_for
from why import rig as rigs

# Half of a client's patience: a silent real must leave time for another.
_CONNECT_MS = 1000

_NGINX = """  upstream web {{
    zone web 256k;
{servers}
  }}
  server {{
    listen {proxy}:{port} backlog=4096;
    location / {{
      proxy_pass http://web;
      proxy_connect_timeout {connect_ms}ms;
    }}
  }}
"""

_HAPROXY = """global
  stats socket {folder}/haproxy.sock level admin
  maxconn 8000
defaults
  mode http
  timeout connect {connect_ms}ms
  timeout client 10s
  timeout server 10s
  retries 3
  option redispatch 1
  default-server check inter {interval}ms fall {fall} rise {rise}
frontend in
  bind {proxy}:{port} backlog 4096
  default_backend web
backend web
  balance roundrobin
  timeout check {timeout}ms
{servers}
"""


class _Proxy:
    """What both have in common."""

    tries = 1

    def __init__(self, rig, count, _pace):
        self._rig = rig
        self._reals = rig.names(count)
        self._folder = os.path.join(rig.folder, self.name)
        self._process = None

    @classmethod
    def fits(cls, _count):
        return True

    @classmethod
    def _program(cls):
        return shutil.which(cls.name, path="/usr/sbin:/usr/bin:/usr/local/sbin")

    @classmethod
    def missing(cls):
        return None if cls._program() else f"{cls.name} is not installed; run 'scripts/setup --why'"

    def start(self):
        os.makedirs(self._folder, exist_ok=True)
        self._write(out=None)
        self._process = self._rig.processes.start(self.name, self._command(), namespace=self._rig.topology.namespace("proxy"))
        wait_for(self._listening, 10, f"{self.name} to listen on {rigs.PROXY}")

    def _listening(self):
        if self._process.poll() is not None:
            raise LabError(f"{self.name} ended with {self._process.returncode}: {self._rig.processes.log_tail(self.name)}")
        return self._rig.topology.exec("proxy", ["ss", "-Hltn", f"src {rigs.PROXY}"]).stdout.strip()

    def _write(self, out):
        with open(self._config(), "w", encoding="utf-8") as file:
            file.write(self._text(out))

    def _config(self):
        return os.path.join(self._folder, "proxy.conf")

    def stop(self):
        if self._process:
            self._rig.processes.kill(self._process)
            self._process = None

    def where(self):
        return ["--target", rigs.PROXY]

    def site(self, _number):
        return ""

    def pids(self):
        return [self._process.pid]

    def busy(self):
        return None

    def noticed(self, real):
        pass

    def noticed_back(self, real):
        pass


class Nginx(_Proxy):
    name = "nginx"
    title = "nginx"
    remark = "HTTP reverse proxy; a failed attempt goes to the next real and bars that one for 10 s (its defaults)"

    def _command(self):
        # A process namespace of its own: when its first process is killed, by whatever way, so are its workers.
        return ["unshare", "--fork", "--pid", "--kill-child", self._program(), "-e", os.path.join(self._folder, "start.log"),
                "-c", self._config()]

    def _text(self, out):
        servers = "\n".join(f"    server {self._rig.address(real)}:{HTTP_PORT}{' down' if real == out else ''};"
                            for real in self._reals)
        inside = _NGINX.format(servers=servers, proxy=rigs.PROXY, port=HTTP_PORT, connect_ms=_CONNECT_MS)
        return nginx.configuration(os.path.join(self._folder, "proxy"), inside, "worker_processes auto;\nworker_rlimit_nofile 20000;")

    def take_out(self, real):
        self._reload(real)
        time.sleep(0.5)  # the old workers finish what is under way

    def bring_back(self, _real):
        self._reload(None)

    def _reload(self, out):
        self._write(out)
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="utf-8") as children:
            os.kill(int(children.read().split()[0]), signal.SIGHUP)


class Haproxy(_Proxy):
    name = "haproxy"
    title = "HAProxy"
    remark = "mode http; TCP checks as Shunt's; a failed attempt goes to another real (redispatch)"

    def _command(self):
        return [self._program(), "-db", "-f", self._config()]

    def _text(self, out):
        servers = "\n".join(f"  server {real} {self._rig.address(real)}:{HTTP_PORT}" for real in self._reals)
        check = rigs.CHECK
        return _HAPROXY.format(folder=self._folder, servers=servers, proxy=rigs.PROXY, port=HTTP_PORT, connect_ms=_CONNECT_MS,
                               interval=check.interval_ms, timeout=check.timeout_ms, rise=check.rise, fall=check.fall)

    def take_out(self, real):
        self._say(f"set server web/{real} state drain")
        time.sleep(0.5)
        self._say(f"set server web/{real} state maint")

    def bring_back(self, real):
        self._say(f"set server web/{real} state ready")

    def _say(self, command):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(5)
            admin.connect(os.path.join(self._folder, "haproxy.sock"))
            admin.sendall(command.encode() + b"\n")
            answer = admin.makefile().read().strip()
        if answer:
            raise LabError(f"HAProxy refused '{command}': {answer}")
