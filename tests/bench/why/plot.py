"""The rows of a run as one SVG: a panel per question, a line per contender, the number of reals from left to right."""

import json
import math
import os
from xml.sax.saxutils import escape

from full import scales
from lab.shell import LabError

# Colours that people who see few still tell apart (Okabe and Ito), and markers for who sees none.
_STYLES = {"one": ("#444444", "square"), "dns": ("#e69f00", "circle"), "dns-set": ("#cc79a7", "diamond"),
           "nginx": ("#009e73", "triangle"), "haproxy": ("#0072b2", "circle"), "shunt": ("#d55e00", "square")}
_PANEL_WIDTH, _PANEL_HEIGHT, _COLUMNS = 340, 230, 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 40, 38
_HEAD, _FOOT = 64, 24


class Logarithmic:
    """An axis whose `first` is at the bottom; with first 0, one and zero are as far apart as ten and about three."""

    def __init__(self, most, first):
        self._first = first
        decades = [factor * 10 ** power for power in range(7) for factor in ((1,) if first == 0 else (1, 2, 5))]
        self.ticks = [first, *(tick for tick in decades if tick > first)]
        end = next(number for number, tick in enumerate(self.ticks) if tick >= most and number > 0)
        self.ticks = self.ticks[:end + 1]

    def _place(self, value):
        return math.log10(value + (self._first == 0))

    def share(self, value):
        low, high = self._place(self._first), self._place(self.ticks[-1])
        return (self._place(max(value, self._first)) - low) / (high - low)


def _linear(most):
    return scales.linear("", [most])


# Key, title, unit, axis.
_PANELS = (
    ("requests_per_s", "Throughput", "requests/s, all on the same CPUs", _linear),
    ("full_cpu_us", "CPU of the dispatcher", "us a request at full speed", _linear),
    ("ttl_most_to_mean", "Imbalance at any one time", "busiest real / mean, per TTL", lambda most: Logarithmic(most, 1)),
    ("killed_failed", "Failed: a web server is killed", "requests", lambda most: Logarithmic(most, 0)),
    ("silent_failed", "Failed: a real's cable is cut", "requests", lambda most: Logarithmic(most, 0)),
    ("taken_failed", "Failed: taken out and brought back", "requests", lambda most: Logarithmic(most, 0)),
)


def read(path):
    """The rows of a file that --json wrote."""
    try:
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        raise LabError(f"{path} cannot be read: {error}; give a file that 'scripts/bench why --json' wrote") from None
    if not rows or any(row.get("case") != "why" for row in rows):
        raise LabError(f"{path} has no rows of 'scripts/bench why'; give a file that its --json wrote")
    return rows


def beside(path):
    return os.path.splitext(path)[0] + ".svg"


def draw(rows, titles):
    """The SVG's text. `titles`: {contender: its name for people}."""
    counts = sorted({row["reals"] for row in rows})
    contenders = [name for name in titles if any(row["contender"] == name for row in rows)]
    width = _COLUMNS * _PANEL_WIDTH
    height = _HEAD + math.ceil(len(_PANELS) / _COLUMNS) * _PANEL_HEIGHT + _FOOT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="11" fill="#222222">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           text(16, 24, "The same clients against one server, DNS, proxies and Shunt, by number of real servers", size=15)]
    out += legend(contenders, titles)
    for number, (key, title, unit, axis) in enumerate(_PANELS):
        x, y = number % _COLUMNS * _PANEL_WIDTH, _HEAD + number // _COLUMNS * _PANEL_HEIGHT
        out.append(f'<g transform="translate({x},{y})">')
        out += panel(rows, contenders, counts, key, title, unit, axis)
        out.append("</g>")
    first = rows[0]
    noisy = "" if all(row["quiet"] for row in rows) else "; not all rows on a quiet machine"
    out.append(text(16, height - 8, f"{first['date']}, {first['cpu']}, {first['cores']} cores, Linux {first['kernel']}, "
                    f"commit {first['commit']}, TTL {first['ttl_s']} s{noisy}", colour="#666666"))
    return "\n".join([*out, "</svg>", ""])


def legend(contenders, titles):
    out = []
    for number, name in enumerate(contenders):
        x = 16 + number * 150
        colour, shape = _STYLES[name]
        out += [f'<line x1="{x}" x2="{x + 22}" y1="45" y2="45" stroke="{colour}" stroke-width="{thickness(name)}"/>',
                marker(shape, x + 11, 45, colour), text(x + 28, 49, titles[name])]
    return out


def panel(rows, contenders, counts, key, title, unit, make_axis):
    values = {(row["contender"], row["reals"]): row[key] for row in rows if row.get(key) is not None}
    axis = make_axis(max(values.values(), default=1))
    width, height = _PANEL_WIDTH - _LEFT - _RIGHT, _PANEL_HEIGHT - _TOP - _BOTTOM

    def across(count):
        return _LEFT + width * (counts.index(count) + 0.5) / len(counts)

    def up(value):
        return _TOP + height * (1 - axis.share(value))

    out = [text(_LEFT, 16, title, size=13), text(_LEFT, 31, unit, colour="#666666")]
    for tick in axis.ticks:
        out += [f'<line x1="{_LEFT}" x2="{_LEFT + width}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" stroke="#dddddd"/>',
                text(_LEFT - 6, up(tick) + 4, f"{tick:,g}", anchor="end")]
    out += [text(across(count), _TOP + height + 16, f"{count}", anchor="middle") for count in counts]
    out.append(text(_LEFT + width / 2, _TOP + height + 30, "real servers", anchor="middle", colour="#666666"))
    for name in contenders:
        points = [(across(count), up(values[name, count])) for count in counts if (name, count) in values]
        colour, shape = _STYLES[name]
        if len(points) > 1:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thickness(name)}"/>')
        out += [marker(shape, x, y, colour) for x, y in points]
    return out


def thickness(name):
    return 3 if name == "shunt" else 1.8


def marker(shape, x, y, colour):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    corners = {"square": ((-4, -4), (4, -4), (4, 4), (-4, 4)), "diamond": ((0, -5), (5, 0), (0, 5), (-5, 0)),
               "triangle": ((0, -5), (5, 4), (-5, 4))}[shape]
    return f'<polygon points="{" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)}" fill="{colour}"/>'


def text(x, y, words, *, size=11, anchor="start", colour="#222222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
