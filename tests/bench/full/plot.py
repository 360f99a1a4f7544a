"""scripts/bench --plot: the curves of a file of --full, as SVG files beside it."""

import json
import os

from lab.shell import LabError
from full import scales
from full.chart import Chart, Line, Point
from full.path_bench import METHODS

NEWEST = "newest"  # instead of a path
_RESULTS = "tests/bench/results"


def draw(root, path):
    """The exit status. Prints the names of the files; a curve of which the file has no point gets none."""
    if path == NEWEST:
        path = _newest(os.path.join(root, _RESULTS))
    run, rows = read(path)
    stem = path.removesuffix(".json")
    drawn = 0
    for name, chart in charts(run, rows):
        out = f"{stem}-{name}.svg"
        with open(out, "w", encoding="utf-8") as file:
            file.write(chart.svg())
        print(out)
        drawn += 1
    if not drawn:
        raise LabError(f"{path} has no curve: no figures of sections path, growth, workers or latency")
    return 0


def _newest(folder):
    """By name, which begins with the date."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json")) if os.path.isdir(folder) else []
    if not names:
        raise LabError(f"{folder} has no results; name a file, or write one with scripts/bench --full --json FILE.json")
    return os.path.join(folder, names[-1])


def read(path):
    """The run and its figures."""
    try:
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise LabError(f"{path}: not what --full writes, one JSON object a line: {error}") from None
    if not rows or not isinstance(rows[0], dict) or rows[0].get("case") != "run":
        raise LabError(f'{path}: its first line is not the run of --full ("case": "run"); '
                       "write it with scripts/bench --full --json")
    return rows[0], rows[1:]


def charts(run, rows):
    """(name, Chart) for every curve that has points."""
    said = (f"{run['date']}, {run['cpu']}, {run['cores']} cores", f"Linux {run['kernel']}, DPDK {run['dpdk']}, commit "
            f"{run['commit']}")
    for name, chart in (
            ("connections", _over(rows, "path", "connections")),
            ("connections-ipv6", _over(rows, "path", "connections", 6)),
            ("services", _over(rows, "path-services", "services")),
            ("reals", _over(rows, "path-reals", "reals")),
            ("workers", _workers(rows)),
            ("scaling", _scaling(rows)),
            ("latency", _latency(rows))):
        if chart is not None:
            title, x, y, unit, lines = chart
            yield name, Chart(title, said, x, y, unit, lines)


def _over(rows, case, what, family=None):
    """`family`: None in rows of IPv4, which do not name it."""
    lines = _lines(rows, case, "ns_per_packet", what, [(method, {"method": method, "family": family}) for method in METHODS])
    if not lines:
        return None
    floor = "floor" if family is None else "floor (IPv4)"
    lines += [Line(line.name, line.points, baseline=True)
              for line in _lines(rows, case, "ns_per_packet", what, [(floor, {"method": "floor"})])]
    packet = "A packet's" if family is None else f"An IPv{family} packet's"
    return (f"{packet} cost over {what}: the packet path alone, one worker", scales.logarithmic(what, _xs(lines)),
            scales.linear("ns a packet", _ys(lines)), "ns", tuple(lines))


def _workers(rows):
    series = [(method, {"method": method, "cpus": 1}) for method in METHODS]
    lines = _lines(rows, "workers", "cpu_ns_per_packet", "workers", series)
    if not lines:
        return None
    return ("A packet's CPU time over workers that share a CPU: the whole daemon",
            scales.logarithmic("workers", _xs(lines), base=2), scales.linear("ns of CPU time a packet", _ys(lines)), "ns",
            tuple(lines))


def _scaling(rows):
    lines = _lines(rows, "scaling", "mpps", "workers", [(method, {"method": method}) for method in METHODS])
    if all(len(line.points) < 2 for line in lines):
        return None
    return ("Packets a second over workers, each on a CPU of its own: the whole daemon", scales.linear("workers", _xs(lines)),
            scales.linear("million packets a second", _ys(lines)), "Mpps", tuple(lines))


def _latency(rows):
    lines = []
    for metric, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
        lines += _lines(rows, "latency", metric, "load_percent", [(name, {})])
    lines = [line for line in lines if all(point.y > 0 for point in line.points)]
    if not lines:
        return None
    return ("Time in the box over load, one worker", scales.linear("% of the rate without loss", [100]),
            scales.logarithmic("microseconds", _ys(lines)), "us", tuple(lines))


def _lines(rows, case, metric, what, series):
    """A Line for each of `series` (name and what its rows have) that has a value."""
    lines = []
    for name, wanted in series:
        own = [row for row in rows if row["case"] == case and row["metric"] == metric and row.get("value") is not None
               and all(row.get(field) == value for field, value in wanted.items())]
        points = tuple(sorted((_point(row, what) for row in own), key=lambda point: point.x))
        if points:
            lines.append(Line(name, points))
    return lines


def _point(row, what):
    return Point(row[what], row["value"], row["quiet"], row.get("target"))


def _xs(lines):
    return [point.x for line in lines for point in line.points]


def _ys(lines):
    points = [point for line in lines for point in line.points]
    return [point.y for point in points] + [point.target for point in points if point.target is not None]
