// What a worker knows of its control connections beside their entries: a place each, in a table of its own, so that nobody
// else pays for them. Owner: that worker.
#pragma once

#include <cstdint>

#include "dataplane/client_address/carrying.h"
#include "dataplane/ftp/expectations.h"
#include "dataplane/ftp/stream.h"

namespace shunt::dataplane {

struct FtpControl {
  FtpStream of_client;
  FtpStream of_real;
  // The data connection that it announced last; the one before is not expected any more.
  ExpectationId expected;
  bool asked_passive = false;  // and was not answered yet
  bool asked_encryption = false;
  bool is_encrypted = false;  // there is nothing to read any more
};

class FtpControls {
 public:
  static constexpr uint32_t kCapacity = 2048;
  static constexpr uint32_t kNone = UINT32_MAX;

  static constexpr uint64_t bytes() noexcept { return uint64_t{kCapacity} * sizeof(Place); }
  // Memory of bytes(), which outlives this.
  void attach(void* memory) noexcept { places_ = static_cast<Place*>(memory); }

  uint32_t used() const noexcept { return used_; }
  FtpControl& operator[](uint32_t index) const noexcept { return places_[index].control; }

  // A new one's index; kNone: there is no room.
  uint32_t allocate() noexcept {
    uint32_t index = free_head_;
    if (index != kNone) {
      free_head_ = places_[index].next_free;
    } else if (fresh_ < kCapacity) {
      index = fresh_++;
    } else {
      return kNone;
    }
    ++used_;
    places_[index].control = {};
    return index;
  }
  void release(uint32_t index) noexcept {
    places_[index].next_free = free_head_;
    free_head_ = index;
    --used_;
  }

 private:
  struct Place {
    FtpControl control;
    uint32_t next_free;
  };

  Place* places_ = nullptr;
  uint32_t fresh_ = 0;  // places from here on were never used
  uint32_t free_head_ = kNone;
  uint32_t used_ = 0;
};

// A worker's part of all this.
struct Ftp {
  FtpControls controls;
  ExpectationTable* expectations = nullptr;  // the node's; may be nullptr
  uint32_t next_port = 0;  // of those that reals are told under fullnat
};

template <typename Entry>
bool is_ftp(const Entry& connection) noexcept {
  return connection.carried == kCarriesFtp;
}
// It has a place. Not from its SYN on, but when its client has shown that it hears the real, so that no flood takes them all.
template <typename Entry>
bool has_place(const Entry& connection) noexcept {
  return step_of(connection) == Step::kTold;
}

}  // namespace shunt::dataplane
