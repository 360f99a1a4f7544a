// What doctor says of a machine before a daemon runs there, over machines made of files.
#include "control/doctor/machine_checks.h"

#include <gmock/gmock.h>

#include "tests/control/doctor/fake_root.h"

namespace shunt::control {
namespace {

using testing::HasSubstr;
using Grade = Finding::Grade;

Machine a_machine(const std::string& device = "0000:01:00.0") {
  Machine machine;
  machine.dpdk.lcores = "0,1,2";
  machine.dpdk.memory_mb = 1024;
  machine.ports = {{.name = "outside", .device = device, .kernel_port = {true, "sh-outside", {}}}};
  return machine;
}

TEST(CheckHugePages, TooFewAreToldWithTheNumberThatIsEnough) {
  FakeRoot machine;
  machine.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "100\n")
      .file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "40\n")
      .file("/proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw,pagesize=2M 0 0\n");
  const Finding bad = finding_of(check_huge_pages(machine.root(), a_machine(), false), "hugepages");
  EXPECT_EQ(bad.grade, Grade::kBad);
  EXPECT_EQ(bad.remedy, "sysctl -w vm.nr_hugepages=572") << "the 60 that others have, and 512";
  EXPECT_EQ(finding_of(check_huge_pages(machine.root(), a_machine(), true), "hugepages").grade, Grade::kGood)
      << "a daemon that runs has its own";
  machine.file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n");
  EXPECT_EQ(finding_of(check_huge_pages(machine.root(), a_machine(), false), "hugepages").grade, Grade::kGood);
  Machine ordinary = a_machine();
  ordinary.dpdk.huge_pages = false;
  EXPECT_EQ(finding_of(check_huge_pages(machine.root(), ordinary, false), "hugepages").grade, Grade::kHint);
}

TEST(CheckLockedMemory, MattersWithNetworkCardsAlone) {
  FakeRoot machine;
  machine.file("/proc/self/limits",
               "Limit                     Soft Limit           Hard Limit           Units     \n"
               "Max locked memory         67108864             67108864             bytes     \n");
  EXPECT_EQ(finding_of(check_locked_memory(machine.root(), a_machine()), "memlock").grade, Grade::kBad);
  EXPECT_EQ(finding_of(check_locked_memory(machine.root(), a_machine("net_tap0")), "memlock").grade, Grade::kHint);
  machine.file("/proc/self/limits", "Max locked memory         unlimited            unlimited            bytes     \n");
  EXPECT_EQ(finding_of(check_locked_memory(machine.root(), a_machine()), "memlock").grade, Grade::kGood);
}

constexpr const char* kCard = "/sys/bus/pci/devices/0000:01:00.0";

TEST(CheckDevices, ACardOfLinuxsDriverIsToBeBound) {
  FakeRoot machine;
  machine.folder(kCard).link(std::string(kCard) + "/driver", "../../drivers/ixgbe");
  const Finding bad = finding_of(check_devices(machine.root(), a_machine()), "driver");
  EXPECT_EQ(bad.grade, Grade::kBad);
  EXPECT_THAT(bad.text, HasSubstr("Linux's ixgbe"));
  EXPECT_EQ(bad.remedy, "dpdk-devbind.py --bind=vfio-pci 0000:01:00.0");
}

TEST(CheckDevices, VfioNeedsAnIommu) {
  FakeRoot machine;
  machine.folder(kCard).link(std::string(kCard) + "/driver", "../../drivers/vfio-pci");
  EXPECT_EQ(finding_of(check_devices(machine.root(), a_machine("01:00.0")), "iommu").grade, Grade::kBad);
  machine.file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  EXPECT_EQ(finding_of(check_devices(machine.root(), a_machine()), "iommu").grade, Grade::kHint);
  machine.folder(std::string(kCard) + "/iommu_group");
  EXPECT_EQ(finding_of(check_devices(machine.root(), a_machine()), "iommu").grade, Grade::kGood);
}

TEST(CheckDevices, WorkersFarFromTheCardAreNamed) {
  FakeRoot machine;
  machine.file(std::string(kCard) + "/numa_node", "1\n")
      .link(std::string(kCard) + "/driver", "../../drivers/mlx5_core")
      .folder("/sys/devices/system/cpu/cpu1/node0")
      .folder("/sys/devices/system/cpu/cpu2/node1")
      .file("/sys/devices/system/node/node1/cpulist", "2,8-15\n");
  const Findings found = check_devices(machine.root(), a_machine());
  EXPECT_EQ(finding_of(found, "driver").grade, Grade::kGood);
  const Finding numa = finding_of(found, "numa");
  EXPECT_EQ(numa.grade, Grade::kHint);
  EXPECT_THAT(numa.text, HasSubstr("worker CPUs 1 are not"));
  EXPECT_THAT(numa.remedy, HasSubstr("2,8-15"));
}

TEST(CheckDevices, ACardThatIsNotThereAndADeviceThatIsNone) {
  FakeRoot machine;
  EXPECT_EQ(finding_of(check_devices(machine.root(), a_machine()), "device").grade, Grade::kBad);
  EXPECT_EQ(finding_of(check_devices(machine.root(), a_machine("net_tap0,iface=t")), "device").grade, Grade::kGood);
  EXPECT_EQ(pci_address_of("0000:3b:00.1,rxq_cqe_comp_en=1"), "0000:3b:00.1");
  EXPECT_EQ(pci_address_of("net_tap0"), "");
}

TEST(CheckCpus, BusyWorkersWantTheirCpusForThemselves) {
  FakeRoot machine;
  machine.file("/sys/devices/system/cpu/isolated", "2-3\n");
  Machine busy = a_machine();
  busy.workers.poll_mode = dataplane::PollMode::kBusy;
  const Finding hint = finding_of(check_cpus(machine.root(), busy), "isolcpus");
  EXPECT_EQ(hint.grade, Grade::kHint);
  EXPECT_EQ(hint.subject, "CPUs 1");
  EXPECT_THAT(hint.remedy, HasSubstr("isolcpus=1,2"));
  EXPECT_EQ(finding_of(check_cpus(machine.root(), a_machine()), "isolcpus").grade, Grade::kGood)
      << "adaptive ones sleep";
  machine.file("/sys/devices/system/cpu/isolated", "1,2\n");
  EXPECT_EQ(finding_of(check_cpus(machine.root(), busy), "isolcpus").grade, Grade::kGood);
}

TEST(CheckCpus, AGovernorThatSavesIsToldWithItsCommand) {
  FakeRoot machine;
  machine.file("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n")
      .file("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n");
  const Finding hint = finding_of(check_cpus(machine.root(), a_machine()), "governor");
  EXPECT_EQ(hint.grade, Grade::kHint);
  EXPECT_EQ(hint.remedy, "echo performance > /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor");
}

TEST(CheckClock, AnUnsteadyTscIsBad) {
  FakeRoot machine;
  machine.file("/proc/cpuinfo", "flags\t\t: fpu tsc constant_tsc\n");
  EXPECT_EQ(finding_of(check_clock(machine.root()), "clock").grade, Grade::kBad);
  machine.file("/proc/cpuinfo", "flags\t\t: fpu tsc constant_tsc nonstop_tsc\n");
  EXPECT_EQ(finding_of(check_clock(machine.root()), "clock").grade, Grade::kGood);
  machine.file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  EXPECT_EQ(finding_of(check_clock(machine.root()), "clock").grade, Grade::kHint);
}

TEST(ParseCpuList, TakesRangesAndWhatIsNone) {
  EXPECT_THAT(parse_cpu_list("0,2-4,9"), testing::ElementsAre(0, 2, 3, 4, 9));
  EXPECT_THAT(parse_cpu_list(""), testing::IsEmpty());
}

}  // namespace
}  // namespace shunt::control
