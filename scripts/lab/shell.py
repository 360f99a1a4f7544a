"""Commands and processes: everything the lab starts is known by its pid and ends with the lab."""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something in the lab went wrong; the text says what, why and, where known, the remedy."""


def run(command, *, check=True, timeout=60, **options):
    """Runs a command to its end and returns the CompletedProcess with text output."""
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise LabError(f"'{' '.join(command)}' ended with {done.returncode}: "
                       f"{(done.stderr or done.stdout).strip() or 'no output'}")
    return done


def ip_batch(commands, namespace=None):
    """Runs `ip` commands of one namespace in one process; the first that fails raises."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(["ip", *where, "-batch", "-"], input="\n".join(commands) + "\n",
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise LabError(f"ip -n {namespace}: {done.stderr.strip()} (in: {'; '.join(commands)})")


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition, seconds, what, every=0.05):
    """Polls until `condition()` is true and returns its value; LabError names `what` was missing."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {seconds:g} s for {what}, in vain")
        time.sleep(every)


class Processes:
    """Background processes by name; each dies at the latest with this Python process, even on SIGKILL."""

    def __init__(self, folder):
        self._folder = folder
        self._running = []

    def log_path(self, name):
        return os.path.join(self._folder, name + ".log")

    def start(self, name, command, *, namespace=None, **options):
        if namespace:
            command = ["ip", "netns", "exec", namespace, *command]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.STDOUT)
        if "stdout" not in options:
            # Append: a daemon that is started again must not wipe the words of the one before.
            with open(self.log_path(name), "ab") as log:
                process = subprocess.Popen(command, stdout=log, preexec_fn=_die_with_parent, **options)
        else:
            process = subprocess.Popen(command, preexec_fn=_die_with_parent, **options)
        self._running.append(process)
        return process

    def log_tail(self, name, lines=15):
        try:
            with open(self.log_path(name), encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:]).rstrip()
        except OSError:
            return "(no log)"

    def stop(self, process, seconds=10):
        """SIGTERM, then SIGKILL; returns the exit status."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        return self._reap(process)

    def kill(self, process):
        if process.poll() is None:
            process.kill()
        return self._reap(process)

    def _reap(self, process):
        try:
            status = process.wait(30)
        except subprocess.TimeoutExpired:
            with open(f"/proc/{process.pid}/stack", encoding="utf-8") as stack:
                raise LabError(f"process {process.pid} was killed and has not ended after 30 s; it is in the kernel at\n"
                               f"{stack.read()}") from None
        if process in self._running:
            self._running.remove(process)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        return status

    def stop_all(self):
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in list(self._running):
            self.stop(process, seconds=5)
