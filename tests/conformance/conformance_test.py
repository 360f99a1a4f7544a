"""The harness itself: that it reads frames right, and that it can say no."""

import contextlib
import io
import logging
import os
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "tests")]

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

from conformance import wire  # noqa: E402
from conformance.cases import all_cases  # noqa: E402
from conformance.deviations import DEVIATIONS  # noqa: E402
from conformance.frames import Packet, client_port, syn, tcp, udp  # noqa: E402
from conformance.kernel_director import Rendering, changes, endpoint, table  # noqa: E402
from conformance.main import Run, arguments, chosen  # noqa: E402
from conformance.model import RPORT, Case, Deviates, Item, Observation, Real, Service, own_ports, reals  # noqa: E402
from conformance.pieces import Fragments, put_together  # noqa: E402
from conformance.reading import Reader, crc32c, is_chatter  # noqa: E402
from conformance.shunt_director import service_document  # noqa: E402
from conformance.stage import Stage  # noqa: E402
from conformance.steps import Connections, Error, Picks, Send  # noqa: E402
from conformance.twins import DIRECTOR_MAC, IPV4, IPV6, INSIDE, real_mac  # noqa: E402
from conformance.verdict import judge  # noqa: E402

VPORT = 1234
logging.getLogger("scapy").setLevel(logging.ERROR)


def to_real(number=1, **ip):
    fields = {"src": IPV4.address("c1"), "dst": IPV4.address("v1"), "ttl": 63, "id": 7, **ip}
    return (Ether(src=DIRECTOR_MAC[INSIDE], dst=real_mac(number)) / IP(**fields) /
            TCP(sport=client_port(1), dport=VPORT, flags="S", seq=1000, window=4096))


def line(frame, **fields):
    return Reader({VPORT: "V"}, **fields).frame(bytes(frame))


class Reading(unittest.TestCase):
    def test_a_frame_is_a_line_of_names(self):
        self.assertEqual(line(to_real(2)), "inside to r2: IP c1 > v1 ttl 63 | TCP f1 > V S seq 1000 ack 0 win 4096")

    def test_an_ip_id_counts_where_the_packet_was_sent_with_it(self):
        self.assertIn(" id 0x7 ", line(to_real(), sent_ids={7}))

    def test_wrong_checksums_are_said(self):
        self.assertIn("BAD IP CHECKSUM", line(to_real(chksum=1)))
        frame = to_real()
        frame[TCP].chksum = 1
        self.assertIn("BAD CHECKSUM", line(frame))
        six = Ether() / IPv6(src=IPV6.address("c1"), dst=IPV6.address("v1")) / UDP(sport=1, dport=2,
                                                                                   chksum=77) / Raw(b"x")
        self.assertIn("BAD CHECKSUM", line(six))
        del six[UDP].chksum
        self.assertNotIn("BAD", line(six))

    def test_every_header_field_that_a_director_may_change_shows(self):
        plain = line(to_real())
        for changed in ({"ttl": 62}, {"tos": 1}, {"flags": "DF"}, {"src": IPV4.address("c2")},
                        {"dst": IPV4.address("r1")}):
            self.assertNotEqual(line(to_real(**changed)), plain, changed)
        for name, value in (("flags", "SA"), ("seq", 1), ("window", 1), ("sport", 9), ("options", [("MSS", 9)])):
            frame = to_real()
            setattr(frame[TCP], name, value)
            self.assertNotEqual(line(frame), plain, name)

    def test_a_tunnel_is_read_to_its_inside(self):
        inner = bytes(to_real())[14:]
        outer = Ether() / IP(src=IPV4.address("inside"), dst=IPV4.address("r1"), proto=4) / Raw(inner)
        self.assertRegex(line(outer), r"IP inside > r1 .* \| IP c1 > v1 .* \| TCP f1 > V S")

    def test_an_error_shows_what_it_is_about_and_how_much_of_it(self):
        error = Ether() / IP(src="192.0.2.1", dst=IPV4.address("c1")) / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(
            bytes(to_real())[14:42])
        self.assertIn("ICMP 3/4 rest 0x578 about [IP c1 > v1 quoted 28 | TCP f1 > V cut at 8", line(error))

    def test_sctp_has_its_own_sum(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)  # RFC 3720 appendix B.4's polynomial, the usual check value

    def test_neighbours_talk_is_left_out(self):
        self.assertTrue(is_chatter(bytes.fromhex("ffffffffffff025348000001" "0806") + bytes(28)))
        self.assertFalse(is_chatter(bytes(to_real())))

    def test_a_checksum_that_was_left_to_the_card_is_completed(self):
        frame = bytearray(bytes(to_real()))
        right = bytes(frame[50:52])
        segment = bytes(frame[34:])
        pseudo = bytes(frame[26:34]) + bytes([0, 6]) + len(segment).to_bytes(2, "big")
        total = sum(int.from_bytes(pseudo[at:at + 2], "big") for at in range(0, len(pseudo), 2))
        total = (total & 0xFFFF) + (total >> 16)
        frame[50:52] = total.to_bytes(2, "big")
        header = wire._OFFLOAD_HEADER.pack(1, 0, 0, 0, 34, 16)  # noqa: SLF001
        self.assertEqual(wire.completed(header + bytes(frame))[50:52], right)
        self.assertEqual(wire.completed(bytes(10) + bytes(frame)), bytes(frame))


def seen(*texts, seconds=None):
    return [Observation("Send", (Item(text, seconds),), text) for text in texts]


class Pieces(unittest.TestCase):
    def whole(self, packet, **more):
        stage = Stage(Fake(1), Case("c", (), (), more.pop("family", 4)), VPORT)
        frames = [(side, bytes(frame)) for side, frame in Fragments(packet, **more).build(stage)]
        return stage, frames, put_together(frames)

    def test_what_is_cut_is_put_together(self):
        for family in (4, 6):
            packet = udp(payload=bytes(range(256)) * 4, df=False)
            stage, frames, whole = self.whole(packet, family=family)
            self.assertEqual((len(frames), len(whole)), (3, 1))
            (_, plain), = packet.build(stage)
            self.assertEqual(Reader({VPORT: "V"}).frame(whole[0][1]), Reader({VPORT: "V"}).frame(bytes(plain)))

    def test_what_is_cut_inside_a_tunnel_is_put_together_behind_it(self):
        for family in (4, 6):
            packet = udp(payload=bytes(range(256)) * 4, df=False)
            stage, frames, _ = self.whole(packet, family=family)
            (_, plain), = packet.build(stage)
            inner = 4 if family == 4 else 41
            for outer in (IP(src="192.0.2.1", dst="192.0.2.2", proto=inner), IPv6(src="fd00::1", dst="fd00::2", nh=inner)):
                def tunnelled(frame, outer=outer):
                    return bytes(Ether(frame[:12] + (b"\x08\0" if outer.version == 4 else b"\x86\xdd")) / outer.copy() /
                                 Raw(frame[14:]))
                (_, whole), = put_together([(side, tunnelled(frame)) for side, frame in reversed(frames)])
                self.assertEqual(Reader({VPORT: "V"}).frame(whole), Reader({VPORT: "V"}).frame(tunnelled(bytes(plain))))
                self.assertEqual(len(put_together([(side, tunnelled(frame)) for side, frame in frames[1:]])), 2)

    def test_the_order_is_no_matter_and_a_gap_is(self):
        packet = udp(payload=bytes(1000), df=False)
        self.assertEqual(len(self.whole(packet, order=(2, 0, 1))[2]), 1)
        self.assertEqual(len(self.whole(packet, order=(2, 0))[2]), 2)


class Judging(unittest.TestCase):
    case = Case("c", (), ())
    odd = Case("c", (), (), deviates=Deviates("no-flags", {2: "b.*"}))

    def test_the_same_is_the_same(self):
        self.assertTrue(judge(self.case, seen("a", "b"), seen("a", "b")).passed)

    def test_a_difference_is_shown_with_both_sides(self):
        verdict = judge(self.case, seen("a", "b"), seen("a", "c"))
        self.assertFalse(verdict.passed)
        self.assertEqual(verdict.explanation, ("observation 2, Send:", "  kernel b", "  shunt  c"))

    def test_more_or_less_is_different(self):
        self.assertFalse(judge(self.case, seen("a"), seen("a", "b")).passed)
        self.assertFalse(judge(self.case, seen("a", "b"), seen("a")).passed)

    def test_timers_may_differ_by_seconds(self):
        self.assertTrue(judge(self.case, seen("a", seconds=60), seen("a", seconds=62.5)).passed)
        self.assertFalse(judge(self.case, seen("a", seconds=60), seen("a", seconds=64)).passed)
        self.assertFalse(judge(self.case, seen("a", seconds=60), seen("a")).passed)

    def test_a_deviation_passes_as_it_is_written_only(self):
        self.assertEqual(judge(self.odd, seen("a", "x"), seen("a", "bc")).word, "deviates: no-flags")
        self.assertFalse(judge(self.odd, seen("a", "x"), seen("a", "c")).passed)
        self.assertFalse(judge(self.odd, seen("a", "x"), seen("z", "bc")).passed)

    def test_a_deviation_that_is_none_any_more_fails(self):
        verdict = judge(self.odd, seen("a", "b"), seen("a", "b"))
        self.assertEqual((verdict.passed, verdict.word), (False, "NO LONGER DEVIATES"))


class Fake:
    """A director that sends every frame of a client's to one real."""

    def __init__(self, real):
        self._real = real

    def configure(self, *_):
        pass

    def capture(self, *_):
        pass

    def discard(self):
        pass

    def connections(self, _):
        return []

    def send(self, frames):
        return [(INSIDE, bytes.fromhex(real_mac(self._real).replace(":", "")) + frame[6:]) for _, frame in frames]


class Playing(unittest.TestCase):
    case = Case("one", (Service(reals(1, 1)),), (Picks(2), Send(tcp("A")), Connections()))

    def play(self, kernel, *shunt, case=None):
        """`shunt`: the real that each of its directors, the last one again and again, sends everything to."""
        left = list(shunt)

        @contextlib.contextmanager
        def twins(**_):
            made = type("Made", (), {})()
            made.directors = {"kernel": Fake(kernel), "shunt": Fake(left.pop(0) if len(left) > 1 else left[0])}
            yield made
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = Run(arguments([]), twins).play_all([(case or self.case, VPORT)])
        return status, out.getvalue()

    def test_the_same_answers_pass(self):
        status, text = self.play(1, 1)
        self.assertEqual(status, 0)
        self.assertIn("one | 1 1; r1:A; none | 1 1; r1:A; none | yes\n1 passed, 0 failed", text)

    def test_another_answer_fails(self):
        status, text = self.play(1, 2)
        self.assertEqual(status, 1)
        self.assertIn("one | 1 1; r1:A; none | 2 2; r2:A; none | NO\n", text)
        self.assertIn("kernel r1 r1\n      shunt  r2 r2\n", text)
        self.assertIn("0 passed, 1 failed", text)

    def test_what_differs_once_only_passes_and_is_said(self):
        status, text = self.play(1, 2, 1)
        self.assertEqual(status, 0)
        self.assertIn("| NO\n", text)
        self.assertIn("once more, with new directors: one\none | 1 1; r1:A; none | 1 1; r1:A; none | yes\n", text)
        self.assertIn("1 passed (1 at the second try), 0 failed", text)

    def test_what_cannot_be_played_fails(self):
        status, text = self.play(1, 1, case=Case("broken", (), (Send(Packet(sender="real", flags="A")),)))
        self.assertEqual(status, 1)
        self.assertIn("broken |  |  | ERROR\n    kernel: no real has flow 1", text)

    def test_nothing_played_is_no_success(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(Run(arguments([]), lambda **_: contextlib.nullcontext(
                type("Made", (), {"directors": {"kernel": None}})())).play_all([]), 1)

    def test_an_error_is_about_what_left_last(self):
        stage = Stage(Fake(3), self.case, VPORT)
        stage.send([syn()])
        (side, frame), = Error(INSIDE, "too-big", mtu=1300, quote=28).build(stage)
        self.assertEqual(side, INSIDE)
        self.assertRegex(stage.reader.frame(bytes(frame)),
                         r"r3 to inside: IP v1 > c1 .* ICMP 3/4 rest 0x514 "
                         r"about \[IP c1 > v1 .* quoted 28 \| TCP f1 > V cut at 8")


class Rendered(unittest.TestCase):
    case = Case("c", (), ())

    def lines(self, before, after):
        return changes(*({s.key(): s for s in [Rendering(self.case, VPORT, service)]} if service else {}
                         for service in (before, after)))

    def test_a_service_as_ipvsadm_has_it(self):
        service = Service((Real(1, 2), Real(2, port=RPORT)), scheduler="sh", method="nat", flags=("sh-port",))
        self.assertEqual(self.lines(None, service), [
            "-A -t 192.0.2.101:1234 -s sh -b sh-port", "-a -t 192.0.2.101:1234 -r 10.10.0.1:1234 -m -w 2",
            "-a -t 192.0.2.101:1234 -r 10.10.0.2:21234 -m -w 1"])

    def test_changes_are_edits(self):
        before = Service((Real(1), Real(2)))
        self.assertEqual(self.lines(before, Service((Real(1, 5), Real(3)), scheduler="wrr")), [
            "-E -t 192.0.2.101:1234 -s wrr", "-d -t 192.0.2.101:1234 -r 10.10.0.2:1234",
            "-e -t 192.0.2.101:1234 -r 10.10.0.1:1234 -g -w 5", "-a -t 192.0.2.101:1234 -r 10.10.0.3:1234 -g -w 1"])
        self.assertEqual(self.lines(before, before), [])
        self.assertEqual(self.lines(before, None), ["-D -t 192.0.2.101:1234"])

    def test_ipvsadms_lists_are_read(self):
        text = ("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n"
                "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\nTCP  192.0.2.101:1234 rr\n"
                "  -> [2001:db8::1]:80          Route   1      2          3\n")
        self.assertEqual(table(text), {("192.0.2.101:1234", None): ["rr"],
                                       ("192.0.2.101:1234", "[2001:db8::1]:80"): ["Route", "1", "2", "3"]})
        self.assertEqual(endpoint("[2001:db8::1]:80"), ("2001:db8::1", 80))

    def test_shunt_gets_ipvss_defaults(self):
        document = service_document(self.case, VPORT, Service(reals(1), scheduler="mh", flags=("mh-fallback",)))
        self.assertEqual(document["scheduler_flags"], {"port": False, "fallback": True})


class Tables(unittest.TestCase):
    def test_there_are_enough_cases_and_some_are_core(self):
        cases = all_cases()
        self.assertGreaterEqual(len(cases), 150)
        self.assertTrue(any(case.core for case in cases))

    def test_deviations_are_named_explained_and_used(self):
        used = {case.deviates.name for case in all_cases() if case.deviates}
        self.assertEqual(used, set(DEVIATIONS))
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
            text = readme.read()
        for name, reason in DEVIATIONS.items():
            self.assertIn(f"| `{name}` | {reason} |", text)

    def test_a_case_plays_the_same_alone(self):
        whole = {case.name: vport for case, vport in chosen(arguments([]))}
        (case, vport), = chosen(arguments(["--case", "rr-udp"]))
        self.assertEqual(whole[case.name], vport)
        self.assertLess(max(own_ports(max(whole.values())).values()), 65536)

    def test_patterns_and_subjects_choose(self):
        self.assertEqual({case.subject for case, _ in chosen(arguments(["--case", "states"]))}, {"states"})
        self.assertGreater(len(chosen(arguments(["--case", "rr-*"]))), 5)
        self.assertTrue(all(case.core for case, _ in chosen(arguments(["--core"]))))


if __name__ == "__main__":
    unittest.main()
