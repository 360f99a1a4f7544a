"""The whole daemon measured beside testpmd: what scripts/bench --quick is made of. Reading order: quick, flows,
capture, departures, contenders, windows, machine, report."""
