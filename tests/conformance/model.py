"""What a case says: services in a form that neither director owns, and packets by name."""

from dataclasses import dataclass, field

VPORT, RPORT = "vport", "rport"  # a case's own ports, so that no case meets the connections of another
NEAR = tuple(f"near{n}" for n in range(10))  # ten more of them, in a row


def own_ports(vport):
    """{name: number} of the ports that are a case's own."""
    near = 40000 + (vport - 1000) * len(NEAR)
    return {VPORT: vport, RPORT: vport + 20000, **{name: near + at for at, name in enumerate(NEAR)}}


@dataclass(frozen=True)
class Real:
    """`port`: RPORT for one that differs from the service's. `kernel`, `shunt`: what only this real needs, as arguments
    of ipvsadm and as YAML keys."""

    number: int
    weight: int = 1
    port: str | int | None = None
    kernel: str = ""
    shunt: dict = field(default_factory=dict)
    family: int | None = None  # another one than the service's

    @property
    def name(self):
        return f"r{self.number}"


@dataclass(frozen=True)
class Match:
    """What a service is found by in place of VIP and port: Linux's firewall mark, which a filter sets. `ports`: first
    and last; `vips`, `clients`: a prefix, or the name of one address."""

    ports: tuple | None = None
    vips: str | None = None
    clients: str | None = None


@dataclass(frozen=True)
class Service:
    """`flags`: words of ipvsadm's -b, such as sh-port. `kernel`, `shunt`: as a real's. `port` 0: all ports."""

    reals: tuple
    protocol: str = "tcp"
    scheduler: str = "rr"
    method: str = "direct"
    flags: tuple = ()
    vip: str = "v1"
    port: str | int = VPORT
    kernel: str = ""
    shunt: dict = field(default_factory=dict)
    match: Match | None = None


def reals(*weights, **more):
    """r1, r2, .. with these weights."""
    return tuple(Real(number, weight, **more) for number, weight in enumerate(weights, 1))


@dataclass(frozen=True)
class Deviates:
    """A difference on purpose: `name` is in deviations.py. `shunt`: {number of the observation, from 1: pattern of all
    that Shunt shows there}; every other observation must be the same."""

    name: str
    shunt: dict


@dataclass(frozen=True)
class Case:
    """`sysctls`: of net.ipv4.vs, in force for the kernel while the case plays. `settings`: the same for Shunt, as keys
    of its configuration file. `core`: one of those that every test run plays."""

    name: str
    services: tuple
    steps: tuple
    family: int = 4
    sysctls: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    deviates: Deviates | None = None
    core: bool = False
    subject: str = ""  # the table that it stands in


@dataclass(frozen=True)
class Item:
    """One fact that was observed. `seconds`: a timer's, compared with a tolerance."""

    text: str
    seconds: float | None = None

    def __str__(self):
        return self.text if self.seconds is None else f"{self.text} {self.seconds:.0f}s"


@dataclass(frozen=True)
class Observation:
    """What one step showed: `brief` for the row, the items for the comparison."""

    step: str
    items: tuple
    brief: str = ""
