"""The packet path alone: ns a packet of known connections, beside the floor, and the memory of a connection."""

from full import path_bench
from full.figures import Figure, at_most, key
from full.steps import Section, Step, not_measured

_SIZES = (1_000, 1_000_000, 10_000_000)
# ns a packet at these sizes
_TARGETS = {"direct": (20, 48, 58), "tunnel": (23, 52, 62), "nat": (26, 56, 68), "nat-reply": (26, 56, 68),
            "fullnat": (26, 56, 68), "fullnat-reply": (26, 56, 68)}
_DIRECT_TO_FLOOR = (2.0, 1.3, 1.3)
_IPV6_TO_IPV4 = 1.25
_IPV6 = {"direct6": "direct", "tunnel6": "tunnel", "nat6": "nat", "nat6-reply": "nat-reply", "fullnat6": "fullnat",
         "fullnat6-reply": "fullnat-reply"}
_MOST_BYTES = 100
_SECONDS = {1_000: 1.0, 1_000_000: 3.0, 10_000_000: 11.0}  # of one method


def section():
    there = path_bench.methods()
    methods = tuple(_TARGETS) + tuple(method for method in _IPV6 if method in there)
    steps = [_step(size, number, methods) for number, size in enumerate(_SIZES)]
    missing = [method for method in ("direct6", "tunnel6", "nat6", "fullnat6") if method not in there]
    if missing:
        figures = [_to_ipv4(method, size) for size in _SIZES for method in missing]
        steps.append(not_measured("IPv6", figures, "this path_bench has no such method"))
    return Section("path", "The packet path alone, one worker, 64-byte packets, connections in random order", steps)


def ns(method, connections):
    return key("path", "ns_per_packet", method=method, connections=connections)


def _to_ipv4(method, size):
    return Figure(key("path", "ratio_to_ipv4", method=method, connections=size), "", at_most(_IPV6_TO_IPV4))


def _step(size, number, methods):
    figures = [Figure(ns("floor", size), "ns")]
    for method in methods:
        target = at_most(_TARGETS[method][number]) if method in _TARGETS else None
        figures.append(Figure(ns(method, size), "ns", target))
        if method == "direct":
            figures.append(Figure(key("path", "ratio_to_floor", method=method, connections=size), "",
                                  at_most(_DIRECT_TO_FLOOR[number])))
        if method in _IPV6:
            figures.append(_to_ipv4(method, size))
    if size == _SIZES[-1]:
        figures.append(Figure(key("memory", "bytes_per_connection", connections=size), "bytes", at_most(_MOST_BYTES),
                              timed=False))

    def measure():
        return values(path_bench.rows("path", "--connections", str(size), "--methods", ",".join(methods), "--rounds", "3",
                                      "--packets", "1000000"))
    return Step(f"{size:,} connections", _SECONDS[size] * len(methods), figures, measure)


def values(rows):
    """What rows of `path_bench path` say, by Key."""
    paths = {(row["method"], row["connections"]): row for row in rows if row["case"] == "path"}
    found = {}
    floors = {}
    for (method, size), row in paths.items():
        found[ns(method, size)] = row["ns_per_packet"]
        found[key("path", "ratio_to_floor", method=method, connections=size)] = row["ratio"]
        floors.setdefault(size, []).append(row["floor_ns"])
        four = paths.get((_IPV6.get(method), size))
        if four:
            found[key("path", "ratio_to_ipv4", method=method, connections=size)] = (
                row["ns_per_packet"] / four["ns_per_packet"])
    for size, each in floors.items():
        # Each method has a floor beside it; the floor does not know the method.
        found[ns("floor", size)] = sorted(each)[len(each) // 2]
    for row in rows:
        if row["case"] == "memory":
            # The worker's own memory does not grow with its connections, but is there for them.
            found[key("memory", "bytes_per_connection", connections=row["connections"])] = (
                (row["table_bytes"] + row["worker_bytes"]) / row["capacity"])
    return found
