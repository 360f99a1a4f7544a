"""The twin topologies: who is where, by name. Both directors have the same addresses and MAC addresses.

    clients c1.. ---[router]--- outside [director] inside ---+--- real r1
                                                             +--- real r2 ..

`outside` takes 1500 bytes, `inside` 1400, so that a request can be too big. This process is the router and every real:
what leaves a director is read from its cables, what arrives is written to them.
"""

import ipaddress
from dataclasses import dataclass

OUTSIDE, INSIDE = "outside", "inside"
SIDES = (OUTSIDE, INSIDE)
MTU = {OUTSIDE: 1500, INSIDE: 1400}
DIRECTOR_MAC = {OUTSIDE: "02:53:48:00:00:01", INSIDE: "02:53:48:00:00:02"}
ROUTER_MAC = "02:53:48:c1:00:00"
REALS = 24  # neighbours that the directors know
VIPS = 8
ANCHOR_PORT = 9  # each VIP has a service there that no case plays with: it stays for the whole run


def real_mac(number):
    return f"02:53:48:0a:00:{number:02x}"


@dataclass(frozen=True)
class Family:
    version: int
    bits: int
    clients: str
    vips: str
    reals: str
    director: dict  # side -> its address
    prefix: dict  # side -> prefix length
    router: str

    def address(self, name):
        """The address of c1, v1, r1, or the director's own: outside, inside."""
        if name in SIDES:
            return self.director[name]
        if name == "router":
            return self.router
        network = {"c": self.clients, "v": self.vips, "r": self.reals}[name[0]]
        number = int(name[1:])
        return str(ipaddress.ip_address(network) + number)


IPV4 = Family(4, 32, "198.51.100.0", "192.0.2.100", "10.10.0.0", {OUTSIDE: "192.0.2.1", INSIDE: "10.10.0.250"},
              {OUTSIDE: 24, INSIDE: 24}, "192.0.2.254")
IPV6 = Family(6, 128, "2001:db8:c::", "2001:db8:b::100", "2001:db8:a::",
              {OUTSIDE: "2001:db8:b::1", INSIDE: "2001:db8:a::fa"}, {OUTSIDE: 64, INSIDE: 64}, "2001:db8:b::fe")
FAMILIES = {4: IPV4, 6: IPV6}


def _names():
    names = {}
    for family in FAMILIES.values():
        for letter, count in (("c", 251), ("v", VIPS + 1), ("r", REALS + 1)):
            names.update({ipaddress.ip_address(family.address(f"{letter}{n}")): f"{letter}{n}" for n in range(1,
                                                                                                              count)})
        names.update({ipaddress.ip_address(family.address(side)): side for side in SIDES})
        names[ipaddress.ip_address(family.router)] = "router"
    return names


_NAMES = _names()
_MACS = {ROUTER_MAC: "router", **{real_mac(n): f"r{n}" for n in range(1, REALS + 1)},
         **{mac: side for side, mac in DIRECTOR_MAC.items()}}


def name_of(address):
    """The name of an address, or its text where it is nobody's here."""
    address = ipaddress.ip_address(address)
    return _NAMES.get(address, str(address))


def station_of(mac):
    return _MACS.get(mac, mac)


def address_commands(devices, with_vips=True):
    """`ip` commands that make a director's addresses, routes and neighbours on {side: device}."""
    commands = []
    for family in FAMILIES.values():
        six = "" if family.version == 4 else " nodad"
        commands += [f"addr add {family.director[side]}/{family.prefix[side]} dev {devices[side]}{six}"
                     for side in SIDES]
        if with_vips:
            commands += [f"addr add {family.address(f'v{n}')}/{family.bits} dev {devices[OUTSIDE]}{six}"
                         for n in range(1, VIPS + 1)]
    return commands + neighbour_commands(devices)


def neighbour_commands(devices):
    commands = []
    for family in FAMILIES.values():
        prefix = f"{family.clients}/{24 if family.version == 4 else 64}"
        commands += [f"neigh replace {family.router} lladdr {ROUTER_MAC} dev {devices[OUTSIDE]} nud permanent",
                     f"route replace {prefix} via {family.router} dev {devices[OUTSIDE]}"]
        commands += [f"neigh replace {family.address(f'r{n}')} lladdr {real_mac(n)} dev {devices[INSIDE]} nud permanent"
                     for n in range(1, REALS + 1)]
    return commands
