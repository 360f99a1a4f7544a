// A service's limits as the workers go by them (dataplane/limits.h), with the memory that they share. Kept by control for as
// long as the limits stay the same: what is used up stays used up through changes of other things. Any thread may build
// one; its buckets are the workers'.
#pragma once

#include <memory>
#include <vector>

#include "control/model/limits.h"
#include "dataplane/limits.h"
#include "src/base/address.h"

namespace shunt::control {

// Per second, of so many workers; `least` tokens are in its burst whatever that is. 0: no limit.
dataplane::Rate rate_of(uint64_t per_second, Milliseconds burst, uint64_t least, uint32_t workers);

class LimitsMemory {
 public:
  // `family`: the service's.
  LimitsMemory(const Limits& limits, AddressFamily family, uint32_t workers);
  LimitsMemory(const LimitsMemory&) = delete;
  LimitsMemory& operator=(const LimitsMemory&) = delete;

  // The workers'.
  dataplane::ServiceLimits& limits() const noexcept { return *limits_; }

 private:
  void build_clients(const PerClient& per_client, AddressFamily family, uint32_t workers);

  std::unique_ptr<dataplane::ServiceLimits> limits_ = std::make_unique<dataplane::ServiceLimits>();
  std::vector<dataplane::ClientBucket> buckets_;
  std::vector<dataplane::ClientPurse> purses_;
};

using LimitsRef = std::shared_ptr<const LimitsMemory>;

}  // namespace shunt::control
