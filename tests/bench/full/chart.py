"""One chart as SVG: lines over two axes, in colours that are readable on a light page and on a dark one."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from full.scales import short

_WIDTH, _HEIGHT = 820, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 170, 72, 56
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_TARGET_HALF = 9
_LEGEND_LINE = 20
_SUBTITLE_LINE = 16

_GREY = ("#6b6b6b", "#a0a0a0")
# Told apart by the colour-blind as well (Okabe and Ito), each with a lighter or darker twin for the other page.
_COLOURS = (("#0072b2", "#56b4e9"), ("#d55e00", "#ff9e4a"), ("#00876c", "#3ddbb0"), ("#aa3377", "#ee88bb"),
            ("#8a6d00", "#e8c840"), ("#5b4bb5", "#a99bff"), ("#6b4226", "#d0a080"), ("#3b7d23", "#9fd67f"))


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    quiet: bool = True
    target: float | None = None  # what y is to be at most


@dataclass(frozen=True)
class Line:
    name: str
    points: tuple
    baseline: bool = False  # what the others are compared with: grey and dashed


@dataclass(frozen=True)
class Chart:
    title: str
    subtitle: tuple  # lines
    x: object  # Axis
    y: object
    unit: str
    lines: tuple

    def svg(self):
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
                 f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="system-ui, sans-serif">',
                 f"<title>{escape(self.title)}</title>", f"<style>{self._style()}</style>",
                 f'<rect class="page" width="{_WIDTH}" height="{_HEIGHT}"/>',
                 _text(_LEFT, 24, self.title, "title")]
        parts += [_text(_LEFT, 42 + _SUBTITLE_LINE * number, line, "small") for number, line in enumerate(self.subtitle)]
        parts += self._axes()
        parts += [part for number, line in enumerate(self.lines) for part in self._line(number, line)]
        parts += self._legend()
        return "\n".join([*parts, "</svg>", ""])

    # --- places ---

    def _at_x(self, value):
        return _LEFT + self.x.share(value) * _PLOT_WIDTH

    def _at_y(self, value):
        return _TOP + (1 - self.y.share(value)) * _PLOT_HEIGHT

    # --- parts ---

    def _style(self):
        return self._rules(0) + "@media (prefers-color-scheme: dark) {" + self._rules(1) + "}"

    def _rules(self, page):
        """CSS for a light page (0) or a dark one (1)."""
        ink, grid, paper = (("#1a1a1a", "#dddddd", "#ffffff"), ("#e6e6e6", "#3a3a3a", "#16181c"))[page]
        rules = [f".page {{ fill: {paper} }}", f".grid {{ stroke: {grid}; stroke-width: 1 }}",
                 f"text {{ fill: {ink}; font-size: 12px }}", ".title { font-size: 16px; font-weight: 600 }",
                 ".small { font-size: 11px }", ".label, .x-tick { text-anchor: middle }", ".y-tick { text-anchor: end }",
                 ".line { fill: none; stroke-width: 2; stroke-linejoin: round }", ".target { stroke-width: 3 }",
                 f".noisy {{ fill: {paper}; stroke-width: 1.5 }}", f".key {{ stroke: {ink} }}"]
        for number, line in enumerate(self.lines):
            colour = (_GREY if line.baseline else _COLOURS[number % len(_COLOURS)])[page]
            rules.append(f".c{number} {{ stroke: {colour} }} .point.c{number} {{ fill: {colour} }}")
        return " ".join(rules)

    def _axes(self):
        bottom, right = _TOP + _PLOT_HEIGHT, _LEFT + _PLOT_WIDTH
        parts = []
        for tick in self.x.ticks:
            at = self._at_x(tick)
            parts.append(f'<line class="grid" x1="{at:.2f}" y1="{_TOP}" x2="{at:.2f}" y2="{bottom}"/>')
            parts.append(_text(at, bottom + 18, short(tick), "x-tick"))
        for tick in self.y.ticks:
            at = self._at_y(tick)
            parts.append(f'<line class="grid" x1="{_LEFT}" y1="{at:.2f}" x2="{right}" y2="{at:.2f}"/>')
            parts.append(_text(_LEFT - 8, at + 4, short(tick), "y-tick"))
        middle = _TOP + _PLOT_HEIGHT / 2
        parts.append(_text(_LEFT + _PLOT_WIDTH / 2, bottom + 42, self.x.label, "label"))
        parts.append(_text(18, middle, self.y.label, "label", f' transform="rotate(-90 18 {middle:.0f})"'))
        return parts

    def _line(self, number, line):
        places = [(self._at_x(point.x), self._at_y(point.y)) for point in line.points]
        path = " ".join(f"{x:.2f},{y:.2f}" for x, y in places)
        dashes = ' stroke-dasharray="6 4"' if line.baseline else ""
        parts = [f'<polyline class="line c{number}" points="{path}"{dashes}/>'] if len(places) > 1 else []
        for point, (x, y) in zip(line.points, places):
            if point.target is not None:
                level = self._at_y(point.target)
                parts.append(f'<line class="target c{number}" x1="{x - _TARGET_HALF:.2f}" y1="{level:.2f}" '
                             f'x2="{x + _TARGET_HALF:.2f}" y2="{level:.2f}">'
                             f"<title>{escape(line.name)}: at most {point.target:g} {escape(self.unit)}</title></line>")
            said = f"{line.name}, {short(point.x)} {self.x.label}: {point.y:.4g} {self.unit}"
            parts.append(f'<circle class="{"point" if point.quiet else "noisy"} c{number}" cx="{x:.2f}" cy="{y:.2f}" r="4">'
                         f"<title>{escape(said)}{'' if point.quiet else ' (disturbed)'}</title></circle>")
        return parts

    def _legend(self):
        """In the order in which the lines end, so that the eye goes straight across."""
        x, y = _WIDTH - _RIGHT + 18, _TOP + 10
        parts = []
        order = sorted(range(len(self.lines)), key=lambda number: -self.lines[number].points[-1].y)
        for number in order:
            line = self.lines[number]
            dashes = ' stroke-dasharray="6 4"' if line.baseline else ""
            parts.append(f'<line class="line c{number}" x1="{x}" y1="{y}" x2="{x + 24}" y2="{y}"{dashes}/>')
            parts.append(_text(x + 32, y + 4, line.name, "legend"))
            y += _LEGEND_LINE
        y += 6
        points = [point for line in self.lines for point in line.points]
        if any(point.target is not None for point in points):
            parts.append(f'<line class="target key" x1="{x + 3}" y1="{y}" x2="{x + 21}" y2="{y}"/>')
            parts.append(_text(x + 32, y + 4, "target, at most", "legend"))
            y += _LEGEND_LINE
        if not all(point.quiet for point in points):
            parts.append(f'<circle class="noisy key" cx="{x + 12}" cy="{y}" r="4"/>')
            parts.append(_text(x + 32, y + 4, "disturbed", "legend"))
        return parts


def _text(x, y, text, kind, more=""):
    return f'<text class="{kind}" x="{x:.2f}" y="{y:.2f}"{more}>{escape(text)}</text>'
