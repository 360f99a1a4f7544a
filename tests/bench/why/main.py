"""Repeats the argument that IP Virtual Server was built on, measured on one machine in network namespaces.

The same clients ask (a) one server, (b) DNS round robin with caching resolvers, (c) application-level dispatchers, nginx
and HAProxy, (d) Shunt, with 1, 5, 25 and 100 real servers: throughput, CPU a request, imbalance between the reals,
requests failed when a real dies and when one is taken out and brought back. There is no pass or fail: the tables are the
result, and the lines under them say what they cannot show.

It takes some twelve minutes (--quick: two), needs root, nginx, HAProxy and dnsmasq (scripts/setup --why), and wants a
quiet machine with two CPUs.

JSON: one object a line: case, contender, reals, the figures of each table, quiet (false: another program was at work just
before), and date, cpu, cores, kernel, commit, dpdk.
"""

import argparse
import dataclasses
import os

from daemon_rig import machine
from lab.shell import LabError, run
from why import closing, contenders, plot, rig
from why.campaign import Campaign
from why.phases import Pace
from why.report import Progress, Table

TARGETS = ("shuntd", "shuntctl", "why_load")
_COUNTS = (1, 5, 25, 100)


def _counts(text):
    try:
        values = sorted({int(word) for word in text.split(",")})
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of numbers; for example 1,5") from None
    if values[0] < 1 or values[-1] > rig.MOST_REALS:
        raise argparse.ArgumentTypeError(f"numbers of reals are 1 to {rig.MOST_REALS}")
    return values


def _contenders(text):
    unknown = set(text.split(",")) - set(contenders.ALL)
    if unknown:
        raise argparse.ArgumentTypeError(f"no contender {', '.join(sorted(unknown))}; there are {', '.join(contenders.ALL)}")
    return [contender for name, contender in contenders.ALL.items() if name in text.split(",")]


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 2 <= value <= 600:
        raise argparse.ArgumentTypeError("2 to 600")
    return value


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench why", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one server, and the others with 5 reals, by shorter phases: two minutes")
    parser.add_argument("--reals", type=_counts, metavar="N,N,...", help="numbers of reals (1,5,25,100)")
    parser.add_argument("--contenders", type=_contenders, metavar="NAME,...", help=f"{', '.join(contenders.ALL)} (all)")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="length of the steady phase (6; --quick: 2)")
    parser.add_argument("--json", metavar="FILE", help="write the rows there, one JSON object a line")
    parser.add_argument("--plot", metavar="FILE", help="measure nothing: draw what --json wrote, as SVG beside it")
    options = parser.parse_args(arguments)
    options.cells = _cells(options)
    if not options.cells:
        parser.error("nothing fits: 'one' is one server, 'dns-set' needs several reals; name other contenders or numbers of reals")
    seconds = {} if options.seconds is None else {"steady": options.seconds}
    options.pace = dataclasses.replace(Pace.brief() if options.quick else Pace(), **seconds)
    return options


def _cells(options):
    """Pairs of a contender and a number of reals, the fewest reals first."""
    counts = options.reals or ([1, 5] if options.quick else _COUNTS)
    chosen = options.contenders or list(contenders.ALL.values())
    cells = [(contender, count) for count in counts for contender in chosen if contender.fits(count)]
    if options.quick and not options.reals and not options.contenders:
        # What one real shows of the others is what they cost, and five show that, too.
        cells = [(contender, count) for contender, count in cells
                 if contender is not contenders.DnsSet and (count > 1) != (contender is contenders.Contender)]
    return cells


def main(root, arguments, build):
    """The exit status. `build(*targets)` sees to the programs."""
    options = parse(arguments)
    if options.plot:
        return _draw(options.plot)
    if os.geteuid() != 0:
        raise LabError("why: it makes network namespaces, which needs root; run it with sudo")
    if options.json and not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
        raise LabError(f"--json {options.json}: its folder is not there; make it first")
    build(*TARGETS)
    facts = {**machine.facts(root), **versions()}
    chosen, counts = ({cell[part] for cell in options.cells} for part in (0, 1))
    order = [contender for contender in contenders.ALL.values() if contender in chosen]
    table = Table(facts, options.pace, order, sorted(counts), options.json)
    table.head(rig.SITES, rig.mean_bytes())
    cells = _measurable(options.cells, table)
    if not cells:
        raise LabError("why: none of the contenders can be measured here; their remedies are above")
    try:
        failures = Campaign(cells, options.pace, table, Progress()).run()
    finally:
        table.print_all(closing.lines(facts["cores"], options.pace.ttl))
    return 1 if failures else 0


def _draw(path):
    drawing = plot.draw(plot.read(path), {name: contender.title for name, contender in contenders.ALL.items()})
    with open(plot.beside(path), "w", encoding="utf-8") as out:
        out.write(drawing)
    print(plot.beside(path))
    return 0


def _measurable(cells, table):
    why_not = {contender: contender.missing() for contender, _ in cells}
    for contender, reason in why_not.items():
        if reason:
            table.not_measured(contender, reason)
    return [(contender, count) for contender, count in cells if not why_not[contender]]


def versions():
    """Of the programs that Shunt is compared with."""
    out = {}
    for package in ("nginx", "haproxy", "dnsmasq-base"):
        found = run(["dpkg-query", "-W", "-f", "${Version}", package], check=False)
        out[package] = found.stdout.strip() or "not installed"
    return out
