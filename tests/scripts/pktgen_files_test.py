"""scripts/pktgen beside its Lua: every line of the .pkt files is a command that Pktgen has, the frames are right to the
last checksum and as many flows as said, testpmd's words fit the role, and the TRex profile makes what its tunables say."""

import importlib.util
import os
import re
import struct
import sys
import tempfile
import types
import unittest
from importlib.machinery import SourceFileLoader

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "scripts/pktgen")
sys.dont_write_bytecode = True
sys.path.insert(0, FOLDER)

import frames  # noqa: E402  found by the path above
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402

MAC, NUMBER = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", r"\d+"
V4, V6 = r"\d+(?:\.\d+){3}", r"[0-9a-f:]*:[0-9a-f:]*"
FLAG = "(?:urg|ack|psh|rst|syn|fin|all)"
# Of Pktgen's range, set and enable commands (app/cli-functions.c) those that take one meaning.
COMMANDS = [re.compile(pattern + "$") for pattern in (
    rf"range \d+ (?:src|dst) mac (?:start|min|max|inc) {MAC}",
    rf"range \d+ (?:src|dst) ip {V4}(?: {V4}){{3}}",
    rf"range \d+ (?:src|dst) ip {V6}(?: {V6}){{3}}",
    r"range \d+ proto (?:tcp|udp)", r"range \d+ type (?:ipv4|ipv6)", rf"range \d+ tcp flag (?:set|clr) {FLAG}",
    rf"range \d+ (?:src|dst) port {NUMBER}(?: {NUMBER}){{3}}", rf"range \d+ size {NUMBER}(?: {NUMBER}){{3}}",
    rf"set \d+ (?:count|size|rate|sport|dport) {NUMBER}", rf"set \d+ (?:src|dst) mac {MAC}",
    rf"set \d+ dst ip (?:{V4}|{V6})", rf"set \d+ src ip (?:{V4}|{V6})/\d+", r"set \d+ type (?:ipv4|ipv6)",
    r"set \d+ proto (?:udp|tcp|icmp)", r"set \d+ rnd \d+ \d+ [01.X]{32}",
    r"(?:enable|disable) \d+ (?:range|random|latency|pcap)")]


class CommandFilesTest(unittest.TestCase):
    def test_every_line_is_a_command(self):
        files = [name for name in os.listdir(FOLDER) if name.endswith(".pkt")]
        self.assertGreaterEqual(len(files), 6)
        for name in files:
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    line = line.rstrip("\n")
                    if line and not line.startswith("#"):
                        self.assertTrue(any(command.match(line) for command in COMMANDS), f"{name}:{number}: {line}")


def sum_is_right(data):
    data += bytes(len(data) % 2)
    return int.from_bytes(data, "big") % 65535 == 0


class FramesTest(unittest.TestCase):
    def test_lengths_and_checksums_are_right(self):
        for version in (4, 6):
            for protocol in frames.PROTOCOLS:
                for size in (78, 101, 1518):
                    frame = frames.Traffic(70000, size, protocol, "nat", version).frame(66000, size)
                    with self.subTest(version=version, protocol=protocol, size=size):
                        self.assertEqual(len(frame), size - frames.FCS_BYTES)
                        self.check_network(frame[14:], version, 17 if protocol == "udp" else 6)

    def check_network(self, packet, version, number):
        if version == 4:
            self.assertTrue(sum_is_right(packet[:20]))
            self.assertEqual(struct.unpack("!H", packet[2:4])[0], len(packet))
            addresses, segment = packet[12:20], packet[20:]
        else:
            self.assertEqual(struct.unpack("!H", packet[4:6])[0], len(packet) - 40)
            addresses, segment = packet[8:40], packet[40:]
        self.assertTrue(sum_is_right(addresses + struct.pack("!IBBH", len(segment), 0, 0, number) + segment))
        if number == 17:
            self.assertEqual(struct.unpack("!H", segment[4:6])[0], len(segment))

    def test_flows_are_distinct(self):
        for version in (4, 6):
            traffic = frames.Traffic(150000, 78, "udp", "nat", version)
            at = slice(26, 36) if version == 4 else slice(22, 56)
            self.assertEqual(len({traffic.frame(flow, 78)[at] for flow in range(0, 150000, 7)}), len(range(0, 150000, 7)))

    def test_a_capture_has_every_flow_equally_often_and_the_mix(self):
        with tempfile.TemporaryDirectory() as folder:
            path, count = frames.source(folder, frames.Traffic(600, "imix"))
            with open(path, "rb") as file:
                data = file.read()
        at, sizes, flows = 24, {}, {}
        while at < len(data):
            length = struct.unpack_from("<IIII", data, at)[2]
            frame = data[at + 16:at + 16 + length]
            sizes[length + 4] = sizes.get(length + 4, 0) + 1
            flows[frame[26:30] + frame[34:36]] = flows.get(frame[26:30] + frame[34:36], 0) + 1
            at += 16 + length
        self.assertEqual(count, 1200)
        self.assertEqual(sizes, {64: 700, 570: 400, 1518: 100})
        self.assertEqual(set(flows.values()), {2})
        self.assertEqual(len(flows), 600)

    def test_what_cannot_be_made_is_said(self):
        for words, text in (((0,), "1 to"), ((1, 60), "64 to 1518"), ((1, 64, "udp", "nat", 6), "66 to 1518"),
                            ((1, 1519), "64 to 1518")):
            with self.assertRaisesRegex(frames.TrafficError, text):
                frames.Traffic(*words)


class TestpmdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(FOLDER, "testpmd")
        spec = importlib.util.spec_from_loader("pktgen_testpmd", SourceFileLoader("pktgen_testpmd", path))
        cls.testpmd = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(cls.testpmd)
        cls.testpmd.testpmd_path = lambda: "testpmd"

    def words(self, *words):
        return self.testpmd.command(self.testpmd.parse(list(words)))

    def test_roles(self):
        self.assertIn("--forward-mode=5tswap", self.words("reflect"))
        self.assertIn("--forward-mode=rxonly", self.words("sink"))
        single = self.words("single", "--method", "direct", "--size", "128")
        for word in ("--forward-mode=txonly", "--tx-ip=198.18.0.1,203.0.113.12", "--txpkts=124"):
            self.assertIn(word, single)

    def test_memif_and_a_nic(self):
        memif = self.words("reflect", "--socket", "/x")
        self.assertIn("net_memif1,role=client,id=1,socket=/x,socket-abstract=no", memif)
        self.assertIn("--no-pci", memif)
        nic = self.words("reflect", "--port", "0000:01:00.1", "--huge", "--queues", "4", "--lcores", "8,9,10,11,12")
        self.assertEqual(nic[nic.index("-a") + 1], "0000:01:00.1")
        self.assertEqual(nic[nic.index("--file-prefix") + 1], "shunt-reflect-0000-01-00.1")
        self.assertNotIn("--no-pci", nic)
        self.assertEqual(nic[nic.index("--main-lcore") + 1], "8")
        for word in ("--rxq=4", "--txq=4", "--nb-cores=4"):
            self.assertIn(word, nic)

    def test_ordinary_pages_take_a_page_for_a_buffer(self):
        frames_source, frames.source = frames.source, lambda _folder, traffic: ("/x.pcap", traffic.flows)
        self.addCleanup(setattr, frames, "source", frames_source)
        for words, least_mb in ((["--huge"], 1000000 * 2560 >> 20), ([], 1000000 * 4096 >> 20)):
            command = self.words("generate", "--flows", "1000000", *words)
            self.assertGreater(int(command[command.index("-m") + 1]), least_mb)

    def test_words_that_do_not_fit_are_refused(self):
        for words in (["reflect", "--port", "0000:01:00.1"], ["single", "--protocol", "tcp-syn"],
                      ["generate", "--queues", "2"]):
            with self.assertRaises(SystemExit), open(os.devnull, "w", encoding="utf-8") as quiet:
                sys.stderr, before = quiet, sys.stderr
                try:
                    self.testpmd.parse(words)
                finally:
                    sys.stderr = before


class Recorder:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class FieldEngine:
    def __init__(self):
        self.calls = {}

    def tuple_var(self, *, name, ip_min, ip_max, port_min, port_max, limit_flows):
        self.calls["tuple"] = (name, ip_min, ip_max, port_min, port_max, limit_flows)

    def write(self, *, fv_name, pkt_offset, offset_fixup=0):
        self.calls[fv_name] = (pkt_offset, offset_fixup)

    def fix_chksum_hw(self, *, l3_offset, l4_offset, l4_type):
        self.calls["checksum"] = (l3_offset, l4_offset, l4_type)


class TrexTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        api = types.ModuleType("trex_stl_lib.api")
        for layer in (Ether, IP, IPv6, UDP, TCP):
            setattr(api, layer.__name__, layer)
        for name in ("STLStream", "STLPktBuilder", "STLTXCont", "STLFlowLatencyStats"):
            setattr(api, name, Recorder)
        api.STLVM, api.STLError = FieldEngine, ValueError
        api.CTRexVmInsFixHwCs = types.SimpleNamespace(L4_TYPE_UDP=11, L4_TYPE_TCP=13)
        api.__all__ = [name for name in vars(api) if not name.startswith("_")]
        sys.modules.update({"trex_stl_lib": types.ModuleType("trex_stl_lib"), "trex_stl_lib.api": api})
        spec = importlib.util.spec_from_file_location("pktgen_trex", os.path.join(FOLDER, "trex.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        cls.profile = module.register()

    def test_sizes_flows_and_checksums(self):
        (stream,) = self.profile.get_streams(flows="200000", size="128", method="fullnat", protocol="tcp-ack")
        self.assertEqual(len(stream.packet.pkt), 124)
        calls = stream.packet.vm.calls
        self.assertEqual(calls["tuple"], ("client", "198.18.0.0", "198.18.255.255", 1024, 1027, 200000))
        self.assertEqual(calls["client.port"], ("TCP.sport", 0))
        self.assertEqual(calls["checksum"], ("IP", "TCP", 13))
        self.assertEqual(stream.packet.pkt[IP].dst, "203.0.113.11")
        self.assertEqual(str(stream.packet.pkt[TCP].flags), "A")

    def test_mix_and_latency(self):
        streams = self.profile.get_streams(size="imix", latency="1")
        self.assertEqual([(len(stream.packet.pkt) + 4, stream.mode.pps) for stream in streams],
                         [(64, 7), (570, 4), (1518, 1), (78, 1000)])
        self.assertTrue(hasattr(streams[-1], "flow_stats"))

    def test_ipv6(self):
        (stream,) = self.profile.get_streams(size=78, version=6, flows=1000)
        self.assertEqual(stream.packet.vm.calls["client.ip"], ("IPv6.src", 12))
        self.assertEqual(stream.packet.vm.calls["tuple"][1:3], ("0.0.0.0", "0.0.3.231"))

    def test_the_other_direction_sends_nothing(self):
        self.assertEqual(self.profile.get_streams(direction=1), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
