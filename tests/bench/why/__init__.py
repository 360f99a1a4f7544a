"""scripts/bench why: the argument for balancing at layer 4, measured beside its alternatives on one machine.

Reading order: main.py (arguments), rig.py (who is wired to whom, the sites, the reals), contenders.py and proxies.py
(what stands between the clients and the reals), names.py and zone.py (the DNS that one of them is made of), phases.py
(what happens to each contender, second by second), load.py (the clients and their records), figures.py (what the
records say), report.py, plot.py and closing.py (tables, JSON, SVG, what may
not be concluded). The clients themselves are why_load, clients.cc.
"""
