"""A real whose tunnels end in Linux's own devices: ipip, sit, ip6tnl, gre, ip6gre, and GUE by fou. It is a station of the
lab's inside network like the other reals."""

import guest
from lab.family import FAMILIES, IPV4, IPV6
from lab.lab import Lab
from lab.shell import wait_for

# It has two addresses of each family, "r9" and "r8" in a configuration: Linux wants to be told which GRE has a checksum, and
# two devices of one address would be the same one.
REAL, REAL_WITH_CHECKSUM = "r9", "r8"

_COMMANDS = """
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \\
  net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
ip -batch - <<'END'
{addresses}
link add tun6 type ip6tnl mode any local {real6} remote ::
link add gre4 type gre local {real4}
link add gre4sum type gre local {summing4} icsum
link add gre6 type ip6gre local {real6} remote ::
link add gre6sum type ip6gre local {summing6} remote :: icsum
{up}
END
ip fou add port 6080 gue
ip -6 fou add port 6080 gue
python3 -m lab.reals guest &
python3 -c '{server}' &
echo guest-ready
"""

# Answers with the devices and how many packets each has received, one to a line.
_SERVER = """
import http.server, socket
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
class Devices(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        lines = [line.replace(":", " ").split() for line in open("/proc/net/dev").readlines()[2:]]
        body = "".join(f"{line[0]} {line[2]}\\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
Server(("::", 80), Devices).serve_forever()
"""


def _addresses():
    """`ip` commands for all addresses and routes; the VIPs are on lo, as a tunnel's real has them."""
    for family in FAMILIES:
        unchecked = " nodad" if family is IPV6 else ""
        for real in (8, 9):
            yield f"addr add {family.on_link(family.real(real))} dev vec0{unchecked}"
        yield f"addr add {family.host(family.vip)} dev lo{unchecked}"
        yield f"route add default via {family.inside_router}"


def start(lab: Lab):
    """Boots it into a lab that stands, which takes some seconds."""
    devices = ("tunl0", "sit0", "tun6", "gre4", "gre4sum", "gre6", "gre6sum")
    commands = _COMMANDS.format(addresses="\n".join(_addresses()), up="\n".join(f"link set {each} up" for each in devices),
                                server=_SERVER, real4=IPV4.real(9), real6=IPV6.real(9), summing4=IPV4.real(8),
                                summing6=IPV6.real(8))
    end = guest.Guest(lab, "end", "inside", ["ipip", "sit", "ip_gre", "ip6_tunnel", "ip6_gre", "fou", "fou6"], [commands])
    end.wait_for("guest-ready")
    for family in FAMILIES:
        ask = ["curl", "-s", "-m", "2", family.url(family.real(9))]
        wait_for(lambda: lab.topology.exec("r1", ask, check=False).returncode == 0, 30,
                 f"the guest to serve over {family.name}")
