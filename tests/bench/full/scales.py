"""Axes: where a value lies on the paper, and which values are worth a line."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    label: str
    low: float
    high: float
    ticks: tuple
    base: float | None = None  # of a logarithmic axis

    def share(self, value):
        """0 at the axis' low end, 1 at its high one."""
        if self.base is None:
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)


def logarithmic(label, values, base=10):
    """From the power of `base` below the least value to the one above the greatest. REQUIRES: values above 0."""
    first = math.floor(math.log(min(values), base) + 1e-9)
    last = math.ceil(math.log(max(values), base) - 1e-9)
    last = max(last, first + 1)
    return Axis(label, base ** first, base ** last, tuple(base ** power for power in range(first, last + 1)), base)


def linear(label, values, least_ticks=4):
    """From 0 to a round number above the greatest value."""
    most = max(max(values), 1e-9)
    step = 10 ** math.floor(math.log10(most / least_ticks))
    for factor in (5, 2, 1):
        if most / (step * factor) >= least_ticks:
            step *= factor
            break
    count = math.ceil(most / step - 1e-9)
    return Axis(label, 0, step * count, tuple(step * number for number in range(count + 1)))


def short(value):
    """The value as a tick or a title says it."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if suffix == 'k' else size):g}{suffix}"
    return f"{value:,g}"
