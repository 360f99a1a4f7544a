"""Time in the box at shares of the rate without loss, and what a swap of a snapshot of 10,000 services does to it."""

from full import path_bench
from full.figures import Figure, at_most, key
from full.steps import Section, Step

_LOADS = (10, 50, 90)
_PERCENTILES = ("p50", "p99", "p999")
_MOST_MOVED_US = 20
_SECONDS = 30


def section():
    figures = [Figure(_key(name, load), "us") for load in _LOADS for name in _PERCENTILES]
    figures += [Figure(_key("p999_moved_by_swaps", load), "us", at_most(_MOST_MOVED_US)) for load in _LOADS]
    return Section("latency", "Time in the box; swaps of a snapshot of 10,000 services under load",
                   [Step("latency", _SECONDS, figures, measure)])


def _key(metric, load):
    return key("latency", metric, load_percent=load)


def measure():
    path_bench.require("latency")
    return values(path_bench.rows("latency"))


def values(rows):
    """What rows of `path_bench latency` say, by Key."""
    still = {row["load_percent"]: row for row in rows if row["case"] == "latency" and not row["swaps"]}
    swapping = {row["load_percent"]: row for row in rows if row["case"] == "latency" and row["swaps"]}
    found = {}
    for load, row in still.items():
        for name in _PERCENTILES:
            found[_key(name, load)] = row[f"{name}_us"]
    for load, row in swapping.items():
        if load in still:
            # A swap may also, by luck, fall into a calmer second: that is no movement.
            found[_key("p999_moved_by_swaps", load)] = max(0.0, row["p999_us"] - still[load]["p999_us"])
    return found
