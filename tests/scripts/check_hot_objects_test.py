"""scripts/check-hot-objects refuses what it must: each test compiles one planted function."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/check-hot-objects")


def check(code):
    with tempfile.TemporaryDirectory() as build:
        folder = os.path.join(build, "CMakeFiles/shunt_dataplane.dir/dataplane")
        os.makedirs(folder)
        if code is not None:
            subprocess.run(["g++", "-std=c++20", "-O2", "-x", "c++", "-c", "-", "-o", os.path.join(folder, "planted.cc.o")],
                           input=code, text=True, check=True)
        done = subprocess.run([SCRIPT, build], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckHotObjectsTest(unittest.TestCase):
    def refused(self, code, words):
        status, output = check(code)
        self.assertEqual(status, 1, output)
        self.assertIn("dataplane/planted.cc: uses ", output)
        self.assertIn(words, output)

    def test_new_and_delete(self):
        self.refused("int* make(int n) { return new int[n]; }", "operator new[]")
        self.refused("void drop(int* p) { delete p; }", "operator delete")
        self.refused("#include <vector>\nvoid add(std::vector<int>& v) { v.push_back(1); }", "operator new")

    def test_malloc(self):
        self.refused("#include <cstdlib>\nvoid* get(int n) { return malloc(n); }", "allocates or frees memory")

    def test_throw(self):
        self.refused("void fail() { throw 1; }", "__cxa_throw")

    def test_mutex(self):
        self.refused("#include <mutex>\nstd::mutex m;\nvoid lock() { m.lock(); }", "pthread_mutex_lock")

    def test_printing(self):
        self.refused('#include <cstdio>\nvoid say(int n) { printf("%d", n); }', "prints")
        self.refused("#include <iostream>\nvoid say() { std::cout.flush(); }", "prints")

    def test_logging(self):
        self.refused('namespace spdlog { void info(const char*); }\nvoid say() { spdlog::info("x"); }', "a logger")
        self.refused('extern "C" int rte_log(unsigned, unsigned, const char*, ...);\nvoid say() { rte_log(1, 1, "x"); }',
                     "logs")

    def test_arithmetic_passes(self):
        status, output = check("int twice(int n) noexcept { return 2 * n; }")
        self.assertEqual(status, 0, output)

    def test_nothing_built_is_an_error_not_a_pass(self):
        status, output = check(None)
        self.assertEqual(status, 2, output)
        self.assertIn("build target shunt_dataplane first", output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
