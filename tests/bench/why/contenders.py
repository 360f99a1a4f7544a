"""What may stand between clients and reals: nothing, DNS, Shunt; the proxies are in proxies.py.

A contender knows how its operator takes a real out and brings it back. What notices a dead real is a part of it, too:
Shunt's and HAProxy's checks, nginx's failed attempts, and for DNS a monitor that edits the zone.
"""

import time

from lab.family import IPV4
from lab.shell import wait_for
from why import names, rig as rigs
from why.proxies import Haproxy, Nginx

TIMEOUT_SECONDS = 2.0  # of a request


class Contender:
    """The parts of one that needs nothing. `rig` holds the reals; `count` of them are in service."""

    name = "one"
    title = "one server"
    remark = "the clients ask r1; there is nothing to choose from"
    tries = 1

    def __init__(self, rig, count, pace):
        self._rig, self._count, self._pace = rig, count, pace
        self._reals = rig.names(count)

    @classmethod
    def missing(cls):
        """Why it cannot be measured on this machine, or None."""
        return None

    @classmethod
    def fits(cls, count):
        return count == 1

    def start(self):
        pass

    def stop(self):
        pass

    def where(self):
        """why_load's words for whom to ask."""
        return ["--target", self._rig.address(self._reals[0])]

    def site(self, _number):
        """What a site needs beside its address."""
        return ""

    def pids(self):
        """Its processes, whose CPU time is its."""
        return []

    def busy(self):
        """The share of a CPU that it spent on packets in the last second, by its own account; None: it keeps none."""
        return None

    def noticed(self, real):
        """A check has noticed that the real does not answer."""

    def noticed_back(self, real):
        """A check has noticed that it answers again."""

    def take_out(self, real):
        """Returns when the operator may stop the real: it gets no new requests, those under way have ended."""

    def bring_back(self, real):
        """The real runs again."""


class Dns(Contender):
    """Whoever changes the zone has to wait until the caches have forgotten what was in it."""

    name = "dns"
    title = "DNS, one address"
    remark = "an answer holds the next address in turn; a site's resolver keeps it for the TTL"
    _everything = False

    def __init__(self, rig, count, pace):
        super().__init__(rig, count, pace)
        self._names = names.Names(rig.processes, rig.topology.namespace("client"), rigs.SITES, pace.ttl, self._everything)
        self._away = set()

    @classmethod
    def missing(cls):
        return names.missing()

    @classmethod
    def fits(cls, count):
        return True

    def start(self):
        self._names.start(self._addresses())

    def stop(self):
        self._names.stop()

    def _addresses(self):
        return [self._rig.address(real) for real in self._reals if real not in self._away]

    def where(self):
        return ["--name", names.NAME, "--tries", str(self.tries)]

    def site(self, number):
        return "," + names.resolver_address(number)

    def pids(self):
        return self._names.pids()

    def noticed(self, real):
        self._away.add(real)
        self._names.set(self._addresses())

    def noticed_back(self, real):
        self._away.discard(real)
        self._names.set(self._addresses())

    def take_out(self, real):
        self.noticed(real)
        # Its cache, the 0.1 s of a page at the client, and the requests under way.
        time.sleep(self._pace.ttl + 0.5)

    def bring_back(self, real):
        self.noticed_back(real)


class DnsSet(Dns):
    """What resolvers and browsers have learned since: the whole set in each answer, and another try."""

    name = "dns-set"
    title = "DNS, whole set"
    remark = "an answer holds every address, used in turn; a client that cannot connect tries a second one"
    tries = 2
    _everything = True

    @classmethod
    def fits(cls, count):
        return count > 1


class Shunt(Contender):
    name = "shunt"
    title = "Shunt"
    remark = "shuntd, one worker, forwarding method direct, scheduler rr, TCP checks"
    _SERVICE = "web"

    @classmethod
    def fits(cls, count):
        return True

    def start(self):
        self._daemon = self._rig.shuntd
        self._config = self._rig.shunt_config(self._count)
        self._daemon.start(self._config)
        self._daemon.wait_all_up()

    def stop(self):
        if self._daemon.running():
            self._daemon.stop()

    def where(self):
        return ["--target", IPV4.vip]

    def pids(self):
        return [self._daemon.pid()]

    def busy(self):
        return sum(worker.get("busy_ratio", 0) for worker in self._daemon.ask("workers").get("workers", []))

    def take_out(self, real):
        self._daemon.drain(self._SERVICE, real)
        time.sleep(0.5)  # for the requests under way, as with all who stop new ones at once
        service = self._config.services[self._SERVICE]
        self._weight = service.reals.pop(real)
        if service.reals:
            self._daemon.apply(self._config)

    def bring_back(self, real):
        service = self._config.services[self._SERVICE]
        service.reals[real] = self._weight
        if len(service.reals) == 1:
            self._daemon.drain(self._SERVICE, real, undo=True)
        else:
            self._daemon.apply(self._config)
        wait_for(lambda: (self._daemon.real(self._SERVICE, real) or {}).get("effective_weight"), 10, f"{real} to be in service")


ALL = {contender.name: contender for contender in (Contender, Dns, DnsSet, Nginx, Haproxy, Shunt)}
