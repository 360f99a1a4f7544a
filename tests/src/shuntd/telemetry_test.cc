// Shunt's answers on DPDK's telemetry socket, as dpdk-telemetry.py asks for them.
#include <gmock/gmock.h>
#include <sys/time.h>

#include "tests/src/shuntd/program.h"

namespace shunt::shuntd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A client of the socket, past its greeting.
class TelemetryClient {
 public:
  explicit TelemetryClient(const Place& place)
      : socket_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string folder = getuid() == 0 ? "/var/run/dpdk/" : "/tmp/dpdk/";
    std::strcpy(address.sun_path, (folder + place.file_prefix() + "/dpdk_telemetry.v2").c_str());
    const timeval patience = {10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
        << address.sun_path;
    EXPECT_THAT(receive(), HasSubstr("max_output_len"));
  }
  ~TelemetryClient() { close(socket_); }

  std::string ask(const std::string& command) {
    EXPECT_EQ(send(socket_, command.data(), command.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(command.size()));
    return receive();
  }

 private:
  std::string receive() {
    char text[32768];
    const ssize_t bytes = recv(socket_, text, sizeof text, 0);
    return {text, bytes > 0 ? static_cast<size_t>(bytes) : 0};
  }
  int socket_;
};

TEST(Telemetry, DpdksSocketTellsOfServicesWorkersPortsAndDrops) {
  const Place place;
  Shuntd daemon(place, {"-c", place.write()});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  TelemetryClient client(place);
  EXPECT_THAT(client.ask("/"), AllOf(HasSubstr("/shunt/services"), HasSubstr("/shunt/drops")));
  EXPECT_EQ(client.ask("/shunt/services"), R"({"/shunt/services":{"services":1,"names":["web"]}})");
  EXPECT_THAT(client.ask("/shunt/services,web"),
              AllOf(HasSubstr(R"("place":"192.0.2.1:80")"),
                    HasSubstr(R"("reals":1,"real0":{"name":"192.0.2.11:80","up":1)")));
  EXPECT_EQ(client.ask("/shunt/services,nowhere"), R"({"/shunt/services":null})");
  EXPECT_THAT(client.ask("/shunt/workers"),
              AllOf(HasSubstr(R"("0":{"lcore":1,)"), HasSubstr(R"("capacity":1024)")));
  EXPECT_THAT(client.ask("/shunt/ports"), HasSubstr(R"("0":{"name":"p0","link_up":1,)"));
  EXPECT_EQ(client.ask("/shunt/drops"), R"({"/shunt/drops":{}})");
}

}  // namespace
}  // namespace shunt::shuntd
