"""kill -9 of shuntd: the journal brings the state back; a file that changed in between wins."""

import unittest

from lab.family import FAMILIES, IPV4, IPV6
from lab.lab import Lab


class RestartTest(unittest.TestCase):
    def test_state_survives_a_kill_and_a_changed_file_wins(self):
        with Lab("nat", families=FAMILIES) as lab:
            shuntd, web = lab.shuntd, lab.config.services["web"]
            path = lab.config.write()
            shuntd.start(lab.config, path)
            shuntd.wait_all_up()
            shuntd.set_weight("web", "r1", 7)
            shuntd.drain("web", "r2")
            shuntd.drain("web6", "r1")
            revision = shuntd.ask("status")["revision"]

            shuntd.kill()
            shuntd.start(lab.config, path)
            self.assertEqual(shuntd.real("web", "r1")["weight"], 7)
            self.assertTrue(shuntd.real("web", "r2")["draining"])
            self.assertTrue(shuntd.real("web6", "r1")["draining"])
            self.assertGreaterEqual(shuntd.ask("status")["revision"], revision)
            self.assertIn("journal", shuntd.log(200).lower())
            shuntd.wait_all_up()
            answers = {self.request(lab) for _ in range(16)}
            self.assertEqual(answers, {"r1", "r3"})
            self.assertEqual({self.request(lab, IPV6) for _ in range(16)}, {"r2", "r3"})

            shuntd.kill()
            web.reals = {"r1": 2, "r3": 1}
            lab.config.write()
            shuntd.start(lab.config, path)
            self.assertEqual({name: real["configured_weight"] for name, real in shuntd.services()["web"].items()},
                             {"r1": 2, "r3": 1})
            self.assertEqual(shuntd.real("web", "r1")["weight"], 7, "a file does not undo what an operator said")
            self.assertTrue(shuntd.real("web6", "r1")["draining"])
            self.assertEqual([kind for kind, _, _ in shuntd.events_of("override_lost")], ["override_lost"], "r2's, with r2")
            shuntd.clear("web", "r1")
            self.assertEqual(shuntd.real("web", "r1")["weight"], 2)
            self.assertGreater(shuntd.ask("status")["revision"], revision)

            self.assertEqual(shuntd.stop(), 0, "SIGTERM is an orderly end")

    def request(self, lab, family=IPV4):
        done = lab.client(["curl", "-sS", "-f", "-m", "5", family.url(family.vip)], check=False)
        self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {lab.shuntd.drops()}")
        return done.stdout.strip()


if __name__ == "__main__":
    unittest.main(verbosity=2)
