"""The tables: a module a subject, each with CASES. Adding a case is adding a row."""

import importlib
import pkgutil
from dataclasses import replace


def all_cases():
    """Every case, by module and place."""
    cases = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        table = importlib.import_module(f"{__name__}.{module.name}").CASES
        cases += [replace(case, subject=module.name) for case in table]
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two cases have one name: {', '.join(sorted(twice))}")
    return cases
