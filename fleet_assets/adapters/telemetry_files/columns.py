"""The header of a telemetry file: only columns of the contract, with the unit in the name.

Does not belong here: values.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from fleet_assets.contracts import TELEMETRY, Column
from fleet_assets.contracts.errors import FileRejected


def check_header(path: Path, names: Sequence[str]) -> None:
    """Raise FileRejected, a sentence for each column that is not of the contract, or when recorded_at is missing."""
    problems = [_advice(name) for name in names if name not in TELEMETRY.schema]
    problems += [f"column {name} occurs twice" for name in sorted({name for name in names if names.count(name) > 1})]
    if "recorded_at" not in names:
        problems.insert(0, "it has no column recorded_at")
    if problems:
        raise FileRejected(path, "; ".join(problems))


def _advice(name: str) -> str:
    other_unit = [column for column in TELEMETRY.columns if column.unit and _quantity(column.name) == _quantity(name)]
    if other_unit:
        wanted = " or ".join(f"{_shown(column)}" for column in other_unit)
        return f"column {name} is in another unit than the contract's {wanted}: convert the values and rename it"
    close = get_close_matches(name, TELEMETRY.schema.names(), n=1)
    hint = f"did you mean {_shown(TELEMETRY.column(close[0]))}?" if close else "rename it or leave it out"
    return f"column {name or '(without a name)'} is not part of the telemetry contract: {hint}"


def _quantity(name: str) -> str:
    return name.rpartition("_")[0] or name


def _shown(column: Column) -> str:
    return f"{column.name} ({column.unit})" if column.unit else column.name
