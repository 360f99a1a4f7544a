// EAL's life: checked before it is started, since it can be started once in a process and its own refusals are terse.
// Main thread of control.
#pragma once

#include <optional>

#include "dataplane/setup/dataplane.h"
#include "dataplane/setup/instance.h"
#include "dataplane/setup/lcores.h"
#include "src/base/result.h"

namespace shunt::dataplane {

class Eal {
 public:
  // Everything that can be known to fail is looked at first: arguments, memory, CPUs, devices, a second instance.
  // The calling thread is then pinned to the main lcore's CPU. Errors as Dataplane::start's.
  static Result<Eal> start(const DataplaneOptions& options, const std::vector<Lcore>& lcores);
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  explicit Eal(Instance instance) : instance_(std::move(instance)) {}

  Instance instance_;
  bool running_ = true;
};

}  // namespace shunt::dataplane
