"""Time in the box at shares of the rate without loss, and what a swap of a snapshot of 10,000 services does to it."""

from full import path_bench
from full.figures import Figure, at_most, key
from full.steps import Section, Step

_LOADS = (10, 50, 90)
_PERCENTILES = ("p50", "p99", "p999")
_SWAP_LOAD = 50
_MOST_MOVED_US = 20
_SECONDS = 40
# So many frames that a pause of the machine's host, some milliseconds, does not fill it: what that costs shows as time in
# the highest percentiles, not as loss.
_RING = 65536


def section():
    figures = [Figure(_key(name, load), "us") for load in _LOADS for name in _PERCENTILES]
    figures += [Figure(_key("rate", load), "Mpps") for load in _LOADS]
    figures.append(Figure(_key("p999_moved_by_swaps", _SWAP_LOAD), "us", at_most(_MOST_MOVED_US)))
    return Section("latency", "Time in the box; swaps of a snapshot of 10,000 services under load",
                   [Step("latency", _SECONDS, figures, measure)])


def _key(metric, load):
    return key("latency", metric, load_percent=load)


def measure():
    path_bench.require("latency")
    return values(path_bench.rows("latency", "--ring", str(_RING)))


def values(rows):
    """What rows of `path_bench latency` say, by Key. Rows with swaps have a row without beside them, in turns."""
    found = {}
    for row in rows:
        if row["case"] != "latency":
            continue
        load, lost = row["load_percent"], row["lost"] and f"{row['lost']} packets were lost: that is no rate without loss"
        if row["swaps"]:
            found[_key("p999_moved_by_swaps", load)] = lost or row["p999_moved_us"]
            continue
        found[_key("rate", load)] = row["rate_mpps"]
        for name in _PERCENTILES:
            found[_key(name, load)] = lost or row[f"{name}_us"]
    return found
