#!/usr/bin/python3
"""Instructions per packet in the packet path, counted by callgrind: they do not depend on the machine's mood.

  tests/bench/instructions_test.py                        compare with the committed figures (ctest bench.instructions)
  tests/bench/instructions_test.py --write [--why TITLE]  make today's figures the committed ones

It fails when a path takes over 5 % more instructions than tests/bench/instructions.json says. A path that must grow
brings a paragraph in DECISIONS.md: --write asks for its title (the line after "## ") as --why, and the file's "why"
quotes it from then on. A path that shrinks needs --write alone.

The figures belong to one compiler and one kind of build, the file's "built_with". Under another they are not compared:
exit 77, which ctest reports as skipped. Exit 1: a path grew or the file is wrong; 2: the figures cannot be had.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIGURES = os.path.join(ROOT, "tests/bench/instructions.json")
DECISIONS = os.path.join(ROOT, "DECISIONS.md")
_METHODS = ("direct", "tunnel", "nat", "nat-reply", "fullnat", "fullnat-reply")
_TUNNELS = ("tunnel-gre", "tunnel-gre-checksum", "tunnel-gue", "tunnel-gue-checksum")
_BEYOND = ("direct-limits", "fullnat-proxy", "fullnat-proxy-reply", "fullnat-crossing", "fullnat-crossing-reply",
           "fullnat-ftp", "fullnat-ftp-reply", "snat", "snat-reply")
# What is counted -> arguments of path_bench instructions-run.
PATHS = {**{method: ("--path", method) for method in (*_METHODS, *_TUNNELS, *_BEYOND)},
         **{f"ipv6-{method}": ("--path", method, "--family", "6") for method in (*_METHODS, *_BEYOND)},
         "lone-syn": ("--path", "lone-syn")}
PACKETS = 16000
MOST_GROWTH = 0.05
SKIPPED = 77
# The benchmark's own function around packet_path(): nothing that opens connections or checks packets is counted.
COUNTED = "shunt::bench::(anonymous namespace)::measured_path*"


class Unavailable(Exception):
    """The figures cannot be had: cause and remedy."""


def path_bench():
    folder = os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin"))
    found = os.path.join(folder, "path_bench")
    if not os.path.exists(found):
        raise Unavailable(f"there is no {found}; run scripts/dev build release path_bench")
    return found


def arguments(path, packets):
    return [path_bench(), "instructions-run", *PATHS[path], "--packets", str(packets)]


def run(command, what):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    except FileNotFoundError:
        raise Unavailable("valgrind is not installed; run scripts/setup") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what}: no end after 240 s; is the machine that busy?") from None
    if done.returncode != 0:
        raise Unavailable(f"{what}: ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def built_with():
    return json.loads(run(arguments("direct", 32), "path_bench").stdout.splitlines()[-1])["built_with"]


def count(path, folder):
    """Instructions per packet."""
    command = ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED}",
               f"--callgrind-out-file={os.path.join(folder, path)}", *arguments(path, PACKETS)]
    done = run(command, f"{path} under callgrind")
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if not collected or int(collected[1]) == 0:
        raise Unavailable(f"{path}: callgrind saw no {COUNTED}; was path_bench built with symbols?")
    return round(int(collected[1]) / PACKETS, 1)


def measure():
    with tempfile.TemporaryDirectory(prefix="instructions.") as folder:
        figures = {path: count(path, folder) for path in PATHS}
    return {"built_with": built_with(), "instructions_per_packet": figures}


def headings():
    with open(DECISIONS, encoding="utf-8") as file:
        return [line[3:].strip() for line in file if line.startswith("## ")]


def grown(before, after):
    """Paths that take over 5 % more than before, as sentences."""
    sentences = []
    for path, now in after.items():
        was = before.get(path)
        if was is not None and now > was * (1 + MOST_GROWTH):
            sentences.append(f"{path}: {now} instructions per packet, {(now / was - 1) * 100:+.1f} % of the committed {was}")
    return sentences


def read_committed():
    try:
        with open(FIGURES, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def print_table(before, after):
    print(f"{'path':<24} {'committed':>9} {'now':>9}")
    for path, now in after.items():
        was = before.get(path)
        print(f"{path:<24} {was if was is not None else '-':>9} {now:>9}" + (f"  {(now / was - 1) * 100:+.1f} %" if was else ""))


def compare(committed):
    if committed is None:
        raise Unavailable("there is no tests/bench/instructions.json; run tests/bench/instructions_test.py --write")
    if committed.get("why") not in headings():
        print(f"tests/bench/instructions.json: its \"why\" ({committed.get('why')!r}) is the title of no paragraph in DECISIONS.md; "
              "write the paragraph, or correct the title")
        return 1
    known = committed["instructions_per_packet"]
    if set(known) != set(PATHS):
        print("tests/bench/instructions.json: it has other paths than are measured; run tests/bench/instructions_test.py --write")
        return 1
    if built_with() != committed["built_with"]:
        print(f"skipped: the committed figures are of {committed['built_with']}, this is {built_with()}; "
              "if the project has moved to it, run tests/bench/instructions_test.py --write")
        return SKIPPED
    now = measure()["instructions_per_packet"]
    print_table(known, now)
    failures = grown(known, now)
    for sentence in failures:
        print(sentence)
    if failures:
        print("Make it cheaper, or say in a paragraph of DECISIONS.md what the instructions buy and run "
              "tests/bench/instructions_test.py --write --why 'TITLE OF THE PARAGRAPH'")
        return 1
    cheaper = [path for path, figure in now.items() if figure < known[path] * (1 - MOST_GROWTH)]
    if cheaper:
        print(f"{', '.join(cheaper)}: over 5 % cheaper than committed; run tests/bench/instructions_test.py --write to keep it so")
    return 0


def write(committed, why):
    before = committed or {}
    now = measure()
    known = before.get("instructions_per_packet", {})
    print_table(known, now["instructions_per_packet"])
    same_build = before.get("built_with") == now["built_with"]
    growth = grown(known, now["instructions_per_packet"]) if same_build else []
    if growth and why in (None, before.get("why")):
        for sentence in growth:
            print(sentence)
        print("not written: say in a new paragraph of DECISIONS.md what the instructions buy, and name its title with --why")
        return 1
    why = why or before.get("why")
    if why not in headings():
        print(f"not written: {why!r} is the title of no paragraph in DECISIONS.md; name one with --why")
        return 1
    with open(FIGURES, "w", encoding="utf-8") as file:
        json.dump({"why": why, **now}, file, indent=2)
        file.write("\n")
    print("written: tests/bench/instructions.json")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make today's figures the committed ones")
    parser.add_argument("--why", metavar="TITLE", help="the title of the paragraph in DECISIONS.md that explains them")
    options = parser.parse_args()
    if options.why and not options.write:
        parser.error("--why goes with --write")
    committed = read_committed()
    return write(committed, options.why) if options.write else compare(committed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unavailable as error:
        print(f"instructions_test.py: {error}", file=sys.stderr)
        sys.exit(2)
