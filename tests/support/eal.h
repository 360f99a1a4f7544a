// EAL for tests that touch mbufs, rings or ports: ordinary pages, no PCI devices, nothing shared with other processes,
// so that many test processes run at once. One thread (the test's).
#pragma once

#include <rte_mbuf.h>

namespace shunt::test {

// Initialises EAL at the first call of the process; ends the process with the reason if that fails. Not together with
// Dataplane::start in one process: that one initialises EAL, too.
void start_eal();

// A pool of 8192 mbufs of 2 KiB, made at the first call; starts EAL.
rte_mempool* mbuf_pool();

// Mbufs of mbuf_pool() that are in use: the same before and after a test that leaks none.
unsigned mbufs_in_use();

}  // namespace shunt::test
