"""docs/examples/orchestrator.py against a daemon: what the API's document tells programs to do works, over restarts too."""

import importlib.util
import os
import unittest

from lab.daemon import ROOT
from lab.family import IPV4
from lab.lab import Lab
from lab.reals import HTTP_PORT
from lab.shell import wait_for

_EXAMPLE = os.path.join(ROOT, "docs/examples/orchestrator.py")


@unittest.skipUnless(importlib.util.find_spec("grpc"), "python3-grpcio is not installed; run scripts/setup")
class OrchestratorTest(unittest.TestCase):
    def test_it_keeps_a_services_reals_and_tells_how_they_do(self):
        with Lab("nat") as lab:
            self.lab, self.shuntd = lab, lab.shuntd
            path = lab.config.write()
            self.shuntd.start(lab.config, path)
            self.shuntd.wait_all_up()
            self.file = os.path.join(lab.folder, "reals.txt")
            self.want({1: 1, 2: 5})
            program = lab.processes.start("orchestrator", ["/usr/bin/python3", _EXAMPLE, "--socket", lab.config.socket, "web",
                                                           self.file])
            self.wait_for("revision ")
            self.assertEqual(self.weights(), {IPV4.real(1): 1, IPV4.real(2): 5})
            self.assertEqual(self.shuntd.ask("history")["revisions"][0]["change_count"], 2, "all that differs is one revision")

            # Somebody else changes the state, too, and an override stays apart from it.
            self.shuntd.set_weight("echo", "r1", 7)
            self.want({1: 0, 3: 2})
            wait_for(lambda: self.weights() == {IPV4.real(1): 0, IPV4.real(3): 2}, 10, "the file's reals")
            self.want({1: 70000})
            self.wait_for("refused edits[")
            self.assertEqual(self.weights(), {IPV4.real(1): 0, IPV4.real(3): 2})
            self.assertIn("OUT_OF_RANGE weight 70000", self.said())

            lab.reals.kill("r3")
            self.wait_for(f"event real_down real web/{IPV4.real(3)}:{HTTP_PORT}")
            self.shuntd.kill()
            self.shuntd.start(lab.config, path)
            self.wait_for("resync shuntd was started anew")
            lab.reals.start("r3")
            self.wait_for(f"event real_up real web/{IPV4.real(3)}:{HTTP_PORT}")
            self.want({1: 4})
            wait_for(lambda: self.weights() == {IPV4.real(1): 4}, 10, "the file's reals after the restart")
            self.assertIsNone(program.poll(), self.said())
            self.assertNotIn("Traceback", self.said())

    def want(self, reals):
        new = self.file + ".new"
        with open(new, "w", encoding="utf-8") as out:
            out.writelines(f"{IPV4.real(number)} {HTTP_PORT} {weight}\n" for number, weight in reals.items())
        os.rename(new, self.file)

    def weights(self):
        return {real["address"]: real["configured_weight"] for real in self.shuntd.services()["web"].values()
                if not real.get("removed", False)}

    def said(self):
        return self.lab.processes.log_tail("orchestrator", 500)

    def wait_for(self, text):
        wait_for(lambda: text in self.said(), 30, f"the orchestrator to say '{text}'; it said {self.said()}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
