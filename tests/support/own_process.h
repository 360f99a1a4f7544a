// Tests that need a process of their own: EAL starts once in a process.
#pragma once

namespace shunt::test {

// First line of such a test: `if (test::ran_in_own_process()) return;`. In the test binary's first process it runs the
// calling test alone in a new process, records a failure if that failed, and returns true; in the new process it
// returns false.
bool ran_in_own_process();

}  // namespace shunt::test
