"""Instructions a packet, which do not depend on the machine's mood, beside the committed figures."""

import instructions_test as instructions
from full.figures import Figure, at_most, key
from full.steps import NotHere, Section, Step

_SECONDS = 20


def section():
    committed = instructions.read_committed() or {"instructions_per_packet": {}, "built_with": None}
    known = committed["instructions_per_packet"]
    figures = [Figure(_key(path), "", _target(known.get(path)), timed=False) for path in instructions.PATHS]
    return Section("instructions", "Instructions a packet (callgrind), at most 5 % above the committed figures",
                   [Step("callgrind", _SECONDS, figures, lambda: measure(committed["built_with"]))], most_tries=1)


def _key(path):
    return key("instructions", "instructions_per_packet", method=path)


def _target(committed):
    return None if committed is None else at_most(round(committed * (1 + instructions.MOST_GROWTH), 1))


def measure(built_with, count=instructions.measure):
    try:
        now = count()
    except instructions.Unavailable as error:
        raise NotHere(str(error)) from None
    if now["built_with"] != built_with:
        why = f"the committed figures are of {built_with}, this is {now['built_with']}: they cannot be compared"
        return {_key(path): why for path in now["instructions_per_packet"]}
    return {_key(path): value for path, value in now["instructions_per_packet"].items()}
