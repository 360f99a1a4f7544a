"""The shipped alert rules and dashboard: promtool's opinion, the rules' unit tests, and that each has its runbook."""

import json
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALERTS = os.path.join(ROOT, "config/prometheus/alerts.yaml")
DASHBOARD = os.path.join(ROOT, "config/grafana/shunt.json")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def promtool(*words):
    done = subprocess.run(["promtool", *words], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class AlertsTest(unittest.TestCase):
    def test_promtool_takes_the_rules(self):
        status, said = promtool("check", "rules", ALERTS)
        self.assertEqual(status, 0, said)

    def test_the_rules_fire_when_they_should_and_only_then(self):
        status, said = promtool("test", "rules", os.path.join(ROOT, "tests/config/prometheus/alerts_unit.yaml"))
        self.assertEqual(status, 0, said)

    def test_every_alert_has_its_runbook_beside_it_and_in_the_documentation(self):
        rules, documentation = read(ALERTS), read("docs/observability.md")
        names = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(names), 10)
        self.assertEqual(len(names), len(re.findall(r"\n          runbook: >-\n {12}\S", rules)))
        self.assertEqual(names, re.findall(r"^\| `(Shunt\w+)` \|", documentation, re.MULTILINE))

    def test_reasons_to_drop_that_rules_name_exist(self):
        known = set(re.findall(r'"([a-z0-9_]+)"', read("dataplane/verdict.cc")))
        named = {reason for group in re.findall(r'reason=~?"([^"]+)"', read(ALERTS)) for reason in group.split("|")}
        self.assertEqual(named - known, set())

    def test_the_dashboard_is_whole(self):
        dashboard = json.loads(read(DASHBOARD))
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 10)
        for panel in panels:
            self.assertTrue(panel["title"] and panel["targets"], panel)
            for target in panel["targets"]:
                self.assertIn("shunt_", target["expr"], panel["title"])
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        self.assertEqual(len(places), len(set(places)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
