"""New connections: how many a worker opens (and ends) in a second, and how long it does nothing else meanwhile."""

from full import path_bench
from full.figures import Figure, at_least, at_most, key
from full.steps import Section, Step

# connections a second, and how full the table is meanwhile
_TARGETS = {"lone-syn": (3.0e6, None), "whole-direct": (1.0e6, 0.8), "whole-fullnat": (0.6e6, 0.8)}
_MOST_PAUSE_US = 50
_SECONDS = 30


def section():
    figures = []
    for scenario, (rate, _) in _TARGETS.items():
        figures.append(Figure(_key("connections_per_second", scenario), "/s", at_least(rate)))
        figures.append(Figure(_key("worst_pause", scenario), "us", at_most(_MOST_PAUSE_US)))
        figures.append(Figure(_key("p999_pause", scenario), "us"))
    return Section("connections", "New connections, one worker; expiry included",
                   [Step("new connections", _SECONDS, figures, measure)])


def _key(metric, scenario):
    return key("new-connections", metric, scenario=scenario)


def measure():
    path_bench.require("connections")
    return values(path_bench.rows("connections"))


def values(rows):
    """What rows of `path_bench connections` say, by Key."""
    found = {}
    for row in rows:
        if row["case"] != "new-connections" or row["scenario"] not in _TARGETS:
            continue
        scenario = row["scenario"]
        found[_key("connections_per_second", scenario)] = _why_not(row) or row["per_second"]
        found[_key("worst_pause", scenario)] = _why_not(row) or row["worst_pause_us"]
        found[_key("p999_pause", scenario)] = _why_not(row) or row["p999_pause_us"]
    return found


def _why_not(row):
    """Why the row is not what the target speaks of, or None."""
    _, fill = _TARGETS[row["scenario"]]
    if row.get("drops"):
        return f"{row['drops']} packets were dropped"
    if fill is not None and row.get("fill", 0) < fill * 0.99:
        return f"the table was {row.get('fill', 0):.0%} full, not {fill:.0%}"
    return None
