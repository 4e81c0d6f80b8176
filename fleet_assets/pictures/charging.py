"""Charging: power and state of charge through time, or what several sessions took.

Does not belong here: finding sessions (`core.charging`).
"""

from __future__ import annotations

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


def curve_picture(vehicle: str, zone: str, curve: pl.DataFrame, what: str) -> bytes:
    """PNG of one session's curve (`at`, `power_kw`, `soc_pct`): power as an area, state of charge as a line."""
    figure, axes = blank(SMALL, f"{vehicle}: {what}")
    rows = curve.sort("at")
    power = rows.drop_nulls("power_kw")
    axes.fill_between(power["at"], power["power_kw"], color=COLOURS["L2"], alpha=0.35, linewidth=0)
    axes.plot(power["at"], power["power_kw"], color=COLOURS["L2"], linewidth=1.2)
    axes.set_ylabel("power, kW", fontsize=8)
    axes.set_ylim(bottom=0)
    charge = rows.drop_nulls("soc_pct")
    if charge.height:
        other = axes.twinx()
        other.plot(charge["at"], charge["soc_pct"], color=COLOURS["second"], linewidth=1.2)
        other.set_ylabel("state of charge, %", fontsize=8)
        other.set_ylim(0, 105)
        other.tick_params(labelsize=7)
        other.spines["top"].set_visible(False)
    with_time_axis(axes, zone)
    return png(figure)


def sessions_picture(
    vehicle: str, zone: str, sessions: pl.DataFrame, levels: pl.DataFrame | None = None, size: Size = SMALL
) -> bytes:
    """PNG of one vehicle's sessions: a band for each, coloured by type, with its energy; behind them the state of
    charge of every row of telemetry, where `levels` (recorded_at, soc_pct) are given, else that at their ends."""
    known = sessions.filter(pl.col("started_at").is_not_null()).sort("started_at")
    figure, axes = blank(size, f"{vehicle}: {counted(known.height, 'charging session')}{_energy(known)}")
    is_told = levels is not None and levels["soc_pct"].count() > 0
    if levels is not None and is_told:
        told = thinned(levels, "recorded_at", "soc_pct")
        axes.plot(told["recorded_at"], told["soc_pct"], color=COLOURS["line"], linewidth=0.8)
    for began, ended, start, end, kind, energy in known.select(
        "started_at", "ended_at", "start_soc_pct", "end_soc_pct", "charge_type", "energy_added_kwh"
    ).iter_rows():  # sessions of one vehicle
        axes.axvspan(day_number(began), day_number(ended), color=colour_of(kind), alpha=0.25, linewidth=0)
        if not is_told and start is not None and end is not None:
            axes.plot([began, ended], [start, end], color=colour_of(kind), linewidth=2)
        said = f"{energy:.1f} kWh" if energy is not None else "? kWh"
        label(axes, began, said, colour_of(kind), size)
    axes.set_ylabel("state of charge, %", fontsize=8)
    axes.set_ylim(0, 105)
    with_time_axis(axes, zone)
    return png(figure)


def _energy(sessions: pl.DataFrame) -> str:
    known = sessions["energy_added_kwh"].drop_nulls()
    return f", {known.sum():.1f} kWh" if len(known) else ""
