"""The tables as a page for people: `python -m fleet_assets.contracts.document > docs/tables.md` (or `make docs`).

Belongs here: wording and layout of that page. Does not belong here: any fact about a table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fleet_assets.contracts import DECODING_TABLES, LAKE_TABLES, MODEL_TABLES, REFERENCE_TABLES, Column, Table

INTRODUCTION = """\
# Tables

Generated from `fleet_assets/contracts` by `make docs`. Instants are UTC with microseconds; a missing observation is
null, never 0. Columns marked \\* are never null. Query any of them by its bare name:
`fleet query "select * from trips limit 5"`.
"""

SECTIONS = {
    "By day": LAKE_TABLES,
    "Reference (CSV files that people keep)": REFERENCE_TABLES,
    "What decoding is done with": DECODING_TABLES,
    "What the model of thefts learnt, and says": MODEL_TABLES,
}


def tables_page() -> str:
    """All tables as Markdown: what a row means, key, partition, and each column with type, unit, range and meaning."""
    lines = [INTRODUCTION]
    for title, tables in SECTIONS.items():
        lines.append(f"## {title}\n")
        for table in tables.values():
            lines.extend(_table(table))
    return "\n".join(lines)


def _table(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`\n"
    partition = f" Partition: UTC day of `{table.partition_by}`." if table.partition_by else ""
    yield f"{table.row} Key: {', '.join(table.key)}.{partition}\n"
    yield "| Column | Type | Unit | Range | Meaning |"
    yield "|---|---|---|---|---|"
    yield from (_column(column) for column in table.columns)
    yield ""


def _column(column: Column) -> str:
    mark = "\\*" if column.required else ""
    return f"| `{column.name}`{mark} | {column.kind} | {column.unit} | {_range(column)} | {column.doc} |"


def _range(column: Column) -> str:
    if column.values:
        return ", ".join(column.values)
    if column.low is None and column.high is None:
        return ""
    low = "" if column.low is None else f"{column.low:,g}"
    high = "" if column.high is None else f"{column.high:,g}"
    return f"{low} … {high}"


if __name__ == "__main__":
    sys.stdout.write(tables_page())
