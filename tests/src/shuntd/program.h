// Runs the built shuntd as systemd would: a configuration in, log lines, notifications and an exit status out.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

namespace shunt::shuntd {

inline bool within_seconds(int seconds, const std::function<bool()>& wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!wanted()) {
    if (std::chrono::steady_clock::now() > end) return false;
    usleep(5000);
  }
  return true;
}

// A folder of the test's own with a configuration that needs no root, no hugepages and no network.
class Place {
 public:
  Place() {
    char pattern[] = "/tmp/shuntd-test-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  ~Place() { std::filesystem::remove_all(folder_); }
  Place(const Place&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file_prefix() const { return std::filesystem::path(folder_).filename(); }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // What a test may want otherwise.
  std::string device = "net_null0,no-rx=1";
  unsigned memory_mb = 128;
  unsigned connections = 1024;
  unsigned ipv6_connections = 1024;
  unsigned weight = 1;
  // Ports are the machine's: a test that wants one takes one that is free.
  std::string http = "disabled: true";
  std::string more;

  std::string write() const {
    std::ofstream(path("shunt.yaml")) << "dpdk: {lcores: '0@0,1@0', huge_pages: false, memory_mb: " << memory_mb
                                      << ", file_prefix: " << file_prefix() << "}\n"
                                      << "workers: {mbufs: 8192, connections: " << connections
                                      << ", ipv6_connections: " << ipv6_connections << "}\n"
                                      << "ports:\n- {name: p0, device: '" << device
                                      << "', kernel_port: {disabled: true}}\n"
                                      << "listener: {unix_socket: " << path("sock") << "}\n"
                                      << "journal: {directory: " << path("journal") << "}\n"
                                      << "http: {" << http << "}\n"
                                      << "services:\n- name: web\n  protocol: tcp\n  address: 192.0.2.1\n  port: 80\n"
                                      << "  health_check: {disabled: true}\n"
                                      << "  reals:\n  - {address: 192.0.2.11, weight: " << weight << "}\n"
                                      << more;
    return path("shunt.yaml");
  }

 private:
  std::string folder_;
};

class Shuntd {
 public:
  // `before` goes before the program: a command that runs it.
  Shuntd(const Place& place, std::vector<std::string> arguments, std::vector<std::string> before = {})
      : place_(place), notify_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, place.path("notify").c_str());
    unlink(address.sun_path);
    EXPECT_EQ(bind(notify_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::vector<std::string> words = std::move(before);
    words.push_back(SHUNTD_PATH);
    words.insert(words.end(), arguments.begin(), arguments.end());
    child_ = fork();
    if (child_ != 0) return;
    if (freopen(place.path("out").c_str(), "w", stdout) == nullptr ||
        freopen(place.path("log").c_str(), "w", stderr) == nullptr) {
      _exit(126);
    }
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  ~Shuntd() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      wait();
    }
    close(notify_);
  }
  Shuntd(const Shuntd&) = delete;

  void send(int signal) const { kill(child_, signal); }
  // Its exit status; 128 and the signal's number when a signal ended it.
  int wait() {
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string log() const { return place_.read("log"); }
  pid_t pid() const { return child_; }

  // All that systemd was told and is not read yet.
  std::string take_notifications() {
    std::string all;
    char text[1024];
    for (ssize_t bytes; (bytes = recv(notify_, text, sizeof text, MSG_DONTWAIT)) > 0;) {
      all.append(text, static_cast<size_t>(bytes)).append("\n");
    }
    return all;
  }

  // Waits until systemd would be told a line that begins so; returns that message, "" after ten seconds.
  std::string notified(const std::string& line) {
    std::string message;
    within_seconds(10, [&] {
      pollfd ready = {notify_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) return false;
      char text[1024];
      const ssize_t bytes = recv(notify_, text, sizeof text, 0);
      message.assign(text, bytes > 0 ? static_cast<size_t>(bytes) : 0);
      return message.starts_with(line);
    });
    return message.starts_with(line) ? message : "";
  }

 private:
  const Place& place_;
  int notify_;
  pid_t child_ = 0;
};

// Runs it to its end.
inline int run(const Place& place, std::vector<std::string> arguments, std::vector<std::string> before = {}) {
  return Shuntd(place, std::move(arguments), std::move(before)).wait();
}

}  // namespace shunt::shuntd
