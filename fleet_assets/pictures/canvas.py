"""The canvas of every picture: size, time axis, colours, and the bytes of a PNG.

Does not belong here: what any picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "refuel": "#2a9d4e", "theft": "#d62828", "slow_loss": "#f07f13", "sensor_fault": "#8d99ae",
    "unobserved_change": "#7b2cbf", "L1": "#8ecae6", "L2": "#219ebc", "DC": "#023047", "line": "#1d3557",
    "second": "#e76f51", "faint": "#b8c1cc",
}  # fmt: skip
"""One colour for one kind, in every picture."""

NO_COLOUR = "#555555"
"""Colour of a kind that has none of its own."""


@dataclass(frozen=True)
class Size:
    """Inches and dots per inch of a picture."""

    width: float
    height: float
    dpi: int


SMALL = Size(6.4, 2.2, 75)
"""Beside a partition in Dagster's UI: some ten kilobytes in its event log."""
LARGE = Size(12.0, 5.0, 120)
"""For a person's file."""


def blank(size: Size, title: str) -> tuple[Figure, Axes]:
    """An empty picture with a title, and what to draw on. Nothing of it is global: threads may draw at once."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size.width, size.height), dpi=size.dpi, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=9 if size is SMALL else 12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.tick_params(labelsize=7 if size is SMALL else 9)
    return figure, axes


def with_time_axis(axes: Axes, zone: str) -> None:
    """Instants as people at home with the vehicle read them, with the zone's name."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    place = ZoneInfo(zone)
    locator = AutoDateLocator(tz=place, minticks=3)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=place))  # type: ignore[no-untyped-call]
    axes.set_xlabel(zone, fontsize=7)


def day_number(instant: datetime) -> float:
    """An instant on a time axis: days since 1970."""
    return instant.timestamp() / 86_400


def png(figure: Figure) -> bytes:
    """The picture's bytes: equal rows give equal bytes."""
    written = BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def colour_of(kind: str | None) -> str:
    return COLOURS.get(kind or "", NO_COLOUR)


def label(axes: Axes, at: datetime, said: str, colour: str, size: Size) -> None:
    """Words on end beside an instant, at the top of the picture."""
    axes.text(
        day_number(at), 0.97, said, transform=axes.get_xaxis_transform(), color=colour,
        fontsize=7 if size is SMALL else 9, rotation=90, ha="right", va="top",
    )  # fmt: skip


def thinned(rows: pl.DataFrame, instant: str, value: str, most: int = 2_000) -> pl.DataFrame:
    """Not more than some `most` rows in order of time: of each of equal stretches of time the least and the greatest
    value, so that no peak is lost."""
    ordered = rows.drop_nulls(value).sort(instant)
    if ordered.height <= most:
        return ordered.select(instant, value)
    first, last = ordered[instant][0], ordered[instant][-1]
    width = max((last - first) / (most // 2), last.resolution)
    bins = ((pl.col(instant) - first).dt.total_microseconds() // (width.total_seconds() * 1e6)).cast(pl.Int64)
    told = pl.struct(instant, value)
    ends = ordered.group_by(bins.alias("bin")).agg(
        told.get(pl.col(value).arg_min()).alias("least"), told.get(pl.col(value).arg_max()).alias("greatest")
    )
    both = pl.concat([ends.select(pl.col(end).struct.unnest()) for end in ("least", "greatest")])
    return both.unique(instant).sort(instant)
