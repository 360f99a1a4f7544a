"""Shunt beside Linux's own IPVS: the same packets through both, and what each made of them compared."""
