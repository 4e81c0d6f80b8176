"""Pictures of a model: how far its probabilities hold, and what it finds at which precision.

Belongs here: drawing both. Does not belong here: the figures (`core.theft.model.metrics`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fleet_assets.core.compiled import F64
from fleet_assets.pictures.canvas import COLOURS, Size, blank, png

SQUARE = Size(6.0, 4.5, 100)

_NEAR_NOUGHT = 0.05
"""Recall below which a point is named and not drawn."""

_LINES = (COLOURS["theft"], COLOURS["line"], COLOURS["L2"], COLOURS["faint"])


def reliability_picture(title: str, bins: F64, said: str = "") -> bytes:
    """Told against true shares. `bins`: per bin mean of what was told, share that was true, events."""
    figure, axes = blank(SQUARE, title)
    axes.plot([0, 1], [0, 1], color=COLOURS["faint"], linewidth=1, linestyle="--", label="told as it is")
    axes.plot(bins[:, 0], bins[:, 1], color=COLOURS["line"], linewidth=1)
    axes.scatter(bins[:, 0], bins[:, 1], s=18, color=COLOURS["line"], zorder=3)
    axes.set(xlabel="probability told", ylabel="share that were thefts", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.text(0.98, 0.04, said, ha="right", fontsize=8)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return png(figure)


def precision_picture(
    title: str, curves: Mapping[str, pl.DataFrame], others: Mapping[str, tuple[float, float]]
) -> bytes:
    """Precision over recall of curves (`core.theft.evaluation.curve`), and single points of others by their names."""
    figure, axes = blank(SQUARE, title)
    for (name, points), colour in zip(curves.items(), _LINES, strict=False):
        known = points.drop_nulls("precision")
        axes.step(known["recall"], known["precision"], where="post", color=colour, linewidth=1.4, label=name)
    seen = {name: point for name, point in others.items() if point[0] >= _NEAR_NOUGHT}
    for name, (recall, precision) in seen.items():
        axes.plot(recall, precision, "o", color=COLOURS["line"], markersize=4)
        side = {"ha": "right", "x": -6} if recall > 0.5 else {"ha": "left", "x": 6}
        axes.annotate(name, (recall, precision), xytext=(side["x"], -3), textcoords="offset points", fontsize=7,
                      ha=str(side["ha"]))  # fmt: skip
    if lost := sorted(others.keys() - seen.keys()):
        axes.text(0.02, 0.03, f"below {_NEAR_NOUGHT:g} of the thefts: {', '.join(lost)}", fontsize=7)
    axes.set(xlabel="thefts found (recall)", ylabel="alarms that are thefts (precision)", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="center left")
    return png(figure)
