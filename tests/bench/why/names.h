// The clients' end of the DNS: one site's stub resolver, which asks the site's caching resolver.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shunt::bench {

// A query for the A records of `name`, with EDNS (RFC 6891) so that a hundred addresses fit into
// one answer.
std::vector<uint8_t> make_query(uint16_t id, const std::string& name);

struct Answer {
  uint16_t id = 0;
  std::vector<in_addr>
      addresses;  // in the order of the answer; empty: the name has none, or an error
};

// What a resolver answered, or nothing when it is no whole answer (RFC 1035 section 4).
std::optional<Answer> parse_answer(std::span<const uint8_t> packet);

// One site's stub: a UDP socket to the site's resolver. It keeps what it got for `keep_us` (the
// objects of one page are fetched with one resolution) and never longer: the cache that matters is
// the resolver's. Owner: the load's thread.
class SiteNames {
 public:
  enum class State { kFresh, kAsking, kStale };

  // Throws std::system_error when the socket cannot be made.
  SiteNames(in_addr resolver, std::string name, int64_t keep_us);
  SiteNames(const SiteNames&) = delete;
  SiteNames& operator=(const SiteNames&) = delete;
  SiteNames(SiteNames&& other) noexcept;
  ~SiteNames();

  State state(int64_t now_us) const;
  // Sends a query, or the same one again after a second without an answer.
  void ask(int64_t now_us);
  // Reads the socket; true when an answer to the outstanding query came.
  bool receive(int64_t now_us);
  // The outstanding query has had its tries: the resolver is silent.
  bool gave_up(int64_t now_us) const;
  // Ends an unanswered query: the next request asks anew.
  void abandon();
  // The address for the next request: the answer's addresses in turn. Nothing when it had none.
  std::optional<in_addr> next();

  int fd() const { return fd_; }

 private:
  std::string name_;
  int64_t keep_us_;
  int fd_ = -1;
  uint16_t id_ = 0;
  bool asking_ = false;
  int tries_ = 0;
  int64_t asked_us_ = 0;
  int64_t fresh_until_us_ = 0;
  std::vector<in_addr> addresses_;
  size_t turn_ = 0;
};

}  // namespace shunt::bench
