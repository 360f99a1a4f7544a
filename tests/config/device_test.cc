#include "config/device.h"

#include <gtest/gtest.h>

namespace shunt::config {
namespace {

TEST(Device, IsAPciAddressInEitherForm) {
  EXPECT_EQ(parse_device("0000:01:00.0")->id, "0000:01:00.0");
  EXPECT_EQ(parse_device("3B:00.1")->id, "0000:3b:00.1");
  EXPECT_EQ(parse_device("0000:01:00.0,mprq_en=1")->id, "0000:01:00.0");
}

TEST(Device, IsAVdev) {
  EXPECT_EQ(parse_device("net_tap0,iface=x0")->id, "net_tap0");
  EXPECT_EQ(parse_device("net_pcap0,rx_pcap=/tmp/a,infinite_rx=1")->id, "net_pcap0");
  EXPECT_EQ(parse_device("virtio_user0,path=/x")->id, "virtio_user0");
  EXPECT_EQ(parse_device("eth_af_packet0")->id, "eth_af_packet0");
}

TEST(Device, MayNameALinuxInterface) {
  EXPECT_EQ(parse_device("net_af_packet0,iface=eth0,qpairs=1")->interface, "eth0");
  EXPECT_EQ(parse_device("net_af_xdp0,queue_count=1,iface=eth1")->interface, "eth1");
  EXPECT_EQ(parse_device("net_null0")->interface, "");
}

TEST(Device, IsNothingElse) {
  for (const char* text : {"", "eth0", "net_", "0000:01:00.8", "0000:01:00", "1:00.0",
                           "g000:01:00.0", "net_tap 0", ",iface=x", "crypto_null0"}) {
    EXPECT_FALSE(parse_device(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace shunt::config
