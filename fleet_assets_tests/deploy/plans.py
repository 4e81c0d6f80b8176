"""How PostgreSQL would answer a question: its plan, node by node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

RAW = re.compile(r"^(telemetry|raw_can|raw_telemetry|can_signals)(_p?\d\w*)?$")
"""Tables, and their partitions, that hold what vehicles said row by row."""


FEW_PAGES = 64
"""What is as small is best read whole: a day that has just begun."""


def nodes(connection: psycopg.Connection, sql: str) -> list[dict[str, Any]]:
    """All nodes of the plan of a statement, which is not run."""
    (plan,) = connection.execute("explain (format json) " + sql).fetchone() or ({},)
    return [*_below(plan[0]["Plan"])]


def raw_scans(connection: psycopg.Connection, sql: str) -> list[str]:
    """Tables of raw rows, of more than a few pages, that the plan reads from end to end."""
    scanned = [node["Relation Name"] for node in nodes(connection, sql) if node["Node Type"] == "Seq Scan"]
    asked = "select relname from pg_class where relname = any(%s) and relpages > %s"
    large = connection.execute(asked, [[name for name in scanned if RAW.match(name)], FEW_PAGES]).fetchall()
    return [name for (name,) in large]


def _below(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _below(child)
