"""A section is a list of steps; a step is one run of something that gives figures. Steps are tried again and again, and
know nothing of medians, targets or noise."""

import contextlib
import subprocess
from dataclasses import dataclass, field

from daemon_rig.departures import WrongPacket
from lab.shell import LabError
from full import watch
from full.figures import Try

# What a program that ends, hangs or writes other rows than it should leads to.
_BROKEN = (OSError, subprocess.SubprocessError, LookupError, ValueError)


@dataclass(frozen=True)
class Value:
    """A measured value that knows for itself whether it was disturbed."""

    value: float
    quiet: bool


class NotHere(LabError):
    """Something cannot be measured on this machine or with these programs, however often it is tried."""


@dataclass
class Step:
    title: str
    seconds: float  # of one try, about
    figures: list
    measure: object  # () -> {Key: number, Value or the reason why there is none}; raises LabError
    tries: int = 0
    done: bool = False  # more tries would change nothing
    noises: list = field(default_factory=list)
    problem: str | None = None  # of the last try, which was disturbed

    def attempt(self, moment=watch.now):
        """One try of every figure. What fails on a quiet machine is final; on a disturbed one it is tried again."""
        before = moment()
        self.problem, values = None, {}
        try:
            values = self.measure()
        except WrongPacket as error:
            self.give_up(f"a packet left wrong: {error}")
            return
        except NotHere as error:
            self.give_up(str(error))
            return
        except LabError as error:
            self.problem = str(error)
        except _BROKEN as error:  # one step that breaks must not cost the others
            self.problem = f"{type(error).__name__}: {error}"
        noise = watch.between(before, moment())
        self.tries += 1
        self.noises.append(noise)
        if self.problem is None:
            for figure in self.figures:
                _take(figure, values.get(figure.key), noise.quiet)
        elif noise.quiet:
            self.give_up(self.problem)

    def give_up(self, why):
        self.done = True
        for figure in self.figures:
            figure.why = why

    def want(self, tries):
        for figure in self.figures:
            figure.wanted = tries

    def enough(self):
        return self.done or (self.problem is None and self.tries > 0 and all(
            figure.why is not None or figure.quiet_tries() >= figure.wanted for figure in self.figures))

    def end(self):
        """No more tries: what has no value says why."""
        for figure in self.figures:
            if not figure.tries and figure.why is None:
                figure.why = self.problem or figure.problem or "it was not tried"


def _take(figure, value, quiet):
    """Adds what one try says of a figure: its value, or the reason why there is none."""
    quiet = quiet or not figure.timed
    if value is None:
        value = "the run gave no such figure"
    if isinstance(value, Value):
        value, quiet = value.value, value.quiet and quiet
    if not isinstance(value, str):
        figure.tries.append(Try(value, quiet))
    elif quiet:
        figure.why = value
    else:
        figure.problem = value


@dataclass
class Section:
    name: str
    title: str
    steps: list
    most_tries: int = 1000
    # What the steps need while they run: a context manager.
    around: object = contextlib.nullcontext
    note: str = ""

    def figures(self):
        return [figure for step in self.steps for figure in step.figures]


def not_measured(title, figures, why):
    """A step that cannot be done here: its rows say why."""
    for figure in figures:
        figure.why = why
    return Step(title, 0, figures, None, done=True)
