// A dataplane as small as one can be, for tests that start a real one in a process of their own.
#pragma once

#include <unistd.h>

#include <string>
#include <vector>

#include "dataplane/setup/dataplane.h"

namespace shunt::test {

// Ports p0, p1, ... on `devices`, `workers` workers that share CPU 0 with main, no huge pages.
inline dataplane::DataplaneOptions options_on(const std::vector<std::string>& devices, unsigned workers = 1) {
  dataplane::DataplaneOptions options;
  options.lcores = "0@0";
  for (unsigned i = 1; i <= workers; ++i) options.lcores += "," + std::to_string(i) + "@0";
  options.memory_mb = 256;
  options.huge_pages = false;
  options.file_prefix = "shunt-dataplane-test-" + std::to_string(getpid());
  options.extra_eal_args = {"--log-level=*:critical"};
  options.connections_per_worker = 4096;
  options.ipv6_connections_per_worker = 2048;
  options.mbufs = 24576;
  for (const std::string& device : devices) {
    options.ports.push_back({.name = "p" + std::to_string(options.ports.size()), .device = device});
  }
  return options;
}

}  // namespace shunt::test
