#include "dataplane/setup/memory_needs.h"

#include <gmock/gmock.h>

#include "dataplane/connection_table.h"
#include "dataplane/templates.h"

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;

DataplaneOptions two_ports() {
  DataplaneOptions options;
  options.connections_per_worker = 100000;
  options.ipv6_connections_per_worker = 30000;
  options.ports = {{.name = "a", .device = "net_null0"}, {.name = "b", .device = "net_null1"}};
  return options;
}

TEST(MemoryNeeds, TablesGrowWithConnectionsAndWorkers) {
  DataplaneOptions options = two_ports();
  const uint64_t ipv4 = ConnectionTable::bytes_for(100000);
  const uint64_t ipv6 = ConnectionTable6::bytes_for(30000);
  EXPECT_EQ(table_bytes(options), ipv4 + ipv6);
  // One each for all workers.
  const uint64_t shared = TemplateTable::bytes_for(options.templates) + ExpectationTable::bytes_for(kExpectations);
  EXPECT_EQ(memory_needs(options, 1).tables, ipv4 + ipv6 + shared);
  EXPECT_EQ(memory_needs(options, 3).tables, 3 * (ipv4 + ipv6) + shared);
  options.connections_per_worker = 1000000;
  EXPECT_EQ(memory_needs(options, 1).tables, ConnectionTable::bytes_for(1000000) + ipv6 + shared);
  options.ipv6_connections_per_worker = 2000000;
  EXPECT_EQ(memory_needs(options, 1).tables,
            ConnectionTable::bytes_for(1000000) + ConnectionTable6::bytes_for(2000000) + shared);
}

TEST(MemoryNeeds, AMemoryLimitBelowTheNeedSaysBoth) {
  DataplaneOptions options = two_ports();
  const uint64_t needed_mb = (memory_needs(options, 1).total() + (1 << 20) - 1) >> 20;
  options.memory_mb = static_cast<uint32_t>(needed_mb);
  EXPECT_TRUE(check_memory(options, 1));
  options.memory_mb -= 1;
  const auto checked = check_memory(options, 1);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kNoMemory);
  EXPECT_THAT(checked.error().message, HasSubstr("needs " + std::to_string(needed_mb) + " MiB"));
  EXPECT_THAT(checked.error().message, HasSubstr("dpdk.memory_mb is " + std::to_string(needed_mb - 1)));
  EXPECT_THAT(checked.error().message, HasSubstr("lower workers.connections, workers.ipv6_connections, workers.templates or"));
}

TEST(MemoryNeeds, FewerMbufsThanQueuesHoldAreRefused) {
  DataplaneOptions options = two_ports();
  options.mbufs = mbufs_needed(options, 2);
  EXPECT_TRUE(check_memory(options, 2));
  options.mbufs -= 1;
  const auto checked = check_memory(options, 2);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(checked.error().message, HasSubstr("raise it, or lower ports.descriptors"));
}

TEST(MemoryNeeds, AnMbufHoldsTheLargestPortsFrames) {
  DataplaneOptions options = two_ports();
  EXPECT_EQ(mbuf_room(options), 2176);
  options.ports[1].mtu = 9000;
  EXPECT_GE(mbuf_room(options), 128 + 9000 + 14 + 8 + 4);
  EXPECT_EQ(mbuf_room(options) % 64, 0);
}

}  // namespace
}  // namespace shunt::dataplane
