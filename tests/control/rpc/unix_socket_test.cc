#include "control/rpc/unix_socket.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace shunt::control::rpc {
namespace {

using testing::HasSubstr;

class UnixSocket : public testing::Test {
 protected:
  UnixSocket() {
    char pattern[] = "/tmp/shunt-socket-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  ~UnixSocket() override {
    if (fd_ >= 0) close(fd_);
    std::filesystem::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void bind_to(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path(name).c_str());
    fd_ = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  std::string folder_;
  int fd_ = -1;
};

TEST_F(UnixSocket, ItsFolderIsCreated) {
  ASSERT_TRUE(prepare_socket_path(path("a/b/s")));
  EXPECT_TRUE(std::filesystem::is_directory(path("a/b")));
}

TEST_F(UnixSocket, ADeadDaemonsIsRemoved) {
  bind_to("s");
  close(fd_);
  fd_ = -1;
  ASSERT_TRUE(std::filesystem::exists(path("s")));
  ASSERT_TRUE(prepare_socket_path(path("s")));
  EXPECT_FALSE(std::filesystem::exists(path("s")));
}

TEST_F(UnixSocket, ALivingDaemonsStays) {
  bind_to("s");
  ASSERT_EQ(listen(fd_, 1), 0);
  const auto prepared = prepare_socket_path(path("s"));
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kConflict);
  EXPECT_THAT(prepared.error().message, HasSubstr("another shuntd"));
  EXPECT_TRUE(std::filesystem::exists(path("s")));
}

TEST_F(UnixSocket, AFileThatIsNoSocketIsNotTouched) {
  std::ofstream(path("s")) << "precious";
  const auto prepared = prepare_socket_path(path("s"));
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kConflict);
  EXPECT_EQ(std::filesystem::file_size(path("s")), 8U);
}

TEST_F(UnixSocket, APathThatNoSocketCanHaveIsInvalid) {
  EXPECT_EQ(prepare_socket_path("/" + std::string(108, 'x')).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(prepare_socket_path("").error().code, ErrorCode::kInvalid);
}

TEST_F(UnixSocket, AFolderThatCannotBeIsAnError) {
  std::ofstream(path("file")) << "x";
  const auto prepared = prepare_socket_path(path("file/s"));
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error().message, HasSubstr(path("file/s")));
}

}  // namespace
}  // namespace shunt::control::rpc
