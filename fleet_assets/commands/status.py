"""`fleet status`: one look at everything that may need a hand, gathered without starting or changing anything
but the records of damaged partitions, which are withdrawn.

Belongs here: which facts there are, their shape for programs, and what to do next. Does not belong here: how facts are
found (adapters, `pipeline`, `defs.state`, `ingest_now`) and how they look (`status_page`).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fleet_assets.adapters.alarm_ledger import LEDGER, AlarmLedger
from fleet_assets.adapters.lake_damage import withdraw_damaged
from fleet_assets.adapters.quarantine import Item, Quarantine
from fleet_assets.adapters.spool import waiting
from fleet_assets.adapters.stream_depth import StreamDepth, look_at_stream
from fleet_assets.commands.ingest_now import SHOWN_DAYS, gaps_now, quarantined_now, seen_now
from fleet_assets.commands.unread import unread_sentences
from fleet_assets.contracts import registry
from fleet_assets.core.clocks import behind_sentence
from fleet_assets.installation import Installation

if TYPE_CHECKING:
    from fleet_assets.pipeline.known_runs import Runs
    from fleet_assets.pipeline.mart_models import Published
    from fleet_assets.pipeline.plan import Plan

QUIET_WORKER_S = 60.0
"""A worker asks for entries twice a second; one that has not for so long is gone."""
SHOWN_CLOCKS = 10
"""Vehicles whose clock seems behind that get a sentence of their own."""


@dataclass(frozen=True)
class Status:
    """All facts at one instant."""

    at: datetime
    home: Path
    vehicles: list[dict[str, Any]]
    stream: StreamDepth
    spools: list[dict[str, Any]]
    landing: list[dict[str, Any]]
    plan: Plan
    published: Published
    quarantine: list[dict[str, Any]]
    runs: Runs
    damage: list[str]
    """What was found to be damaged at this look, and is stale now."""
    alarms: dict[str, int] = field(default_factory=dict)
    """How many alarms are in which state of delivery."""
    unread: list[str] = field(default_factory=list)
    """A sentence for each vehicle whose frames never became telemetry."""


def run_status(installation: Installation, as_json: bool, *, wide: bool = False) -> None:
    """Print the status for a person or, as JSON, for a program."""
    import json

    found = gather(installation)
    if as_json:
        sys.stdout.write(json.dumps(as_object(found), indent=1, default=_plain) + "\n")
        return
    from fleet_assets.commands.status_page import print_status

    print_status(found, next_steps(found), wide=wide)


def gather(installation: Installation) -> Status:
    """Look at everything; a file that a build replaces meanwhile is looked at again."""
    try:
        return _gather(installation)
    except FileNotFoundError:
        return _gather(installation)


def _gather(installation: Installation) -> Status:
    from fleet_assets.pipeline.freshness import with_freshness
    from fleet_assets.pipeline.mart_models import published_now
    from fleet_assets.pipeline.plan import BuildRequest, followed_tables, plan_build

    settings, now = installation.settings, datetime.now(UTC)
    damaged = [one.sentence for one in withdraw_damaged(installation.lake)]
    here = installation.at_this_moment()
    plan, published = plan_build(here, BuildRequest(), followed_tables()), published_now(here)
    items = Quarantine(settings.quarantine).items()
    return Status(
        now, settings.root, _vehicles(here, plan, items, now.date()), look_at_stream(settings),
        _spools(settings.root / "spool"), _landing(here, plan), plan, published, _set_aside(items),
        with_freshness(here, _runs(here)), [*damaged, *filter(None, [published.damage])],
        AlarmLedger(settings.root / LEDGER).counts(), unread_sentences(here),
    )  # fmt: skip


def _runs(installation: Installation) -> Runs:
    """What is known of runs; Dagster is asked where anything may have run since it was asked last."""
    from fleet_assets.pipeline.known_runs import recalled_runs

    known = recalled_runs(installation)
    if known is not None:
        return known
    from fleet_assets.defs.state import known_runs

    return known_runs(installation)


def _vehicles(installation: Installation, plan: Plan, items: list[Item], today: date) -> list[dict[str, Any]]:
    """One row per source and vehicle of which anything is known: rows, gaps, or rows set aside."""
    known = seen_now(installation, plan.days, today)
    rows = known.join(
        gaps_now(installation, plan.days), on=["source", "vehicle_id"], how="full", coalesce=True, nulls_equal=True
    )
    quarantined = quarantined_now(items)
    aside = pl.DataFrame(
        [(source, vehicle, count) for (source, vehicle), count in quarantined.items()],
        schema={"source": pl.String, "vehicle_id": pl.String, "quarantined_count": pl.Int64}, orient="row",
    )  # fmt: skip
    rows = rows.join(aside, on=["source", "vehicle_id"], how="full", coalesce=True, nulls_equal=True)
    counts = [pl.col(name).fill_null(0) for name in ("row_count", "gap_count", "quarantined_count")]
    return rows.with_columns(counts).sort("source", "vehicle_id", nulls_last=True).to_dicts()


def _spools(folder: Path) -> list[dict[str, Any]]:
    depths = [(path.name, waiting(path)) for path in sorted(folder.glob("*")) if path.is_dir()]
    return [{"name": name, **asdict(depth)} for name, depth in depths if depth.records]


def _landing(installation: Installation, plan: Plan) -> list[dict[str, Any]]:
    found = []
    for raw in sorted(registry().landed, key=lambda one: one.folder):
        days = installation.landing.days(raw.folder)
        files = [file for landed in days.values() for file in landed]
        unbuilt = [day for day in plan.days.get(raw.table.name, ()) if day in days]
        found.append(
            {
                "source": raw.folder, "day_count": len(days), "file_count": len(files),
                "byte_count": sum(file.size for file in files), "waiting_days": unbuilt,
                "waiting_byte_count": sum(file.size for day in unbuilt for file in days[day]),
            }
        )  # fmt: skip
    return found


def _set_aside(items: list[Item]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.note.source, item.note.reason, item.note.explanation), []).append(item)
    return [
        {
            "source": source, "reason": reason, "meaning": meaning, "entry_count": len(group),
            "row_count": sum(item.note.count for item in group if not item.is_file),
            "newest_at": max(item.set_aside_at for item in group), "vehicles": _whose(group),
        }
        for (source, reason, meaning), group in sorted(groups.items())
    ]  # fmt: skip


def _whose(items: list[Item]) -> str:
    """The vehicles whose rows these are, most rows first; the rest as a count."""
    counts: Counter[str] = Counter()
    for item in items:
        for vehicle, _, count in item.note.tally:
            counts[vehicle or ""] += count if vehicle else 0
    named = [vehicle for vehicle, count in counts.most_common() if count]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more


def as_object(found: Status) -> dict[str, Any]:
    """The status for programs; the names of its fields are stable (docs/operations.md)."""
    stale = {
        table: {"day_count": len(days), "first": days[0], "last": days[-1]} for table, days in found.plan.days.items()
    }
    return {
        "at": found.at, "home": str(found.home), "shown_days": SHOWN_DAYS, "vehicles": found.vehicles,
        "stream": asdict(found.stream), "spools": found.spools, "landing": found.landing, "stale": stale,
        "stale_reference": found.plan.reference, "stale_marts": found.published.stale, "quarantine": found.quarantine,
        "runs": asdict(found.runs), "published_at": found.published.at, "warehouse_problem": found.published.problem,
        "damage": found.damage, "alarms": found.alarms, "next_steps": next_steps(found),
    }  # fmt: skip


def _plain(value: object) -> str:
    """Instants as ISO 8601 with Z, days as YYYY-MM-DD."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def next_steps(found: Status) -> list[str]:
    """What a person might do now, most urgent first; nothing where all is well."""
    return [*_collecting_steps(found), *_building_steps(found)]


def _collecting_steps(found: Status) -> Iterator[str]:
    stream = found.stream
    if stream.state == "away":
        yield "start Redis or mend FLEET_REDIS_URL; scanners keep their frames in the spool meanwhile"
    if stream.state == "wrong":
        yield "give fleet a Redis of its own (FLEET_REDIS_URL), or a database of this one, such as …/1"
    busy = [consumer for consumer in stream.consumers if consumer.idle_s < QUIET_WORKER_S]
    if (stream.undelivered or stream.pending) and not busy:
        yield "frames wait in the stream and no worker reads them: run `fleet collect work`"
    elif stream.undelivered is None and stream.length and not busy:
        yield "entries are in the stream, Redis cannot say whether they wait, and no worker runs: `fleet collect work`"
    if found.spools:
        yield "frames wait in a spool: they are sent when its scanner (`fleet collect scan`) runs and Redis answers"
    if not found.vehicles and not stream.length and not found.spools:
        yield "nothing came in yet: `fleet import FILE… --source can`, `fleet collect scan`, or see `fleet demo`"


def _clock_steps(found: Status) -> Iterator[str]:
    behind = [row for row in found.vehicles if row["clock_behind_s"] is not None]
    for row in behind[:SHOWN_CLOCKS]:
        yield f"{behind_sentence(row['vehicle_id'], row['source'], row['clock_behind_s'])}: docs/operations.md, Clocks"
    if len(behind) > SHOWN_CLOCKS:
        yield f"and {len(behind) - SHOWN_CLOCKS:,} more vehicles whose rows come late all day by one and the same time"


def _building_steps(found: Status) -> Iterator[str]:
    if found.published.problem:
        yield "start PostgreSQL or mend FLEET_WAREHOUSE_URL: builds need it"
    last, working = found.runs.last_build, found.runs.in_progress
    is_stale = bool(found.plan.days or found.published.stale or (found.plan.reference and found.vehicles))
    if last and last.status in ("FAILURE", "KILLED"):
        how = "was killed" if last.status == "KILLED" else "failed"
        yield f"the last build {how}: run `fleet build` again; its log is in `fleet ui`"
    elif is_stale and working:
        yield "a run is at work on what is stale"
    elif is_stale and found.runs.has_daemon:
        yield "the daemon runs: its sensors bring what is stale up to date"
    elif is_stale:
        yield "run `fleet build` to bring every table up to date"
    yield from found.unread
    yield from _clock_steps(found)
    if found.quarantine:
        yield "some rows or files were set aside: `fleet quarantine list` says why"
    if any(check["severity"] == "ERROR" for check in found.runs.failed_checks):
        yield "some checks do not hold: `fleet ui` lists their findings"
