"""scripts/bench --full: every figure that Shunt is held to, with its target, over several tries."""
