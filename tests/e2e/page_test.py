"""The status page in a browser (Chromium, headless, in the load balancer's namespace): what is drawn while a real breaks."""

import os
import re
import tempfile
import unittest

from lab.lab import Lab
from lab.shell import wait_for

_URL = "http://127.0.0.1:9180/"


class PageTest(unittest.TestCase):
    def test_the_page_shows_services_and_what_is_wrong(self):
        with Lab("nat") as lab, tempfile.TemporaryDirectory(dir=lab.folder) as self.profile:
            self.lab = lab
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            lab.reals.kill("r2")
            lab.shuntd.wait_health("web", "r2", "DOWN", 10)
            # At most half a second old.
            page = wait_for(lambda: self.drawn_with("#open=web", "web/r2: down"), 10, "the page to tell of r2")
            self.assertIn(">DEGRADED<", page)
            rows = re.findall(r'<tr class="(?:service|real)">.*?</tr>', page)
            [web] = [row for row in rows if 'reals of web"' in row]
            self.assertIn("203.0.113.100:80", web)
            self.assertIn(">2/3</b> up", web)
            self.assertEqual(len(re.findall("<rect ", web)), 3, "a bar for each real's share")
            [r2] = [row for row in rows if " r2<" in row]
            self.assertIn(">DOWN<", r2)
            self.assertIn("connect: ", r2)
            self.assertIn("0/1", r2, "its weight as configured and as the scheduler sees it")
            for text in ("sh-outside", ">real_down<", "Worker", "1–3 of 3"):
                self.assertIn(text, page)

            few = self.drawn("#filter=echo")
            self.assertIn('reals of echo"', few)
            self.assertNotIn('reals of web"', few)
            self.assertIn("No service is found by that.", self.drawn("#filter=nowhere"))

    def drawn_with(self, fragment, text):
        page = self.drawn(fragment)
        return page if text in page else None

    def drawn(self, fragment):
        """The document after a second or two of its own time."""
        return self.lab.topology.exec("lb", [
            "timeout", "30", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
            f"--user-data-dir={os.path.join(self.profile, 'profile')}", "--virtual-time-budget=1800", "--dump-dom", _URL + fragment]).stdout


if __name__ == "__main__":
    unittest.main(verbosity=2)
