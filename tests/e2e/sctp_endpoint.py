"""One end of SCTP, run in a guest whose kernel has it: `server NAME PORT` answers every association with its name and what
it gets; `client ADDRESS PORT COUNT BYTES` opens as many, one after the other, and prints each answer's name."""

import socket
import sys

PROTOCOL = 132  # Python has no name for IPPROTO_SCTP everywhere


def serve(name, port):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, PROTOCOL)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    listener.listen(16)
    print("serving", flush=True)
    while True:
        end, _ = listener.accept()
        with end:
            while words := end.recv(65536):
                end.sendall(name.encode() + b" " + words)


def ask(address, port, count, size):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for turn in range(count):
        with socket.socket(family, socket.SOCK_STREAM, PROTOCOL) as end:
            end.settimeout(20)
            end.connect((address, port))
            words = bytes((turn + place) % 256 for place in range(size))
            end.sendall(words)
            answer = b""
            while len(answer) < 3 + size:
                more = end.recv(65536)
                if not more:
                    break
                answer += more
            name, _, echo = answer.partition(b" ")
            print("answer", name.decode() if echo == words else "spoiled", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        ask(sys.argv[2], *map(int, sys.argv[3:6]))
