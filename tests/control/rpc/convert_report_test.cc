// Reports as messages: each value in the field that is named for it.
#include "control/rpc/convert_report.h"

#include <gtest/gtest.h>

namespace shunt::control::rpc {
namespace {

TEST(ConvertReport, AStatusHasTheTablesOfBothFamilies) {
  StatusReport report;
  report.connections = 1;
  report.connection_capacity = 2;
  report.ipv6_connections = 3;
  report.ipv6_connection_capacity = 4;
  const v1::Status status = to_proto(report);
  EXPECT_EQ(status.connections(), 1U);
  EXPECT_EQ(status.connection_capacity(), 2U);
  EXPECT_EQ(status.ipv6_connections(), 3U);
  EXPECT_EQ(status.ipv6_connection_capacity(), 4U);
}

TEST(ConvertReport, AWorkerHasTheTablesOfBothFamilies) {
  WorkerState worker;
  worker.connections = 1;
  worker.connection_capacity = 2;
  worker.ipv6_connections = 3;
  worker.ipv6_connection_capacity = 4;
  const v1::WorkerState state = to_proto(worker);
  EXPECT_EQ(state.connections(), 1U);
  EXPECT_EQ(state.connection_capacity(), 2U);
  EXPECT_EQ(state.ipv6_connections(), 3U);
  EXPECT_EQ(state.ipv6_connection_capacity(), 4U);
}

TEST(ConvertReport, AConnectionsAddressesAreIpv6sOneForm) {
  ConnectionReport report;
  report.client = *IpAddress::parse("2001:DB8:0::7");
  report.virtual_address = *IpAddress::parse("2001:DB8::10");
  report.real = *IpAddress::parse("2001:db8:0:2:0:0:0:1");
  report.method = Method::kFullnat;
  report.local = *IpAddress::parse("2001:db8:0:2:0:0:0:f0");
  const v1::Connection connection = to_proto(report);
  EXPECT_EQ(connection.client(), "2001:db8::7");
  EXPECT_EQ(connection.virtual_(), "2001:db8::10");
  EXPECT_EQ(connection.real(), "2001:db8:0:2::1");
  EXPECT_EQ(connection.local(), "2001:db8:0:2::f0");
}

}  // namespace
}  // namespace shunt::control::rpc
