"""scripts/bench --full judges as it says, and --plot draws what the file says."""

import argparse
import contextlib
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "scripts"), os.path.join(ROOT, "tests/bench")]

from daemon_rig.departures import WrongPacket  # noqa: E402
from full import (console, plot, scales, section_connections, section_instructions, section_latency, section_path,  # noqa: E402
                  verdict, watch)
from full.figures import Figure, Try, at_least, at_most, key  # noqa: E402
from full.run import Full  # noqa: E402
from full.steps import NotHere, Section, Step, Value, not_measured  # noqa: E402
from lab.shell import LabError  # noqa: E402


def figure(target, *values, quiet=True, wanted=3, why=None):
    return Figure(key("case", "metric", method="direct"), "ns", target, wanted, tries=[Try(value, quiet) for value in values],
                  why=why)


class VerdictTest(unittest.TestCase):
    def test_the_median_of_the_tries_decides(self):
        self.assertEqual(figure(at_most(20), 10, 19, 90).verdict(), "met")
        self.assertEqual(figure(at_most(20), 10, 21, 90).verdict(), "missed")
        self.assertEqual(figure(at_least(20), 90, 21, 10).verdict(), "met")
        self.assertEqual(figure(at_least(20), 90, 19, 10).verdict(), "missed")

    def test_the_bound_itself_is_met(self):
        self.assertEqual(figure(at_most(20), 20, 20, 20).verdict(), "met")
        self.assertEqual(figure(at_least(20), 20, 20, 20).verdict(), "met")

    def test_disturbed_tries_do_not_count_where_enough_were_quiet(self):
        one = figure(at_most(20), 10, 10, 10)
        one.tries += [Try(90, False)] * 3
        self.assertEqual((one.value(), one.verdict()), (10, "met"))

    def test_too_few_quiet_tries_are_no_verdict_whatever_they_say(self):
        one = figure(at_most(20), 10, 10)
        one.tries.append(Try(10, False))
        self.assertEqual(one.verdict(), "noisy")
        self.assertEqual(figure(at_most(20), 90, 90, 90, quiet=False).verdict(), "noisy")

    def test_what_was_compared_in_turns_is_proved_by_disturbed_tries_that_all_agree(self):
        def verdict_of(*values, quiet=False, **more):
            one = figure(at_most(1.25), *values, quiet=quiet, **more)
            one.in_turns = True
            return one.verdict()
        self.assertEqual(verdict_of(1.1, 1.2, 1.0), "met")
        self.assertEqual(verdict_of(1.3, 1.4, 2.0), "missed")
        self.assertEqual(verdict_of(1.1, 1.2, 1.3), "noisy")
        self.assertEqual(verdict_of(1.1, 1.1, 1.1, 1.1, 1.1, 1.3), "noisy")
        self.assertEqual(verdict_of(1.1, 1.2), "noisy")
        self.assertEqual(verdict_of(1.1, wanted=1), "noisy")
        self.assertEqual(verdict_of(1.1, 1.2, 1.3, quiet=True), "met")

    def test_what_was_not_measured_is_never_met(self):
        self.assertEqual(figure(at_most(20)).verdict(), "not measured")
        self.assertEqual(figure(at_most(20), 10, 10, 10, why="a packet was wrong").verdict(), "not measured")

    def test_the_ratio_is_the_value_by_its_target(self):
        self.assertAlmostEqual(figure(at_most(20), 10, 15, 90).ratio(), 0.75)
        self.assertIsNone(figure(None, 10).ratio())

    def test_the_status_is_0_only_when_every_target_was_met(self):
        met, missed, missing = figure(at_most(20), 1, 1, 1), figure(at_most(20), 21, 21, 21), figure(at_most(20), why="no")
        noisy, told = figure(at_most(20), 1, 1, 1, quiet=False), figure(None, 1)
        for figures, status in (([met, told], 0), ([met, missed], 1), ([met, missing], 1), ([met, noisy], 3),
                                ([noisy, missed], 1), ([noisy, missing], 1)):
            self.assertEqual(verdict.exit_status(figures), status)

    def test_what_missed_is_named_with_its_target_and_value(self):
        (sentence,) = verdict.sentences([figure(at_most(20), 21, 21, 21), figure(at_most(20), 1, 1, 1)])
        self.assertEqual(sentence, "missed: case, direct: metric is to be at most 20 ns; it is 21")
        (sentence,) = verdict.sentences([figure(at_most(20), why="no such method")])
        self.assertIn("not measured: case, direct", sentence)
        self.assertIn("no such method", sentence)

    def test_a_row_of_the_table_says_all(self):
        line = console.line(figure(at_most(20), 21, 21, 21))
        for word in ("direct", "metric", "21", "ns", "at most 20", "1.05", "missed"):
            self.assertIn(word, line)
        self.assertIn("not measured: why", console.line(figure(at_most(20), why="why")))
        self.assertTrue(console.line(figure(None, 5, quiet=False)).endswith("*"))

    def test_a_row_of_the_file_has_the_documented_fields(self):
        self.assertEqual(figure(at_most(20), 10, 12, 90).fields(),
                         {"case": "case", "metric": "metric", "method": "direct", "value": 12, "unit": "ns", "target": 20,
                          "at": "most", "ratio": 0.6, "verdict": "met", "tries": [10, 12, 90], "quiet": True})


class StepTest(unittest.TestCase):
    quiet, busy = watch.Moment(1, 0, 1.0, 1.0), watch.Moment(1, 0, 1.5, 1.0)

    def step(self, measure, wanted=1):
        step = Step("title", 1, [figure(at_most(20))], measure)
        step.want(wanted)
        return step

    def attempt(self, step, end):
        moments = iter([watch.Moment(0, 0, 0, 0), end])
        step.attempt(lambda: next(moments))
        return step.figures[0]

    def test_a_quiet_try_counts_and_a_disturbed_one_is_told_apart(self):
        own = key("case", "metric", method="direct")
        step = self.step(lambda: {own: 7})
        self.assertEqual(self.attempt(step, self.busy).tries, [Try(7, False)])
        self.assertFalse(step.enough())
        self.attempt(step, self.quiet)
        self.assertTrue(step.enough())
        step = self.step(lambda: {own: Value(7, False)})
        self.assertEqual(self.attempt(step, self.quiet).tries, [Try(7, False)])

    def test_what_others_cannot_change_needs_no_quiet(self):
        step = self.step(lambda: {key("case", "metric", method="direct"): 7})
        step.figures[0].timed = False
        self.assertEqual(self.attempt(step, self.busy).verdict(), "met")

    def test_a_reason_in_a_disturbed_try_is_not_the_last_word(self):
        own = key("case", "metric", method="direct")
        said = iter([{own: "3 packets were dropped"}, {own: 7}])
        step = self.step(lambda: next(said))
        self.attempt(step, self.busy)
        self.assertFalse(step.enough())
        self.assertEqual(self.attempt(step, self.quiet).verdict(), "met")
        step = self.step(lambda: {own: "3 packets were dropped"})
        self.attempt(step, self.busy)
        step.end()
        self.assertEqual(step.figures[0].why, "3 packets were dropped")

    def test_a_figure_that_the_run_did_not_give_is_not_measured(self):
        self.assertEqual(self.attempt(self.step(dict), self.quiet).verdict(), "not measured")

    def fail(self, error):
        raise error

    def test_a_failure_is_final_on_a_quiet_machine_only(self):
        step = self.step(lambda: self.fail(LabError("it broke")))
        self.attempt(step, self.busy)
        self.assertFalse(step.done or step.enough())
        self.assertEqual(self.attempt(step, self.quiet).why, "it broke")
        self.assertTrue(step.done)

    def test_a_disturbed_failure_to_the_end_is_not_measured(self):
        step = self.step(lambda: self.fail(LabError("it broke")))
        self.attempt(step, self.busy)
        step.end()
        self.assertEqual((step.figures[0].verdict(), step.figures[0].why), ("not measured", "it broke"))

    def test_a_wrong_packet_and_what_is_not_here_are_final_at_once(self):
        for error in (WrongPacket("its TTL is 64"), NotHere("no such command")):
            step = self.step(lambda error=error: self.fail(error))
            self.assertIn(str(error), self.attempt(step, self.busy).why)
            self.assertTrue(step.done)

    def test_a_step_that_breaks_costs_its_own_figures_only(self):
        for error in (TimeoutError("no answer"), KeyError("per_second"), subprocess.TimeoutExpired("shuntctl", 60)):
            step = self.step(lambda error=error: self.fail(error))
            self.assertIn(type(error).__name__, self.attempt(step, self.quiet).why)

    def test_what_a_section_cannot_have_costs_that_section_only(self):
        @contextlib.contextmanager
        def around():
            raise LabError("no huge pages")
            yield
        step = self.step(dict)
        run = Full(ROOT, argparse.Namespace(tries=3, json=None))
        run._measure(Section("name", "title", [step], around=around))  # pylint: disable=protected-access
        self.assertEqual((step.figures[0].verdict(), step.figures[0].why), ("not measured", "no huge pages"))

    def test_the_time_left_is_of_the_tries_to_come(self):
        step, gone = self.step(dict), not_measured("title", [], "why")
        step.seconds, gone.seconds = 10, 10
        self.assertEqual(console.time_left([(step, 3), (gone, 3)], {id(step): 1}), 20)


class WatchTest(unittest.TestCase):
    def test_a_twentieth_of_a_cpu_for_others_and_a_hundredth_for_the_host_are_quiet(self):
        before = watch.Moment(0, 0, 0, 0)
        self.assertTrue(watch.between(before, watch.Moment(10, 0.1, 10.5, 10)).quiet)
        self.assertFalse(watch.between(before, watch.Moment(10, 0.1, 10.6, 10)).quiet)
        self.assertFalse(watch.between(before, watch.Moment(10, 0.2, 10, 10)).quiet)

    def test_descendants_are_the_whole_tree_and_nothing_beside_it(self):
        self.assertEqual(set(watch.descendants(5, {1: 0, 5: 1, 6: 5, 7: 6, 8: 1, 9: 8})), {5, 6, 7})

    def test_own_work_is_not_others(self):
        before = watch.now()
        subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
        sum(range(10 ** 7))
        after = watch.now()
        self.assertGreater(after.own - before.own, 0.1)
        self.assertGreaterEqual(after.busy - before.busy + 0.05, after.own - before.own)


class RowsTest(unittest.TestCase):
    """What path_bench writes becomes the figures that the sections promise."""

    def test_path(self):
        rows = [{"case": "path", "method": "direct", "family": 4, "connections": 1000, "ns_per_packet": 20.0, "floor_ns": 5.0,
                 "ratio": 4.0},
                {"case": "path", "method": "direct", "family": 6, "connections": 1000, "ns_per_packet": 24.0, "floor_ns": 6.0,
                 "ratio": 4.0, "ratio_to_ipv4": 1.21},
                {"case": "memory", "connections": 1000, "family": 4, "capacity": 1250, "table_bytes": 112_000,
                 "worker_bytes": 500},
                {"case": "memory", "connections": 1000, "family": 6, "capacity": 1250, "table_bytes": 187_000,
                 "worker_bytes": 500}]
        found = section_path.values(rows)
        self.assertEqual(found[section_path.ns("direct", 1000)], 20)
        self.assertEqual(found[key("path", "ratio_to_floor", method="direct", connections=1000)], 4)
        self.assertEqual(found[section_path.ns("direct", 1000, 6)], 24)
        self.assertEqual(found[key("path", "ratio_to_ipv4", family=6, method="direct", connections=1000)], 1.21)
        self.assertNotIn(key("path", "ratio_to_ipv4", method="direct", connections=1000), found)
        self.assertAlmostEqual(found[key("memory", "bytes_per_connection", connections=1000)], 90)
        self.assertAlmostEqual(found[key("memory", "bytes_per_connection", family=6, connections=1000)], 150)
        self.assertIn(found[section_path.ns("floor", 1000)], (5, 6))

    def test_new_connections_count_only_without_drops_at_a_full_table_that_expiry_keeps_so(self):
        row = {"case": "new-connections", "scenario": "whole-direct", "per_second": 1.5e6, "fill": 0.8, "p999_pause_us": 9,
               "worst_pause_us": 30, "raw_worst_pause_us": 900, "drops": 0, "drop_reasons": "none", "evicted": 0}
        rate = key("new-connections", "connections_per_second", scenario="whole-direct")
        self.assertEqual(section_connections.values([row])[rate], 1.5e6)
        self.assertIn("dropped", section_connections.values([{**row, "drops": 3}])[rate])
        self.assertIn("gave way", section_connections.values([{**row, "evicted": 3}])[rate])
        self.assertIn("50% full", section_connections.values([{**row, "fill": 0.5}])[rate])

    @staticmethod
    def latency_row(load, swaps=0, **more):
        """Of a machine that pauses: as often in a second of polls as in one of the rig's own code."""
        return {"case": "latency", "load_percent": load, "rate_mpps": 9.0, "p50_us": 1, "p99_us": 2, "p999_us": 4,
                "all_p50_us": 1, "all_p99_us": 30, "all_p999_us": 90, "windows": 1000, "undisturbed_windows": 800,
                "pauses": 100, "rig_seconds": 0.5, "slow_polls": 200, "poll_seconds": 1.0, "swaps": swaps, "lost": 0,
                "lost_to_pauses": 0, "rounds": 5, "rounds_with_loss": 0, **more}

    def latency(self, metric, load, *rows):
        return section_latency.values(rows)[key("latency", metric, load_percent=load)]

    def test_latency_is_of_the_windows_that_the_machine_left_alone(self):
        self.assertEqual(self.latency("p999", 50, self.latency_row(50)), 4)
        self.assertEqual(self.latency("undisturbed_windows", 50, self.latency_row(50)), 80)
        self.assertIn("20% of the windows", self.latency("p999", 50, self.latency_row(50, undisturbed_windows=200)))

    def test_slow_polls_that_the_machine_does_not_explain_count(self):
        self.assertEqual(self.latency("p999", 50, self.latency_row(50, slow_polls=400)), 90)
        self.assertEqual(self.latency("p999", 50, self.latency_row(50, pauses=0, slow_polls=6)), 90)
        self.assertEqual(self.latency("p999", 50, self.latency_row(50, pauses=0, slow_polls=4)), 4)

    def test_latency_counts_only_without_loss(self):
        self.assertIn("7 packets were lost", self.latency("p999", 90, self.latency_row(90, lost=7, rounds_with_loss=3)))
        self.assertEqual(self.latency("p999", 90, self.latency_row(90, lost=7, rounds_with_loss=2)), 4)
        self.assertEqual(self.latency("p999", 90, self.latency_row(90, lost_to_pauses=7)), 4)
        self.assertIn("7 packets were lost", self.latency("p999", 90, self.latency_row(90, lost_to_pauses=7, slow_polls=400)))

    def test_what_swaps_move_is_of_all_windows_where_they_bring_pauses(self):
        def moved(**more):
            still = {name: more.pop(name) for name in ("pauses", "slow_polls") if name in more}
            return self.latency("p999_moved_by_swaps", 50, self.latency_row(50, **still), self.latency_row(
                50, 500, **{"p999_moved_us": 3.5, "all_p999_moved_us": 60.0, "pauses_added": 10, **more}))
        self.assertEqual(moved(), 3.5)
        self.assertEqual(moved(pauses_added=30), 60)
        self.assertEqual(moved(slow_polls=900), 60)
        self.assertIn("lost", moved(lost=7, rounds_with_loss=5))

    def test_instructions_are_compared_with_figures_of_the_same_build_only(self):
        def count():
            return {"built_with": "a compiler", "instructions_per_packet": {"direct": 337.5}}
        direct = key("instructions", "instructions_per_packet", method="direct")
        self.assertEqual(section_instructions.measure("a compiler", count), {direct: 337.5})
        self.assertIn("cannot be compared", section_instructions.measure("another", count)[direct])

    def test_ipv6_is_held_to_ipv4_in_every_row_and_at_every_size(self):
        held = {(dict(one.key.where)["method"], dict(one.key.where)["connections"]) for one in section_path.section().figures()
                if one.key.metric == "ratio_to_ipv4" and one.target == at_most(1.25)}
        self.assertEqual(held, {(method, size) for method in ("direct", "tunnel", "nat", "nat-reply", "fullnat",
                                                              "fullnat-reply") for size in (1000, 1_000_000, 10_000_000)})

    def test_every_section_promises_figures_of_its_own(self):
        keys = [one.key for section in (section_path.section(), section_connections.section(), section_latency.section(),
                                        section_instructions.section()) for one in section.figures()]
        self.assertEqual(len(keys), len(set(keys)))


_RUN = {"case": "run", "date": "2026-01-02 03:04 UTC", "cpu": "A <fast> CPU", "cores": 2, "kernel": "6", "dpdk": "22.11",
        "commit": "abc"}
_SVG = "{http://www.w3.org/2000/svg}"


def path_row(method, connections, value, **more):
    return {"case": "path", "metric": "ns_per_packet", "method": method, "connections": connections, "value": value,
            "quiet": True, **more}


class PlotTest(unittest.TestCase):
    rows = [path_row("floor", 1000, 5.0), path_row("floor", 1_000_000, 16.0),
            path_row("direct", 1000, 19.5, target=20), path_row("direct", 1_000_000, 44.0, target=48, quiet=False)]

    def charts(self, rows):
        return {name: xml.fromstring(chart.svg()) for name, chart in plot.charts(_RUN, rows)}

    @staticmethod
    def place(svg, axis, value):
        """Where a value lies by the chart's own labels: between the two ticks around it, by their logarithms on x."""
        ticks = {}
        for text in svg.iter(_SVG + "text"):
            if text.get("class") == f"{axis}-tick":
                number = text.text.replace(",", "").replace("k", "000").replace("M", "000000")
                ticks[float(number)] = float(text.get(axis)) - (4 if axis == "y" else 0)
        low = max(tick for tick in ticks if tick <= value)
        high = min((tick for tick in ticks if tick > value), default=low)
        if high == low:
            return ticks[low]
        share = math.log(value / low) / math.log(high / low) if axis == "x" else (value - low) / (high - low)
        return ticks[low] + share * (ticks[high] - ticks[low])

    def test_points_and_targets_are_where_the_data_say(self):
        svg = self.charts(self.rows + [path_row("direct", 3000, 23.0)])["connections"]
        circles = [circle for circle in svg.iter(_SVG + "circle") if circle.find(_SVG + "title") is not None]
        seen = {(round(float(circle.get("cx")), 1), round(float(circle.get("cy")), 1)) for circle in circles}
        wanted = {(round(self.place(svg, "x", x), 1), round(self.place(svg, "y", y), 1))
                  for x, y in ((1000, 5), (1e6, 16), (1000, 19.5), (1e6, 44), (3000, 23))}
        self.assertEqual(len(wanted), 5)
        self.assertEqual(seen, wanted)
        levels = {round(float(line.get("y1")), 1) for line in svg.iter(_SVG + "line")
                  if line.get("class").startswith("target c")}
        self.assertEqual(levels, {round(self.place(svg, "y", 20), 1), round(self.place(svg, "y", 48), 1)})

    def test_it_says_when_where_and_of_which_commit(self):
        text = " ".join(element.text or "" for element in self.charts(self.rows)["connections"].iter(_SVG + "text"))
        for word in ("2026-01-02 03:04 UTC", "A <fast> CPU", "commit abc", "direct", "floor", "target", "disturbed"):
            self.assertIn(word, text)

    def test_it_is_drawn_for_light_and_dark_pages(self):
        style = next(self.charts(self.rows)["connections"].iter(_SVG + "style")).text
        self.assertIn("@media (prefers-color-scheme: dark)", style)

    def test_each_curve_that_has_points_is_drawn_and_no_other(self):
        self.assertEqual(set(self.charts(self.rows)), {"connections"})
        more = [path_row("direct", 1000, 21.0, family=6)]
        more += [{"case": f"path-{what}", "metric": "ns_per_packet", "method": "direct", what: number, "value": 20.0,
                  "quiet": True} for what in ("services", "reals") for number in (1, 10)]
        more += [{"case": "workers", "metric": "cpu_ns_per_packet", "method": "direct", "workers": 2, "cpus": cpus,
                  "value": 50.0, "quiet": True} for cpus in (1, 2)]
        more += [{"case": "scaling", "metric": "mpps", "method": "direct", "workers": workers, "value": 20.0 * workers,
                  "quiet": True} for workers in (1, 2)]
        more += [{"case": "latency", "metric": "p99", "load_percent": load, "value": 3.0, "quiet": True} for load in (10, 90)]
        self.assertEqual(set(self.charts(self.rows + more)),
                         {"connections", "connections-ipv6", "services", "reals", "workers", "scaling", "latency"})

    def test_figures_without_a_value_are_left_out(self):
        svg = self.charts(self.rows + [path_row("tunnel", 1000, None)])["connections"]
        self.assertNotIn("tunnel", [text.text for text in svg.iter(_SVG + "text")])

    def test_axes_end_at_round_numbers_beyond_the_values(self):
        self.assertEqual(scales.linear("", [0, 61]).ticks, (0, 10, 20, 30, 40, 50, 60, 70))
        self.assertEqual(scales.linear("", [0.43]).high, 0.5)
        self.assertEqual(scales.logarithmic("", [1, 10_000_000]).ticks, tuple(10 ** power for power in range(8)))
        self.assertEqual(scales.logarithmic("", [1, 16], base=2).ticks, (1, 2, 4, 8, 16))
        self.assertEqual([scales.short(value) for value in (1, 1000, 100_000, 10_000_000)], ["1", "1,000", "100k", "10M"])

    def draw(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            with contextlib.redirect_stdout(io.StringIO()):
                plot.draw(ROOT, path)
            return sorted(os.listdir(folder))

    def test_the_pictures_lie_beside_the_file(self):
        text = "".join(json.dumps(row) + "\n" for row in (_RUN, *self.rows))
        self.assertEqual(self.draw(text), ["x-connections.svg", "x.json"])

    def test_another_file_is_refused_with_what_to_do(self):
        for text, words in (("", "--full --json"), ("[]\n", "--full --json"), ("no\n", "one JSON object a line"),
                            (json.dumps(_RUN) + "\n", "no curve")):
            with self.assertRaisesRegex(LabError, words):
                self.draw(text)


class InterfaceTest(unittest.TestCase):
    def test_wrong_arguments_are_refused_with_what_there_is(self):
        for arguments, words in ((["--full", "--only", "paths"], "no section paths; there are path"),
                                 (["--full", "--tries", "0"], "--tries is 1 to 99"),
                                 (["--full", "--quick"], "not allowed with")):
            done = subprocess.run([os.path.join(ROOT, "scripts/bench"), *arguments], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
