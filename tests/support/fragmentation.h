// Datagrams cut and put together again as senders and receivers do it, byte by byte. Shares nothing with the packet
// path. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/checksums.h"

namespace shunt::test {

// One fragment of a frame that holds a whole IP packet: `bytes` of what follows the header that all fragments have
// (IPv4's with its options, IPv6's), from `begin` on. `id`: IPv6's identification; IPv4's stands in the frame.
Bytes fragment_of(const Bytes& whole, size_t begin, size_t bytes, bool more, uint32_t id = 1);

// All of them, in order, IP packets of at most `mtu` bytes.
std::vector<Bytes> fragments_of(const Bytes& whole, size_t mtu, uint32_t id = 1);

// Where an IPv4 or IPv6 frame's fragment lies in its datagram.
struct Place {
  size_t begin;
  size_t bytes;
  bool more;
  uint32_t id;
};
Place place_of(const Bytes& fragment);

// What a tunnel's outer packet holds, as a frame; the frame itself where there is none.
Bytes unwrapped(const Bytes& frame);

// The frame that these are the fragments of, in any order: its frame and IP header are the first fragment's. `trouble`
// says what is wrong with them; the result is empty then.
Bytes put_together(const std::vector<Bytes>& fragments, std::string& trouble);

}  // namespace shunt::test
