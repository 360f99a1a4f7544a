#include "dataplane/setup/eal_arguments.h"

#include <gmock/gmock.h>

namespace shunt::dataplane {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<Lcore> kTwo = {{2, 0}, {1, 1}};

DataplaneOptions options_with(std::vector<std::string> devices) {
  DataplaneOptions options;
  options.memory_mb = 300;
  options.file_prefix = "lb7";
  for (const std::string& device : devices) options.ports.push_back({.name = device, .device = device});
  return options;
}

TEST(EalArguments, OrdinaryPagesShareNothing) {
  DataplaneOptions options = options_with({"net_null0"});
  options.huge_pages = false;
  EXPECT_THAT(eal_arguments(options, kTwo),
              ElementsAre("shuntd", "--lcores=2@0,1@1", "--main-lcore=2", "--file-prefix=lb7", "-m", "300", "--no-huge",
                          "--no-shconf", "--no-pci"));
}

TEST(EalArguments, OnlyNamedPciDevicesAreTouched) {
  const auto words = eal_arguments(options_with({"net_null0", "01:00.1", "0000:AF:00.0"}), kTwo);
  EXPECT_THAT(words, Contains("0000:01:00.1"));
  EXPECT_THAT(words, Contains("0000:af:00.0"));
  EXPECT_THAT(words, Not(Contains("--no-pci")));
  EXPECT_THAT(words, Contains("--in-memory"));
  EXPECT_THAT(words, Not(Contains("--no-huge")));
}

TEST(EalArguments, ExtraArgumentsComeLast) {
  DataplaneOptions options = options_with({"net_null0"});
  options.extra_eal_args = {"--log-level=pmd:8", "--iova-mode=va"};
  const auto words = eal_arguments(options, kTwo);
  EXPECT_EQ(words[words.size() - 2], "--log-level=pmd:8");
  EXPECT_EQ(words.back(), "--iova-mode=va");
}

TEST(EalArguments, PciAddressesAreToldFromVdevs) {
  for (const char* pci : {"0000:01:00.0", "01:00.0", "0001:af:1f.7"}) EXPECT_TRUE(is_pci_address(pci)) << pci;
  for (const char* not_pci : {"", "net_null0", "01:00", "1:00.0", "01:00.8", "01:0.0", "0000:01:00.00", "x1:00.0",
                              "net_tap0,mac=02:00:00:00:00:01", ":01:00.0", "net_pcap0,rx_pcap=a:b.0"}) {
    EXPECT_FALSE(is_pci_address(not_pci)) << not_pci;
  }
  EXPECT_EQ(full_pci_address("0A:00.0"), "0000:0a:00.0");
  EXPECT_EQ(full_pci_address("0002:0A:00.0"), "0002:0a:00.0");
}

TEST(EalArguments, WhatWouldContradictTheConfigurationIsRefused) {
  for (const char* word : {"-l", "-l0,1", "--lcores=0", "-m", "-m64", "--no-huge", "--help", "-h", "-v", "--",
                           "--file-prefix=x", "-a", "--proc-type=secondary", "--huge-unlink"}) {
    const auto checked = check_extra_arguments({"--log-level=8", word});
    ASSERT_FALSE(checked) << word;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(checked.error().message, HasSubstr(std::string("\"") + word + "\""));
  }
  EXPECT_TRUE(check_extra_arguments({"--log-level=8", "--vdev=net_null7", "--iova-mode=va", "-d", "x.so"}));
}

}  // namespace
}  // namespace shunt::dataplane
