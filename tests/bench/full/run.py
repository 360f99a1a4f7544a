"""scripts/bench --full: all sections, three tries each, the table, the file, the verdict."""

import json
import os
import time

from daemon_rig import machine
from lab.shell import LabError
from full import console, section_connections, section_growth, section_instructions, section_latency, section_path, verdict
from full.section_daemon import Daemon
from full.section_growth import Workers

SECTIONS = ("path", "connections", "latency", "daemon", "instructions", "growth", "workers")
TRIES = 3
# A disturbed try is repeated; this many times the wanted tries are made at most.
_PATIENCE = 2


class Full:
    def __init__(self, root, options):
        self._root, self._options = root, options
        self._facts = machine.facts(root)
        self._plan = []  # (step, tries) of all sections
        self._tried = {}  # id of a step -> its tries
        self._clock = console.Clock(lambda: console.time_left(self._plan, self._tried))

    def run(self):
        """The exit status."""
        sections = self._sections()
        self._plan = [(step, self._wanted(section)) for section in sections for step in section.steps]
        console.header(self._facts, console.time_left(self._plan, self._tried), self._options.tries)
        done = []
        for section in sections:
            self._measure(section)
            done.append(section)
            console.print_section(section)
            self._write(done)
        figures = [figure for section in sections for figure in section.figures()]
        return self._judge(figures)

    def _sections(self):
        daemon = Daemon(self._root, self._options, self._progress)
        workers = Workers(self._root, self._options, self._progress)
        makers = {"path": section_path.section, "connections": section_connections.section,
                  "latency": section_latency.section, "daemon": daemon.section,
                  "instructions": section_instructions.section, "growth": section_growth.section,
                  "workers": workers.section}
        return [makers[name]() for name in SECTIONS if name in self._options.only]

    def _progress(self, text):
        self._clock.detail(text)

    def _wanted(self, section):
        return min(self._options.tries, section.most_tries)

    def _measure(self, section):
        """Tries go round: a bad minute spoils one try of several steps, not all tries of one."""
        wanted = self._wanted(section)
        for step in section.steps:
            step.want(wanted)
        try:
            with section.around():
                self._try(section, wanted)
        except LabError as error:  # what the section needs is not to be had; the others may do without
            for step in section.steps:
                step.give_up(str(error))
        for step in section.steps:
            step.end()

    def _try(self, section, wanted):
        for number in range(1, wanted * _PATIENCE + 1):
            for step in section.steps:
                if step.done or (number > wanted and step.enough()):
                    continue
                again = f", again: {step.noises[-1]}" if number > wanted else ""
                self._tried[id(step)] = min(number, wanted) - 1  # a repetition takes its time, too
                self._clock.begin(f"{section.name}: {step.title}, try {number} of {wanted}{again}")
                began = time.monotonic()
                step.attempt()
                step.seconds = time.monotonic() - began
                self._tried[id(step)] = number
                self._clock.end()

    def _write(self, sections):
        """After each section, so that what was measured is there whatever happens next."""
        if not self._options.json:
            return
        rows = [{"case": "run", **self._facts, "tries": self._options.tries, "sections": [each.name for each in sections]}]
        for section in sections:
            rows += [{"section": section.name, **figure.fields()} for figure in section.figures()]
        part = self._options.json + ".part"
        with open(part, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        os.replace(part, self._options.json)

    def _judge(self, figures):
        status = verdict.exit_status(figures)
        print()
        for sentence in verdict.sentences(figures):
            print(sentence)
        if any(figure.disturbed() for figure in figures):
            print("* disturbed: others ran on this machine, or its host took CPU time, in too many of the tries")
        return status
