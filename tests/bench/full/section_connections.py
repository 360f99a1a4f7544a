"""New connections: how many a worker opens (and ends) in a second, and how long it does nothing else meanwhile."""

from full import path_bench
from full.figures import Figure, at_least, at_most, key
from full.steps import Section, Step

_TARGETS = {"lone-syn": 3.0e6, "whole-direct": 1.0e6, "whole-fullnat": 0.6e6}  # connections a second
_FILL = 0.8  # of the table, meanwhile
_LEAST_OF_FILL = 0.95  # connections end in waves, so it is never exactly that
_MOST_PAUSE_US = 50
# The worst pause is the worker's own: a turn's least time of several rounds that do the same work. What it was with all
# that the machine took meanwhile is told beside it.
_PAUSES = ("worst_pause", "p999_pause", "raw_worst_pause")
_SECONDS = 90


def section():
    figures = []
    for scenario, rate in _TARGETS.items():
        figures.append(Figure(_key("connections_per_second", scenario), "/s", at_least(rate)))
        figures.append(Figure(_key("fill", scenario), ""))
        figures += [Figure(_key(pause, scenario), "us", at_most(_MOST_PAUSE_US) if pause == "worst_pause" else None)
                    for pause in _PAUSES]
    return Section("connections", "New connections, one worker, table 80 % full; expiry included",
                   [Step("new connections", _SECONDS, figures, measure)])


def _key(metric, scenario):
    return key("new-connections", metric, scenario=scenario)


def measure():
    path_bench.require("connections")
    return values(path_bench.rows("connections", "--connections", "1000000"))


def values(rows):
    """What rows of `path_bench connections` say, by Key."""
    found = {}
    for row in rows:
        if row["case"] != "new-connections" or row["scenario"] not in _TARGETS:
            continue
        scenario, why_not = row["scenario"], _why_not(row)
        found[_key("connections_per_second", scenario)] = why_not or row["per_second"]
        found[_key("fill", scenario)] = row["fill"]
        for pause in _PAUSES:
            found[_key(pause, scenario)] = why_not or row[f"{pause}_us"]
    return found


def _why_not(row):
    """Why the row is not what the target speaks of, or None."""
    if row["drops"]:
        return f"{row['drops']} packets were dropped: {row['drop_reasons']}"
    if row["evicted"]:
        return f"{row['evicted']} connections gave way to new ones: expiry did not keep up"
    if row["fill"] < _FILL * _LEAST_OF_FILL:
        return f"the table was {row['fill']:.0%} full, not {_FILL:.0%}"
    return None
