"""The packet path alone: ns a packet of known connections, beside the floor and, for IPv6, beside IPv4; and the memory of
a connection."""

from full import path_bench
from full.figures import Figure, at_most, key
from full.steps import Section, Step

_SIZES = (1_000, 1_000_000, 10_000_000)
# ns a packet at these sizes, IPv4
_TARGETS = {"direct": (20, 48, 58), "tunnel": (23, 52, 62), "nat": (26, 56, 68), "nat-reply": (26, 56, 68),
            "fullnat": (26, 56, 68), "fullnat-reply": (26, 56, 68)}
_DIRECT_TO_FLOOR = (2.0, 1.3, 1.3)
_IPV6_TO_IPV4 = 1.25  # what IPv6 is held to, in each row
_MOST_BYTES = 100  # of an IPv4 connection
_SECONDS = {1_000: 1.5, 1_000_000: 6.0, 10_000_000: 25.0}  # of one method, both families


def section():
    return Section("path", "The packet path alone, one worker, smallest TCP frames, connections in random order",
                   [_step(size, number) for number, size in enumerate(_SIZES)])


def ns(method, connections, family=4):
    return _key("path", "ns_per_packet", family, method=method, connections=connections)


def _key(case, metric, family, **where):
    """IPv4's rows are as they were before there was another family: they do not name it."""
    return key(case, metric, **({"family": family} if family != 4 else {}), **where)


def _step(size, number):
    figures = [Figure(ns("floor", size), "ns")]
    for method, bounds in _TARGETS.items():
        figures.append(Figure(ns(method, size), "ns", at_most(bounds[number])))
        if method == "direct":
            figures.append(Figure(key("path", "ratio_to_floor", method=method, connections=size), "",
                                  at_most(_DIRECT_TO_FLOOR[number]), in_turns=True))
        figures.append(Figure(ns(method, size, 6), "ns"))
        figures.append(Figure(_key("path", "ratio_to_ipv4", 6, method=method, connections=size), "", at_most(_IPV6_TO_IPV4),
                              in_turns=True))
    if size == _SIZES[-1]:
        figures += [Figure(_bytes(size, family), "bytes", at_most(_MOST_BYTES) if family == 4 else None, timed=False)
                    for family in (4, 6)]

    def measure():
        return values(path_bench.rows("path", "--connections", str(size), "--methods", ",".join(_TARGETS), "--rounds", "3",
                                      "--packets", "1000000"))
    return Step(f"{size:,} connections", _SECONDS[size] * len(_TARGETS), figures, measure)


def _bytes(connections, family):
    return _key("memory", "bytes_per_connection", family, connections=connections)


def values(rows):
    """What rows of `path_bench path` say, by Key."""
    found, floors = {}, {}
    for row in rows:
        size, family = row["connections"], row["family"]
        if row["case"] == "path":
            found[ns(row["method"], size, family)] = row["ns_per_packet"]
            found[_key("path", "ratio_to_floor", family, method=row["method"], connections=size)] = row["ratio"]
            if "ratio_to_ipv4" in row:
                found[_key("path", "ratio_to_ipv4", family, method=row["method"], connections=size)] = row["ratio_to_ipv4"]
            floors.setdefault(size, []).append(row["floor_ns"])
        elif row["case"] == "memory":
            # The worker's own memory does not grow with its connections, but is there for them.
            found[_bytes(size, family)] = (row["table_bytes"] + row["worker_bytes"]) / row["capacity"]
    for size, each in floors.items():
        # Each method has a floor beside it; the floor does not know the method.
        found[ns("floor", size)] = sorted(each)[len(each) // 2]
    return found
