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

TEST(ConvertReport, AWorkerTellsWhatItsDefencesEnded) {
  WorkerState worker;
  worker.half_open_evicted = 1;
  worker.entries_dropped = 2;
  const v1::WorkerState state = to_proto(worker);
  EXPECT_EQ(state.half_open_evicted(), 1U);
  EXPECT_EQ(state.entries_dropped(), 2U);
}

TEST(ConvertReport, ATunnelIsShownWhereThereIsOne) {
  ServicePage page;
  page.services.resize(1);
  page.services[0].reals.resize(2);
  page.services[0].reals[1].method = Method::kTunnel;
  page.services[0].reals[1].tunnel = Tunnel{TunnelKind::kGueChecksum, 7000};
  const v1::ListServicesResponse shown = to_proto(page);
  EXPECT_FALSE(shown.services(0).reals(0).has_tunnel());
  const v1::Tunnel& tunnel = shown.services(0).reals(1).tunnel();
  EXPECT_EQ(tunnel.kind(), v1::TUNNEL_KIND_GUE);
  EXPECT_EQ(tunnel.checksum(), v1::TUNNEL_CHECKSUM_FULL);
  EXPECT_EQ(tunnel.port(), 7000U);
}

TEST(ConvertReport, APortSaysItsVlan) {
  PortState port;
  port.vlan = 7;
  port.inserts_tags = true;
  EXPECT_EQ(to_proto(port).vlan(), 7U);
  EXPECT_TRUE(to_proto(port).inserts_vlan_tags());
  EXPECT_FALSE(to_proto(port).strips_vlan_tags());
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
