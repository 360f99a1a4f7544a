#include "tests/bench/ring_port.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <string>

#include "tests/bench/results.h"

namespace shunt::bench {
namespace {

void expect(bool ok, const char* what) {
  if (!ok) give_up(std::string("no ring port: ") + what + " failed; the log above may say why");
}

rte_ring* make(const char* name, uint32_t frames) {
  rte_ring* ring = rte_ring_create(name, frames, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  expect(ring != nullptr, name);
  return ring;
}

}  // namespace

RingPort::RingPort(uint32_t frames) : to_worker_(make("to_worker", frames)), from_worker_(make("from_worker", frames)) {
  // A queue asks for a pool, though this driver takes nothing from it.
  rte_mempool* pool = rte_pktmbuf_pool_create("unused", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  expect(pool != nullptr, "the pool");
  const int id = rte_eth_from_rings("bench", &to_worker_, 1, &from_worker_, 1, 0);
  expect(id == 0, "the device");
  const rte_eth_conf plain{};
  expect(rte_eth_dev_configure(0, 1, 1, &plain) == 0, "configuring it");
  expect(rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, nullptr, pool) == 0, "its RX queue");
  expect(rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, nullptr) == 0, "its TX queue");
  expect(rte_eth_dev_start(0) == 0, "starting it");
}

}  // namespace shunt::bench
