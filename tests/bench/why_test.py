"""scripts/bench why measures what it says: its DNS keeps the rules that its argument rests on, its figures are those of
the records, its contenders' configurations are accepted by their programs, its tables say what is missing."""

import io
import math
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

BENCH = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(BENCH))
sys.path[:0] = [os.path.join(ROOT, "scripts"), BENCH]

from lab.shell import LabError, Processes, wait_for  # noqa: E402
from why import campaign, closing, contenders, cpu, figures, main, names, plot, rig, zone  # noqa: E402
from why.figures import Balance  # noqa: E402
from why.load import Record, parse  # noqa: E402
from why.phases import Pace  # noqa: E402
from why.proxies import Haproxy, Nginx  # noqa: E402
from why.report import QUESTIONS, Progress, Table, rounded  # noqa: E402

ADDRESSES = ["10.0.1.11", "10.0.1.12", "10.0.1.13"]


def query(name=names.NAME, kind=1, edns=None, number=7):
    out = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0 if edns is None else 1) + zone.encode_name(name)
    out += struct.pack("!HH", kind, 1)
    return out if edns is None else out + b"\0" + struct.pack("!HHIH", 41, edns, 0, 0)


def answer_of(packet):
    """(code, truncated, [(address, ttl)]) of an answer whose records point at the question's name."""
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", packet)
    at = 12
    for _ in range(questions):
        while packet[at]:
            at += 1 + packet[at]
        at += 5
    records = []
    for _ in range(answers):
        _, kind, _, ttl, length = struct.unpack_from("!HHHIH", packet, at)
        assert (kind, length) == (1, 4)
        records.append((socket.inet_ntoa(packet[at + 12:at + 16]), ttl))
        at += 16
    return flags & 15, bool(flags & 0x0200), records


class ZoneTest(unittest.TestCase):
    def zone(self, everything=False, addresses=ADDRESSES):
        made = zone.Zone(names.NAME, 60, everything)
        made.set(addresses)
        return made

    def addresses(self, made, **options):
        return [address for address, _ in answer_of(made.answer(query(**options)))[2]]

    def test_addresses_take_turns_in_single_answers(self):
        made = self.zone()
        self.assertEqual([self.addresses(made) for _ in range(4)],
                         [["10.0.1.11"], ["10.0.1.12"], ["10.0.1.13"], ["10.0.1.11"]])

    def test_a_whole_set_begins_with_the_next_in_turn(self):
        made = self.zone(everything=True)
        self.assertEqual(self.addresses(made), ADDRESSES)
        self.assertEqual(self.addresses(made), ADDRESSES[1:] + ADDRESSES[:1])

    def test_an_edit_does_not_send_everybody_to_the_first_one(self):
        made = self.zone()
        self.addresses(made)
        made.set(ADDRESSES[:2])
        self.assertEqual(self.addresses(made), ["10.0.1.12"])

    def test_records_carry_the_ttl(self):
        self.assertEqual(answer_of(self.zone().answer(query()))[2], [("10.0.1.11", 60)])

    def test_letter_case_of_the_name_does_not_matter(self):
        self.assertEqual(self.addresses(self.zone(), name=names.NAME.upper()), ["10.0.1.11"])

    def test_encode_name_lowers_so_the_question_is_built_by_hand(self):
        raw = query().replace(b"shunt", b"ShUnT")
        self.assertEqual(len(answer_of(self.zone().answer(raw))[2]), 1)

    def test_other_names_are_refused_and_other_types_are_empty(self):
        self.assertEqual(answer_of(self.zone().answer(query(name="other.test"))), (5, False, []))
        self.assertEqual(answer_of(self.zone().answer(query(kind=28))), (0, False, []))

    def test_without_records_the_answer_is_empty(self):
        self.assertEqual(answer_of(self.zone(addresses=[]).answer(query())), (0, False, []))

    def test_a_hundred_addresses_need_edns(self):
        hundred = [f"10.0.1.{10 + i}" for i in range(100)]
        made = self.zone(everything=True, addresses=hundred)
        self.assertEqual(answer_of(made.answer(query())), (0, True, []))
        code, truncated, records = answer_of(made.answer(query(edns=4096)))
        self.assertEqual((code, truncated, len({address for address, _ in records})), (0, False, 100))

    def test_what_is_no_question_gets_no_answer(self):
        self.assertIsNone(self.zone().answer(b"short"))
        self.assertIsNone(self.zone().answer(answer := self.zone().answer(query())))
        self.assertEqual(answer[2] & 0x80, 0x80)
        self.assertEqual(answer_of(self.zone().answer(query()[:20]) + b"")[0], 1)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipIf(names.dnsmasq() is None, "dnsmasq is not installed")
class ResolverTest(unittest.TestCase):
    """The real cache between a zone and its clients."""

    TTL = 2

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        processes = Processes(folder.name)
        self.addCleanup(processes.stop_all)
        upstream, self._port = free_port(), free_port()
        self._zone = processes.start("zone", [sys.executable, "-B", "-m", "why.zone", "127.0.0.1", str(upstream), names.NAME,
                                              str(self.TTL), "one"],
                                     cwd=BENCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None)
        self.assertEqual(self._zone.stdout.readline(), b"ready\n")
        self.set(ADDRESSES)
        processes.start("dnsmasq", names.dnsmasq_command("127.0.0.1", self._port, "127.0.0.1", upstream))
        self._client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self._client.close)
        self._client.settimeout(0.5)
        self._client.connect(("127.0.0.1", self._port))
        self._first, self._asked = wait_for(self.ask, 10, "dnsmasq to answer"), time.monotonic()

    def set(self, addresses):
        self._zone.stdin.write((" ".join(addresses) + "\n").encode())
        self._zone.stdin.flush()
        self.assertEqual(self._zone.stdout.readline(), b"set\n")

    def ask(self):
        try:
            self._client.send(query(edns=4096))
            return answer_of(self._client.recv(4096))[2]
        except OSError:
            return None

    def test_an_answer_is_kept_for_the_ttl_and_not_longer(self):
        self.set(["192.0.2.1"])
        (address, _), = self._first
        while time.monotonic() < self._asked + self.TTL - 1.2:
            (kept, ttl), = self.ask()
            self.assertEqual(kept, address)
            self.assertLessEqual(ttl, self.TTL)
            time.sleep(0.1)
        # Resolvers count whole seconds.
        time.sleep(self._asked + self.TTL + 0.1 - time.monotonic())
        self.assertEqual([a for a, _ in self.ask()], ["192.0.2.1"])


def record(start, end, real="r1", outcome="ok", size=1024):
    return Record(start, end, 0, real if outcome == "ok" else None, size, outcome, 1)


class FiguresTest(unittest.TestCase):
    def test_even_shares_are_balanced(self):
        self.assertEqual(figures.balance({"r1": 10, "r2": 10}, ["r1", "r2"]), Balance(1.0, 0.0))

    def test_a_real_without_requests_counts(self):
        self.assertEqual(figures.balance({"r1": 10}, ["r1", "r2"]), Balance(2.0, 1.0))

    def test_variation_is_the_deviation_by_the_mean(self):
        found = figures.balance({"a": 2, "b": 4, "c": 4, "d": 4, "e": 5, "f": 5, "g": 7, "h": 9}, "abcdefgh")
        self.assertAlmostEqual(found.variation, 2 / 5)
        self.assertAlmostEqual(found.most_to_mean, 9 / 5)

    def test_nothing_has_no_balance(self):
        self.assertIsNone(figures.balance({}, ["r1"]))

    def test_turns_that_even_out_in_the_long_run_do_not_at_any_one_time(self):
        records = [record(t / 10, t / 10 + 0.01, "r1" if t < 20 else "r2") for t in range(40)]
        self.assertEqual(figures.balance(figures.requests_by_real(records), ["r1", "r2"]).most_to_mean, 1.0)
        self.assertEqual(figures.balance_per_interval(records, ["r1", "r2"], 0, 4, 2), 2.0)

    def test_only_answers_are_counted_by_real_and_bytes(self):
        records = [record(0, 1), record(0, 1, "r2", size=10), record(0, 1, "r2", "cut")]
        self.assertEqual(figures.requests_by_real(records), {"r1": 1, "r2": 1})
        self.assertEqual(figures.bytes_by_real(records), {"r1": 1024, "r2": 10})

    def test_the_busiest_is_that_of_late(self):
        records = [record(0, 1)] * 9 + [record(5, 5.1, "r2")] * 2 + [record(5, 5.1)]
        self.assertEqual(figures.busiest(records, 4, ["r1", "r2"]), "r2")
        self.assertEqual(figures.busiest([], 4, ["r3", "r2"]), "r3")

    def test_an_outcome_belongs_to_the_time_of_its_end(self):
        records = [record(0.5, 2.5, outcome="timeout"), record(0.9, 1.0), record(1.0, 2.9), record(1.2, 3.0, outcome="refused")]
        found = figures.outcome(records, 1.0, 3.0, 1.0)
        self.assertEqual((found.requests, found.failed, found.reasons, found.slow), (3, 1, {"timeout": 1}, 1))
        self.assertEqual(found.last_failure_s, 1.5)

    def test_every_request_is_in_one_window(self):
        records = [record(t / 100, t / 100 + 0.3) for t in range(1000)]
        windows = [(0, 3.3), (3.3, 7.7), (7.7, math.inf)]
        self.assertEqual(sum(figures.outcome(records, *window, 1).requests for window in windows), 1000)

    def test_out_of_use_is_the_last_request_before_the_stop(self):
        records = [record(1, 2), record(4.5, 5), record(9, 10), record(4.8, 5, "r2")]
        self.assertEqual(figures.out_of_use_after(records, "r1", 4, 8), 0.5)
        self.assertEqual(figures.out_of_use_after(records, "r3", 4, 8), 0.0)

    def test_percentiles_are_values_that_occurred(self):
        self.assertEqual(figures.percentile([5, 1, 4, 2, 3], 0.5), 3)
        self.assertEqual(figures.percentile(range(1, 101), 0.99), 99)
        self.assertTrue(math.isnan(figures.percentile([], 0.5)))

    def test_a_record_is_parsed_as_the_clients_write_it(self):
        self.assertEqual(parse("1500000 1750000 3 r12 2048 ok 1"), Record(1.5, 1.75, 3, "r12", 2048, "ok", 1))
        self.assertEqual(parse("1500000 1750000 3 - 0 refused 2"), Record(1.5, 1.75, 3, None, 0, "refused", 2))


class SmallRig:
    """As much of a rig as a contender's configuration needs."""

    def __init__(self, folder):
        self.folder = folder

    @staticmethod
    def names(count):
        return [f"r{i}" for i in range(1, count + 1)]

    address = staticmethod(rig.Rig.address)


class ProxyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self._folder = folder.name

    def write(self, kind, out):
        proxy = kind(SmallRig(self._folder), 3, Pace())
        os.makedirs(os.path.join(self._folder, kind.name), exist_ok=True)
        proxy._write(out)
        with open(proxy._config(), encoding="utf-8") as file:
            return proxy, file.read()

    def test_nginx_marks_down_the_one_that_is_out(self):
        self.assertNotIn("down;", self.write(Nginx, None)[1])
        text = self.write(Nginx, "r2")[1]
        self.assertIn("server 10.0.1.12:80 down;", text)
        self.assertEqual(text.count(" down;"), 1)

    @unittest.skipIf(Haproxy.missing(), "haproxy is not installed")
    def test_haproxy_accepts_its_configuration(self):
        proxy, text = self.write(Haproxy, None)
        done = subprocess.run(["/usr/sbin/haproxy", "-c", "-f", proxy._config()], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(text.count("\n  server "), 3)
        self.assertNotIn("WARNING", done.stderr)


class CpuTest(unittest.TestCase):
    def test_a_grandchild_is_family_and_its_time_counts(self):
        # The shell has to stay, so that the one who works is a child of its own.
        shell = subprocess.Popen(["sh", "-c", f"{sys.executable} -c 'while True: pass'; true"])
        try:
            wait_for(lambda: len(cpu.family(shell.pid)) == 2, 5, "the shell's child")
            before = cpu.of_processes([shell.pid])
            wait_for(lambda: cpu.of_processes([shell.pid]) > before + 0.02, 20, "its CPU time to be seen")
        finally:
            for pid in cpu.family(shell.pid):
                os.kill(pid, 9)
            shell.wait()

    def test_who_is_gone_has_no_time(self):
        child = subprocess.Popen(["true"])
        child.wait()
        self.assertEqual(cpu.of_processes([child.pid]), 0)


FACTS = {"date": "2026-01-01 00:00 UTC", "cpu": "a CPU", "cores": 2, "kernel": "6", "dpdk": "22.11", "commit": "abc"}


class ReportTest(unittest.TestCase):
    def setUp(self):
        self._out, sys.stdout = sys.stdout, io.StringIO()
        self.addCleanup(lambda: setattr(sys, "stdout", self._out))

    def row(self, **changes):
        return {**{question.key: 1 for question in QUESTIONS}, "full_busy_us": None, "quiet": True, **changes}

    def table(self, path=None):
        table = Table(FACTS, Pace(), list(contenders.ALL.values()), [1, 5], path)
        table.add(contenders.ALL["one"], 1, self.row(requests_per_s=15241.2))
        table.add(contenders.ALL["shunt"], 5, self.row(requests_per_s=99.6, quiet=False))
        table.not_measured(contenders.ALL["haproxy"], "haproxy is not installed; run 'scripts/setup --why'")
        return table

    def test_a_table_has_a_line_for_each_contender_and_a_dash_for_what_was_not_measured(self):
        lines = self.table().question(QUESTIONS[0])
        self.assertEqual([line.split() for line in lines[3:]],
                         [["1", "real", "5", "reals"], ["one", "server", "15,241", "-"], ["Shunt", "-", "100*"]])

    def test_a_question_that_nobody_answers_has_no_table(self):
        self.assertEqual(self.table().question(next(q for q in QUESTIONS if q.key == "full_busy_us")), [])

    def test_what_is_missing_is_named_with_its_remedy(self):
        self.table().print_all(closing.lines(2, 2))
        text = sys.stdout.getvalue()
        self.assertIn("HAProxy: not measured: haproxy is not installed; run 'scripts/setup --why'", text)
        self.assertIn("* another program was at work", text)
        self.assertIn("More reals bring no more", text)

    def test_an_explanation_names_the_pace(self):
        for question in QUESTIONS:
            self.assertNotIn("{", question.explained.format(**vars(Pace())))

    def test_json_has_no_nan_and_names_the_machine(self):
        self.assertIsNone(rounded(math.nan))
        self.assertEqual(rounded(1.23456), 1.235)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "why.json")
            self.table(path)
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn('"commit": "abc"', lines[1])

    def test_progress_says_how_much_time_is_left(self):
        now, out = [100.0], io.StringIO()
        progress = Progress(out, clock=lambda: now[0])
        progress.left(125)
        progress("begins")
        now[0] += 60
        progress("goes on")
        progress.clear()
        self.assertEqual(out.getvalue(), "[2:05 left] begins\n[1:05 left] goes on\n")


class PlotTest(unittest.TestCase):
    ROWS = [{"case": "why", "contender": name, "reals": count, "quiet": True, "ttl_s": 2, **FACTS, "requests_per_s": 100.0 * count,
             "full_cpu_us": 1.5, "ttl_most_to_mean": 1 + count / 10, "killed_failed": 7 * count, "silent_failed": 0,
             "taken_failed": None} for name in ("dns", "shunt") for count in (1, 5, 100)]
    TITLES = {name: contender.title for name, contender in contenders.ALL.items()}

    def test_every_contender_has_a_line_in_every_panel_that_has_its_figures(self):
        root = xml.etree.ElementTree.fromstring(plot.draw(self.ROWS, self.TITLES))
        lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 2 * 5)
        self.assertTrue(all(len(line.get("points").split()) == 3 for line in lines))

    def test_every_contender_can_be_told_apart(self):
        self.assertEqual(set(plot._STYLES), set(contenders.ALL))
        self.assertEqual(len({colour for colour, _ in plot._STYLES.values()}), len(contenders.ALL))

    def test_axes_hold_their_values_and_begin_at_the_bottom(self):
        for most in (0.7, 1, 3, 99, 100, 101, 15241):
            axis = plot._linear(most)
            self.assertEqual(axis.share(0), 0)
            self.assertLessEqual(axis.share(most), 1)
            self.assertLessEqual(len(axis.ticks), 10)
            for first in (0, 1):
                axis = plot.Logarithmic(most, first)
                self.assertEqual(axis.share(first), 0)
                self.assertLessEqual(axis.share(most), 1)

    def test_a_wrong_file_is_refused_with_what_is_right(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            for content in ("", "{", '{"case": "daemon"}'):
                file.seek(0)
                file.truncate()
                file.write(content)
                file.flush()
                with self.assertRaisesRegex(LabError, "--json"):
                    plot.read(file.name)
        with self.assertRaisesRegex(LabError, "cannot be read"):
            plot.read("/nowhere/why.json")

    def test_the_drawing_lies_beside_its_rows(self):
        self.assertEqual(plot.beside("results/why.json"), "results/why.svg")


class ArgumentsTest(unittest.TestCase):
    def refused(self, *arguments):
        try:
            sys.stderr, kept = io.StringIO(), sys.stderr
            with self.assertRaises(SystemExit):
                main.parse(list(arguments))
            return sys.stderr.getvalue()
        finally:
            sys.stderr = kept

    def test_the_whole_run_is_at_most_twelve_minutes_and_the_quick_one_two(self):
        for arguments, minutes in (([], 12), (["--quick"], 2)):
            options = main.parse(arguments)
            self.assertLessEqual(campaign.seconds(options.cells, options.pace), 60 * minutes)

    def test_the_quick_run_has_one_server_and_the_others_with_five(self):
        self.assertEqual([(contender.name, count) for contender, count in main.parse(["--quick"]).cells],
                         [("one", 1), ("dns", 5), ("nginx", 5), ("haproxy", 5), ("shunt", 5)])

    def test_a_contender_is_measured_where_it_makes_sense(self):
        cells = [(contender.name, count) for contender, count in main.parse(["--reals", "1,5"]).cells]
        self.assertIn(("shunt", 1), cells)
        self.assertNotIn(("one", 5), cells)
        self.assertNotIn(("dns-set", 1), cells)

    def test_wrong_arguments_are_refused_with_what_there_is(self):
        self.assertIn("there are one, dns, dns-set, nginx, haproxy, shunt", self.refused("--contenders", "ipvs"))
        self.assertIn("1 to 100", self.refused("--reals", "0,5"))
        self.assertIn("is no list of numbers", self.refused("--reals", "many"))
        self.assertIn("2 to 600", self.refused("--seconds", "1"))

    def test_a_subset_keeps_the_order_of_the_argument(self):
        options = main.parse(["--contenders", "shunt,one", "--reals", "25,5,5"])
        self.assertEqual([(contender.name, count) for contender, count in options.cells], [("shunt", 5), ("shunt", 25)])
        self.assertIn("nothing fits", self.refused("--contenders", "one", "--reals", "5"))


if __name__ == "__main__":
    unittest.main()
