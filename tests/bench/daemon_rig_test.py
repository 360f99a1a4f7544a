"""The benchmark measures what it says: its source is what the daemon should get, its check of departures refuses every
wrong header, its windows pick the quiet ones, and the machine is left as it was."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "tests/bench")]

from daemon_rig import capture, contenders, flows, machine, report, telemetry, windows  # noqa: E402
from daemon_rig.departures import Departures, WrongPacket  # noqa: E402
from daemon_rig.telemetry import Bounds, PortCounters, Reading, narrowest, reading_of  # noqa: E402
from lab.shell import LabError  # noqa: E402


def rfc1071(data):
    """The sum as RFC 1071 writes it, word by word: not the way in which the benchmark does it."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + b"\0" * (len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_sums(frame):
    """The frame with right checksums: of the outer header, of the inner one and of UDP."""
    frame = bytearray(frame)
    inner = 14
    if frame[23] == 4:
        inner = 34
        frame[24:26] = b"\0\0"
        frame[24:26] = struct.pack("!H", rfc1071(frame[14:34]))
    frame[inner + 10:inner + 12] = b"\0\0"
    frame[inner + 10:inner + 12] = struct.pack("!H", rfc1071(frame[inner:inner + 20]))
    udp = inner + 20
    frame[udp + 6:udp + 8] = b"\0\0"
    pseudo = frame[inner + 12:inner + 20] + struct.pack("!HH", 17, len(frame) - udp)
    frame[udp + 6:udp + 8] = struct.pack("!H", rfc1071(pseudo + frame[udp:]) or 0xFFFF)
    return bytes(frame)


def departed(method, flow, real, local=None):
    """The packet of `flow` as it must leave for `real`: built field by field, checksums anew."""
    frame = bytearray(flows.frame_of(flow))
    frame[0:6], frame[6:12] = flows.real_mac(real), flows.PORT_MAC
    frame[22] -= 1
    address = flows.packed(flows.real_address(real))
    if method in ("nat", "fullnat"):
        frame[30:34] = address
        frame[36:38] = struct.pack("!H", 8080)
    if method == "fullnat":
        source, port = local
        frame[26:30] = flows.packed(source)
        frame[34:36] = struct.pack("!H", port)
    if method == "tunnel":
        outer = struct.pack("!BBHHHBBH4s4s", 0x45, 0, len(frame) - 14 + 20, 7, 0x4000, frame[22], 4, 0,
                            flows.packed("10.1.255.254"), address)
        frame[14:14] = outer
    return with_sums(frame)


def local_of(flow):
    return ("192.0.2.1", 2000 + flow)


def stream(method, count, turns=2):
    return [departed(method, flow, flow % flows.REALS, local_of(flow)) for _ in range(turns) for flow in range(count)]


def checked(method, frames, count):
    departures = Departures(method, count)
    for frame in frames:
        departures.check(frame)
    departures.finish()
    return departures.packets


class SourceTest(unittest.TestCase):
    def test_frames_are_64_bytes_on_the_wire_for_the_port_and_the_vip_with_right_checksums(self):
        for flow in (0, 1, 131_071, 131_072, 999_999):
            frame = flows.frame_of(flow)
            self.assertEqual(len(frame), 60)
            self.assertEqual(frame[:6].hex(":"), "02:00:00:00:00:01")
            self.assertEqual(frame[30:34], bytes([203, 0, 113, 10]))
            self.assertEqual(rfc1071(frame[14:34]), 0)
            self.assertEqual(rfc1071(frame[26:34] + struct.pack("!HH", 17, 26) + frame[34:]), 0)

    def test_every_flow_has_a_client_address_and_port_of_its_own(self):
        clients = {flows.client_of(flow) for flow in range(1_000_000)}
        self.assertEqual(len(clients), 1_000_000)

    def test_flows_come_in_random_order_each_equally_often(self):
        order = capture.order_of(1000)
        self.assertEqual(sorted(order), sorted(list(range(1000)) * 2))
        self.assertNotEqual(order[:1000], sorted(order[:1000]))
        self.assertNotEqual(order[:1000], order[1000:])

    def test_a_single_flow_still_fills_the_ring(self):
        self.assertEqual(capture.order_of(1), [0] * 1024)

    def test_a_capture_is_read_back_whole_however_its_bytes_arrive(self):
        with tempfile.TemporaryDirectory() as folder:
            path, packets = capture.source(folder, 3000)
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(packets, 3000)
        for step in (7, 4096, len(data)):
            reader = capture.Reader()
            frames = [frame for at in range(0, len(data), step) for frame in reader.frames(data[at:at + step])]
            self.assertEqual(frames, [flows.frame_of(flow) for flow in capture.order_of(3000)])

    def test_what_is_no_capture_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not a capture"):
            list(capture.Reader().frames(b"\0" * 64))


class DeparturesTest(unittest.TestCase):
    def test_right_packets_of_every_method_pass(self):
        for method in flows.METHODS:
            self.assertEqual(checked(method, stream(method, 300), 300), 600)

    def refused(self, method, change, words, sums=True):
        """A stream whose last packet has `change` applied to it is refused, and for that reason."""
        frames = stream(method, 300)
        frame = bytearray(frames[-1])
        change(frame)
        frames[-1] = with_sums(frame) if sums else bytes(frame)
        with self.assertRaisesRegex(WrongPacket, words):
            checked(method, frames, 300)

    def test_each_field_that_is_wrong_is_found(self):
        def put(at, *values):
            def change(frame):
                frame[at:at + len(values)] = bytes(values)
            return change
        for method in ("direct", "nat", "fullnat"):
            self.refused(method, put(5, 0xEE), "no real's")
            self.refused(method, put(6, 0x0A), "it is from")
            self.refused(method, put(22, 64), "TTL 64")
            self.refused(method, put(15, 1), "IPv4 header starts")
            self.refused(method, put(24, 0, 0), "IPv4 checksum", sums=False)
            self.refused(method, put(40, 0x12, 0x34), "UDP checksum is wrong", sums=False)
            self.refused(method, put(40, 0, 0), "checksum 0x0000", sums=False)
            self.refused(method, put(59, 0), "payload was changed")
            self.refused(method, put(33, 250), "it is for")
            self.refused(method, put(36, 9, 9), "it is for")
        self.refused("direct", put(35, 9), "not flow 299's client")
        self.refused("nat", put(26, 10, 9, 9, 9), "not flow 299's client")
        self.refused("fullnat", put(26, 10, 9, 9, 9), "not of the pool")

    def test_each_field_of_the_outer_header_that_is_wrong_is_found(self):
        def put(at, *values):
            def change(frame):
                frame[at:at + len(values)] = bytes(values)
            return change
        self.refused("tunnel", put(22, 64), "outer TTL is 64")
        self.refused("tunnel", put(20, 0), "outer flags")
        self.refused("tunnel", put(17, 0), "no IPIP")
        self.refused("tunnel", put(24, 0, 0), "outer IPv4 checksum", sums=False)
        self.refused("tunnel", put(29, 1), "its tunnel is from")
        self.refused("tunnel", put(33, 99), "its tunnel is from")
        self.refused("tunnel", put(42, 64), "TTL 64")
        self.refused("tunnel", put(44, 0, 0), "IPv4 checksum", sums=False)

    def test_a_packet_of_another_method_is_refused(self):
        for method in flows.METHODS:
            for other in flows.METHODS:
                if other != method:
                    with self.assertRaises(WrongPacket):
                        checked(method, stream(other, 300), 300)

    def test_a_cut_packet_is_refused(self):
        with self.assertRaisesRegex(WrongPacket, "has 45 bytes"):
            checked("direct", [stream("direct", 1)[0][:59]], 1)
        with self.assertRaisesRegex(WrongPacket, "20 bytes"):
            checked("direct", [stream("direct", 1)[0][:20]], 1)

    def test_a_flow_that_changes_its_real_is_found(self):
        for method in flows.METHODS:
            frames = stream(method, 300)
            frames[-1] = departed(method, 299, 7, local_of(299))
            with self.assertRaisesRegex(WrongPacket, "flow 299 went to"):
                checked(method, frames, 300)

    def test_two_flows_on_one_local_port_and_real_are_found(self):
        frames = stream("fullnat", 300, turns=1)
        frames.append(departed("fullnat", 300, 299 % flows.REALS, local_of(299)))
        with self.assertRaisesRegex(WrongPacket, "flows 299 and 300 share"):
            checked("fullnat", frames, 301)

    def test_lost_packets_and_unequal_shares_are_found(self):
        with self.assertRaisesRegex(WrongPacket, "299 of 300 flows"):
            checked("nat", stream("nat", 299), 300)
        with self.assertRaisesRegex(WrongPacket, "between 1 and 2 times"):
            checked("nat", stream("nat", 300)[:-1], 300)
        with self.assertRaisesRegex(WrongPacket, "round robin"):
            checked("nat", [departed("nat", flow, 0) for flow in range(300)], 300)


class WindowsTest(unittest.TestCase):
    def alternate(self, waiting, wanted=3):
        """alternate() over two contenders; the first one's windows wait so much, turn by turn, and give 1, 2, 3 Mpps."""
        turns = {"first": 0, "second": 0}
        order = []

        def measure(contender, _seconds):
            turn = turns[contender]
            turns[contender] += 1
            order.append(contender)
            return windows.Window(turn + 1, waiting[min(turn, len(waiting) - 1)] if contender == "first" else 0, 50)
        figures = windows.alternate(["first", "second"], wanted, 1, lambda text: None, measure)
        return figures, order

    def test_the_two_take_turns_until_enough_windows_were_quiet(self):
        figures, order = self.alternate([0])
        self.assertEqual(order, ["first", "second"] * 3)
        self.assertEqual(figures[0], windows.Figure(2, 3, True, 50))

    def test_disturbed_windows_are_repeated_and_do_not_count(self):
        figures, order = self.alternate([0.5, 0.5, 0, 0, 0])
        self.assertEqual(len(order), 10)
        self.assertEqual(figures[0], windows.Figure(4, 3, True, 50))

    def test_where_none_is_quiet_the_least_disturbed_count_and_the_figure_says_so(self):
        figures, order = self.alternate([0.5, 0.02, 0.5, 0.02, 0.5, 0.02, 0.5])
        self.assertEqual(len(order), 18)
        self.assertEqual(figures[0], windows.Figure(4, 3, False, 50))
        self.assertTrue(figures[1].quiet)

    def test_a_window_counts_what_left_and_leaves_the_program_paused(self):
        calls = []

        class Fake:
            class threads:
                times = iter([machine.CpuTime(7.0, 1.0), machine.CpuTime(7.495, 1.005)])

                @classmethod
                def cpu_time(cls):
                    return next(cls.times)
            ports = iter([still(10.0, 100), still(10.5, 1_000_100)])

            def __getattr__(self, name):
                if name == "reading":
                    return lambda: next(self.ports)
                return lambda *arguments: calls.append(name)
        window = windows.measure_window(Fake(), 0.5, sleep=lambda seconds: None)
        self.assertAlmostEqual(window.mpps, 2.0)
        self.assertAlmostEqual(window.lost, 0.01)
        self.assertAlmostEqual(window.cpu_ns, 495)
        self.assertEqual(calls, ["resume", "before_window", "after_window", "pause"])


def still(seconds, packets, received=None):
    """A Reading of a port that does not move."""
    received = packets if received is None else received
    return Reading(seconds, packets, Bounds(received, received), Bounds(60 * packets, 60 * packets))


class CountsTest(unittest.TestCase):
    first, last = still(0, 5000), still(1, 1_005_000)

    def refused(self, words, before=5000, last=None, after=1_005_000, size=60):
        with self.assertRaisesRegex(LabError, words):
            contenders.check_counts(before, self.first, last or self.last, after, size)

    def test_counts_that_agree_pass(self):
        contenders.check_counts(5000, self.first, self.last, 1_005_000, 60)

    def test_a_worker_that_counts_packets_that_its_port_did_not_send_is_found(self):
        self.refused("says that it sent", before=50_000)
        self.refused("says that it sent", after=900_000)

    def test_packets_that_came_and_did_not_leave_are_found(self):
        self.refused("received 1005000 to 1005000 packets and sent 1000000", last=still(1, 1_005_000, 1_010_000))

    def test_packets_of_the_wrong_size_are_found(self):
        self.refused("60.00 bytes each, 80 are right", size=80)


class ReadingTest(unittest.TestCase):
    """A port that forwards ten packets a microsecond and is asked every 100 of them."""

    @staticmethod
    def port(start, torn=(), lost=0):
        """Answers one after the other; between the two counters of the `torn` ones 109 microseconds pass."""
        moment = start
        for number in range(100):
            received = moment * 10
            moment += 109 if number in torn else 0
            sent = moment * 10 - lost
            yield PortCounters(moment / 1e6, received, sent, sent * 60)
            moment += 100

    def check(self, first, last):
        contenders.check_counts(first.sent, first, last, last.sent, 60)

    def test_counters_that_are_read_at_different_moments_are_no_loss(self):
        for torn in ((0,), (1,), (2,), (0, 1, 2)):
            first = reading_of(*list(self.port(0, torn))[:3])
            last = reading_of(*list(self.port(500_000))[:3])
            self.check(first, last)
            first = reading_of(*list(self.port(0))[:3])
            last = reading_of(*list(self.port(500_000, torn))[:3])
            self.check(first, last)

    def test_a_loss_is_found_beside_them(self):
        first = narrowest(self.port(0, torn=(1,)).__next__)
        last = narrowest(self.port(500_000, torn=(1,), lost=5000).__next__)
        with self.assertRaisesRegex(LabError, "received .* packets and sent"):
            self.check(first, last)

    def test_the_narrowest_bounds_of_several_are_taken(self):
        reading = narrowest(self.port(0, torn=(0, 1, 2)).__next__)
        self.assertLessEqual(reading.width, 2048)

    def test_a_port_that_is_never_read_in_one_go_still_gives_bounds(self):
        reading = narrowest(self.port(0, torn=range(100)).__next__)
        self.assertGreater(reading.width, 2048)
        self.assertLessEqual(reading.received.least, reading.sent)
        self.assertGreaterEqual(reading.received.most, reading.sent)


class TelemetryTest(unittest.TestCase):
    def test_a_program_that_does_not_answer_is_an_error_of_the_measurement(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(os.path.join(folder, "dpdk_telemetry.v2"))
            listener.listen()
            with mock.patch.object(telemetry, "runtime_folder", lambda prefix: folder), \
                    mock.patch.object(telemetry, "_PATIENCE", 0.2):
                accepted = []

                def serve():
                    accepted.append(listener.accept()[0])
                    accepted[0].send(b'{"max_output_len":16384}')
                server = threading.Thread(target=serve)
                server.start()
                asked = telemetry.Telemetry("prefix")
                server.join()
                with self.assertRaisesRegex(LabError, "no counters of port 0"):
                    asked.port()
                asked.close()
                accepted[0].close()


class MachineTest(unittest.TestCase):
    def reserve(self, before, free, pages):
        """What the setting was during and after, and whether it was enough, on a machine with `free` free pages."""
        with tempfile.TemporaryDirectory() as folder:
            setting = os.path.join(folder, "nr_hugepages")
            machine.write_number(setting, before)

            def free_now():
                return free + machine.read_number(setting) - before
            try:
                with machine.reserved_pages(pages, setting=setting, free=free_now) as enough:
                    during = machine.read_number(setting)
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                return during, machine.read_number(setting), enough

    def test_missing_pages_are_added_and_given_back_whatever_happens(self):
        self.assertEqual(self.reserve(before=100, free=40, pages=50), (110, 100, True))

    def test_enough_free_pages_are_left_alone(self):
        self.assertEqual(self.reserve(before=100, free=60, pages=50), (100, 100, True))


    def test_pages_that_somebody_else_adds_meanwhile_stay(self):
        with tempfile.TemporaryDirectory() as folder:
            setting = os.path.join(folder, "nr_hugepages")
            machine.write_number(setting, 100)
            with machine.reserved_pages(50, setting=setting, free=lambda: machine.read_number(setting) - 100):
                machine.write_number(setting, machine.read_number(setting) + 7)
            self.assertEqual(machine.read_number(setting), 107)

    def test_a_worker_that_waits_or_does_not_run_loses_time(self):
        before = machine.CpuTime(1.0, 1.0)
        self.assertEqual(machine.CpuTime(1.996, 1.0).share_lost_since(before, 1.0), 0)  # within a tick
        self.assertAlmostEqual(machine.CpuTime(1.7, 1.3).share_lost_since(before, 1.0), 0.3)
        # Still waiting: the kernel has not counted it yet.
        self.assertAlmostEqual(machine.CpuTime(1.1, 1.0).share_lost_since(before, 1.0), 0.89)
        # Two CPUs: what several workers had of them, together.
        self.assertAlmostEqual(machine.CpuTime(2.49, 1.0, 2).share_lost_since(before, 1.0), 0.25)

    def test_workers_that_share_a_cpu_are_given_queues_of_their_own(self):
        setting = contenders.Setting("a.pcap", 1024, 1000, machine.Cpus(0, 1), False, "/tmp", "check", (1, 1, 0))
        self.assertEqual(setting.lcores, "0@0,1@1,2@1,3@0")
        self.assertEqual(setting.device, "net_pcap0,rx_pcap=a.pcap,rx_pcap=a.pcap,rx_pcap=a.pcap,infinite_rx=1")
        self.assertEqual(setting.all_connections, 3000)


class InterfaceTest(unittest.TestCase):
    def test_a_row_has_the_documented_fields(self):
        row = report.Row("nat", 1000, windows.Figure(10.0, 5, True, 100), windows.Figure(20.0, 5, False, 50), 4000)
        fields = row.fields({"date": "today"})
        self.assertEqual({key: fields[key] for key in ("case", "method", "connections", "mpps", "ns_per_packet",
                                                       "floor_mpps", "ratio", "quiet", "date")},
                         {"case": "daemon", "method": "nat", "connections": 1000, "mpps": 10.0, "ns_per_packet": 100.0,
                          "floor_mpps": 20.0, "ratio": 0.5, "quiet": False, "date": "today"})
        self.assertTrue(row.line().endswith("0.50 *"))

    def test_unknown_options_are_refused_with_what_there_is(self):
        for arguments, words in ((["--fast"], "unknown argument --fast"), ([], "say what to measure"),
                                 (["--quick", "--methods", "dsr"], "no method dsr")):
            done = subprocess.run([os.path.join(ROOT, "scripts/bench"), *arguments], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)

    def test_the_daemon_accepts_the_configuration_of_every_method(self):
        shuntd = os.path.join(os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin")), "shuntd")
        if not os.access(shuntd, os.X_OK):
            self.skipTest(f"{shuntd} is not built")
        for method in flows.METHODS:
            with tempfile.TemporaryDirectory() as folder:
                setting = contenders.Setting("/dev/null", 2000, 1000, machine.Cpus(0, 1), False, folder, "check", (1,))
                path = contenders.Shuntd(None, setting, method).write_configuration()
                done = subprocess.run([shuntd, "--check", "-c", path], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
