"""Timed windows: two programs in turn on one CPU, so that the machine's mood is the same for both."""

import statistics
import time
from dataclasses import dataclass

# After a program goes on its caches are cold, and shuntd looks through its table for what expired meanwhile.
_WARM_SECONDS = 0.4
# Workers that went without their CPU for a larger share of a window were measured together with something else.
_MOST_LOST = 0.01


@dataclass(frozen=True)
class Window:
    mpps: float
    lost: float  # share of the window that the workers went without their CPU
    cpu_ns: float  # that the workers ran for a packet

    @property
    def quiet(self):
        return self.lost <= _MOST_LOST


@dataclass(frozen=True)
class Figure:
    """Median of the quietest windows."""

    mpps: float
    windows: int
    quiet: bool  # all of them were
    cpu_ns: float


def measure_window(contender, seconds, sleep=time.sleep):
    contender.resume()
    sleep(_WARM_SECONDS)
    contender.before_window()
    before = contender.threads.cpu_time()
    first = contender.reading()
    sleep(seconds)
    last = contender.reading()
    after = contender.threads.cpu_time()
    contender.after_window(first, last)
    contender.pause()
    length = last.seconds - first.seconds
    sent = last.sent - first.sent
    return Window(sent / length / 1e6, after.share_lost_since(before, length), (after.ran - before.ran) * 1e9 / max(sent, 1))


def figure_of(windows, wanted):
    best = sorted(windows, key=lambda window: window.lost)[:wanted]
    return Figure(statistics.median(window.mpps for window in best), len(best), all(window.quiet for window in best),
                  statistics.median(window.cpu_ns for window in best))


def alternate(contenders, wanted, seconds, progress, measure=measure_window):
    """One Figure per contender, from `wanted` windows of each. Disturbed windows are repeated, at most twice as many
    as are wanted; then the least disturbed serve, and the figure says so. All contenders are paused before and after."""
    windows = [[] for _ in contenders]
    for turn in range(wanted * 3):
        quiet = min(sum(window.quiet for window in own) for own in windows)
        if quiet >= wanted:
            break
        progress(f"window {turn + 1}, {quiet} of {wanted} undisturbed")
        for contender, own in zip(contenders, windows):
            own.append(measure(contender, seconds))
    return [figure_of(own, wanted) for own in windows]
