"""A tank through time: the level that the sender told, the plateaus it was read as, and what happened to the fuel.

Does not belong here: finding plateaus and events (`core.fuel`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from fleet_assets.pictures.canvas import (
    COLOURS,
    SMALL,
    Size,
    blank,
    colour_of,
    day_number,
    label,
    png,
    thinned,
    with_time_axis,
)
from fleet_assets.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLURALS = {"slow_loss": "slow losses"}
"""Plurals of kinds that are not the kind with an s."""


def fuel_picture(
    vehicle: str, zone: str, plateaus: pl.DataFrame, events: pl.DataFrame, levels: pl.DataFrame | None = None,
    size: Size = SMALL,
) -> bytes:  # fmt: skip
    """PNG of one vehicle: plateaus as strokes with their spread, events as bands with their litres; behind them the
    level of every row of telemetry, where `levels` (recorded_at, fuel_level_pct or fuel_level_l) are given.

    Drawn in points of level, or in litres for a sender that tells litres only. Times are those of `zone`.
    """
    in_points = plateaus["level_pct"].count() >= plateaus["level_l"].count()
    value, raw = ("level_pct", "fuel_level_pct") if in_points else ("level_l", "fuel_level_l")
    figure, axes = blank(size, f"{vehicle}: fuel level, {_counted(events)}")
    if levels is not None and raw in levels.columns and levels[raw].count():
        told = thinned(levels, "recorded_at", raw)
        axes.plot(told["recorded_at"], told[raw], linewidth=0.5, color=COLOURS["faint"], zorder=1)
    _draw_plateaus(axes, plateaus.drop_nulls(value), value)
    _draw_events(axes, events, size)
    axes.set_ylabel("level, %" if in_points else "level, l", fontsize=8)
    axes.set_ylim(bottom=0, top=105 if in_points else None)
    with_time_axis(axes, zone)
    return png(figure)


def with_case(events: pl.DataFrame, case: Mapping[str, Any]) -> pl.DataFrame:
    """The events, and a case (a row of CASES) that is none of them, as a candidate."""
    if case["kind"] is not None:
        return events
    known = {name: case[name] for name in events.columns if name in case} | {"kind": "candidate"}
    return pl.concat([events, pl.DataFrame([known], schema_overrides=dict(events.schema))], how="diagonal")


def _draw_plateaus(axes: Axes, plateaus: pl.DataFrame, value: str) -> None:
    rows = plateaus.sort("started_at")
    axes.hlines(rows[value], rows["started_at"], rows["ended_at"], linewidth=2, color=COLOURS["line"], zorder=3)
    axes.plot(rows["started_at"], rows[value], linewidth=0.8, color=COLOURS["line"], alpha=0.5, zorder=2)


def _draw_events(axes: Axes, events: pl.DataFrame, size: Size) -> None:
    for kind, began, ended, litres, points in (
        events.sort("started_at")
        .select(
            "kind", "started_at", "ended_at", "volume_l", pl.col("level_after_pct") - pl.col("level_before_pct")
        )
        .iter_rows()  # events of one vehicle
    ):  # fmt: skip
        axes.axvspan(day_number(began), day_number(ended), color=colour_of(kind), alpha=0.25, linewidth=1, zorder=0)
        said = f"{litres:.0f} l" if litres is not None else f"{abs(points):.0f} %" if points is not None else ""
        label(axes, began, said, colour_of(kind), size)


def _counted(events: pl.DataFrame) -> str:
    counts = events.group_by("kind").len().sort("kind")
    said = [counted(count, kind.replace("_", " "), PLURALS.get(kind, "")) for kind, count in counts.iter_rows()]
    return ", ".join(said) or "no event"
