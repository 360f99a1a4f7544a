"""A benchmark that is told to end puts the machine back first."""

import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals():
    """From now on each of them raises KeyboardInterrupt, once."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(_number, _frame):
    # Once is enough: impatience must not stop what puts the machine back.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
