"""Costs: amounts of energy or fuel, spread over time, at the prices in force then and there.

Belongs here: which price holds at which instant, and sums of costs. Does not belong here: what was bought (`charging`,
`fuel`) and what makes a price file valid (`reference`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.core.arithmetic import quotient, sum_in_order
from fleet_assets.core.daily_windows import daily_windows
from fleet_assets.core.local_time import with_local_clock

PRICES_READ = (
    "kind", "price", "currency", "valid_from", "valid_to", "zone", "daily_from", "daily_to",
)  # fmt: skip
"""Columns of ENERGY_PRICES that a cost is made of."""

_MINUTE_US = 60_000_000
_QUARTER = "15m"
"""The offset of a zone changes on quarters of the UTC hour only: within one, the local clock runs evenly."""

_PART, _PIECE = "_part", "_piece"


def with_cost(parts: pl.DataFrame, prices: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str) -> pl.DataFrame:
    """The parts, in their order, with `cost` and `currency`.

    A part has `vehicle_id`, `kind` (of ENERGY_PRICES), `zone_id`, `at`, `until` (both ts; equal for one instant) and
    `amount` (kWh or l), which was bought evenly over [at, until). A price of the zone comes before one that holds
    everywhere; daily windows are of the vehicle's local day, as its clock shows it: an hour that comes twice when
    summer time ends counts twice. The cost is null where no price is in force for some of the part, and where prices of
    two currencies are: amounts of two currencies are never added. Prices without a currency are of one that has no
    name. Raises DataError for a zone of `vehicles` that is no IANA zone.
    """
    numbered = parts.with_row_index(_PART)
    usable = numbered.filter(pl.col("amount").is_not_null(), pl.col("at").is_not_null(), pl.col("until").is_not_null())
    pieces = _pieces(usable, prices, vehicles, default_zone)
    is_idle = pieces.is_empty() or prices.is_empty()
    found = _no_costs() if is_idle else _costs(_stretches(pieces, _offers(pieces, prices)))
    return numbered.join(found, on=_PART, how="left", maintain_order="left").drop(_PART)


def cost_sums() -> tuple[pl.Expr, pl.Expr]:
    """Aggregates `cost` and `currency` of several priced rows: null where one of them has no cost, or another currency.

    For `group_by(..., maintain_order=True).agg()`; rows add up in the order in which they come.
    """
    is_whole = (pl.col("cost").null_count() == 0) & (pl.col("currency").n_unique() == 1)
    currency = pl.when(is_whole).then(pl.col("currency").first()).alias("currency")
    return pl.when(is_whole).then(sum_in_order(pl.col("cost"))).alias("cost"), currency


def _pieces(parts: pl.DataFrame, prices: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str) -> pl.DataFrame:
    """The parts cut at quarters of an hour where a price depends on the time of day, each with its local clock."""
    start, end = _us("at"), pl.max_horizontal(_us("until"), _us("at") + 1)
    spans = parts.select(
        _PART, "vehicle_id", "kind", "zone_id", "amount", start.alias("start"), end.alias("end"),
        (end - start).alias("whole"),
    )  # fmt: skip
    if not prices["daily_from"].count():
        return spans.with_row_index(_PIECE).with_columns(pl.lit(0, dtype=pl.Int64).alias("local_us"))
    quarters = pl.datetime_ranges(
        pl.col("start").cast(TIMESTAMP).dt.truncate(_QUARTER), pl.col("end").cast(TIMESTAMP), _QUARTER, closed="left"
    )
    cut = spans.with_columns(quarters.alias("quarter")).explode("quarter").with_columns(
        pl.max_horizontal("start", _us("quarter")).alias("start"),
        pl.min_horizontal("end", _us("quarter") + 15 * _MINUTE_US).alias("end"),
    )  # fmt: skip
    timed = with_local_clock(
        cut.with_columns(pl.col("start").cast(TIMESTAMP).alias("_at")), vehicles, default_zone, "_at"
    )
    return timed.drop("quarter", "_at").with_row_index(_PIECE)


def _us(name: str) -> pl.Expr:
    return pl.col(name).dt.timestamp("us")


def _offers(pieces: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """For each piece the prices that hold at some of it: from when, until when, and whether they are of its zone."""
    until = _us("valid_to").fill_null(2**62)
    begun, over = pieces["end"].max(), pieces["start"].min()
    held = daily_windows(prices.select(PRICES_READ)).with_columns(_us("valid_from").alias("since"), until.alias("till"))
    near = held.filter(pl.col("since") < begun, pl.col("till") > over).drop("valid_from", "valid_to")
    midnight = pl.col("start") - pl.col("local_us")
    is_daily = (pl.col("from_min") > 0) | (pl.col("to_min") < 24 * 60)
    opens = pl.when(is_daily).then(midnight + pl.col("from_min") * _MINUTE_US)
    closes = pl.when(is_daily).then(midnight + pl.col("to_min") * _MINUTE_US)
    is_there = (pl.col("zone") == pl.col("zone_id")) | pl.col("zone").is_null()
    pairs = pieces.join(near, on="kind", maintain_order="left_right").filter(is_there)
    return pairs.select(
        _PIECE, "price", "currency", pl.col("zone").is_null().alias("is_everywhere"),
        pl.max_horizontal("start", "since", opens).alias("from"),
        pl.min_horizontal("end", "till", closes).alias("to"),
    ).filter(pl.col("from") < pl.col("to"))  # fmt: skip


def _stretches(pieces: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """Stretches of pieces in which one price holds, or none, with that price."""
    edges = [pieces.select(_PIECE, pl.col(name).alias("since")) for name in ("start", "end")]
    edges += [offers.select(_PIECE, pl.col(name).alias("since")) for name in ("from", "to")]
    cuts = pl.concat(edges).unique().sort(_PIECE, "since")
    spans = cuts.with_columns(pl.col("since").shift(-1).over(_PIECE).alias("till")).drop_nulls("till")
    is_held = (pl.col("since") >= pl.col("from")) & (pl.col("since") < pl.col("to"))
    matched = spans.join(offers, on=_PIECE, maintain_order="left_right").filter(is_held)
    best = matched.sort("is_everywhere", maintain_order=True).unique(
        [_PIECE, "since"], keep="first", maintain_order=True
    )
    priced = spans.join(best.select(_PIECE, "since", "price", "currency"), on=[_PIECE, "since"], how="left")
    return priced.join(pieces.select(_PIECE, _PART, "amount", "whole"), on=_PIECE).sort(_PART, "since")


def _costs(stretches: pl.DataFrame) -> pl.DataFrame:
    """Cost and currency per part."""
    share = quotient(pl.col("till") - pl.col("since"), pl.col("whole"))
    costs = stretches.with_columns((pl.col("amount") * share * pl.col("price")).alias("cost"))
    return costs.group_by(_PART, maintain_order=True).agg(*cost_sums())


def _no_costs() -> pl.DataFrame:
    return pl.DataFrame(schema={_PART: pl.get_index_type(), "cost": pl.Float64, "currency": pl.String})
