"""Whether two directors did the same, and whether a case's row may stand."""

import re
from dataclasses import dataclass
from itertools import zip_longest

TIMER_TOLERANCE_SECONDS = 3.0


@dataclass(frozen=True)
class Verdict:
    passed: bool
    word: str  # the row's last column
    explanation: tuple = ()  # lines under the row


def same_item(kernel, shunt):
    if kernel.text != shunt.text or (kernel.seconds is None) != (shunt.seconds is None):
        return False
    return kernel.seconds is None or abs(kernel.seconds - shunt.seconds) <= TIMER_TOLERANCE_SECONDS


def same_observation(kernel, shunt):
    return (kernel.step == shunt.step and len(kernel.items) == len(shunt.items) and
            all(same_item(*pair) for pair in zip(kernel.items, shunt.items)))


def row_text(observations):
    return " | ".join(observation.brief for observation in observations if observation.brief).replace(" | ", "; ")


def judge(case, kernel, shunt):
    numbered = list(enumerate(zip_longest(kernel, shunt), 1))
    different = {number: pair for number, pair in numbered if None in pair or not same_observation(*pair)}
    explanation = tuple(line for number, pair in different.items() for line in explain(number, *pair))
    if case.deviates is None:
        return Verdict(not different, "NO" if different else "yes", explanation)
    if not different:
        return Verdict(False, "NO LONGER DEVIATES",
                       (f"'{case.deviates.name}' is not seen here; drop it from the case",))
    if different.keys() != case.deviates.shunt.keys():
        awaited = ", ".join(map(str, case.deviates.shunt))
        return Verdict(False, "DEVIATES OTHERWISE", (f"only observation {awaited} was to differ", *explanation))
    for number, pattern in case.deviates.shunt.items():
        text = "\n".join(map(str, different[number][1].items)) if different[number][1] else ""
        if not re.fullmatch(pattern, text, re.DOTALL):
            return Verdict(False, "DEVIATES OTHERWISE", (f"Shunt was to show: {pattern}", *explanation))
    return Verdict(True, f"deviates: {case.deviates.name}")


def explain(number, kernel, shunt):
    lines = [f"observation {number}, {(kernel or shunt).step}:"]
    for name, observation in (("kernel", kernel), ("shunt", shunt)):
        items = observation.items if observation else ()
        lines += [f"  {name:6} {item}" for item in items] or [f"  {name:6} (nothing)"]
    return lines
