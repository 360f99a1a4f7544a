"""What an on-call engineer sees while a real breaks: /metrics, /status.json, the health pages and events, over HTTP in the
load balancer's namespace; promtool's opinion of the metrics."""

import json
import os
import re
import subprocess
import unittest

from lab.daemon import ROOT
from lab.lab import Lab
from lab.shell import wait_for

_URL = "http://127.0.0.1:9180"


class ObserveTest(unittest.TestCase):
    def test_a_broken_real_is_seen_in_every_place(self):
        with Lab("nat") as lab:
            shuntd = lab.shuntd
            lab.config.snat = [{"name": "egress", "sources": ["10.0.1.0/24"], "egress_port": "outside", "addresses": ["203.0.113.50"]}]
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            self.lab = lab
            self.assertEqual(self.get("/livez"), "alive\n")
            # What could not be sent before the ports were plugged in is news for ten seconds.
            wait_for(lambda: self.get("/readyz") == "ready\n", 20, "nothing to want attention")
            before = self.metrics()
            self.assertEqual(before['shunt_service_reals_up{service="web"}'], 3)
            self.assertEqual(before['shunt_real_up{service="web",real="r2"}'], 1)
            for _ in range(12):
                lab.client(["curl", "-sS", "-f", "-m", "5", "http://203.0.113.100/"])
            served = self.metrics()
            self.assertEqual(served['shunt_service_connections_total{service="web"}'], 12)
            self.assertEqual(sum(served[f'shunt_real_connections_total{{service="web",real="r{n}"}}'] for n in (1, 2, 3)), 12)
            self.assertGreater(served['shunt_service_bytes_total{service="web",direction="out"}'], 1000)

            lab.reals.kill("r2")
            shuntd.wait_health("web", "r2", "DOWN", 10)
            wait_for(lambda: self.metrics()['shunt_real_up{service="web",real="r2"}'] == 0, 3, "the metrics to follow")
            after = self.metrics()
            self.assertEqual(after['shunt_real_transitions_total{service="web",real="r2",to="down"}'], 1)
            self.assertEqual(after['shunt_service_reals_up{service="web"}'], 2)
            self.assertGreater(after["shunt_problems"], 0)
            status = self.status("?filter=web&troubled=1")
            self.assertEqual(status["state"], "DEGRADED")
            self.assertTrue(any("web/r2: down: connect" in problem for problem in status["problems"]), status["problems"])
            [web] = status["services"]
            [r2] = [real for real in web["reals"] if real["name"] == "r2"]
            self.assertEqual((r2["health"], r2["effective_weight"], web["reals_up"]), ("DOWN", 0, 2))
            self.assertTrue(any(event["kind"] == "real_down" and "web/r2" in event["subject"] for event in status["events"]))
            self.assertIn("ready, degraded:\n", self.get("/readyz"), "one real less is no reason to leave")

            lab.reals.start("r2")
            wait_for(lambda: self.status()["state"] == "READY", 10, "the status to be READY again")
            self.assertEqual(self.metrics()['shunt_real_transitions_total{service="web",real="r2",to="up"}'], 1)
            self.check_metrics()
            self.check_documentation()

    def get(self, path):
        # --noproxy: the environment's proxy is not this machine.
        return self.lab.topology.exec("lb", ["curl", "-sS", "--noproxy", "*", "-m", "5", _URL + path]).stdout

    def status(self, query=""):
        return json.loads(self.get("/status.json" + query))

    def metrics(self):
        lines = (line for line in self.get("/metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def check_metrics(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.get("/metrics"), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.strip()), (0, ""), done.stdout)

    def check_documentation(self):
        """Whatever names a metric names one that there is, and the documentation names all."""
        families = {line.split()[2] for line in self.get("/metrics").splitlines() if line.startswith("# TYPE ")}
        self.assertGreater(len(families), 30)
        named = {path: set(re.findall(r"\bshunt_[a-z0-9_]+", self.read(path))) for path in
                 ("docs/observability.md", "config/prometheus/alerts.yaml", "config/grafana/shunt.json")}
        for path, names in named.items():
            self.assertGreater(len(names), 10, path)
            self.assertEqual(names - families, set(), f"{path} names what there is not")
        self.assertEqual(families - named["docs/observability.md"], set(), "docs/observability.md lacks them")

    def read(self, path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            return file.read()


if __name__ == "__main__":
    unittest.main(verbosity=2)
