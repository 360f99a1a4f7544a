#include "control/rpc/unix_door.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "control/rpc/unix_socket.h"

namespace shunt::control::rpc {
namespace {

using Protocol = asio::local::stream_protocol;

// Of each direction of a connection.
constexpr size_t kBufferBytes = 64 * 1024;
// After an accept that failed for want of descriptors.
constexpr std::chrono::milliseconds kPause{100};
// What gRPC said last is on its way to clients no longer than that.
constexpr std::chrono::milliseconds kGrace{500};

Error failure(const std::string& path, const char* doing, int error) {
  return {error == EACCES || error == EPERM ? ErrorCode::kPermission : ErrorCode::kUnavailable,
          "socket " + path + ": " + doing + ": " + std::strerror(error) +
              "; set listener.unix_socket to a path on a file system that takes sockets and where this user may write"};
}

int bind_to(int socket, const std::string& name, bool is_abstract) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t offset = is_abstract ? 1 : 0;
  if (name.size() + offset >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path + offset, name.data(), name.size());
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + offset + name.size() + (is_abstract ? 0 : 1));
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), bytes) == 0 ? 0 : errno;
}

// A client's connection and ours to gRPC: bytes of each go to the other. Owned by what waits for it.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  Relay(Protocol::socket client, Protocol::socket grpc, std::function<void()> ended)
      : sides_{std::move(client), std::move(grpc)}, ended_(std::move(ended)) {}
  ~Relay() { ended_(); }

  void begin() {
    pass(0);
    pass(1);
  }
  void cut() {
    asio::error_code ignored;
    for (Protocol::socket& side : sides_) side.close(ignored);
  }

 private:
  void pass(size_t from) {
    sides_[from].async_read_some(asio::buffer(buffers_[from]), [self = shared_from_this(), from](asio::error_code error, size_t bytes) {
      if (error) return self->end(from);
      asio::async_write(self->sides_[1 - from], asio::buffer(self->buffers_[from], bytes),
                        [self, from](asio::error_code failed, size_t) {
                          if (failed) self->cut();
                          else self->pass(from);
                        });
    });
  }
  // What is on its way in the other direction still arrives.
  void end(size_t from) {
    asio::error_code ignored;
    sides_[1 - from].shutdown(Protocol::socket::shutdown_send, ignored);
    // A client that is gone wants no answers; gRPC ends its side when it sees that.
    if (std::exchange(half_over_, true)) cut();
  }

  std::array<Protocol::socket, 2> sides_;
  std::array<std::array<char, kBufferBytes>, 2> buffers_;
  bool half_over_ = false;
  std::function<void()> ended_;
};

std::string room_name(std::optional<Role> role) { return role ? word(*role) : "nobody"; }

}  // namespace

struct UnixDoor::State {
  explicit State(std::string at) : path(std::move(at)) {}

  void accept();
  void let_in(Protocol::socket client);
  bool has_place(const UnixPeer& peer, std::optional<Role> role);
  void leave(const UnixPeer& peer, std::optional<Role> role);

  const std::string path;
  UnixRoleTable table;
  bool is_for_others = false;
  // The folder behind the door, by a descriptor: names in it are short, however long the path.
  int folder = -1;
  uint64_t number = 0;

  // Before the loop: what still waits there at its end counts itself out.
  mutable std::mutex mutex;
  // Connections by role and user, and how many of those that are no admins.
  std::map<std::optional<Role>, std::map<std::pair<uid_t, std::string>, size_t>> connected;
  size_t others = 0;
  std::atomic<size_t> relays = 0;

  asio::io_context loop;
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  Protocol::acceptor acceptor{loop};
  asio::steady_timer pause{loop};
  std::thread thread;
  std::atomic<bool> is_open = false;
};

UnixDoor::UnixDoor(std::unique_ptr<State> state) : state_(std::move(state)) {}

UnixDoor::~UnixDoor() { stop(); }

Result<std::unique_ptr<UnixDoor>> UnixDoor::build(const std::string& path, const UnixRoles& roles) {
  auto table = UnixRoleTable::look_up(roles);
  if (!table) return table.error();
  auto state = std::make_unique<State>(path);
  state->table = std::move(*table);
  state->is_for_others = !roles.empty();
  const std::filesystem::path place(path);
  const std::string folder = (place.parent_path() / ("." + place.filename().string() + ".rooms")).string();
  std::error_code failed;
  // What a daemon that was killed left there.
  std::filesystem::remove_all(folder, failed);
  if (::mkdir(folder.c_str(), 0700) != 0) return failure(folder, "its folder cannot be made", errno);
  state->folder = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (state->folder < 0) return failure(folder, "its folder cannot be opened", errno);
  return std::unique_ptr<UnixDoor>(new UnixDoor(std::move(state)));
}

std::string UnixDoor::room(std::optional<Role> role) const {
  return "/proc/self/fd/" + std::to_string(state_->folder) + "/" + room_name(role);
}

std::string UnixDoor::present(std::optional<Role> role) const {
  const std::lock_guard lock(state_->mutex);
  std::string text;
  const auto found = state_->connected.find(role);
  if (found == state_->connected.end()) return "somebody on the UNIX socket";
  for (const auto& [user, count] : found->second) {
    text += (text.empty() ? "" : " or ") + in_words(UnixPeer{user.first, 0, {}, user.second});
  }
  return text;
}

Result<void> UnixDoor::open() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failure(state_->path, "cannot be made", errno);
  const mode_t before = ::umask(state_->is_for_others ? 0111 : 0177);
  const int error = bind_to(fd, state_->path, false);
  ::umask(before);
  if (error != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int why = error != 0 ? error : errno;
    ::close(fd);
    return failure(state_->path, "cannot be listened on", why);
  }
  state_->acceptor.assign(Protocol(), fd);
  state_->is_open = true;
  state_->accept();
  state_->thread = std::thread([state = state_.get()] { state->loop.run(); });
  return {};
}

void UnixDoor::State::accept() {
  acceptor.async_accept([this](asio::error_code error, Protocol::socket client) {
    if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
    if (!error) {
      let_in(std::move(client));
      return accept();
    }
    spdlog::warn("socket {}: a client cannot be let in: {}", path, error.message());
    pause.expires_after(kPause);
    pause.async_wait([this](asio::error_code cancelled) {
      if (!cancelled) accept();
    });
  });
}

bool UnixDoor::State::has_place(const UnixPeer& peer, std::optional<Role> role) {
  const std::lock_guard lock(mutex);
  const std::pair user(peer.uid, peer.name);
  if (role != Role::kAdmin) {
    const auto users = connected.find(role);
    const bool is_known = users != connected.end() && users->second.contains(user);
    if (others >= kMostOfAll || (is_known && users->second.at(user) >= kMostOfAUser)) return false;
    ++others;
  }
  ++connected[role][user];
  return true;
}

void UnixDoor::State::leave(const UnixPeer& peer, std::optional<Role> role) {
  const std::lock_guard lock(mutex);
  auto& users = connected[role];
  const auto user = users.find({peer.uid, peer.name});
  if (--user->second == 0) users.erase(user);
  if (users.empty()) connected.erase(role);
  others -= role == Role::kAdmin ? 0 : 1;
}

void UnixDoor::State::let_in(Protocol::socket client) {
  const auto peer = peer_of(client.native_handle());
  if (!peer) return;
  const std::optional<Role> role = table.role_of(*peer);
  if (!has_place(*peer, role)) {
    spdlog::warn("socket {}: {} has too many connections, or all who are no admins have; one more was cut", path,
                 in_words(*peer));
    return;
  }
  ++relays;
  const auto left = [this, peer = *peer, role] {
    leave(peer, role);
    --relays;
  };
  Protocol::socket grpc(loop);
  asio::error_code error;
  grpc.open(Protocol(), error);
  if (!error) error.assign(bind_to(grpc.native_handle(), address_of(*peer, ++number), true), asio::system_category());
  const std::string room = "/proc/self/fd/" + std::to_string(folder) + "/" + room_name(role);
  if (!error) grpc.connect(Protocol::endpoint(room), error);
  const auto relay = std::make_shared<Relay>(std::move(client), std::move(grpc), left);
  if (error) {
    spdlog::warn("socket {}: {} cannot be let in: {}", path, in_words(*peer), error.message());
    return relay->cut();
  }
  relay->begin();
}

void UnixDoor::close() {
  if (!state_->is_open.exchange(false)) return;
  // Ours for as long as we listen on it.
  ::unlink(state_->path.c_str());
  asio::post(state_->loop, [state = state_.get()] {
    asio::error_code ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
  });
}

void UnixDoor::stop() {
  close();
  if (state_->thread.joinable()) {
    const auto end = std::chrono::steady_clock::now() + kGrace;
    while (state_->relays > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    state_->loop.stop();
    state_->thread.join();
  }
  if (state_->folder < 0) return;
  const std::filesystem::path place(state_->path);
  std::error_code ignored;
  std::filesystem::remove_all(place.parent_path() / ("." + place.filename().string() + ".rooms"), ignored);
  ::close(std::exchange(state_->folder, -1));
}

}  // namespace shunt::control::rpc
