"""What is measured, what it should be, and what the tries say about it."""

import statistics
from dataclasses import dataclass, field

_LEAST_THAT_AGREE = 3
MET, MISSED, NOISY, NOT_MEASURED, INFORMATION = "met", "missed", "noisy", "not measured", "information"


@dataclass(frozen=True)
class Target:
    bound: float
    at_least: bool = False

    def met_by(self, value):
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self):
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


def at_most(bound):
    return Target(bound)


def at_least(bound):
    return Target(bound, at_least=True)


@dataclass(frozen=True)
class Key:
    """Names a figure: the case, what is measured of it, and where on its curve."""

    case: str
    metric: str
    where: tuple  # of (dimension, value)

    def label(self):
        return ", ".join(_words(dimension, value) for dimension, value in self.where) or self.case


def key(case, metric, **where):
    return Key(case, metric, tuple(where.items()))


def counted(number, things):
    """"1 worker", "2 workers"."""
    return f"{number:,} {things[:-1] if number == 1 else things}"


def _words(dimension, value):
    if dimension == "cpus":
        return counted(value, "CPUs")
    if dimension in ("connections", "services", "reals", "workers"):
        return counted(value, dimension)
    if dimension == "family":
        return f"IPv{value}"
    if dimension == "load_percent":
        return f"{value} % load"
    return str(value)


@dataclass(frozen=True)
class Try:
    value: float
    quiet: bool


@dataclass
class Figure:
    key: Key
    unit: str
    target: Target | None = None
    wanted: int = 1  # quiet tries
    timed: bool = True  # others on the machine can change it
    in_turns: bool = False  # compares two things that took turns in each try, so that a disturbance meets both
    tries: list = field(default_factory=list)
    # Why there is no value, or why what was seen cannot be one.
    why: str | None = None
    problem: str | None = None  # of a disturbed try, which says nothing yet

    def quiet_tries(self):
        return sum(one.quiet for one in self.tries)

    def disturbed(self):
        return bool(self.tries) and self.quiet_tries() < self.wanted

    def value(self):
        """The median of the quiet tries; of all of them where fewer than `wanted` were quiet. None: there is none."""
        if self.why or not self.tries:
            return None
        quiet = [one.value for one in self.tries if one.quiet]
        return statistics.median(quiet if len(quiet) >= self.wanted else [one.value for one in self.tries])

    def ratio(self):
        """The value in units of its target; None where either is missing."""
        value = self.value()
        return None if value is None or self.target is None else value / self.target.bound

    def verdict(self):
        value = self.value()
        if value is None:
            return NOT_MEASURED
        if self.target is None:
            return INFORMATION
        if self.disturbed() and not self._agree():
            return NOISY
        return MET if self.target.met_by(value) else MISSED

    def _agree(self):
        """Disturbance may flatter a figure as well as spoil it: without enough quiet tries nothing is proved. But what is
        compared in turns is disturbed on both sides, by chance the one or the other more; where as many tries as were
        wanted, and every one that was made, are on the same side of the target, it is not chance that put them there."""
        return self.in_turns and len(self.tries) >= max(self.wanted, _LEAST_THAT_AGREE) and len(
            {self.target.met_by(one.value) for one in self.tries}) == 1

    def fields(self):
        """The figure as a row of JSON."""
        value, ratio = self.value(), self.ratio()
        target = {} if self.target is None else {
            "target": self.target.bound, "at": "least" if self.target.at_least else "most",
            "ratio": None if ratio is None else _short(ratio)}
        return {"case": self.key.case, "metric": self.key.metric, **dict(self.key.where),
                "value": None if value is None else _short(value), "unit": self.unit, **target,
                "verdict": self.verdict(), "tries": [_short(one.value) for one in self.tries],
                "quiet": not self.disturbed(), **({"why": self.why} if self.why else {})}


def _short(value):
    return float(f"{value:.5g}")
