// Which ports lost packets of late, for people's attention. Owner: the controller's thread; the
// clock is passed as a value.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/setup/dataplane.h"

namespace shunt::control {

class PortLosses {
 public:
  using Clock = std::chrono::steady_clock;
  // A loss is news for this long.
  static constexpr std::chrono::seconds kRecent{10};

  // What the port's device has counted. The first call sets what later ones are compared with.
  void note(uint16_t port, const dataplane::PortStatistics& counts, Clock::time_point now) {
    Port& known = ports_[port];
    known.missed.note(counts.rx_missed, known.is_known, now);
    known.no_mbuf.note(counts.rx_no_mbuf, known.is_known, now);
    known.is_known = true;
  }

  // "port outside: cause; remedy", one for each kind of loss of late.
  std::vector<std::string> problems(uint16_t port, const std::string& name,
                                    Clock::time_point now) const {
    const Port& known = ports_[port];
    std::vector<std::string> lines;
    if (known.missed.is_recent(now)) {
      lines.push_back(
          "port " + name + ": its device loses packets that no worker takes in time (" +
          std::to_string(known.missed.total) +
          " so far); add workers where they are busy, else raise the port's descriptors");
    }
    if (known.no_mbuf.is_recent(now)) {
      lines.push_back("port " + name + ": it finds no packet buffers (" +
                      std::to_string(known.no_mbuf.total) + " times so far); raise workers.mbufs");
    }
    return lines;
  }

 private:
  struct Loss {
    uint64_t total = 0;
    std::optional<Clock::time_point> last;
    void note(uint64_t now_total, bool is_known, Clock::time_point now) {
      if (is_known && now_total > total) last = now;
      total = now_total;
    }
    bool is_recent(Clock::time_point now) const { return last && now - *last <= kRecent; }
  };
  struct Port {
    bool is_known = false;
    Loss missed;
    Loss no_mbuf;
  };
  std::array<Port, dataplane::kMaxPorts> ports_;
};

}  // namespace shunt::control
