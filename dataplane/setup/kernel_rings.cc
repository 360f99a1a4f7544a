#include "dataplane/setup/kernel_rings.h"

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "dataplane/headers.h"
#include "dataplane/probe.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {
namespace {

// A burst of a full second's SYNs of a flood fits; what comes faster than Linux takes it is dropped and counted.
constexpr unsigned kToKernel = 2048;
constexpr unsigned kFromKernel = 1024;
constexpr unsigned kResolve = 1024;
constexpr unsigned kPathMtus = 256;
constexpr unsigned kTake = 64;
constexpr size_t kLargestFrame = 16384;

void hand_over(const rte_mbuf* mbuf, const std::function<void(const uint8_t*, size_t)>& sink) {
  if (mbuf->nb_segs == 1) return sink(rte_pktmbuf_mtod(mbuf, const uint8_t*), rte_pktmbuf_data_len(mbuf));
  std::array<uint8_t, kLargestFrame> joined;
  const uint32_t bytes = std::min<uint32_t>(rte_pktmbuf_pkt_len(mbuf), joined.size());
  if (const void* data = rte_pktmbuf_read(mbuf, 0, bytes, joined.data())) {
    sink(static_cast<const uint8_t*>(data), bytes);
  }
}

// Takes up to `capacity` elements; `put` gets each with its place.
template <typename Element, typename Put>
size_t take_elements(rte_ring* ring, size_t capacity, const Put& put) {
  std::array<Element, kTake> elements;
  size_t taken = 0;
  while (taken < capacity) {
    const auto want = static_cast<unsigned>(std::min<size_t>(capacity - taken, kTake));
    const unsigned count = rte_ring_dequeue_burst_elem(ring, elements.data(), sizeof(Element), want, nullptr);
    if (count == 0) break;
    for (unsigned i = 0; i < count; ++i) put(taken++, elements[i]);
  }
  return taken;
}

}  // namespace

Result<KernelRings> KernelRings::create(const std::vector<PortInfo>& ports, const std::vector<PortOptions>& options,
                                        rte_mempool* pool) {
  KernelRings rings(pool);
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!options[i].kernel_port) continue;
    const std::string id = std::to_string(ports[i].id);
    auto to = make_ring("to_kernel" + id, sizeof(void*), kToKernel, RING_F_SC_DEQ);
    if (!to) return to.error();
    auto from = make_ring("from_kernel" + id, sizeof(void*), kFromKernel, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (!from) return from.error();
    rings.to_kernel_[ports[i].id] = std::move(*to);
    rings.from_kernel_[ports[i].id] = std::move(*from);
  }
  auto resolve = make_ring("resolve", sizeof(ResolveElement), kResolve, RING_F_SC_DEQ);
  if (!resolve) return resolve.error();
  rings.resolve_ = std::move(*resolve);
  auto path_mtus = make_ring("path_mtus", sizeof(PathMtuElement), kPathMtus, RING_F_SC_DEQ);
  if (!path_mtus) return path_mtus.error();
  rings.path_mtus_ = std::move(*path_mtus);
  return rings;
}

size_t KernelRings::take_frames(uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink) {
  rte_ring* ring = port < kMaxPorts ? to_kernel(port) : nullptr;
  if (ring == nullptr) return 0;
  size_t taken = 0;
  // What is there now, not what keeps coming: the caller has other ports to serve.
  for (size_t left = rte_ring_count(ring); left > 0;) {
    rte_mbuf* mbufs[kTake];
    const unsigned count = rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(mbufs),
                                                  static_cast<unsigned>(std::min<size_t>(left, kTake)), nullptr);
    if (count == 0) break;
    for (unsigned i = 0; i < count; ++i) hand_over(mbufs[i], sink);
    rte_pktmbuf_free_bulk(mbufs, count);
    taken += count;
    left -= count;
  }
  return taken;
}

bool KernelRings::send_frame(uint16_t port, const uint8_t* frame, size_t bytes) {
  return send(port < kMaxPorts ? from_kernel(port) : nullptr, kNoReal, {}, {frame, bytes});
}

bool KernelRings::send_probe(RealId real, const uint8_t* packet, size_t bytes) {
  const auto ring = std::find_if(from_kernel_.begin(), from_kernel_.end(), [](const Ring& each) { return each != nullptr; });
  if (ring == from_kernel_.end() || bytes == 0) return false;
  EthernetHeader frame{};
  frame.type = packet[0] >> 4 == 4 ? kEtherTypeIpv4 : kEtherTypeIpv6;
  return send(ring->get(), real, {reinterpret_cast<const uint8_t*>(&frame), sizeof frame}, {packet, bytes});
}

bool KernelRings::send(rte_ring* ring, RealId probed, std::span<const uint8_t> header, std::span<const uint8_t> rest) {
  const size_t bytes = header.size() + rest.size();
  if (ring == nullptr || bytes > kLargestFrame) return false;
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return false;
  char* room = rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes));
  if (room != nullptr) {
    std::copy(header.begin(), header.end(), room);
    std::copy(rest.begin(), rest.end(), room + header.size());
    set_probed(mbuf, probed);
    if (rte_ring_enqueue(ring, mbuf) == 0) return true;
  }
  rte_pktmbuf_free(mbuf);
  return false;
}

size_t KernelRings::take_resolve_requests(ResolveRequest* out, size_t capacity) {
  return take_elements<ResolveElement>(resolve_.get(), capacity, [out](size_t place, const ResolveElement& element) {
    out[place] = {element.port, element.address};
  });
}

size_t KernelRings::take_path_mtus(PathMtu* out, size_t capacity) {
  return take_elements<PathMtuElement>(path_mtus_.get(), capacity, [out](size_t place, const PathMtuElement& element) {
    out[place] = {element.real, element.mtu};
  });
}

}  // namespace shunt::dataplane
