"""Events of a demo's tanks and batteries beside what the simulator knows: refuels, thefts, siphoning, charging.

Belongs here: which found event is which true one, per kind, and the table on the terminal. Does not belong here: totals
per vehicle (`demo_summary`), pairing itself (`against_truth`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.core.against_truth import pair_events

TOLERANCE = timedelta(minutes=15)
"""Between a found and a true event at most: a bus that sleeps says nothing until the next drive, and then at once."""

TALLY = pl.Schema({
    "what": pl.String(), "unit": pl.String(), "true_count": pl.UInt32(), "found_count": pl.UInt32(),
    "false_count": pl.UInt32(), "ongoing_count": pl.UInt32(), "true_volume": pl.Float64(),
    "found_volume": pl.Float64(), "median_error": pl.Float64(),
})  # fmt: skip
"""True events that are over, how many of them were found, how many others were, and true events that were still going
on when the recording ended, which are found when they are over; volumes of those found, both as true and as found, and
the median size of their difference (null where no pair has both)."""


@dataclass(frozen=True)
class DemoEvents:
    """Found events and true ones, as frames of their contracts and of the simulator's truth."""

    fuel_events: pl.DataFrame
    charging_sessions: pl.DataFrame
    true_refuels: pl.DataFrame
    true_losses: pl.DataFrame
    true_charges: pl.DataFrame


def tally(events: DemoEvents) -> pl.DataFrame:
    """One row (TALLY) per kind of event. What was siphoned may be found as a theft of its night or as a slow loss."""
    fuel, losses = _fuel(events.fuel_events), _true_fuel(events.true_losses, "kind")
    of_kind = pl.col("kind")
    rows = [
        _refuels(fuel.filter(of_kind == "refuel"), _true_fuel(events.true_refuels)),
        *_losses(fuel.filter(of_kind.is_in(["theft", "slow_loss"])), losses),
        _charges(_charging(events.charging_sessions), _true_charging(events.true_charges)),
    ]
    return pl.concat([TALLY.to_frame(), *rows])


def _refuels(found: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    pairs = pair_events(found, true, TOLERANCE)
    return _counted("refuels", "l", true.height, found.height - pairs.height, pairs, true)


def _charges(found: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    """A charge that goes on counts for nothing, even where a part of it was found."""
    pairs = pair_events(found, true, TOLERANCE)
    over = (~true["is_truncated"]).arg_true().cast(pl.UInt32)
    of_those_over, false = pairs.filter(pl.col("true").is_in(over.implode())), found.height - pairs.height
    counted = _counted("charges", "kWh", len(over), false, of_those_over, true)
    return counted.with_columns(ongoing_count=pl.lit(true.height - len(over), pl.UInt32))


def _losses(found: pl.DataFrame, true: pl.DataFrame) -> list[pl.DataFrame]:
    """Thefts and siphoning are paired together, and counted apart by their true kind."""
    pairs = pair_events(found, true, TOLERANCE)
    is_theft, other = true["kind"] == "theft", found["kind"] == "theft"
    rows = []
    for what, mine, theirs in (("thefts", is_theft, other), ("siphoned nights", ~is_theft, ~other)):
        of_kind = mine.arg_true().cast(pl.UInt32).implode()
        right = pairs.filter(pl.col("true").is_in(of_kind))
        false = theirs.arg_true().cast(pl.UInt32).to_frame("found").join(pairs, on="found", how="anti").height
        rows.append(_counted(what, "l", int(mine.sum()), false, right, true))
    return rows


def _counted(
    what: str, unit: str, true_count: int, false_count: int, pairs: pl.DataFrame, true: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """The row of a kind; volumes are those of pairs of which both are known."""
    known = pairs.filter(pl.col("volume_error").is_not_null())
    truly, error = true["volume"].gather(known["true"]), known["volume_error"]
    volumes = known.select(
        true_volume=pl.when(pl.len() > 0).then(truly.sum()),
        found_volume=pl.when(pl.len() > 0).then((truly + error).sum()),
        median_error=error.abs().median(),
    )
    counted = volumes.with_columns(
        what=pl.lit(what), unit=pl.lit(unit), true_count=true_count, found_count=pairs.height, false_count=false_count,
        ongoing_count=0,
    )  # fmt: skip
    return counted.select(TALLY.names()).cast(TALLY)


def _fuel(events: pl.DataFrame) -> pl.DataFrame:
    return events.select("vehicle_id", "kind", "started_at", "ended_at", volume="volume_l")


def _true_fuel(rows: pl.DataFrame, *more: str) -> pl.DataFrame:
    return rows.select("vehicle_id", *more, "started_at", "ended_at", volume="litres")


def _charging(sessions: pl.DataFrame) -> pl.DataFrame:
    """Plug-ins that charged; one that is still plugged in lasts at least until its start."""
    ends = pl.coalesce("unplugged_at", "plugged_at")
    charged = sessions.filter(pl.col("energy_added_kwh").fill_null(0) > 0)
    return charged.select("vehicle_id", started_at="plugged_at", ended_at=ends, volume="energy_added_kwh")


def _true_charging(charges: pl.DataFrame) -> pl.DataFrame:
    return charges.select(
        "vehicle_id", "is_truncated", started_at="plugged_at", ended_at="unplugged_at", volume="energy_battery_kwh"
    )


def as_event_table(tallied: pl.DataFrame) -> Grid:
    """The tally for a terminal; kinds of which there are none on either side are left out."""
    titles = ("happened", "found", "false", "true volume", "found volume", "median error")
    table = Grid(
        Heading("", rank=0), *(Heading(title, Kind.number) for title in titles),
        title="Events, true and found; volumes of those found", note=_ongoing(tallied),
    )  # fmt: skip
    for row in tallied.filter(pl.sum_horizontal("true_count", "false_count") > 0).iter_rows(named=True):
        counts = (f"{row[name]:,}" for name in ("true_count", "found_count", "false_count"))
        volumes = (_volume(row[name], row["unit"]) for name in ("true_volume", "found_volume", "median_error"))
        table.add(row["what"], *counts, *volumes)
    return table


def _ongoing(tallied: pl.DataFrame) -> str:
    """What is left out of the counts, in words."""
    going_on = tallied.filter(pl.col("ongoing_count") > 0).select("what", "ongoing_count").iter_rows()
    lines = (f"{what.capitalize()} still going on at the end, not counted: {count:,}" for what, count in going_on)
    return "\n".join(lines)


def _volume(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,.1f} {unit}"
