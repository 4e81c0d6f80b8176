"""The header of a telemetry file: only columns of the contract, with the unit in the name, or mapped to one by whoever
imports it.

Does not belong here: values, and what names may mean (`sources.column_map`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fleet_assets.adapters.log_files import AnswerMissing
from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.sources.column_map import LEFT_OUT, ColumnMap, likely, suggested


def check_header(path: Path, names: Sequence[str], stated: ColumnMap) -> None:
    """Raise FileRejected, a sentence for each column that is not of the contract, or when recorded_at is missing;
    AnswerMissing, with the options that would give every column its likely name, where some have one."""
    mapped = [name for name in stated.renamed(names) if name != LEFT_OUT]
    problems = [f"it has no column {name}, of which the mapping speaks" for name in stated.absent(names)]
    problems += [_advice(name) for name in mapped if name not in TELEMETRY.schema]
    problems += [f"column {name} occurs twice" for name in sorted({name for name in mapped if mapped.count(name) > 1})]
    if "recorded_at" not in mapped:
        problems.insert(0, "it has no column recorded_at")
    if not problems:
        return
    options = suggested(mapped).as_options()
    if options:
        raise AnswerMissing(path, f"{'; '.join(problems)}. If that is what they mean: {options}")
    raise FileRejected(path, "; ".join(problems))


def _advice(name: str) -> str:
    found = likely(name)
    if found is None:
        hint = f"rename it or leave it out (--map {name}={LEFT_OUT})" if name else "name it"
        return f"column {name or '(without a name)'} is not part of the telemetry contract: {hint}"
    if found.unit:
        return f"column {name} is in another unit than the contract's {found.shown}: say it with --units"
    if found.is_of_other_kind:
        return f"column {name} is in another unit than the contract's {found.shown}: convert the values and rename it"
    return f"column {name} is not part of the telemetry contract: did you mean {found.shown}?"
