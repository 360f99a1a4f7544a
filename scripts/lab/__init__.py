"""The lab: client, load balancer and real servers in network namespaces of one machine.

One truth for scripts/demo and tests/e2e. Reading order: family.py (the addresses), topology.py (who is wired to
whom), reals.py (what the real servers run), config.py (the YAML that shuntd gets), daemon.py (start, plug, ask, stop),
lab.py (all of it as one `with` block), traffic.py and load.py (requests, and what became of them).
"""
