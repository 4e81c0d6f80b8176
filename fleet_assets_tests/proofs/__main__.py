"""`make prove`: runs every proof and prints a table of what was tried and what held.

    python -m fleet_assets_tests.proofs [--quick] [NAME ...]

Exit code 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from rich.console import Console
from rich.table import Table

import fleet_assets_tests.proofs as package
from fleet_assets_tests.proofs.outcome import Outcome, Proof, Strength

SUPPORT = {"__main__", "outcome"}


def proofs() -> dict[str, Proof]:
    """The proofs of this package by module name: every module that has `prove`."""
    names = [module.name for module in iter_modules(package.__path__) if module.name not in SUPPORT]
    modules = {name: import_module(f"{package.__name__}.{name}") for name in names if not name.startswith("test_")}
    return {name: cast(Proof, module) for name, module in modules.items() if hasattr(module, "prove")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make prove", description="Try the claims of the platform and count.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs to run; all of them without a name")
    parser.add_argument("--quick", action="store_true", help="the smaller set that the test suite runs")
    arguments = parser.parse_args()
    strength = Strength.QUICK if arguments.quick else Strength.FULL
    with tempfile.TemporaryDirectory(prefix="fleet-prove-") as home:
        # Loading the definitions reads FLEET_HOME: never the one of whoever runs this.
        os.environ["FLEET_HOME"] = home
        known = proofs()
        unknown = sorted(set(arguments.names) - set(known))
        if unknown:
            parser.error(f"there is no proof {', '.join(unknown)}; there are {', '.join(known)}")
        held = [run(name, known[name], strength) for name in arguments.names or known]
    sys.exit(0 if all(held) else 1)


def run(name: str, proof: Proof, strength: Strength) -> bool:
    """Run one proof and print its table; whether all of it held."""
    console, began = Console(), time.monotonic()
    with console.status(proof.TITLE) as status:
        outcomes: list[Outcome] = list(proof.prove(strength, lambda text: status.update(f"{proof.TITLE}: {text}")))
    table = Table(title=f"{proof.TITLE} ({name}, {time.monotonic() - began:.0f} s)", title_justify="left")
    for column in ("claim", "tried", "held", "seen"):
        table.add_column(column, overflow="fold")
    for line in outcomes:
        table.add_row(line.claim, line.tried, "[green]yes[/]" if line.held else "[bold red]NO[/]", line.seen)
    console.print(table)
    return bool(outcomes) and all(line.held for line in outcomes)


if __name__ == "__main__":
    main()
