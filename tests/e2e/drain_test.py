"""Drains with a deadline and other overrides: what becomes of live connections, and that files and restarts leave what an
operator said of a real."""

import json
import unittest

import clients
from lab.family import FAMILIES
from lab.lab import Lab
from lab.reals import ECHO_PORT
from lab.shell import wait_for
from method_cases import FamilyCases


class DrainCases(FamilyCases):
    method = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(cls.method, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def hold(self, family, seconds):
        """A held connection, and the real that has it."""
        held = clients.Held(self.lab, family, seconds)
        [connection] = [c for c in self.shuntd.connections("--service", family.service("upload"))
                        if c["state"] == "ESTABLISHED"]
        [real] = [name for name in self.lab.topology.reals if family.real(int(name[1:])) == connection["real"]]
        return held, real

    def drain(self, service, real, *options):
        self.since = self.shuntd.events()[-1]["sequence"]
        self.shuntd.ctl("real", "drain", service, real, *options)

    def wait_event(self, kind, service, seconds=20):
        """The text of the first such event since drain()."""
        def there():
            return [event for event in self.shuntd.events() if event["sequence"] > self.since and event["kind"] == kind
                    and event["subject"].startswith(f"real {service}/")]
        return wait_for(there, seconds, f"event {kind} of service {service}")[0]["text"]

    def case_at_the_deadline_connections_are_ended(self, family):
        upload = family.service("upload")
        held, real = self.hold(family, 6)
        self.drain(upload, real, "--deadline", "2s", "--then", "reset")
        self.assertRegex(self.wait_event("drain_started", upload), r"[1-9] connections? left, ")
        self.assertIn("they are reset", self.wait_event("drain_deadline", upload))
        self.assertEqual(self.wait_event("drain_ended", upload), "no connections left")
        state = self.shuntd.real(upload, real)
        self.assertTrue(state["draining"])
        self.assertEqual(state.get("active_connections", 0) + state.get("inactive_connections", 0), 0)
        self.assertEqual(held.end(), "reset when it spoke")
        self.shuntd.drain(upload, real, undo=True)
        self.assertEqual(self.shuntd.real(upload, real)["effective_weight"], 1)


class NatDrainTest(DrainCases, unittest.TestCase):
    method = "nat"

    def case_a_deadline_may_leave_connections_alone(self, family):
        upload = family.service("upload")
        held, real = self.hold(family, 4)
        self.drain(upload, real, "--deadline", "1s", "--then", "leave")
        self.assertIn("they go on", self.wait_event("drain_deadline", upload))
        self.assertEqual(held.end().split()[:2], [real, "2000"])
        self.shuntd.drain(upload, real, undo=True)

    def case_a_rescheduled_client_gets_another_real_with_its_next_packet(self, family):
        echo = family.service("echo")

        def ask():
            return clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, 42000)[0].split()[1]
        real = ask()
        self.assertEqual(ask(), real)
        self.drain(echo, real, "--deadline", "1s", "--then", "reschedule")
        self.wait_event("drain_ended", echo)
        self.assertNotEqual(ask(), real)
        self.shuntd.drain(echo, real, undo=True)


class FullnatDrainTest(DrainCases, unittest.TestCase):
    method = "fullnat"


class DirectDrainTest(DrainCases, unittest.TestCase):
    method = "direct"


class TunnelDrainTest(DrainCases, unittest.TestCase):
    method = "tunnel"


class OverridesTest(unittest.TestCase):
    def test_they_outlive_reload_and_crash_and_are_listed_until_cleared(self):
        self.lab = self.enterContext(Lab("nat", families=FAMILIES))
        self.shuntd = self.lab.shuntd
        self.shuntd.start(self.lab.config)
        web = FAMILIES[1].service("web")
        self.shuntd.set_weight(web, "r1", 5)
        self.shuntd.ctl("real", "drain", web, "r2", "--deadline", "1h", "--then", "reset")
        self.shuntd.ctl("real", "set-weight", web, "r3", "9", "--for", "1h")
        path = self.lab.config.write()
        revision = self.shuntd.ask("status")["revision"]
        self.lab.config.services[web].reals = {"r1": 2, "r2": 2, "r3": 2}
        self.lab.config.write()
        self.shuntd.reread()
        wait_for(lambda: self.shuntd.ask("status")["revision"] > revision, 5, "the file to be read again")
        self.check_overrides(web)
        changed = self.shuntd.ctl("diff", "-f", path, check=False)
        self.assertEqual(changed.returncode, 0, f"overrides are no difference to the file: {changed.stdout}")
        self.shuntd.kill()
        self.shuntd.start(self.lab.config, path)
        self.check_overrides(web)

        self.shuntd.ctl("real", "set-weight", web, "r3", "0", "--for", "1s")
        wait_for(lambda: self.shuntd.real(web, "r3").get("weight") == 2, 10, "r3's weight to be the configured one again")
        self.assertEqual(self.shuntd.events_of("override_expired")[-1][1], f"real {web}/r3")
        self.shuntd.clear(web, "r1")
        self.shuntd.clear(web, "r2")
        self.assertIn("no overrides", self.shuntd.ctl("overrides").stdout)
        self.assertEqual([real["weight"] for real in self.shuntd.services()[web].values()], [2, 2, 2])
        page = json.loads(self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/status.json"]).stdout)
        self.assertEqual({real["override"] for service in page["services"] for real in service["reals"]}, {None})

    def check_overrides(self, web):
        reals = self.shuntd.services()[web]
        self.assertEqual([reals[name].get("weight", 0) for name in ("r1", "r2", "r3")], [5, 0, 9])
        self.assertEqual([real["configured_weight"] for real in reals.values()], [2, 2, 2])
        words = self.shuntd.ctl("overrides").stdout
        for expected in ("weight 5", "drained", "reset in ", "weight 9", "root (uid 0, pid "):
            self.assertIn(expected, words)
        self.assertIn("configured weight 2, reset in ", self.shuntd.ctl("service", "list", web).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
