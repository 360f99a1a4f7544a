#include "dataplane/local_ports.h"

namespace shunt::dataplane {
namespace {

// Ports are taken in turn, so the next one was freed longest ago; where connections live long, a few tries pass
// over them. Past these the pool is as good as exhausted for this real.
constexpr uint32_t kTries = 64;

}  // namespace

bool choose_local(Worker& worker, const ServiceEntry& service, Connection& connection) noexcept {
  const uint32_t per_address = kLocalPorts / worker.count;
  const uint32_t addresses = static_cast<uint32_t>(service.local_addresses.size());
  // The first port at or above kFirstLocalPort that is this worker's.
  const uint32_t first = kFirstLocalPort + (worker.index + worker.count - kFirstLocalPort % worker.count) % worker.count;
  for (uint32_t i = 0; i < kTries; ++i) {
    const uint32_t turn = worker.next_local_port++;
    const uint32_t port = first + turn / addresses % per_address * worker.count;
    if (port > UINT16_MAX) continue;
    connection.reply.destination = service.local_addresses[turn % addresses];
    connection.reply.destination_port = Be16::from_host(static_cast<uint16_t>(port));
    const auto taken = worker.connections.find(connection.reply);
    if (taken.entry == nullptr) return true;
  }
  return false;
}

}  // namespace shunt::dataplane
