#!/usr/bin/python3
"""An orchestrator in small: keeps the reals of a service as a file lists them, and tells how they do.

    orchestrator.py --socket /run/shunt/shuntd.sock web reals.txt
    orchestrator.py --server lb1.example:9181 --ca ca.pem --cert ops.pem --key ops.key web reals.txt

The file has a real a line, "ADDRESS PORT WEIGHT", and is looked at each second. What any such program has to do is here:
change by edits at the revision that was read, and read again when overtaken; repeat a call whose answer was lost with the same
idempotency key; follow events from the state's place, and read the state anew after a "resync". Ctrl-C ends it.
"""

import argparse
import os
import sys
import threading
import time
import uuid

from shunt_client import Shunt, ShuntError

_TRIES = 10


def say(*words):
    print(*words, flush=True)


def wanted_in(path):
    """{(address, port): weight}"""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip()]
    return {(address, int(port)): int(weight) for address, port, weight in lines}


def edits_for(service, wanted):
    """What makes the service's reals so."""
    present = {(real.address, real.port): real for real in service.reals}
    edits = []
    for place in present.keys() - wanted.keys():
        edits.append({"remove_real": {"service": service.name, "real": present[place].name}})
    for (address, port), weight in wanted.items():
        real = present.get((address, port))
        if real is None:
            edits.append({"add_real": {"service": service.name, "real": {"address": address, "port": port, "weight": weight}}})
        elif real.weight != weight:
            edits.append({"update_real": {"service": service.name, "real": real.name, "values": {"weight": weight},
                                          # Named, since a weight of 0 cannot be told from one that is not given.
                                          "update_mask": "weight"}})
    return edits


def make_so(shunt, name, wanted):
    """One revision for all that differs; returns it, or None where nothing does."""
    for _ in range(_TRIES):
        current = shunt.call("Get")
        [service] = [each for each in current.state.services if each.name == name]
        edits = edits_for(service, wanted)
        if not edits:
            return None
        key = str(uuid.uuid4())
        for pause in (0, 1, 2, 4):
            time.sleep(pause)
            try:
                return shunt.call("Edit", edits=edits, expected_revision=current.revision, idempotency_key=key).revision
            except ShuntError as error:
                # Whether it came through nobody knows: asked again with the key, it happens once.
                if error.was_overtaken:
                    break
                if not error.is_away:
                    raise
    raise SystemExit(f"orchestrator: {name}: others change the state too fast")


def follow(shunt, name):
    """Tells what becomes of the service's reals, over restarts of the daemon, too."""
    position = None
    while True:
        try:
            if position is None:
                listed = shunt.call("ListServices", name=name)
                for real in listed.services[0].reals:
                    say("is", real.name, type(real).DESCRIPTOR.fields_by_name["health"].enum_type
                        .values_by_number[real.health].name)
                position = listed.position
            for event in shunt.stream("WatchEvents", life=position.life, after_sequence=position.sequence, follow=True):
                if event.kind == "resync":
                    say("resync", event.text)
                    # From the state's place on: what is kept from before it is in the state.
                    position = None
                    break
                position.life, position.sequence = event.life, event.sequence
                if event.subject.startswith(f"real {name}/"):
                    say("event", event.kind, event.subject, event.text)
        except ShuntError as error:
            if not error.is_away:
                raise
            time.sleep(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", default="/run/shunt/shuntd.sock")
    for option in ("--server", "--ca", "--cert", "--key"):
        parser.add_argument(option)
    parser.add_argument("service")
    parser.add_argument("file")
    options = parser.parse_args()

    def connect():
        if options.server:
            return Shunt.on_server(options.server, options.ca, options.cert, options.key)
        return Shunt.on_socket(options.socket)
    shunt = connect()
    threading.Thread(target=follow, args=(connect(), options.service), daemon=True).start()
    seen = None
    while True:
        changed = os.stat(options.file).st_mtime_ns
        if changed != seen:
            try:
                revision = make_so(shunt, options.service, wanted_in(options.file))
                say("as wanted" if revision is None else f"revision {revision}")
            except ShuntError as error:
                for detail in error.details:
                    say("refused", detail.field, detail.reason, f"{detail.cause}; {detail.remedy}")
                if not error.details:
                    say("refused", error)
            seen = changed
        time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except ShuntError as error:
        sys.exit(f"orchestrator: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
