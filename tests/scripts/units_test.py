"""The scripts of shunt-hugepages.service and shunt-bind@.service, on a /sys of the test's own."""

import os
import subprocess
import tempfile
import unittest

_SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../config/systemd")
_CARD = "0000:01:00.0"


class UnitScript(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.sys = folder.name
        self.dev = os.path.join(self.sys, "dev")

    def put(self, path, text=""):
        path = os.path.join(self.sys, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def get(self, path):
        with open(os.path.join(self.sys, path), encoding="utf-8") as file:
            return file.read().strip()

    def run_script(self, name, *arguments, **settings):
        return subprocess.run([os.path.join(_SCRIPTS, name), *arguments], capture_output=True, text=True, timeout=30, check=False,
                              env={"PATH": os.environ["PATH"], "SHUNT_SYS": self.sys, "SHUNT_DEV": self.dev, **settings})


class HugepagesTest(UnitScript):
    def pages(self, node, size=2048):
        return f"devices/system/node/node{node}/hugepages/hugepages-{size}kB/nr_hugepages"

    def test_has_at_least_as_many_on_each_node(self):
        self.put(self.pages(0), "10\n")
        self.put(self.pages(1), "4096\n")
        done = self.run_script("hugepages", HUGEPAGES="2048,1024")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.get(self.pages(0)), "2048")
        self.assertEqual(self.get(self.pages(1)), "4096", "none is taken away")

    def test_of_another_size(self):
        self.put(self.pages(0, 1048576), "0\n")
        self.assertEqual(self.run_script("hugepages", HUGEPAGES="4", HUGEPAGE_KB="1048576").returncode, 0)
        self.assertEqual(self.get(self.pages(0, 1048576)), "4")

    def test_too_few_are_told_with_what_helps(self):
        self.put(self.pages(0), "7\n")
        # A kernel that finds no memory: `cat` says 7 whatever was written.
        self.put("bin/cat", "#!/bin/sh\necho 7\n")
        os.chmod(os.path.join(self.sys, "bin/cat"), 0o755)
        done = self.run_script("hugepages", HUGEPAGES="2048", PATH=os.path.join(self.sys, "bin") + ":" + os.environ["PATH"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("7 of 2048 pages", done.stdout)
        self.assertIn("hugepagesz=2048K", done.stderr)

    def test_wrong_settings_are_told(self):
        self.assertEqual(self.run_script("hugepages").returncode, 0, "empty: nothing to do")
        for setting in ("many", "1,,2", "-5"):
            done = self.run_script("hugepages", HUGEPAGES=setting)
            self.assertEqual(done.returncode, 2)
            self.assertIn("is no list of numbers", done.stderr)
        done = self.run_script("hugepages", HUGEPAGES="5")
        self.assertEqual(done.returncode, 2)
        self.assertIn("node 0 has no pages of 2048 kB", done.stderr)


class BindTest(UnitScript):
    def setUp(self):
        super().setUp()
        # Linux's driver has the card; the kernel's part, moving it, is done beforehand where a test needs that.
        self.put(f"bus/pci/devices/{_CARD}/driver_override", "(null)\n")
        self.put("bus/pci/drivers_probe")
        for driver in ("ixgbe", "vfio-pci"):
            self.put(f"bus/pci/drivers/{driver}/unbind")
        self.put("kernel/iommu_groups/7/type")
        self.link(f"bus/pci/devices/{_CARD}/iommu_group", "kernel/iommu_groups/7")

    def link(self, path, target):
        os.symlink(os.path.join(self.sys, target), os.path.join(self.sys, path))

    def driver(self, name):
        self.link(f"bus/pci/devices/{_CARD}/driver", f"bus/pci/drivers/{name}")

    def test_moves_the_card_and_tells_when_the_kernel_did_not(self):
        self.driver("ixgbe")
        done = self.run_script("bind", _CARD)
        self.assertEqual(self.get(f"bus/pci/devices/{_CARD}/driver_override"), "vfio-pci")
        self.assertEqual(self.get("bus/pci/drivers/ixgbe/unbind"), _CARD)
        self.assertEqual(self.get("bus/pci/drivers_probe"), _CARD)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is bound to 'ixgbe' instead of vfio-pci", done.stderr)

    def test_a_bound_cards_group_is_the_daemons(self):
        self.driver("vfio-pci")
        self.put("dev/vfio/7")
        done = self.run_script("bind", _CARD, SHUNT_USER=str(os.getuid()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"vfio/7 is the user {os.getuid()}'s", done.stdout)
        self.assertEqual(self.get("bus/pci/drivers_probe"), "", "it was bound already")

    def test_a_card_in_use_is_left_alone(self):
        self.driver("ixgbe")
        os.makedirs(os.path.join(self.sys, f"bus/pci/devices/{_CARD}/net/eth7"))
        fake = os.path.join(self.sys, "bin")
        self.put("bin/ip", '#!/bin/sh\necho "2: eth7    inet 192.0.2.9/24 scope global eth7"\n')
        os.chmod(os.path.join(fake, "ip"), 0o755)
        done = self.run_script("bind", _CARD, PATH=fake + ":" + os.environ["PATH"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("its interface eth7 has an address", done.stderr)
        self.assertEqual(self.get("bus/pci/drivers_probe"), "")

    def test_without_an_iommu_it_says_what_to_switch_on(self):
        self.driver("ixgbe")
        os.remove(os.path.join(self.sys, f"bus/pci/devices/{_CARD}/iommu_group"))
        done = self.run_script("bind", _CARD)
        self.assertEqual(done.returncode, 1)
        self.assertIn("intel_iommu=on", done.stderr)
        self.assertEqual(self.get("bus/pci/drivers/ixgbe/unbind"), "", "it stays with Linux")

    def test_release_gives_it_back_to_linux(self):
        self.driver("vfio-pci")
        done = self.run_script("bind", "--release", _CARD)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.get(f"bus/pci/devices/{_CARD}/driver_override"), "")
        self.assertEqual(self.get("bus/pci/drivers/vfio-pci/unbind"), _CARD)

    def test_release_leaves_what_is_not_ours(self):
        self.driver("ixgbe")
        self.assertEqual(self.run_script("bind", "--release", _CARD).returncode, 0)
        self.assertEqual(self.get("bus/pci/drivers/ixgbe/unbind"), "")

    def test_wrong_addresses_are_told(self):
        for address in ("", "01:00.0", "0000:01:00.9", "0000:01:00.0/../../x"):
            self.assertEqual(self.run_script("bind", address).returncode, 2, address)
        done = self.run_script("bind", "0000:09:00.0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no such device", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
