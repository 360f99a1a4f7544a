// EAL for a benchmark: one thread, no PCI devices, nothing shared with other processes.
#pragma once

namespace shunt::bench {

// Pins this thread to the last CPU that it may use: the first one gets most interrupts. Once; ends the program when
// EAL does not start.
void start_eal();

// The CPU that the benchmark measures on, after start_eal().
int measured_cpu();

}  // namespace shunt::bench
