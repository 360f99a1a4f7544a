"""Access lists with real clients of either family: who is let in, what the others see, and what operators are told."""

import unittest

from lab.config import Plain
from lab.family import FAMILIES
from lab.shell import wait_for
from method_cases import FamilyCases, guest, open_lab, welcome_guests

# curl's exit code.
TIMED_OUT = 28


class AccessTest(FamilyCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls)
        welcome_guests(cls.lab)
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def apply(self, family, **access):
        config = self.lab.config.copy()
        config.access_lists = [{"name": "guests", "prefixes": [guest(each) for each in FAMILIES]},
                               {"name": "abusers", "prefixes": [network(each) for each in FAMILIES]}]
        if access:
            config.services[family.service("web")].more = {"access": access}
        self.shuntd.apply(config)

    def ask(self, family, source):
        """curl's exit code and what it said."""
        done = self.lab.client(["curl", "-sS", "-m", "3", "--interface", source, family.url(family.vip)], check=False)
        return done.returncode, done.stderr

    def refused(self, family):
        [service] = self.shuntd.ask("service", "list", family.service("web"))["services"]
        return int(service.get("access", {}).get("denied_packets", 0))

    def metric(self, family):
        text = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
        name = f'shunt_service_access_denied_packets_total{{service="{family.service("web")}"}} '
        [line] = [line for line in text.splitlines() if line.startswith(name)]
        return int(line.rsplit(" ", 1)[1])

    def explain(self, family, source):
        return self.shuntd.ask("explain", f"{family.bracketed(source)}:40000", f"{family.bracketed(family.vip)}:80")

    def case_a_denied_client_gets_nothing_and_others_go_on(self, family):
        self.apply(family, deny=[guest(family)])
        before, dropped = self.refused(family), self.shuntd.drops().get("access_denied", 0)
        self.assertEqual(self.ask(family, guest(family))[0], TIMED_OUT)
        self.assertEqual(self.ask(family, family.client)[0], 0)
        gained = self.refused(family) - before
        self.assertGreaterEqual(gained, 2, "a SYN and those that were sent again")
        self.assertEqual(self.shuntd.drops()["access_denied"] - dropped, gained)
        self.assertEqual(self.metric(family), self.refused(family))
        self.assertIn("1 denied,", self.shuntd.ctl("service", "list", family.service("web")).stdout)

    def case_a_list_is_changed_by_what_comes_and_goes(self, family):
        self.apply(family, deny_lists=["guests"])
        self.assertEqual(self.ask(family, guest(family))[0], TIMED_OUT)
        self.shuntd.ctl("access", "remove", "guests", guest(family))
        self.assertEqual(self.ask(family, guest(family))[0], 0)
        self.assertNotIn(family.host(guest(family)), self.shuntd.ctl("access", "list", "guests").stdout.split())
        self.shuntd.ctl("access", "add", "guests", guest(family), guest(family))
        self.assertEqual(self.shuntd.ctl("access", "list", "guests").stdout.split().count(family.host(guest(family))), 1)
        self.assertEqual(self.ask(family, guest(family))[0], TIMED_OUT)
        self.assertRegex(self.shuntd.ctl("access", "list").stdout, rf"guests +2 +denied by {family.service('web')}\n")
        self.assertEqual(self.shuntd.ctl("access", "delete", "guests", check=False).returncode, 2, "a service uses it")
        self.shuntd.ctl("access", "add", "late", "--new", family.client)
        self.shuntd.ctl("access", "delete", "late")

    def case_a_reset_and_an_icmp_error_are_told_at_once(self, family):
        self.apply(family, deny_lists=["guests"], on_denied=Plain("reset"))
        self.assertEqual(self.connect(family), "ECONNREFUSED")
        self.apply(family, deny_lists=["guests"], on_denied=Plain("prohibited"))
        # What Linux makes of the error (icmp_err_convert, icmpv6_err_convert).
        self.assertEqual(self.connect(family), {4: "EHOSTUNREACH", 6: "EACCES"}[family.version])

    def connect(self, family):
        """What the guest's connect() ends with."""
        script = ("import errno,socket,sys\n"
                  "try: socket.create_connection((sys.argv[1],80),3,(sys.argv[2],0))\n"
                  "except OSError as e: print(errno.errorcode.get(e.errno,e))\n")
        return self.lab.client(["/usr/bin/python3", "-c", script, family.vip, guest(family)]).stdout.strip()

    def case_the_longest_prefix_wins_and_an_allow_list_closes_the_rest(self, family):
        self.apply(family, deny_lists=["abusers"], allow=[guest(family)])
        self.assertEqual(self.ask(family, guest(family))[0], 0)
        self.assertEqual(self.ask(family, family.client)[0], TIMED_OUT, "the network that both are in")
        self.apply(family, allow_lists=["guests"])
        self.assertEqual(self.ask(family, guest(family))[0], 0)
        self.assertEqual(self.ask(family, family.client)[0], TIMED_OUT, "not on the list")

    def case_a_connection_that_there_is_goes_on(self, family):
        self.apply(family)
        script = ("import socket,sys,time\n"
                  "s=socket.create_connection((sys.argv[1],80),5,(sys.argv[2],0))\n"
                  "sys.stdin.readline()\n"
                  "s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
                  "print(s.recv(100)[:12].decode(),flush=True)\n")
        client = self.lab.start_client(f"waiting{family.version}", ["/usr/bin/python3", "-c", script, family.vip, guest(family)],
                                       stdin=-1, text=True)
        wait_for(lambda: any(each["client"] == guest(family)
                             for each in self.shuntd.connections("--service", family.service("web"))), 5, "the connection")
        self.apply(family, deny_lists=["guests"])
        self.assertEqual(self.ask(family, guest(family))[0], TIMED_OUT)
        client.communicate("go on\n", timeout=10)
        self.assertEqual(client.returncode, 0)
        self.assertIn("HTTP/1.1 200", self.lab.processes.log_tail(f"waiting{family.version}", 5))

    def case_explain_names_the_prefix(self, family):
        self.apply(family, deny_lists=["abusers"], allow=[guest(family)])
        told = self.explain(family, family.client)
        self.assertIn(f"denied by {network(family)} of access list abusers", told["verdict"])
        told = self.explain(family, guest(family))
        self.assertIn("allowed by", told["service"]["access"])
        self.assertTrue(told["workers"][0]["real"])

    def case_a_hundred_thousand_prefixes_are_taken_and_changed_while_it_runs(self, family):
        config = self.lab.config.copy()
        many = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" if family.version == 4 else f"2001:db9:{i >> 8:x}:{i & 255:x}::/64"
                for i in range(99_999)]
        config.access_lists = [{"name": "many", "prefixes": many}]
        config.services[family.service("web")].more = {"access": {"deny_lists": ["many"]}}
        self.shuntd.apply(config)
        self.assertEqual(self.ask(family, guest(family))[0], 0)
        config.access_lists[0]["prefixes"] = [guest(family), *many]
        self.shuntd.apply(config)
        self.assertEqual(self.ask(family, guest(family))[0], TIMED_OUT)
        self.assertEqual(self.ask(family, family.client)[0], 0)

    def test_a_file_that_contradicts_itself_changes_nothing(self):
        family = FAMILIES[0]
        revision = self.shuntd.ask("status")["revision"]
        config = self.lab.config.copy()
        config.services[family.service("web")].more = {"access": {"deny": ["10.0.0.1/8"], "allow_lists": ["nobody"]}}
        done = self.shuntd.ctl("apply", "-f", config.write("wrong.yaml"), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("has bits beyond its length; write 10.0.0.0/8", done.stderr)
        self.assertIn('there is no access list "nobody"', done.stderr)
        self.assertEqual(self.shuntd.ask("status")["revision"], revision)


def network(family):
    """In which both of the client's addresses are."""
    return f"{family.outside}{'0' if family.version == 4 else ''}/{family.network_bits}"


if __name__ == "__main__":
    unittest.main()
