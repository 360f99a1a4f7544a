// EAL for a benchmark: one thread, no PCI devices, nothing shared with other processes.
#pragma once

#include <cstdint>

namespace shunt::bench {

enum class Pinned { kYes, kNo };

// Pinned: this thread stays on the last CPU that it may use (the first one gets most interrupts); threads that it
// starts do, too, unless they call leave_cpu(). `mebibytes`: of memory, on ordinary pages. Once; ends the program when EAL does
// not start.
void start_eal(Pinned pinned = Pinned::kYes, uint32_t mebibytes = 64);

// There is a CPU beside the measured one that this process may use.
bool has_other_cpu();

// Lets the calling thread run on every CPU but the measured one, where there is another.
void leave_cpu();

}  // namespace shunt::bench
