"""Local users on the UNIX socket: each may do what the role of his user and groups says, and the log and the history name him.
They are those that every Debian has; setpriv makes shuntctl run as one of them."""

import json
import os
import unittest

from lab.config import HealthCheck
from lab.daemon import binary
from lab.family import IPV4
from lab.shell import run, wait_for
from method_cases import open_lab

VIEWER, OPERATOR, ADMIN, NOBODY = "games", "news", "backup", "man"
ROLES = {"viewers": [VIEWER], "operators": ["group:operator"], "admins": [ADMIN]}
DENIED, OK = 6, 0


class RolesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls, reals=2, configured=2, families=(IPV4,))
        cls.config = cls.lab.config
        cls.config.unix_roles = ROLES
        cls.shuntd.start(cls.config)
        cls.shuntd.wait_all_up()

    def ctl(self, user, *arguments):
        groups = {OPERATOR: ["--groups", "operator"]}.get(user, ["--clear-groups"])
        who = ["setpriv", "--reuid", user, "--regid", user, *groups, "--no-new-privs"]
        return run([*who, binary("shuntctl"), "-s", self.config.socket, *arguments], check=False)

    def expect(self, status, user, *arguments):
        done = self.ctl(user, *arguments)
        self.assertEqual(done.returncode, status, f"{user}: {arguments}: {done.stdout}{done.stderr}")
        return done

    def changed_file(self, name, port):
        config = self.config.copy()
        config.services["web"].health_check = HealthCheck(port=port)
        return config.write(name)

    def uid(self, user):
        return run(["id", "-u", user]).stdout.strip()

    def test_a_viewer_sees_and_changes_nothing(self):
        for question in (("status",), ("service", "list"), ("conn", "list"), ("drops",), ("history",), ("stats",),
                         ("explain", "203.0.113.10:4000", "203.0.113.100:80", "tcp")):
            self.expect(OK, VIEWER, *question)
        before = self.shuntd.ask("status")["revision"]
        for change in (("real", "drain", "web", "r1"), ("real", "set-weight", "web", "r1", "3"), ("real", "clear", "web", "r1"),
                       ("apply", "-f", self.changed_file("viewer.yaml", 8081)), ("rollback", "1")):
            done = self.expect(DENIED, VIEWER, *change)
            self.assertIn(f"{VIEWER} (uid {self.uid(VIEWER)}", done.stderr)
        self.assertEqual(self.shuntd.ask("status")["revision"], before)

    def test_an_operator_drains_and_weighs_but_leaves_the_state_alone(self):
        self.expect(OK, OPERATOR, "real", "set-weight", "web", "r1", "7")
        self.expect(OK, OPERATOR, "real", "drain", "web", "r2")
        [override, drained] = sorted(self.shuntd.ask("overrides")["overrides"], key=lambda each: each["real"])
        for each in (override["weight"], drained["drain"]):
            self.assertIn(f"{OPERATOR} (uid {self.uid(OPERATOR)}", each["by"])
        self.expect(OK, OPERATOR, "real", "clear", "web", "r1")
        self.expect(OK, OPERATOR, "real", "drain", "web", "r2", "--undo")
        for change in (("apply", "-f", self.changed_file("operator.yaml", 8081)), ("rollback", "1"),
                       ("service", "remove", "web"), ("doctor",)):
            self.expect(DENIED, OPERATOR, *change)

    def test_an_admin_does_everything_and_is_named_in_history_and_log(self):
        self.expect(OK, ADMIN, "apply", "-f", self.changed_file("admin.yaml", 8081))
        who = f"{ADMIN} (uid {self.uid(ADMIN)}"
        revisions = json.loads(self.ctl(ADMIN, "-o", "json", "history").stdout)["revisions"]
        self.assertTrue(any(revision.get("who", "").startswith(who) for revision in revisions), revisions)
        wait_for(lambda: f"audit: {who}" in self.shuntd.log(40), 5, "the audit line")
        self.expect(OK, ADMIN, "rollback", "1")

    def test_who_has_no_role_is_told_so(self):
        for question in (("status",), ("real", "drain", "web", "r1")):
            done = self.expect(DENIED, NOBODY, *question)
            self.assertIn(f"{NOBODY} (uid {self.uid(NOBODY)}", done.stderr)
        wait_for(lambda: f"audit: {NOBODY} (uid" in self.shuntd.log(40), 5, "the refusal in the log")

    def test_the_rooms_behind_the_door_are_shut(self):
        folder, name = os.path.split(self.config.socket)
        rooms = os.path.join(folder, f".{name}.rooms")
        self.assertEqual(os.stat(rooms).st_mode & 0o777, 0o700)
        for role in ("admin", "operator", "viewer"):
            done = run(["setpriv", "--reuid", VIEWER, "--regid", VIEWER, "--clear-groups", binary("shuntctl"), "-s",
                        os.path.join(rooms, role), "status"], check=False)
            self.assertNotEqual(done.returncode, OK)


if __name__ == "__main__":
    unittest.main(verbosity=2)
