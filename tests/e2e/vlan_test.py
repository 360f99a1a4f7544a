"""A port that is a VLAN of its device: Linux's own VLAN device is at the other end."""

import unittest

import guest
from lab.family import FAMILIES, IPV6
from lab.lab import Lab
from lab.shell import wait_for

VLAN = 7
REQUESTS = 12


def client_of(family):
    return family.outside + "30"


# Asks every VIP, and says what it heard: "IPv4 ping 0", "IPv4 r1 r2 ...", "IPv4 big SHA256".
_ASK = """
ping -c 3 -i 0.3 -W 2 {vip} >/dev/null; echo {name} ping $?
echo {name} $(for i in $(seq {requests}); do curl -sS -m 5 {url}; done)
echo {name} big $(curl -sS -m 60 {url}files/big | sha256sum)
"""


class VlanTest(unittest.TestCase):
    def test_clients_of_the_vlan_are_served_and_others_are_not(self):
        with Lab("nat", families=FAMILIES) as lab:
            document = lab.config.document()
            document["ports"][0]["vlan"] = VLAN
            lab.config.document = lambda: document
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            said = self.ask_from_the_vlan(lab)
            for family in FAMILIES:
                with self.subTest(family.name):
                    self.assertIn(f"{family.name} ping 0\n", said)
                    self.assertIn(f"{family.name} big {lab.big_digest}", said)
                    answers = next(line.split()[1:] for line in said.splitlines() if line.startswith(f"{family.name} r"))
                    self.assertEqual(sorted(answers), sorted(["r1", "r2", "r3"] * (REQUESTS // 3)))
            [outside] = [port for port in lab.shuntd.ask("ports")["ports"] if port["name"] == "outside"]
            self.assertEqual(outside["vlan"], VLAN)
            self.assert_untagged_are_not_heard(lab)

    def ask_from_the_vlan(self, lab):
        device = f"vec0.{VLAN}"
        commands = [f"ip link add link vec0 name {device} type vlan id {VLAN}", f"ip link set {device} up"]
        for family in FAMILIES:
            unchecked = " nodad" if family is IPV6 else ""
            commands.append(f"ip addr add {family.on_link(client_of(family))} dev {device}{unchecked}")
        for family in FAMILIES:
            commands.append(_ASK.format(name=family.name, vip=family.vip, url=family.url(family.vip), requests=REQUESTS))
        client = guest.Guest(lab, "client", "outside", ["8021q"], commands)
        client.wait_for("guest-ended")
        return client.log()

    def assert_untagged_are_not_heard(self, lab):
        before = lab.shuntd.drops().get("not_our_vlan", 0)
        for family in FAMILIES:
            self.assertNotEqual(lab.client(["curl", "-sS", "-m", "1", family.url(family.vip)], check=False).returncode, 0)
        wait_for(lambda: lab.shuntd.drops().get("not_our_vlan", 0) > before, 5, "untagged frames to be counted")


if __name__ == "__main__":
    unittest.main(verbosity=2)
