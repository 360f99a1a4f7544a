#include "tests/bench/tables.h"

#include <array>
#include <bit>
#include <cstring>

namespace shunt::bench {

using namespace dataplane;

namespace {

constexpr Be16 kPort = Be16::from_host(80);
// Addresses are numbers: the whole of an IPv4 address, the last four bytes of an IPv6 one, behind the network of RFC 5180.
constexpr std::array<uint8_t, 16> kIpv6Network{0x20, 0x01, 0x00, 0x02};
constexpr size_t kNumberAt = 12;
constexpr uint32_t kFirstVip = 0xc6130001;    // 198.19.0.1, the half of RFC 2544's network that ...
constexpr uint32_t kFirstLocal = 0xc6120001;  // 198.18.0.1 ... fullnat's local addresses leave
constexpr uint32_t kLocalAddresses = 250;
constexpr uint32_t kFirstReal = 0xac100001;    // 172.16.0.1
constexpr uint32_t kFirstClient = 0x0a000000;  // 10.0.0.0
constexpr uint32_t kClientBits = 24;
// Next hop ids have 16 bits; past this many reals some share a neighbour, as behind a router.
constexpr uint32_t kNeighbours = 60000;

// One rule of snat that takes all TCP, as control would build it.
constexpr Number4 kAll4[] = {0};
constexpr Number6 kAll6[] = {0};
constexpr uint32_t kPortsOfProtocols[] = {0, protocol_and_port(kIpProtocolTcp, 0), protocol_and_port(kIpProtocolTcp + 1, 0)};
constexpr uint64_t kYes[] = {1};
constexpr uint64_t kTcpAlone[] = {0, 1, 0};
constexpr uint64_t kNo[] = {0};
constexpr uint32_t kFirstRule[] = {0};
constexpr std::array<uint64_t, kMaxPorts> kEveryPort = [] {
  std::array<uint64_t, kMaxPorts> ports{};
  ports.fill(1);
  return ports;
}();

IpAddress address_at(AddressFamily family, uint32_t number) noexcept {
  const Be32 bytes = Be32::from_host(number);
  if (family == AddressFamily::kIpv4) return IpAddress::from_v4(bytes);
  IpAddress address{AddressFamily::kIpv6, kIpv6Network};
  std::memcpy(address.bytes.data() + kNumberAt, &bytes.raw, sizeof bytes.raw);
  return address;
}

}  // namespace

Tables::Tables(const TablesSpec& spec) : spec_(spec) {
  const size_t reals = size_t{spec.services} * spec.reals;
  reals_.reserve(reals);
  candidates_.reserve(reals);
  hops_.push_back({{{{2, 0, 0, 0, 1, 0}}, kOurMac, 0, 1500}, address_at(spec_.family, kFirstClient + 1), {}, true});
  for (uint32_t service = 0; service < spec.services; ++service) {
    for (uint32_t i = 0; i < spec.reals; ++i) add_real(service, service * spec.reals + i);
  }
  for (uint32_t i = 0; i < kLocalAddresses; ++i) local_addresses_.push_back(address_at(spec_.reals_family(), kFirstLocal + i));
  routes_.push_back({0, NextHopId{0}, 0});
  routes6_.push_back({0, NextHopId{0}, 0});
  timeouts_.push_back(kDefaultTimeoutsMs);
  service_slots_.resize(std::bit_ceil(spec.services * 2 + 2));
  for (uint32_t service = 0; service < spec.services; ++service) add_service(service);
  if (spec.has_limits) add_limits();
  // What goes to the VIPs then is for no service.
  if (spec.method == Method::kSnat) {
    service_slots_.assign(service_slots_.size(), {});
    snat_rules_.push_back({RealId{0}, 0, SnatEntry::kAnyPort, 1024, 65535, local_addresses_});
  }
}

void Tables::add_limits() {
  control::LimitValues values;
  values.packets = values.kilobits = UINT32_MAX;
  control::Limits limits;
  limits.all = values;
  limits.per_client = control::PerClient{.values = values};
  for (uint32_t i = 0; i < reals_.size(); ++i) real_ids_.push_back({i});
  for (uint32_t service = 0; service < spec_.services; ++service) {
    limits_.push_back(std::make_unique<control::LimitsMemory>(limits, spec_.family, 1));
    limited_.push_back({&limits_.back()->limits(), {real_ids_.data() + size_t{service} * spec_.reals, spec_.reals}});
  }
}

void Tables::add_real(uint32_t service, uint32_t index) {
  const uint32_t neighbour = index % kNeighbours;
  RealEntry real;
  real.address = address_at(spec_.reals_family(), kFirstReal + index);
  if (neighbour == index) {
    const MacAddress mac{{2, 1, static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
                          static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)}};
    hops_.push_back({{mac, kOurMac, 0, 1500}, address_at(spec_.reals_family(), kFirstReal - 1), real.address, true});
  }
  const bool translated = spec_.method == Method::kNat || spec_.method == Method::kFullnat;
  real.port = translated ? Be16::from_host(8080) : kPort;
  real.method = spec_.method;
  real.tunnel = spec_.tunnel;
  real.tunnel_port = Be16::from_host(kGuePort);
  real.set_crosses(spec_.crosses);
  real.set_ftp(spec_.has_ftp);
  real.set_rates(spec_.has_limits);
  real.next_hop = NextHopId{static_cast<uint16_t>(neighbour + 1)};
  real.service = ServiceId{service};
  real.take_way_out(hops_[neighbour + 1], true);
  if (spec_.method == Method::kSnat) real.lose_way_out();
  reals_.push_back(real);
  candidates_.push_back({RealId{index}, 1, 1});
}

void Tables::add_service(uint32_t index) {
  ServiceEntry service;
  service.id = ServiceId{index};
  service.address = address_at(spec_.family, kFirstVip + index);
  service.port = kPort;
  service.protocol = kIpProtocolTcp;
  service.scheduler = spec_.scheduler;
  service.method = spec_.method;
  service.candidates = {candidates_.data() + size_t{index} * spec_.reals, spec_.reals};
  (spec_.reals_family() == AddressFamily::kIpv4 ? service.local_addresses.v4 : service.local_addresses.v6) = local_addresses_;
  service.has_limits = spec_.has_limits;
  service.crosses = spec_.crosses && spec_.family == AddressFamily::kIpv4;
  const uint32_t mask = static_cast<uint32_t>(service_slots_.size()) - 1;
  uint32_t slot = service_hash(service.protocol, service.address, service.port) & mask;
  while (service_slots_[slot].protocol != 0) slot = (slot + 1) & mask;
  service_slots_[slot] = {service.address, service.port, service.protocol, index};
  services_.push_back(service);
}

Snapshot Tables::snapshot(uint64_t version) const {
  Snapshot snapshot;
  snapshot.version = version;
  snapshot.reals = reals_;
  snapshot.services = services_;
  snapshot.limited = limited_;
  snapshot.has_crossings = spec_.crosses;
  snapshot.service_slots = service_slots_;
  snapshot.timeouts = timeouts_;
  snapshot.next_hops = {hops_, routes_, routes6_, {}, 1};
  snapshot.link_up.fill(true);
  snapshot.snat_rules = snat_rules_;
  if (!snat_rules_.empty()) {
    snapshot.snat_matches = {1,
                             {kAll4, kYes},
                             {kAll4, kYes},
                             {kAll6, kYes},
                             {kAll6, kYes},
                             {kPortsOfProtocols, kTcpAlone},
                             kEveryPort,
                             kNo,
                             kFirstRule};
  }
  return snapshot;
}

uint16_t Tables::local_number_of(const IpAddress& address) const noexcept {
  Be32 number;
  std::memcpy(&number.raw, address.bytes.data() + (address.is_v4() ? 0 : kNumberAt), sizeof number.raw);
  return static_cast<uint16_t>(number.host() - kFirstLocal);
}

IpFlow Tables::request(uint64_t index) const noexcept {
  const auto client = static_cast<uint32_t>(index & ((1u << kClientBits) - 1));
  const auto port = static_cast<uint16_t>(1024 + (((index >> kClientBits) + client) & 0x7fff));
  return {address_at(spec_.family, kFirstClient + client), address_at(spec_.family, kFirstVip + static_cast<uint32_t>(index % spec_.services)),
          Be16::from_host(port), kPort, kIpProtocolTcp};
}

RealId Tables::real_in_turn(uint64_t index) const noexcept {
  const auto service = static_cast<uint32_t>(index % spec_.services);
  return {service * spec_.reals + static_cast<uint32_t>(index / spec_.services % spec_.reals)};
}

RealId Tables::real_of(const MacAddress& mac) const noexcept {
  if (mac.bytes[0] != 2 || mac.bytes[1] != 1) return kNoReal;
  const uint32_t index = uint32_t{mac.bytes[2]} << 24 | uint32_t{mac.bytes[3]} << 16 | uint32_t{mac.bytes[4]} << 8 |
                         mac.bytes[5];
  return index < reals_.size() ? RealId{index} : kNoReal;
}

}  // namespace shunt::bench
