"""What comes out: a line per row while it is measured, a table per question at the end, JSON for programs."""

import json
import math
import sys
import time

_WIDTH = 12


class Question:
    """One table: a figure of every contender with every number of reals."""

    def __init__(self, key, title, form, explained):
        self.key, self.title, self.form, self.explained = key, title, form, explained

    def cell(self, row):
        value = row.get(self.key)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "-"
        return self.form.format(value) + ("" if row["quiet"] else "*")


QUESTIONS = (
    Question("requests_per_s", "Throughput, requests/s", "{:,.0f}", "{users} requests at once, as fast as answers come"),
    Question("full_cpu_us", "CPU of the dispatcher, us a request", "{:.1f}",
             "its processes' time at full speed, kernel work in their system calls included"),
    Question("steady_cpu_us", "The same at a steady rate", "{:.1f}", "at {rate}/s; a worker that polls works as much for little as for much"),
    Question("full_busy_us", "CPU of the dispatcher by shuntd's own count, us a request", "{:.1f}",
             "full speed; the time of polls that found packets, others' use of its CPU included"),
    Question("full_machine_us", "CPU of the whole machine, us a request", "{:.0f}",
             "clients, servers, kernel and dispatcher at full speed"),
    Question("most_to_mean", "Imbalance: the busiest real's requests / the mean", "{:.2f}",
             "over {steady:g} s at {rate}/s; 1.00 is even"),
    Question("variation", "Imbalance: coefficient of variation of requests", "{:.2f}", "over the same time; 0.00 is even"),
    Question("ttl_most_to_mean", "Imbalance at any one time: the busiest real / the mean", "{:.2f}",
             "in intervals of one TTL, {ttl} s; the mean of them"),
    Question("killed_failed", "Requests failed when a real's web server is killed", "{:,}",
             "the busiest one, {rate} requests/s; until it is back and {settle:g} s more"),
    Question("killed_last_failure_s", "... and for how long, seconds until the last of them", "{:.1f}", "down for {down:g} s"),
    Question("silent_failed", "Requests failed when a real's cable is cut", "{:,}", "the same, with silence instead of refusals"),
    Question("silent_slow", "... and how many succeeded late", "{:,}", "after 1 s or more: another real or another packet had to serve"),
    Question("taken_failed", "Requests failed when a real is taken out and brought back", "{:,}",
             "by its operator, as is right for each; away for {away:g} s"),
    Question("out_of_use_s", "... and how long it went on getting requests, seconds", "{:.2f}", "since the order to take it out"),
)


class Table:
    """Rows as they come, tables of the contenders in the order of the argument when all are there."""

    def __init__(self, facts, pace, contenders, counts, path):
        self._facts, self._pace, self._order, self._counts, self._path = facts, pace, contenders, counts, path
        self._rows = {}
        self._notes = []

    def head(self, sites, mean_bytes):
        facts, pace = self._facts, self._pace
        print("The same clients against one server, DNS round robin, application-level dispatchers and Shunt")
        print(f"{facts['date']}, {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, DPDK {facts['dpdk']}, "
              f"commit {facts['commit']}")
        print(f"{sites} sites, the k-th with 1/k of the largest's users, each behind a caching resolver of its own; a request is a "
              f"connection of its own")
        print(f"for an object of 1 to 128 KiB (Pareto 1.2, {mean_bytes / 1024:.1f} KiB on average); it fails after 2 s. "
              f"TTL {pace.ttl} s, standing for 60 s: what DNS takes")
        print(f"after a change is {60 // pace.ttl} times as long outside; Shunt, HAProxy and the DNS monitor check every 0.5 s, "
              f"twice.\n", flush=True)

    def add(self, contender, count, row):
        self._rows[contender.name, count] = row
        print(f"{contender.title:<17}{count:>4} reals:{row['requests_per_s']:>8,.0f} req/s, dispatcher {row['full_cpu_us']:.1f} "
              f"us/req, busiest {row['most_to_mean'] or math.nan:.2f} of mean, failed: killed {row['killed_failed']:,}, "
              f"silent {row['silent_failed']:,}, taken out {row['taken_failed']:,}{'' if row['quiet'] else ' *'}", flush=True)
        self._write()

    def failed(self, contender, count, why):
        self._notes.append(f"{contender.title} with {count}: failed: {why}")
        print(f"{contender.title:<17}{count:>4} reals: failed: {why}", flush=True)

    def not_measured(self, contender, why):
        self._notes.append(f"{contender.title}: not measured: {why}")
        print(self._notes[-1], flush=True)

    def print_all(self, closing):
        """The tables and the lines under them; nothing when there is no row."""
        if not self._rows:
            return
        for question in QUESTIONS:
            for line in self.question(question):
                print(line)
        print()
        for contender in self._order:
            if any(name == contender.name for name, _ in self._rows):
                print(f"{contender.title}: {contender.remark}")
        for note in self._notes:
            print(f"note: {note}")
        if any(not row["quiet"] for row in self._rows.values()):
            print("* another program was at work just before or after: repeat on a quiet machine")
        for line in closing:
            print(line)

    def question(self, question):
        """The lines of one table; none when no contender has the figure."""
        lines = []
        for contender in self._order:
            cells = [question.cell(self._rows[contender.name, count]) if (contender.name, count) in self._rows else "-"
                     for count in self._counts]
            if any(cell != "-" for cell in cells):
                lines.append(f"{contender.title:<22}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells))
        if not lines:
            return []
        explained = question.explained.format(**vars(self._pace))
        head = "".join(f"{f'{count} ' + ('real' if count == 1 else 'reals'):>{_WIDTH}}" for count in self._counts)
        return ["", question.title, f"  ({explained})", f"{'':<22}{head}", *lines]

    def documents(self):
        return [{"case": "why", "contender": contender.name, "reals": count,
                 **{key: rounded(value) for key, value in self._rows[contender.name, count].items()},
                 "ttl_s": self._pace.ttl, "seconds": self._pace.steady, **self._facts}
                for contender in self._order for count in self._counts if (contender.name, count) in self._rows]

    def _write(self):
        """After every row: an interrupted run keeps what it has."""
        if self._path:
            with open(self._path, "w", encoding="utf-8") as out:
                for document in self.documents():
                    out.write(json.dumps(document) + "\n")


def rounded(value):
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    return value


class Progress:
    """What is being done and how long it will take still, on standard error: one line that lives on a terminal, else a
    line for each thing."""

    def __init__(self, stream=sys.stderr, clock=time.monotonic):
        self._stream, self._clock = stream, clock
        self._end = None

    def left(self, seconds):
        """The newest estimate."""
        self._end = self._clock() + seconds

    def __call__(self, text):
        left = max(0, round(self._end - self._clock())) if self._end is not None else 0
        line = f"[{left // 60}:{left % 60:02} left] {text}"
        self._stream.write(f"\r\033[K{line}" if self._stream.isatty() else line + "\n")
        self._stream.flush()

    def clear(self):
        if self._stream.isatty():
            self._stream.write("\r\033[K")
            self._stream.flush()
