"""The lab's addresses. Every station has one of each family; its IPv6 address ends as its IPv4 one does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """One address family: its network outside, where the clients are, and its network inside, where the reals are."""

    name: str
    version: int
    outside: str  # what all addresses of a network begin with
    inside: str
    network_bits: int
    host_bits: int

    @property
    def vip(self):
        return self.outside + "100"

    @property
    def client(self):
        return self.outside + "10"

    @property
    def outside_lb(self):
        return self.outside + "1"

    @property
    def outside_router(self):
        return self.outside + "254"

    @property
    def inside_lb(self):
        return self.inside + "1"

    @property
    def inside_router(self):
        return self.inside + "254"

    @property
    def local_pool(self):
        """What the reals see as their clients under `fullnat`."""
        return [self.inside + "200", self.inside + "201"]

    def real(self, index):
        return f"{self.inside}{10 + index}"

    def on_link(self, address):
        return f"{address}/{self.network_bits}"

    def host(self, address):
        return f"{address}/{self.host_bits}"

    def url(self, address, path="/"):
        return f"http://{self.bracketed(address)}{path}"

    def bracketed(self, address):
        """As it stands before a port."""
        return address if self.version == 4 else f"[{address}]"

    def service(self, name):
        """A service's name in a configuration that may have the same one for the other family."""
        return name if self.version == 4 else name + "6"


IPV4 = Family("IPv4", 4, outside="203.0.113.", inside="10.0.1.", network_bits=24, host_bits=32)
IPV6 = Family("IPv6", 6, outside="2001:db8:1::", inside="2001:db8:2::", network_bits=64, host_bits=128)
FAMILIES = (IPV4, IPV6)


def other(family):
    return IPV6 if family is IPV4 else IPV4
