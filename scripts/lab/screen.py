"""What the demo shows: sentences that stay, and under them, on a terminal, a table that lives."""

import os
import sys

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _OFF = "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"
_BAR = 24


class Screen:
    """Without a terminal, only the sentences are printed and each step's table once."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._drawn = 0

    def say(self, text=""):
        """A line that stays; the table moves down."""
        self._erase()
        self._out.write(text + "\n")
        self._out.flush()

    def head(self, text):
        self.say()
        self.say(self._paint(_BOLD, text))

    def good(self, text):
        self.say(f"  {self._paint(_GREEN, 'ok')}    {text}")

    def bad(self, text):
        self.say(f"  {self._paint(_RED, 'FAIL')}  {text}")

    def note(self, text):
        self.say(f"        {self._paint(_DIM, text)}")

    def table(self, lines):
        """Redraws the table in place; nothing without a terminal."""
        if not self.live:
            return
        self._erase()
        self._out.write("\n".join(lines) + "\n")
        self._out.flush()
        self._drawn = len(lines)

    def keep(self, lines):
        """Prints the table as it is now for good."""
        self._erase()
        self.say("\n".join(lines))

    def _erase(self):
        if self._drawn:
            self._out.write(f"\033[{self._drawn}A\033[J")
            self._drawn = 0

    def _paint(self, colour, text):
        return f"{colour}{text}{_OFF}" if self.live else text

    def rows(self, title, states, step, total, rates, failed):
        """The table: one row per real with its state, weight and requests. `states` is {name: RealState}."""
        lines = ["", f"  {title}",
                 self._paint(_DIM, f"  {'real':6}{'state':10}{'weight':>6}{'req/s':>8}{'this step':>11}{'in all':>9}")]
        most = max(rates.values(), default=0) or 1
        for name, state in sorted(states.items()):
            word, colour = real_word(state)
            bar = "█" * round(_BAR * rates.get(name, 0) / most) if self.live else ""
            lines.append(f"  {name:6}{self._paint(colour, f'{word:10}')}{state.get('effective_weight', 0):>6}"
                         f"{rates.get(name, 0):>8.0f}{step.get(name, 0):>11}{total.get(name, 0):>9}  {bar}".rstrip())
        lines.append(f"  {failed}")
        return lines


def real_word(state):
    if state.get("removed"):
        return "removed", _DIM
    if state.get("health") == "HEALTH_DOWN":
        return "down", _RED
    if state.get("draining"):
        return "draining", _YELLOW
    return ("up", _GREEN) if state.get("health") == "HEALTH_UP" else ("unknown", _YELLOW)
