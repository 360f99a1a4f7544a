// Checksums verified the slow and plain way (RFC 1071, byte by byte), and packets told in words.
// Shares nothing with the packet path, so that one's mistake is not the other's. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace shunt::test {

using Bytes = std::vector<uint8_t>;

// The Internet checksum of `data`, as a number whose upper byte comes first in the packet. 0 over
// data that contains its right checksum.
uint16_t internet_checksum(std::span<const uint8_t> data);

// SCTP's checksum (CRC32c, RFC 9260 appendix A), bit by bit. Over a packet whose field is zero: what
// belongs there, its least significant byte first.
uint32_t crc32c(std::span<const uint8_t> data);

// What is wrong with the checksums of a frame (from its Ethernet header on): IPv4, TCP, UDP, SCTP, ICMP,
// ICMPv6, what is inside a tunnel's packet, and what an ICMP error quotes. Empty: all are right.
std::string checksum_errors(std::span<const uint8_t> frame);

// A frame in one line: "02:..:01 > 02:..:10 ipv4 198.51.100.7 > 203.0.113.10 ttl 64 tcp 40000 > 80
// S data 5".
std::string describe(std::span<const uint8_t> frame);

}  // namespace shunt::test
