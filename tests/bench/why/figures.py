"""What the clients' records say."""

import collections
import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Balance:
    """How evenly something was spread over reals; 1.0 and 0.0 when it was even."""

    most_to_mean: float
    variation: float  # the coefficient: standard deviation / mean


def balance(amounts, reals):
    """Of amounts by real; a real that got nothing counts. None when nobody got anything."""
    values = [amounts.get(real, 0) for real in reals]
    mean = statistics.fmean(values)
    if mean == 0:
        return None
    return Balance(max(values) / mean, statistics.pstdev(values) / mean)


def requests_by_real(records):
    return collections.Counter(r.real for r in records if r.outcome == "ok")


def bytes_by_real(records):
    out = collections.Counter()
    for record in records:
        if record.outcome == "ok":
            out[record.real] += record.bytes
    return out


def started_between(records, start, end):
    return [r for r in records if start <= r.start < end]


def balance_per_interval(records, reals, start, end, seconds):
    """The mean of most_to_mean over intervals of `seconds`: servers are overloaded now, not on the average of a day."""
    values = []
    for number in range(int((end - start) / seconds + 1e-9)):
        begin = start + number * seconds
        found = balance(requests_by_real(started_between(records, begin, begin + seconds)), reals)
        if found:
            values.append(found.most_to_mean)
    return statistics.fmean(values) if values else math.nan


def busiest(records, since, reals):
    """The real that answered most of the requests since then; the first of the list when none did."""
    counts = requests_by_real(r for r in records if r.start >= since)
    return max(reals, key=lambda real: counts.get(real, 0))


@dataclass(frozen=True)
class Outcome:
    """What became of the requests of a time."""

    requests: int
    failed: int
    reasons: dict
    last_failure_s: float  # from the time's begin until the end of the last failed request; 0: none failed
    slow: int  # succeeded, but later than half of the client's patience

    def share(self):
        return self.failed / self.requests if self.requests else 0.0


def outcome(records, begin, end, slow_seconds):
    """Of the requests that ended in [begin, end)."""
    ended = [r for r in records if begin <= r.end < end]
    failed = [r for r in ended if r.outcome != "ok"]
    return Outcome(requests=len(ended), failed=len(failed), reasons=dict(collections.Counter(r.outcome for r in failed)),
                   last_failure_s=max((r.end for r in failed), default=begin) - begin,
                   slow=sum(r.outcome == "ok" and r.end - r.start >= slow_seconds for r in ended))


def out_of_use_after(records, real, ordered, gone):
    """Seconds from the order until the real got its last request before it was stopped."""
    starts = [r.start for r in records if r.real == real and r.start < gone]
    return max(0.0, max(starts, default=ordered) - ordered)


def percentile(values, share):
    """The smallest value that is not below `share` of them; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def latencies_ms(records):
    return [1000 * (r.end - r.start) for r in records if r.outcome == "ok"]
