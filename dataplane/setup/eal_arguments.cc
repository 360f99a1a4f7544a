#include "dataplane/setup/eal_arguments.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace shunt::dataplane {
namespace {

bool all_hexadecimal(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

struct Reserved {
  std::string_view argument;
  std::string_view instead;
};

constexpr std::array<Reserved, 24> kReserved = {{
    {"--lcores", "dpdk.lcores"},
    {"-l", "dpdk.lcores"},
    {"-c", "dpdk.lcores"},
    {"-s", "dpdk.lcores"},
    {"-S", "dpdk.lcores"},
    {"--main-lcore", "dpdk.lcores, whose first entry is the main one"},
    {"-m", "dpdk.memory_mb"},
    {"--socket-mem", "dpdk.memory_mb"},
    {"--no-huge", "dpdk.huge_pages"},
    {"--in-memory", "dpdk.huge_pages"},
    {"--huge-unlink", "dpdk.huge_pages"},
    {"--no-shconf", "dpdk.huge_pages"},
    {"--file-prefix", "dpdk.file_prefix"},
    {"--no-pci", "ports, which name the PCI devices"},
    {"--allow", "ports, which name the PCI devices"},
    {"-a", "ports, which name the PCI devices"},
    {"--block", "ports, which name the PCI devices"},
    {"-b", "ports, which name the PCI devices"},
    {"--proc-type", "nothing: shuntd is a primary process"},
    {"--help", "shuntd --help"},
    {"-h", "shuntd --help"},
    {"--version", "shuntd --version"},
    {"-v", "shuntd --version"},
    {"--", "nothing: it would end EAL's arguments"},
}};

// "-m512", "-m", "--lcores=..." and "--lcores" are all the same argument.
bool names(std::string_view word, std::string_view argument) {
  if (argument == "--") return word == argument;
  if (argument.starts_with("--")) return word.substr(0, word.find('=')) == argument;
  return word.starts_with(argument) && !word.starts_with("--");
}

}  // namespace

bool is_pci_address(std::string_view device) noexcept {
  const size_t dot = device.rfind('.');
  const size_t colon = device.rfind(':', dot);
  if (dot == std::string_view::npos || colon == std::string_view::npos || dot < colon) return false;
  std::string_view bus = device.substr(0, colon);
  if (const size_t domain = bus.find(':'); domain != std::string_view::npos) {
    if (!all_hexadecimal(bus.substr(0, domain))) return false;
    bus.remove_prefix(domain + 1);
  }
  const std::string_view slot = device.substr(colon + 1, dot - colon - 1);
  return bus.size() == 2 && all_hexadecimal(bus) && slot.size() == 2 && all_hexadecimal(slot) &&
         device.size() == dot + 2 && device[dot + 1] >= '0' && device[dot + 1] <= '7';
}

std::string full_pci_address(std::string_view device) {
  const bool has_domain = std::count(device.begin(), device.end(), ':') == 2;
  std::string address = has_domain ? std::string(device) : "0000:" + std::string(device);
  std::transform(address.begin(), address.end(), address.begin(), [](unsigned char c) { return std::tolower(c); });
  return address;
}

std::vector<std::string> eal_arguments(const DataplaneOptions& options, const std::vector<Lcore>& lcores) {
  std::vector<std::string> words = {"shuntd", "--lcores=" + eal_lcores(lcores),
                                    "--main-lcore=" + std::to_string(lcores.front().id),
                                    "--file-prefix=" + options.file_prefix, "-m",
                                    std::to_string(options.memory_mb)};
  if (options.huge_pages) {
    // No files: a user without rights to the hugetlbfs of root may be given pages, and nothing is left of a crash.
    words.push_back("--in-memory");
  } else {
    words.push_back("--no-huge");
    words.push_back("--no-shconf");
  }
  bool any_pci = false;
  for (const PortOptions& port : options.ports) {
    if (!is_pci_address(port.device)) continue;
    any_pci = true;
    words.push_back("-a");
    words.push_back(full_pci_address(port.device));
  }
  if (!any_pci) words.push_back("--no-pci");
  words.insert(words.end(), options.extra_eal_args.begin(), options.extra_eal_args.end());
  return words;
}

Result<void> check_extra_arguments(const std::vector<std::string>& arguments) {
  for (const std::string& word : arguments) {
    for (const Reserved& reserved : kReserved) {
      if (!names(word, reserved.argument)) continue;
      return Error{ErrorCode::kInvalid, "dpdk.extra_args: \"" + word + "\" is not for here; use " +
                                            std::string(reserved.instead)};
    }
  }
  return {};
}

}  // namespace shunt::dataplane
