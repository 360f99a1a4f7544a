// The UNIX socket as this and that user of the machine sees it; each test in a process of its own. Needs root, to be others.
#include "control/rpc/unix_door.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel_posix.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "control/rpc/server.h"
#include "tests/control/controller_rig.h"
#include "tests/control/rpc/calls.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

// A connection of a user with one more group; -errno: none. Linux's users are a thread's.
int connect_as(const std::string& path, uid_t uid, gid_t group = 0) {
  int fd = -1;
  std::thread([&] {
    const gid_t groups[] = {group};
    ::syscall(SYS_setgroups, group == 0 ? 0 : 1, groups);
    ::syscall(SYS_setresgid, uid, uid, uid);
    ::syscall(SYS_setresuid, uid, uid, uid);
    fd = connect_to(path);
  }).join();
  return fd;
}

struct DoorRig {
  explicit DoorRig(const UnixRoles& roles) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
    socket = rig.directory + "/run/s.sock";
    auto started = Server::start(rig.start(), socket, config::names_of(rig.options.machine), std::nullopt, roles);
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
    ::chmod(rig.directory.c_str(), 0755);
    ::chmod((rig.directory + "/run").c_str(), 0755);
  }
  std::shared_ptr<grpc::Channel> as(uid_t uid, gid_t group = 0) const {
    const int fd = connect_as(socket, uid, group);
    EXPECT_GE(fd, 0);
    return grpc::CreateInsecureChannelFromFd("shuntd", fd);
  }
  std::vector<std::string> said() const { return log->last_formatted(); }

  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(64);
  ControllerRig rig;
  std::string socket;
  std::unique_ptr<Server> server;
};

constexpr auto kDenied = grpc::StatusCode::PERMISSION_DENIED;

TEST(UnixDoor, UsersAndGroupsMayDoWhatTheirRolesSay) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (test::ran_in_own_process()) return;
  DoorRig rig({{"4711", "4715"}, {"group:4712"}, {"4713"}});
  struct stat found {};
  ASSERT_EQ(stat(rig.socket.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0666U);

  const auto viewer = rig.as(4711);
  EXPECT_TRUE(get_status(viewer).ok());
  const grpc::Status refused = drain(viewer);
  EXPECT_EQ(refused.error_code(), kDenied);
  EXPECT_THAT(refused.error_message(),
              AllOf(HasSubstr("you are 4711 (uid 4711), a viewer; /shunt.v1.Shunt/Drain needs the role operator"),
                    HasSubstr("listener.unix_roles.operators")));
  EXPECT_THAT(rig.said(), Contains(HasSubstr("audit: 4711 (uid 4711): /shunt.v1.Shunt/Drain: refused: a viewer only")));

  // The group makes a viewer an operator.
  const auto user = rig.as(4715, 4712);
  EXPECT_TRUE(drain(user).ok());
  EXPECT_THAT(rig.said(), Contains(HasSubstr("audit: 4715 (uid 4715, pid " + std::to_string(getpid()) + "): drain real dns/")));
  EXPECT_THAT(apply(user).error_message(), HasSubstr("an operator; /shunt.v1.Shunt/Apply needs the role admin"));

  EXPECT_THAT(get_status(rig.as(4799)).error_message(), HasSubstr("you are 4799 (uid 4799), who is listed in no role"));
  EXPECT_TRUE(apply(rig.as(4713)).ok());
  EXPECT_TRUE(apply(rig.as(0)).ok());
}

TEST(UnixDoor, WithoutRolesItIsForRootAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (test::ran_in_own_process()) return;
  DoorRig rig({});
  EXPECT_EQ(connect_as(rig.socket, 4711), -EACCES);
  EXPECT_TRUE(apply(rig.as(0)).ok());
}

TEST(UnixDoor, NobodyGetsBehindIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (test::ran_in_own_process()) return;
  DoorRig rig({{"4711"}, {}, {}});
  const std::string rooms = rig.rig.directory + "/run/.s.sock.rooms";
  for (const char* room : {"admin", "operator", "viewer", "nobody"}) {
    ASSERT_TRUE(std::filesystem::exists(rooms + "/" + room));
    EXPECT_EQ(connect_as(rooms + "/" + room, 4711), -EACCES) << room;
  }
  rig.server->stop();
  EXPECT_FALSE(std::filesystem::exists(rooms));
  EXPECT_FALSE(std::filesystem::exists(rig.socket));
}

TEST(UnixDoor, OneUserCannotKeepOthersOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (test::ran_in_own_process()) return;
  DoorRig rig({{"4711", "4712"}, {}, {}});
  std::vector<int> held;
  for (size_t i = 0; i < UnixDoor::kMostOfAUser; ++i) held.push_back(connect_as(rig.socket, 4711));
  const int more = connect_as(rig.socket, 4711);
  char byte = 0;
  EXPECT_EQ(::read(more, &byte, 1), 0) << "it is cut";
  ::close(more);
  EXPECT_TRUE(get_status(rig.as(4712)).ok());
  EXPECT_TRUE(get_status(rig.as(0)).ok());
  for (const int fd : held) ::close(fd);
  EXPECT_TRUE(within(seconds(5), [&rig] { return get_status(rig.as(4711)).ok(); })) << "places come back";
}

TEST(UnixDoor, AUserThatThereIsNotIsTold) {
  const std::string folder = "/tmp/shunt-door-test-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  for (const auto& [roles, said] : {std::pair(UnixRoles{{"no-such-user"}, {}, {}}, "viewers: no-such-user"),
                                    std::pair(UnixRoles{{}, {}, {"group:no-such-group"}}, "admins: group:no-such-group")}) {
    const auto door = UnixDoor::build(folder + "/s.sock", roles);
    ASSERT_FALSE(door);
    EXPECT_EQ(door.error().code, ErrorCode::kNotFound);
    EXPECT_THAT(door.error().message, HasSubstr(said));
  }
  std::filesystem::remove_all(folder);
}

TEST(UnixPeer, AnAddressTellsWhoAndNothingElseDoes) {
  const UnixPeer eve{1004, 4711, {}, "eve"};
  const std::string address = address_of(eve, 7);
  EXPECT_NE(address, address_of(eve, 8));
  EXPECT_LT(address_of({UINT32_MAX, INT32_MAX, {}, std::string(32, 'x')}, UINT64_MAX).size(), 107U);
  EXPECT_EQ(who_is("unix-abstract:" + address), "eve (uid 1004, pid 4711)");
  for (const char* other : {"", "unix:", "unix:/run/x", "ipv4:192.0.2.1:80", "unix-abstract:", "unix-abstract:shuntd.", "unix-abstract:shuntd.1.2.x.4.eve",
                            "unix-abstract:shuntd.1.2.3.4.", "unix-abstract:other.1.2.3.4.eve"}) {
    EXPECT_FALSE(who_is(other)) << other;
  }
}

}  // namespace
}  // namespace shunt::control::rpc
