"""FTP through Shunt: vsftpd at the reals, curl and Python's ftplib at the client; active and passive, old and extended
commands, over both families, with two workers."""

import hashlib
import os
import unittest

from lab.config import Plain, Service
from lab.family import FAMILIES
from lab.shell import wait_for
from method_cases import FamilyCases, open_lab

FTP_PORT = 21

# It refuses data connections and PORT of anybody but the peer of the control connection, as servers should.
_VSFTPD = """listen=NO
listen_ipv6=YES
background=NO
seccomp_sandbox=NO
anonymous_enable=YES
no_anon_password=YES
anon_root={root}
local_enable=NO
connect_from_port_20={from_20}
pasv_promiscuous=NO
port_promiscuous=NO
xferlog_enable=NO
secure_chroot_dir={empty}
"""

# Three files by one control connection, the mode by turns; prints who answered each time, and the big file's digest.
FTPLIB = """
import ftplib, hashlib, sys
host, mode = sys.argv[1:]
ftp = ftplib.FTP(timeout=20)
ftp.connect(host, 21)
ftp.login()
digest = hashlib.sha256()
for turn in range(3):
    ftp.set_pasv(mode == "passive" or (mode == "both" and turn % 2 == 0))
    lines = []
    ftp.retrlines("RETR name", lines.append)
    print(lines[0])
    if "big" not in ftp.nlst():
        sys.exit("no listing")
ftp.retrbinary("RETR big", digest.update)
print(digest.hexdigest())
print(ftp.quit())
"""

# PORT of somebody else; prints the server's answer, and that of a command after it.
BOUNCE = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(sys.argv[1], 21, type=socket.SOCK_STREAM)
s = socket.socket(family, kind); s.settimeout(10); s.connect(vip)
file = s.makefile("rw", newline="\\r\\n")
file.readline()
for line in ("USER anonymous", "PASS x", sys.argv[2], "NOOP"):
    file.write(line + "\\r\\n"); file.flush()
    print(file.readline().strip())
"""

# EPRT, three bytes at a time, as somebody who types; prints what comes by the data connection, and the server's last answer.
TYPED = """
import socket, sys, time
[(family, kind, _, _, vip)] = socket.getaddrinfo(sys.argv[1], 21, type=socket.SOCK_STREAM)
s = socket.socket(family, kind); s.settimeout(10); s.connect(vip)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
listener = socket.socket(family, kind); listener.settimeout(10)
listener.bind((s.getsockname()[0], 0)); listener.listen()
file = s.makefile("r", newline="\\r\\n")
file.readline()
number = 1 if family == socket.AF_INET else 2
for line in ("USER anonymous", "PASS x", "EPRT |%d|%s|%d|" % (number, *listener.getsockname()[:2]), "RETR name"):
    line = line.encode() + b"\\r\\n"
    for at in range(0, len(line), 3):
        s.send(line[at:at + 3])
        time.sleep(0.02)
    answer = file.readline()
print(listener.accept()[0].recv(100).decode().strip())
print(file.readline().strip())
"""


class FtpCases(FamilyCases):
    method = None

    @classmethod
    def setUpClass(cls):
        open_lab(cls, cls.method)
        cls.lab.config.workers = 2
        for number, real in enumerate(cls.lab.config.services["web"].reals):
            cls.serve(real, from_20=number % 2 == 0)
        for family in FAMILIES:
            reals = {real: 1 for real in cls.lab.config.services["web"].reals}
            name = family.service("ftp")
            cls.lab.config.services[name] = Service(name, "tcp", FTP_PORT, reals, family=family,
                                                    more={"application": Plain("ftp")})
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    @classmethod
    def serve(cls, real, from_20):
        folder = os.path.join(cls.lab.folder, real)
        root, empty = os.path.join(folder, "ftp"), os.path.join(folder, "empty")
        for each in (root, empty):
            os.makedirs(each)
            os.chmod(each, 0o755)
        with open(os.path.join(root, "name"), "w", encoding="utf-8") as name:
            name.write(real + "\n")
        os.link(os.path.join(cls.lab.folder, "files", "big"), os.path.join(root, "big"))
        config = os.path.join(folder, "vsftpd.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(_VSFTPD.format(root=root, empty=empty, from_20="YES" if from_20 else "NO"))
        cls.lab.processes.start(f"{real}-vsftpd", ["/usr/sbin/vsftpd", config], namespace=cls.lab.topology.namespace(real))
        wait_for(lambda: cls.lab.topology.exec(real, ["ss", "-Hltn", f"sport = :{FTP_PORT}"]).stdout.strip(), 10,
                 f"vsftpd in {real}")

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def counters(self):
        status = self.shuntd.ask("status")
        return {name: int(status.get("ftp", {}).get(name, 0)) for name in ("expected", "unexpected", "opened", "refused", "unread")}

    def expect_big(self, family, *more):
        url = f"ftp://{family.bracketed(family.vip)}/big"
        out = os.path.join(self.lab.folder, "got")
        done = self.lab.client(["curl", "-sS", "-m", "60", "-o", out, *more, url], check=False, timeout=80)
        self.assertEqual(done.returncode, 0, f"{more}: {done.stderr} drops: {self.shuntd.drops()}")
        with open(out, "rb") as got:
            self.assertEqual(hashlib.sha256(got.read()).hexdigest(), self.lab.big_digest)

    def case_passive(self, family):
        """229, and over IPv4 227."""
        before = self.counters()
        ways = [()] + ([("--disable-epsv",)] if family.version == 4 else [])
        for more in ways:
            self.expect_big(family, *more)
        after = self.counters()
        self.assertEqual(after["opened"] - before["opened"], len(ways))
        self.assertEqual(after["unexpected"], before["unexpected"])

    def case_active(self, family):
        """EPRT, and over IPv4 PORT; the reals connect from port 20 and from others."""
        before = self.counters()
        ways = [("-P", "-")] + ([("-P", "-", "--disable-eprt")] if family.version == 4 else [])
        for more in ways * 3:
            self.expect_big(family, *more)
        after = self.counters()
        self.assertEqual(after["opened"] - before["opened"], 3 * len(ways))
        self.assertEqual(after["refused"], before["refused"])

    def case_one_control_connection_keeps_its_real(self, family):
        reals = set()
        for mode in ("passive", "active", "both") * 2:
            done = self.lab.client(["python3", "-c", FTPLIB, family.vip, mode], check=False, timeout=60)
            self.assertEqual(done.returncode, 0, f"{mode}: {done.stderr} drops: {self.shuntd.drops()}")
            *names, digest, bye = done.stdout.split("\n")[:5]
            self.assertEqual(len(set(names)), 1, names)
            self.assertEqual(digest, self.lab.big_digest)
            self.assertTrue(bye.startswith("221"), bye)
            reals.add(names[0])
        self.assertGreater(len(reals), 1, "control connections are spread")

    def case_a_line_may_come_in_pieces(self, family):
        done = self.lab.client(["python3", "-c", TYPED, family.vip], check=False, timeout=40)
        self.assertEqual(done.returncode, 0, f"{done.stdout} {done.stderr} drops: {self.shuntd.drops()}")
        name, answer = done.stdout.split("\n")[:2]
        self.assertIn(name, self.lab.config.services["web"].reals)
        self.assertTrue(answer.startswith("226"), answer)

    def case_nobody_is_made_to_connect_to_others(self, family):
        before = self.counters()
        victim = family.outside_router
        line = f"EPRT |1|{victim}|40000|" if family.version == 4 else f"EPRT |2|{victim}|40000|"
        done = self.lab.client(["python3", "-c", BOUNCE, family.vip, line], check=False, timeout=30)
        answers = done.stdout.split("\n")
        self.assertRegex(answers[2], r"^5\d\d ", done.stdout + done.stderr)
        self.assertTrue(answers[3].startswith("200"), "the control connection goes on: " + done.stdout)
        self.assertEqual(self.counters()["refused"], before["refused"] + 1)

    def test_it_is_counted(self):
        self.expect_big(FAMILIES[0])
        self.assertRegex(self.shuntd.ctl("status").stdout, r"\d+ data connections of \d+ announced")


class NatFtpTest(FtpCases, unittest.TestCase):
    method = "nat"


class FullnatFtpTest(FtpCases, unittest.TestCase):
    method = "fullnat"


if __name__ == "__main__":
    unittest.main(verbosity=2)
