"""scripts/pktgen's Lua under a stand-in for Pktgen-DPDK: it calls what Pktgen has, finds the rates that the stand-in's load
balancer carries, makes as many flows as it says, and writes results that can be read."""

import csv
import json
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "scripts/pktgen")
LUA = shutil.which("lua5.4") or shutil.which("lua5.3")


@unittest.skipUnless(LUA, "no lua5.4; scripts/setup installs it")
class LuaTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.trace, self.result = os.path.join(self.folder, "trace"), os.path.join(self.folder, "result.json")

    def run_script(self, name, check=True, **settings):
        environment = {"PATH": os.environ["PATH"], "TRACE": self.trace, "RESULT": self.result, "SIZES": "64",
                       **{key: str(value) for key, value in settings.items()}}
        done = subprocess.run([LUA, "-e", f"dofile('{HERE}/pktgen_stub.lua')", os.path.join(SCRIPTS, name)], cwd=self.folder,
                              env=environment, capture_output=True, text=True, timeout=60, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def rows(self):
        with open(self.result, encoding="utf-8") as file:
            return json.load(file)["rows"]

    def calls(self, name):
        with open(self.trace, encoding="utf-8") as file:
            return [line.split()[1:] for line in file if line.split()[0] == name]

    def test_ndr_and_pdr_are_found_within_the_resolution(self):
        self.run_script("ndr.lua", CAPACITY=37, TOLERANCE=52, RESOLUTION=0.25, SIZES="64,1518")
        rows = {(row["size"], row["search"]): row for row in self.rows()}
        self.assertEqual(set(rows), {(64, "NDR"), (64, "PDR"), (1518, "NDR"), (1518, "PDR")})
        for (_, search), row in rows.items():
            edge = {"NDR": 37, "PDR": 52}[search]
            self.assertLessEqual(row["rate_percent"], edge + 0.5)  # PDR tolerates half a percent beyond
            self.assertGreater(row["rate_percent"], edge - 0.25)
            self.assertAlmostEqual(row["mpps"], row["rate_percent"] / 10, delta=0.06)

    def test_full_line_rate_needs_one_trial(self):
        self.run_script("ndr.lua", CAPACITY=100, WARMUP=0)
        self.assertEqual([row["rate_percent"] for row in self.rows()], [100, 100])
        self.assertEqual(len(self.calls("start")), 2)

    def test_nothing_carried_is_said_and_not_a_rate(self):
        done = self.run_script("ndr.lua", CAPACITY=0)
        self.assertIn("no NDR down to 0.5 %", done.stdout)
        self.assertEqual(self.rows()[0]["rate_percent"], 0)

    def test_latency_is_taken_at_shares_of_the_rate_without_loss(self):
        self.run_script("latency.lua", CAPACITY=40, RESOLUTION=0.1)
        rows = self.rows()
        self.assertEqual([row["share_percent"] for row in rows], [10, 50, 90])
        for row in rows:
            self.assertAlmostEqual(row["rate_percent"], 0.4 * row["share_percent"], delta=0.1)
            self.assertAlmostEqual(row["avg_us"], 10 + row["rate_percent"], places=3)
            self.assertEqual((row["p50_us"], row["p99_us"], row["p999_us"]), (500, 990, 999))

    def test_latency_at_a_given_rate_searches_nothing(self):
        self.run_script("latency.lua", NDR=20, WARMUP=0)
        self.assertEqual([row["rate_percent"] for row in self.rows()], [2, 10, 18])
        self.assertEqual(len(self.calls("start")), 3)

    def test_latency_is_read_where_packets_come_back(self):
        self.run_script("latency.lua", NDR=20, WARMUP=0, RECEIVE=1, METHOD="direct", TRIAL=1)
        self.assertEqual({words[0] for words in self.calls("pktStats")}, {"1"})
        self.assertEqual({tuple(words) for words in self.calls("latency")},
                         {("0", "rate", "1000"), ("0", "enable"), ("1", "enable"), ("0", "disable"), ("1", "disable")})

    def test_flows_are_distinct_and_as_many_as_said(self):
        for flows in (1, 2, 1000, 10000, 65536, 100000, 120000):
            with self.subTest(flows=flows):
                self.run_script("range.lua", FLOWS=flows, BUFFERS=1 << 20, TRIAL=1)
                fields = {}
                for field in ("src_ip", "src_port"):
                    said = {words[1]: words[2] for words in self.calls("range." + field)}
                    fields[field] = said
                addresses = sum(int(part) << shift for part, shift in
                                zip(fields["src_ip"]["max"].split(".")[2:], (8, 0))) + 1
                ports = int(fields["src_port"]["max"]) - int(fields["src_port"]["min"]) + 1
                # Pktgen moves both on with each packet.
                seen = {(packet % addresses, packet % ports) for packet in range(flows)}
                self.assertEqual(len(seen), flows)
                self.assertEqual(addresses * ports, flows)

    def test_more_flows_than_buffers_are_refused(self):
        done = self.run_script("range.lua", check=False, FLOWS=100000)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("FLOWS=100000, but Pktgen has 32768 buffers", done.stderr)

    def test_a_number_that_cannot_be_made_names_the_next(self):
        done = self.run_script("range.lua", check=False, FLOWS=131072, BUFFERS=1 << 20)
        self.assertIn("FLOWS=131072 cannot be made of addresses and ports; the next that can is 131073", done.stderr)

    def test_range_packets_get_the_protocol(self):
        self.run_script("range.lua", PROTOCOL="tcp", METHOD="direct", TRIAL=1)
        self.assertEqual(self.calls("range.ip_proto"), [["0", "tcp"]])
        self.assertIn(["0", "start", "203.0.113.12"], self.calls("range.dst_ip"))

    def test_an_unknown_method_is_refused(self):
        self.assertIn("METHOD=snat; use nat", self.run_script("range.lua", check=False, METHOD="snat").stderr)

    def test_csv(self):
        self.result = os.path.join(self.folder, "result.csv")
        self.run_script("ndr.lua", CAPACITY=50)
        with open(self.result, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["search"] for row in rows], ["NDR", "PDR"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
