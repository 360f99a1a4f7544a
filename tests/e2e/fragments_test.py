"""Fragments that no honest sender makes are drops with a name, and those of others arrive meanwhile."""

import unittest

import clients
from lab.family import IPV4
from lab.lab import Lab
from lab.reals import ECHO_PORT
from lab.shell import wait_for

# Sends IPv4 fragments as they are: a first one without a whole TCP header, two that overlap, one of odd length, the same one
# twice, and many that no first one belongs to.
ATTACKS = """
import socket, struct, sys, time
vip, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
def send(identification, begin, data, protocol=17):
    more = 0x2000
    s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), identification, more | begin // 8, 64, protocol, 0,
                         bytes(4), socket.inet_aton(vip)) + data, (vip, 0))
udp = struct.pack("!HHHH", 4242, port, 3008, 0)
send(1, 0, struct.pack("!HHI", 4242, port, 1), protocol=6)
send(2, 0, udp + bytes(1192))
send(2, 1192, bytes(800))
send(3, 0, udp + bytes(13))
send(4, 0, udp + bytes(1192))
send(4, 0, udp + bytes(1192))
for identification in range(1000, 2000):
    send(identification, 1200, bytes(800))
    if identification % 20 == 0: time.sleep(0.001)
"""
NAMES = ("fragment_tiny", "fragment_overlap", "fragment_bad_length", "fragment_duplicate", "fragment_flood", "fragment_timeout")


class FragmentsTest(unittest.TestCase):
    def test_hostile_fragments_are_counted_and_others_arrive(self):
        with Lab("nat") as lab:
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            clients.run(lab, ATTACKS, IPV4.vip, ECHO_PORT)
            [line] = clients.run(lab, clients.BIG_UDP, IPV4.vip, ECHO_PORT, 30200, 4000)
            _, received, digest, _, address, _, sent = line.split()
            self.assertEqual((int(received), digest, address), (4000, sent, IPV4.vip))

            def drops():
                seen = lab.shuntd.drops()
                return {name: seen.get(name, 0) for name in NAMES}
            # Some of the last of the many waited, the others made room for them. A busy machine's TAP may have lost a few.
            def counted():
                seen = drops()
                return seen["fragment_timeout"] > 0 and seen["fragment_flood"] + seen["fragment_timeout"] > 900
            wait_for(counted, 10, "nearly all to be counted")
            seen = drops()
            self.assertEqual([seen[name] for name in NAMES[:4]], [1, 1, 1, 1])
            self.assertLessEqual(seen["fragment_flood"] + seen["fragment_timeout"], 1000)
            self.assertLessEqual(seen["fragment_timeout"], 32)
            self.assertTrue(lab.shuntd.running(), lab.shuntd.log(40))


if __name__ == "__main__":
    unittest.main(verbosity=2)
