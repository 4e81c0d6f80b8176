"""`fleet check`: whether what is stored is what was stored.

Belongs here: what a person reads of it. Does not belong here: how damage is found (`adapters.lake_damage`, the
warehouse).
"""

from __future__ import annotations

from fleet_assets.adapters.lake_damage import partition_count, withdraw_damaged
from fleet_assets.collector.console import Console
from fleet_assets.contracts.errors import DataError
from fleet_assets.installation import Installation
from fleet_assets.wording import counted


def run_check(installation: Installation, deep: bool) -> None:
    """Look for damage and print it; raises DataError where there is any, which the next build then mends."""
    count = partition_count(installation.lake)
    found = [one.sentence for one in withdraw_damaged(installation.lake, deep=deep)]
    found += filter(None, [installation.warehouse.damage(deep=deep)])
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for sentence in found:
        console.print(sentence)
    if found:
        raise DataError(f"{counted(len(found), 'place')} damaged and stale now: `fleet build` makes anew what is there")
    looked = "compared with their hashes" if deep else "looked at, a sample of them compared with their hashes"
    console.print(f"{counted(count, 'partition')} {looked}; the published warehouse can be read. No damage.")
