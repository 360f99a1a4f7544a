"""The traffic source: concurrent HTTP clients, a new connection for each request. Runs in the client's namespace.

Prints one JSON line about ten times a second, {"ok": [["r1", start]], "bad": [[start, end, "reason"]], "slow": 0}, with
times of the monotonic clock, which all processes of a machine share. Ends after --total requests, or at SIGTERM when
the requests under way have come to an end.
"""

import argparse
import asyncio
import json
import signal
import time

# A lost SYN or SYN+ACK is sent again after one second: a request that took longer lost a packet.
SLOW_SECONDS = 0.9


class Source:
    def __init__(self, options):
        self._options = options
        self._left = options.total or None
        self._stopping = False
        self._ok = []
        self._bad = []
        self._slow = 0

    async def main(self):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        clients = [asyncio.create_task(self._client(number)) for number in range(self._options.clients)]
        while clients:
            _, pending = await asyncio.wait(clients, timeout=0.1)
            clients = list(pending)
            self._report()

    def _stop(self):
        self._stopping = True

    def _take(self):
        if self._stopping or self._left == 0:
            return False
        if self._left:
            self._left -= 1
        return True

    async def _client(self, number):
        # Not all in step: a crowd that starts at once looks like bursts, not like clients.
        await asyncio.sleep(self._options.pause_ms / 1000 * number / self._options.clients)
        while self._take():
            start = time.monotonic()
            try:
                self._ok.append([await asyncio.wait_for(self._request(), self._options.timeout), start])
            except asyncio.TimeoutError:
                self._bad.append([start, time.monotonic(), f"no answer within {self._options.timeout:g} s"])
            except (OSError, ValueError) as error:
                self._bad.append([start, time.monotonic(), str(error) or type(error).__name__])
            self._slow += time.monotonic() - start > SLOW_SECONDS
            await asyncio.sleep(self._options.pause_ms / 1000)

    async def _request(self):
        reader, writer = await asyncio.open_connection(self._options.address, self._options.port)
        try:
            writer.write(b"GET / HTTP/1.0\r\nHost: demo\r\n\r\n")
            answer = await reader.read(-1)
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or not body.endswith(b"\n"):
            raise ValueError(f"answer cut short or wrong: {answer[:60]!r}")
        return body.decode().strip()

    def _report(self):
        print(json.dumps({"ok": self._ok, "bad": self._bad, "slow": self._slow}), flush=True)
        self._ok.clear()
        self._bad.clear()
        self._slow = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause-ms", type=float, default=20)
    parser.add_argument("--total", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=5)
    asyncio.run(Source(parser.parse_args()).main())


if __name__ == "__main__":
    main()
