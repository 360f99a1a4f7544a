"""The table of figures for people, and how far the run is, for whoever waits."""

import sys

from full.figures import INFORMATION, NOT_MEASURED

_WIDTHS = "{:<34}{:<24}{:>12} {:<6}{:<20}{:>7}  {}"


def header(facts, seconds, tries):
    print(f"{facts['date']}, {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, DPDK {facts['dpdk']}, "
          f"commit {facts['commit']}")
    print(f"{tries} {'tries' if tries > 1 else 'try'} of each figure with a target, their median; about {seconds / 60:.0f} minutes on a quiet machine. "
          "Ratio: the value by its target", flush=True)


def print_section(section):
    print(f"\n{section.title}")
    if section.note:
        print(section.note)
    for figure in section.figures():
        print(line(figure))
    sys.stdout.flush()


def line(figure):
    verdict = figure.verdict()
    value, ratio = figure.value(), figure.ratio()
    said = {NOT_MEASURED: f"not measured: {figure.why}", INFORMATION: ""}.get(verdict, verdict)
    if figure.disturbed():
        said = (said + " *").strip()
    return _WIDTHS.format(figure.key.label(), figure.key.metric, "-" if value is None else f"{value:,.4g}" if value < 1e5
                          else f"{value:,.0f}", figure.unit, "" if figure.target is None else str(figure.target),
                          "" if ratio is None else f"{ratio:.2f}", said).rstrip()


def time_left(steps, tried):
    """Seconds: what each step still has to do of its planned tries, by what a try of it took or was said to take."""
    return sum(step.seconds * max(0, wanted - tried.get(id(step), 0)) for step, wanted in steps if not step.done)


class Clock:
    """On stderr: what is being done and how long the rest takes. `left` gives the seconds."""

    def __init__(self, left, stream=sys.stderr):
        self._left, self._stream = left, stream
        self._step = ""

    def begin(self, text):
        self._step = text
        if self._stream.isatty():
            self.detail("")
        else:
            self._stream.write(f"{self._said()} {text}\n")
            self._stream.flush()

    def detail(self, text):
        """What a step does just now: for a terminal only, on one line."""
        if self._stream.isatty():
            self._stream.write(f"\r\033[K{self._said()} {self._step}{': ' if text else ''}{text}")
            self._stream.flush()

    def end(self):
        if self._stream.isatty():
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _said(self):
        seconds = int(self._left())
        return f"[{seconds // 60}:{seconds % 60:02d} left]"
