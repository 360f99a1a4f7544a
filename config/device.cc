#include "config/device.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace shunt::config {
namespace {

// `x` stands for a hexadecimal digit.
bool matches(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() &&
         std::equal(text.begin(), text.end(), pattern.begin(), [](char c, char wanted) {
           return wanted == 'x' ? std::isxdigit(static_cast<unsigned char>(c)) != 0 : c == wanted;
         });
}

// With domain and in lower case, as EAL prints it; empty: no PCI address.
std::string pci_address(std::string_view text) {
  std::string full = matches(text, "xx:xx.x") ? "0000:" + std::string(text) : std::string(text);
  if (!matches(full, "xxxx:xx:xx.x") || full.back() > '7') return "";
  for (char& c : full) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return full;
}

bool vdev_name(std::string_view text) {
  // The Ethernet drivers' names; "virtio_user" is an old name of net_virtio_user.
  static constexpr std::array<std::string_view, 3> kPrefixes = {"net_", "eth_", "virtio_user"};
  const bool known = std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return text.size() > prefix.size() && text.substr(0, prefix.size()) == prefix;
  });
  return known && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
         });
}

}  // namespace

std::optional<Device> parse_device(std::string_view text) {
  const size_t comma = std::min(text.find(','), text.size());
  const std::string_view head = text.substr(0, comma);
  Device device;
  device.id = pci_address(head);
  if (device.id.empty() && !vdev_name(head)) return std::nullopt;
  if (device.id.empty()) device.id = head;
  static constexpr std::string_view kInterface = ",iface=";
  const size_t argument = text.find(kInterface);
  if (argument != std::string_view::npos) {
    const std::string_view rest = text.substr(argument + kInterface.size());
    device.interface = rest.substr(0, rest.find(','));
  }
  return device;
}

}  // namespace shunt::config
