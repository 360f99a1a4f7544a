// Ports that are one VLAN of their device (IEEE 802.1Q): what comes in with its tag goes on without, what leaves gets
// it. At the ends of a burst, so that the packet path knows of no tags and other ports pay a comparison a burst. Worker
// only.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/worker.h"

namespace shunt::dataplane {

// Takes the port's tags off and drops what has none or another (kNotOurVlan). Returns how many are left, in their
// order. REQUIRES port.vlan != 0.
uint16_t take_tags_off(Worker& worker, const WorkerPort& port, rte_mbuf** mbufs, uint16_t count) noexcept;

// Puts the port's tag on what it is about to send, port.tx; a frame without room for it is dropped (kNoMbuf). Returns
// how many are left, in their order. REQUIRES port.vlan != 0.
uint32_t put_tags_on(Worker& worker, WorkerPort& port) noexcept;

}  // namespace shunt::dataplane
