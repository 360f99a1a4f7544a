#include "dataplane/vlan.h"

#include <rte_ether.h>

#include "dataplane/headers.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

constexpr uint16_t kIdMask = 0x0fff;  // without priority and drop eligibility

// What follows an Ethernet header's addresses in a tagged frame.
struct Tag {
  Be16 type;
  Be16 control;
};
static_assert(sizeof(Tag) == RTE_VLAN_HLEN);
constexpr Be16 kTagged = Be16::from_host(RTE_ETHER_TYPE_VLAN);

// True: the frame had the tag of `vlan`, and has none any more.
bool take_tag_off(rte_mbuf* mbuf, uint16_t vlan) noexcept {
  // The device did, or Linux under net_af_packet, also where it was not asked to.
  if (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) return (mbuf->vlan_tci & kIdMask) == vlan;
  if (mbuf->data_len < sizeof(EthernetHeader) + sizeof(Tag)) return false;
  const auto* tag = rte_pktmbuf_mtod_offset(mbuf, const Tag*, 2 * sizeof(MacAddress));
  if (tag->type != kTagged || (tag->control.host() & kIdMask) != vlan) return false;
  return rte_vlan_strip(mbuf) == 0;
}

}  // namespace

uint16_t take_tags_off(Worker& worker, const WorkerPort& port, rte_mbuf** mbufs, uint16_t count) noexcept {
  uint16_t kept = 0;
  for (uint16_t i = 0; i < count; ++i) {
    if (take_tag_off(mbufs[i], port.vlan)) mbufs[kept++] = mbufs[i];
    else drop(worker, mbufs[i], DropReason::kNotOurVlan);
  }
  return kept;
}

uint32_t put_tags_on(Worker& worker, WorkerPort& port) noexcept {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < port.tx_count; ++i) {
    rte_mbuf* mbuf = port.tx[i];
    mbuf->vlan_tci = port.vlan;
    if (port.inserts_tags) mbuf->ol_flags |= RTE_MBUF_F_TX_VLAN;
    else if (rte_vlan_insert(&mbuf) != 0) {
      drop(worker, mbuf, DropReason::kNoMbuf);
      continue;
    }
    port.tx[kept++] = mbuf;
  }
  return kept;
}

}  // namespace shunt::dataplane
