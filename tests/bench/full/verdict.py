"""From figures to an exit status."""

from full.figures import MISSED, NOISY, NOT_MEASURED

HELD, NOT_HELD, NOT_QUIET = 0, 1, 3


def with_verdict(figures, verdict):
    """The figures with a target of which that is the verdict."""
    return [figure for figure in figures if figure.target is not None and figure.verdict() == verdict]


def exit_status(figures):
    """0: every target was met. 1: one was missed, or was not measured, which never counts as met.
    3: none of these, but the machine was not quiet enough to say. No figure with a target at all proves nothing."""
    if with_verdict(figures, MISSED) or with_verdict(figures, NOT_MEASURED):
        return NOT_HELD
    if with_verdict(figures, NOISY):
        return NOT_QUIET
    return HELD


def sentences(figures):
    """What the status rests on, a line each."""
    lines = []
    for verdict in (MISSED, NOT_MEASURED, NOISY):
        for figure in with_verdict(figures, verdict):
            value = figure.value()
            seen = figure.why if value is None else f"it is {value:.4g}"
            target = f"{figure.target} {figure.unit}".rstrip()
            lines.append(f"{verdict}: {figure.key.case}, {figure.key.label()}: {figure.key.metric} is to be {target}; {seen}")
    if not lines:
        targets = sum(figure.target is not None for figure in figures)
        lines.append(f"all {targets} targets were met" if targets else "no figure of these has a target")
    return lines
