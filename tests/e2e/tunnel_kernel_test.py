"""Every kind of tunnel, received by Linux's own devices: what comes out of them is what a client sent, and the kernel found
the checksums right where there are any."""

import itertools
import unittest

import clients
import tunnel_end
from lab.family import FAMILIES, IPV4, IPV6
from lab.lab import Lab
from lab.reals import ECHO_PORT, UPLOAD_PORT

# Which device takes a packet of one family out of one of the other, by (inner, outer). GUE hands what it carries to IP in
# IP's.
IPIP_DEVICES = {(IPV4, IPV4): "tunl0", (IPV6, IPV4): "sit0", (IPV4, IPV6): "tun6", (IPV6, IPV6): "tun6"}
GRE_DEVICES = {IPV4: "gre4", IPV6: "gre6"}
KINDS = [({"kind": "ipip"}, lambda inner, outer: IPIP_DEVICES[inner, outer]),
         ({"kind": "gre"}, lambda inner, outer: GRE_DEVICES[outer]),
         ({"kind": "gre", "checksum": "full"}, lambda inner, outer: GRE_DEVICES[outer] + "sum"),
         ({"kind": "gue"}, lambda inner, outer: IPIP_DEVICES[inner, outer]),
         ({"kind": "gue", "checksum": "full"}, lambda inner, outer: IPIP_DEVICES[inner, outer]),
         ({"kind": "gue", "checksum": "remote"}, lambda inner, outer: IPIP_DEVICES[inner, outer])]


class TunnelKernelTest(unittest.TestCase):
    ports = itertools.count(30000)

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("tunnel", reals=1, configured=1, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        tunnel_end.start(cls.lab)
        cls.shuntd = cls.lab.shuntd
        cls.use({"kind": "ipip"}, IPV4, start=True)

    @classmethod
    def use(cls, tunnel, outer, start=False):
        """Makes the guest the only real of all services, those of both families."""
        is_summing_gre = tunnel == {"kind": "gre", "checksum": "full"}
        config = cls.lab.config.copy()
        for service in config.services.values():
            service.reals = {tunnel_end.REAL_WITH_CHECKSUM if is_summing_gre else tunnel_end.REAL: 1}
            service.tunnel, service.reals_family = tunnel, outer
        if start:
            cls.shuntd.start(config)
        else:
            cls.shuntd.apply(config)
        cls.shuntd.wait_all_up(30)

    def received(self, inner):
        """{device: packets}, as the guest says through the tunnel itself."""
        done = self.lab.client(["curl", "-sS", "-f", "-m", "5", inner.url(inner.vip)], check=False)
        self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}")
        return {device: int(packets) for device, packets in map(str.split, done.stdout.splitlines())}

    def test_linux_receives_every_kind(self):
        for (tunnel, device_of), outer in itertools.product(KINDS, FAMILIES):
            self.use(tunnel, outer)
            for inner in FAMILIES:
                with self.subTest(f"{inner.name} in {outer.name}", **tunnel):
                    self.check(inner, device_of(inner, outer))

    def check(self, inner, device):
        before = self.received(inner)
        # A port of its own each time: the flow of one that was used would stay with the real that it had.
        port = next(self.ports)
        [line] = clients.run(self.lab, clients.UDP, inner.vip, ECHO_PORT, port)
        self.assertEqual(line, f"{port} guest {port} from {inner.vip}")
        # Segments as full as the MTU that was learned allows, odd ones among them.
        answer = clients.run(self.lab, clients.UPLOAD, inner.vip, UPLOAD_PORT, (1 << 17) + 32)[0].split()
        self.assertEqual((int(answer[1]), answer[2]), ((1 << 17) + 32, answer[4]))
        after = self.received(inner)
        used = {name for name in after if after[name] > before[name]} - {"lo", "vec0"}
        self.assertEqual(used, {device})
        self.assertGreater(after[device] - before[device], 90)
        self.lab.client(["ip", f"-{inner.version}", "route", "flush", "cache"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
