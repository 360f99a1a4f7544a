"""scripts/check-includes refuses what it must: each test plants one include in an otherwise clean tree."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def check(path, text):
    """The exit status and output for a tree whose only file is `path`."""
    with tempfile.TemporaryDirectory() as tree:
        os.makedirs(os.path.join(tree, os.path.dirname(path)))
        with open(os.path.join(tree, path), "w", encoding="utf-8") as source:
            source.write(text)
        done = subprocess.run([os.path.join(ROOT, "scripts/check-includes"), "--root", tree],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class CheckIncludesTest(unittest.TestCase):
    def refused(self, path, include, words):
        status, output = check(path, f"#pragma once\n  # include {include}\n")
        self.assertEqual(status, 1, output)
        self.assertIn(f"{path}:2: ", output)
        self.assertIn(words, output)

    def accepted(self, path, include):
        status, output = check(path, f"#include {include}\n")
        self.assertEqual(status, 0, output)

    def test_dataplane_may_not_look_up_to_control(self):
        self.refused("dataplane/snapshot.h", '"control/model/desired_state.h"', "dataplane/ may include dataplane/")

    def test_hot_code_may_not_use_its_own_cold_part(self):
        self.refused("dataplane/schedulers/rr.cc", '"dataplane/setup/port.h"', "not dataplane/setup/")

    def test_hot_code_may_not_lock_print_or_log(self):
        self.refused("dataplane/worker.cc", "<mutex>", "no locks")
        self.refused("dataplane/worker.cc", "<cstdio>", "no locks, threads or printing")
        self.refused("dataplane/worker.cc", "<spdlog/spdlog.h>", "dataplane/ may use rte_")
        self.refused("dataplane/worker.cc", '"src/base/log.h"', "not dataplane/setup/, src/base/log.h")

    def test_cold_part_may_lock(self):
        self.accepted("dataplane/setup/memory.cc", "<mutex>")

    def test_base_knows_nobody(self):
        self.refused("src/base/address.h", '"dataplane/types.h"', "src/base/ may include src/base/")
        self.refused("src/base/address.h", "<rte_ip.h>", "src/base/ may use")

    def test_schema_types_stay_at_the_edges(self):
        for brackets in ('"shunt/v1/config.pb.h"', "<shunt/v1/config.pb.h>"):
            self.refused("control/controller.h", brackets, "control/ may include")
        self.refused("control/controller.cc", "<grpcpp/grpcpp.h>", "control/ may use")
        self.accepted("control/rpc/service.cc", '"shunt/v1/api.grpc.pb.h"')
        self.accepted("config/loader.cc", '"shunt/v1/config.pb.h"')

    def test_config_stands_beside_control(self):
        self.refused("config/loader.cc", '"control/controller.h"', "config/ may include")
        self.refused("control/journal.cc", '"config/loader.h"', "control/ may include")

    def test_folder_without_a_rule_is_refused(self):
        self.refused("src/tools/main.cc", '"src/base/address.h"', "has no rule")

    def test_real_tree_is_clean(self):
        done = subprocess.run([os.path.join(ROOT, "scripts/check-includes")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
