"""An engineer's night, with nothing but what the package brings: it is installed on a machine of its own, started by systemd,
changed over TCP with certificates, a real breaks, is seen everywhere, explained, captured, drained with a deadline, a bad file
changes nothing, a change is taken back by a rollback, and the daemon is killed and is itself again."""

import json
import os
import re
import tempfile
import unittest

import clients
from lab.config import TAPS, Plain, to_yaml
from lab.daemon import binary, numbers
from lab.family import IPV4
from lab.lab import Lab
from lab.shell import LabError, run, wait_for
from machine import Machine, make_package

_SERVER = "203.0.113.1"
_VIP = "203.0.113.100"
_PAGE = "http://127.0.0.1:9180"


class OnCallTest(unittest.TestCase):
    def test_the_night(self):
        with Lab("nat") as lab:
            self.lab = lab
            self.machine = Machine(lab.processes, lab.folder, lab.topology.namespace("lb"))
            try:
                self.install_and_start()
                self.apply_from_another_machine()
                self.a_real_breaks_and_is_seen()
                self.a_connection_is_explained_and_captured()
                self.a_drain_has_a_deadline()
                self.a_real_is_drained()
                self.a_bad_file_changes_nothing()
                self.a_change_is_taken_back()
                self.a_kill_leaves_the_state()
            finally:
                self.machine.stop()

    # --- the steps ---

    def install_and_start(self):
        with tempfile.TemporaryDirectory(dir=self.lab.folder) as folder:
            package = make_package(folder)
            self.machine.run(["dpkg", "--install", "/run/outside/" + os.path.relpath(package, self.lab.folder)])
        self.make_certificates()
        self.write("shunt.yaml", self.document())
        self.machine.run(["cp", "/run/outside/shunt.yaml", "/etc/shunt/shunt.yaml"])
        started = self.machine.run(["systemctl", "start", "shuntd.service"], check=False)
        self.assertEqual(started.returncode, 0, self.journal())
        self.lab.topology.plug(TAPS)
        self.wait_for_up({"r1", "r2", "r3"})
        self.assertEqual(self.answers(12), {"r1", "r2", "r3"})

    def apply_from_another_machine(self):
        next_state = self.document()
        next_state["services"][0]["reals"][0]["weight"] = 2
        said = self.remote("apply", "-f", self.write("next.yaml", next_state)).stdout
        self.assertIn("weight: 1 -> 2", said)
        self.assertEqual(self.real("r1")["weight"], 2)
        self.assertRegex(self.journal(), r"audit: oncall at 203\.0\.113\.10:\d+: ")
        # Without a certificate nobody is let in.
        refused = self.lab.client([binary("shuntctl"), "--server", f"{_SERVER}:9181", "--ca", self.path("ca.pem"), "status"],
                                  check=False)
        self.assertNotEqual(refused.returncode, 0)

    def a_real_breaks_and_is_seen(self):
        watch = self.lab.processes.start("watch", self.machine.command(["shuntctl", "-o", "json", "events", "--watch"]))
        self.lab.reals.kill("r2")
        wait_for(lambda: self.real("r2")["health"] == "HEALTH_DOWN", 20, "r2 to be down")
        wait_for(lambda: re.search(r'"kind": ?"real_down".*web/r2"', self.lab.processes.log_tail("watch", 100)), 10,
                 "events --watch to tell of r2")
        self.lab.processes.stop(watch)
        wait_for(lambda: 'shunt_real_up{service="web",real="r2"} 0' in self.metrics_text(), 10, "the metrics to follow")
        status = json.loads(self.http("/status.json"))
        self.assertEqual(status["state"], "DEGRADED")
        self.assertIn("web/r2: down", " ".join(status["problems"]))
        self.assertIn("web/r2: down", self.machine.run(["shuntctl", "top", "--once"]).stdout)
        self.assertIn("web/r2: down", self.ctl("status").stdout)
        wait_for(lambda: "web/r2: down" in self.page(), 20, "the page to tell of r2")
        self.assertEqual(self.answers(12), {"r1", "r3"}, "no client notices")

    def a_connection_is_explained_and_captured(self):
        told = self.ask("explain", "203.0.113.10:40123", f"{_VIP}:80", "tcp")
        [down] = [real for real in told["reals"] if real["name"] == "r2"]
        self.assertRegex(down["reason"], "^down: connect")
        chosen = told["workers"][0]["real"]
        capture = self.lab.processes.start("capture", self.machine.command(
            ["shuntctl", "capture", "--filter", "tcp port 40123", "--count", "2", "-w", "/tmp/night.pcapng"]))
        wait_for(lambda: "Ctrl-C ends it" in self.lab.processes.log_tail("capture", 50), 10, "the capture to begin")
        self.assertEqual(self.answer("--local-port", "40123"), chosen, "what was explained is what happens")
        capture.wait(20)
        self.machine.run(["cp", "/tmp/night.pcapng", "/run/outside/night.pcapng"])
        frames = run(["tcpdump", "-nr", self.path("night.pcapng")]).stdout
        self.assertIn(f"{_VIP}.80: Flags [S]", frames)

    def a_drain_has_a_deadline(self):
        held = clients.Held(self.lab, IPV4, 6)
        [holder] = [real["name"] for real in self.service("upload")["reals"] if real["active_connections"] > 0]
        self.remote("real", "drain", "upload", holder, "--deadline", "2s", "--then", "reset")
        [override] = self.ask("overrides")["overrides"]
        self.assertRegex(override["drain"]["by"], "^oncall at 203")
        wait_for(lambda: "no connections left" in self.ctl("events").stdout, 20, "the drain to end at its deadline")
        self.assertIn("reset", held.end())
        self.remote("real", "drain", "upload", holder, "--undo")
        self.assertFalse(self.real(holder, "upload")["draining"])

    def a_real_is_drained(self):
        self.remote("real", "drain", "web", "r1")
        self.assertTrue(self.real("r1")["draining"])
        self.assertEqual(self.answers(8), {"r3"})

    def a_bad_file_changes_nothing(self):
        before = self.state()
        bad = self.document()
        bad["services"][0]["reals"][0]["weight"] = 90000
        path = self.write("bad.yaml", bad)
        self.assertEqual(self.remote("apply", "-f", path, check=False).returncode, 2)
        self.machine.run(["cp", "/run/outside/bad.yaml", "/etc/shunt/shunt.yaml"])
        self.assertNotEqual(self.machine.run(["systemctl", "reload", "shuntd.service"], check=False).returncode, 0)
        self.assertIn("weight 90000 exceeds", self.journal())
        self.assertEqual(self.state(), before)
        self.machine.run(["cp", "/run/outside/shunt.yaml", "/etc/shunt/shunt.yaml"])

    def a_change_is_taken_back(self):
        before, revision = self.state(), self.ask("status")["revision"]
        wrong = self.document()
        wrong["services"][0]["reals"] = [real for real in wrong["services"][0]["reals"] if real["name"] != "r3"]
        self.remote("apply", "-f", self.write("wrong.yaml", wrong))
        self.assertNotEqual(self.state(), before)
        newest = self.ask("history")["revisions"][0]
        self.assertEqual((newest["revision"], newest["what"]), (revision + 1, "apply"))
        self.assertRegex(newest["who"], "^oncall at 203")
        # Whoever acts on an old picture is told; whoever looks first sees what would change.
        late = self.remote("rollback", str(revision), "--expect-revision", str(revision), check=False)
        self.assertEqual(late.returncode, 5, late.stderr)
        self.assertIn("web/r3", self.remote("rollback", str(revision), "--dry-run").stdout)
        self.assertNotEqual(self.state(), before)
        self.remote("rollback", str(revision))
        self.assertEqual(self.state(), before)
        newest = self.ask("history")["revisions"][0]
        self.assertEqual((newest["revision"], newest["what"]), (revision + 2, f"rollback to revision {revision}"))
        wait_for(lambda: self.real("r3")["health"] == "HEALTH_UP", 20, "r3 to be up")
        self.assertEqual(self.answers(8), {"r3"})

    def a_kill_leaves_the_state(self):
        before, pid = self.state(), self.pid()
        self.machine.run(["kill", "-9", pid])
        wait_for(lambda: self.pid() not in ("0", pid)
                 and self.machine.unit("shuntd.service", "ActiveState") == "active", 60, "systemd to start it again")
        self.lab.topology.plug(TAPS)
        self.assertEqual(self.state(), before)
        self.assertTrue(self.real("r1")["draining"])
        self.lab.reals.start("r2")
        self.wait_for_up({"r2", "r3"})
        self.assertEqual(self.answers(12), {"r2", "r3"})
        self.assertEqual(self.machine.unit("shuntd.service", "NRestarts"), "1")

    # --- what it is done with ---

    def document(self):
        document = self.lab.config.document()
        document["listener"] = {"tcp": {"address": "0.0.0.0", "certificate": "/etc/shunt/lb.pem", "key": "/etc/shunt/lb.key",
                                        "client_ca": "/etc/shunt/ca.pem", "admins": [Plain("oncall")]}}
        # Where the package puts things.
        del document["journal"]
        return document

    def path(self, name):
        return os.path.join(self.lab.folder, name)

    def write(self, name, document):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(to_yaml(document))
        return self.path(name)

    def make_certificates(self):
        """A CA, the daemon's certificate and the engineer's, as docs/api.md says."""
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run(["openssl", "req", "-x509", *new_key, "-days", "2", "-subj", "/CN=night CA", "-keyout", self.path("ca.key"),
             "-out", self.path("ca.pem")])
        with open(self.path("san"), "w", encoding="utf-8") as out:
            out.write(f"subjectAltName=IP:{_SERVER}\n")
        for name, extension in (("lb", ["-extfile", self.path("san")]), ("oncall", [])):
            run(["openssl", "req", "-new", *new_key, "-subj", f"/CN={name}", "-keyout", self.path(f"{name}.key"),
                 "-out", self.path(f"{name}.csr")])
            run(["openssl", "x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path("ca.pem"), "-CAkey",
                 self.path("ca.key"), "-CAcreateserial", "-days", "2", *extension, "-out", self.path(f"{name}.pem")])
        self.machine.run(["install", "-m", "0640", "-o", "root", "-g", "shunt", "/run/outside/lb.key", "/run/outside/lb.pem",
                          "/run/outside/ca.pem", "/etc/shunt/"])

    def ctl(self, *arguments):
        return self.machine.run(["shuntctl", *arguments])

    def ask(self, *arguments):
        return numbers(json.loads(self.ctl("-o", "json", *arguments).stdout))

    def remote(self, *arguments, check=True):
        """shuntctl on the client's machine, by gRPC with both sides' certificates."""
        return self.lab.client([binary("shuntctl"), "--server", f"{_SERVER}:9181", "--ca", self.path("ca.pem"),
                                "--cert", self.path("oncall.pem"), "--key", self.path("oncall.key"), *arguments], check=check)

    def service(self, name):
        [found] = [service for service in self.ask("service", "list")["services"] if service["name"] == name]
        return found

    def real(self, name, service="web"):
        [real] = [real for real in self.service(service)["reals"] if real["name"] == name and not real.get("removed", False)]
        return {"draining": False, **real}

    def wait_for_up(self, names):
        wait_for(lambda: all(self.real(name)["health"] == "HEALTH_UP" for name in names), 30, f"{names} to be up")

    def state(self):
        """The desired state, its revision aside."""
        return "".join(line for line in self.ctl("get").stdout.splitlines(keepends=True) if not line.startswith("#"))

    def answer(self, *options):
        done = self.lab.client(["curl", "-sS", "-f", "-m", "5", *options, f"http://{_VIP}/"], check=False)
        if done.returncode != 0:
            raise LabError(f"{done.stderr} drops: {self.ctl('drops').stdout}")
        return done.stdout.strip()

    def answers(self, count):
        return {self.answer() for _ in range(count)}

    def http(self, path):
        return self.lab.topology.exec("lb", ["curl", "-sS", "--noproxy", "*", "-m", "5", _PAGE + path]).stdout

    def metrics_text(self):
        return self.http("/metrics")

    def page(self):
        """What a browser draws."""
        return self.lab.topology.exec("lb", [
            "timeout", "30", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
            f"--user-data-dir={self.path('profile')}", "--virtual-time-budget=1800", "--dump-dom", _PAGE + "/"]).stdout

    def pid(self):
        return self.machine.unit("shuntd.service", "MainPID")

    def journal(self):
        return self.machine.journal("shuntd.service")


if __name__ == "__main__":
    unittest.main(verbosity=2)
