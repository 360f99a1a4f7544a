"""Time in the box at shares of the rate without loss, and what a swap of a snapshot of 10,000 services does to it.

The machine pauses every loop now and then (tests/bench/pauses.h). Figures are of the windows that it left alone, as long
as it explains every slow poll and there are enough such windows; where Shunt may have been slow itself, of all windows."""

import math
import os

from full import path_bench
from full.figures import Figure, at_most, key
from full.steps import Section, Step

_LOADS = (10, 50, 90)
_PERCENTILES = ("p50", "p99", "p999")
_SWAP_LOAD = 50
_MOST_MOVED_US = 20
_SECONDS = 45
# Fewer windows than these say too little of a percentile that one frame in a thousand makes.
_LEAST_UNDISTURBED = 0.25
# Pauses that come with at least so many of the swaps would move p99.9 by themselves, if they were not left out.
_MOST_PAUSES_PER_SWAP = 0.25


def section():
    figures = [Figure(_key(name, load), "us") for load in _LOADS for name in _PERCENTILES]
    figures += [Figure(_key(name, load), unit) for load in _LOADS for name, unit in (
        ("rate", "Mpps"), ("undisturbed_windows", "%"))]
    figures.append(Figure(_key("p999_moved_by_swaps", _SWAP_LOAD), "us", at_most(_MOST_MOVED_US), in_turns=True))
    return Section("latency", "Time in the box; swaps of a snapshot of 10,000 services under load",
                   [Step("latency", _SECONDS, figures, measure)],
                   note="Of the half milliseconds in which the machine did not pause the worker, whose share is told; of all "
                        "where more polls were slow than its pauses explain")


def _key(metric, load):
    return key("latency", metric, load_percent=load)


def measure():
    path_bench.require("latency")
    found = values(path_bench.rows("latency"))
    if len(os.sched_getaffinity(0)) < 2:
        found[_key("p999_moved_by_swaps", _SWAP_LOAD)] = (
            "this process may use one CPU only, so that making snapshots would keep the worker from its own")
    return found


def values(rows):
    """What rows of `path_bench latency` say, by Key. A row with swaps comes after one of the same load without, which was
    measured in turns with it."""
    found, still = {}, None
    for row in rows:
        if row["case"] != "latency":
            continue
        load, why_not = row["load_percent"], _why_not(row)
        if row["swaps"]:
            found[_key("p999_moved_by_swaps", load)] = why_not or _moved(row, still)
            continue
        still = row
        found[_key("rate", load)] = row["rate_mpps"]
        found[_key("undisturbed_windows", load)] = 100 * _undisturbed(row)
        for name in _PERCENTILES:
            found[_key(name, load)] = why_not or row[f"{name}_us" if machine_explains(row) else f"all_{name}_us"]
    return found


def _undisturbed(row):
    return row["undisturbed_windows"] / row["windows"]


def _why_not(row):
    """Why the row is no figure, or None."""
    if row["rounds_with_loss"] * 2 > row["rounds"]:
        return f"{row['lost']} packets were lost in {row['rounds_with_loss']} of {row['rounds']} rounds: no rate without loss"
    if not machine_explains(row) and row["lost_to_pauses"]:
        return f"{row['lost_to_pauses']} packets were lost at slow polls, of which there are more than the machine explains"
    if machine_explains(row) and _undisturbed(row) < _LEAST_UNDISTURBED:
        return f"the machine left {_undisturbed(row):.0%} of the windows alone, too few"
    return None


def machine_explains(row):
    """Whether slow polls are no more than the pauses that the rig's own code saw let expect, three standard deviations
    (of both counts) above; some more where they are a handful."""
    expected = row["pauses"] / row["rig_seconds"] * row["poll_seconds"]
    deviation = math.sqrt(expected + expected ** 2 / max(1, row["pauses"]))
    return row["slow_polls"] <= expected + 3 * deviation + 5


def _moved(row, still):
    swaps = row["swaps"] / row["rounds"]
    explained = machine_explains(row) and machine_explains(still) and row["pauses_added"] < _MOST_PAUSES_PER_SWAP * swaps
    return row["p999_moved_us" if explained else "all_p999_moved_us"]
