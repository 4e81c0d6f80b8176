"""The prior: what simulated fleets teach, before a fleet has labels of its own.

Belongs here: from a simulated fleet's candidates and truth to labels, the frames that are kept of it, training rows of
these, and held-out fleets as they are judged. Does not belong here: simulating, files (`adapters.theft_prior`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.contracts.theft import SUMS, THEFT_CANDIDATES, THEFT_MODEL_METRICS, THEFT_TRAINING_SET
from fleet_assets.core.against_truth import pair_events
from fleet_assets.core.theft.evaluation import IS_THEFT, TOLERANCE, Judged, judge
from fleet_assets.core.theft.strata import IS_SEEN
from fleet_assets.core.theft.truth import Truth

IS_FALL = ~pl.col("kind").is_in(SUMS)
"""Candidates that the model judges: no sums over days."""

_LABELS = ("verdict", "cause", "litres", "theft", "fleet", "losses", "is_held")
_THEFT = ("vehicle_id", "started_at", "ended_at", "volume", "snr", "is_masked", "reports_while_off", "has_counter",
          "gap_s", "sender", "bound")  # fmt: skip
_LOSS = ("vehicle_id", "kind", "started_at", "ended_at", "volume", "series", "reports_while_off", "snr")


@dataclass(frozen=True)
class Prior:
    """Simulated fleets. `candidates`: THEFT_CANDIDATES with `verdict` and `cause` (`evaluation.Judged`), `litres` also
    where the tank is not known, the number of the `theft` that they are, `fleet`, by which factor `losses` are more
    frequent than in life, and `is_held`; `thefts` and `losses` (siphoning, leaks): the truth, with `fleet`; `fleets`:
    `fleet`, `is_held`, `vehicle_months`; `detectors`: THEFT_MODEL_METRICS of other detectors on the held fleets."""

    candidates: pl.DataFrame
    thefts: pl.DataFrame
    losses: pl.DataFrame
    fleets: pl.DataFrame
    detectors: pl.DataFrame

    @property
    def rules_version(self) -> str:
        """Rules and code of its features."""
        return str(self.candidates["rules_version"].first())

    @property
    def losses_held(self) -> pl.DataFrame:
        """Siphoning and leaks of the held fleets."""
        held = self.fleets.filter("is_held")
        return self.losses.join(held, on="fleet", how="semi", maintain_order="left")

    def months(self, *, is_held: bool) -> float:
        """Months of all vehicles that are held out, or of the others."""
        return float(self.fleets.filter(pl.col("is_held") == is_held)["vehicle_months"].sum())


def fleet_in(
    fleet: str, candidates: pl.DataFrame, capacities: pl.DataFrame, truth: Truth, losses: float, *, is_held: bool
) -> Prior:
    """One simulated fleet: its candidates and what they are. Each theft is the candidate that fits it best in time and
    litres. `capacities`: vehicle_id and capacity_l. Vehicles get the name of the fleet, which makes them unique."""
    sized = candidates.join(capacities, on="vehicle_id", how="left", maintain_order="left").with_columns(
        pl.coalesce("volume_l", pl.col("share_pct") / 100 * pl.col("capacity_l")).alias("litres")
    )
    # A loss of weeks that is told again a week later keeps its id: it is one.
    once = sized.sort("closed_at", maintain_order=True).unique("event_id", keep="first", maintain_order=True)
    seen = once.filter(pl.col("started_at") < truth.until)
    events = seen.select("kind", "vehicle_id", "started_at", "ended_at", "event_id", pl.col("litres").alias("volume_l"))
    # A sum over days takes no theft from the fall that it is.
    falls, sums = events.filter(IS_FALL), events.filter(~IS_FALL)
    told = pl.concat(
        judge(part.with_columns(score=pl.lit(0.0)), truth).found.select("event_id", "verdict", "cause")
        for part in (falls, sums)
    )
    pairs = pair_events(falls.rename({"volume_l": "volume"}), truth.thefts, TOLERANCE)
    numbered = falls.with_row_index("found").join(pairs, on="found").select("event_id", pl.col("true").alias("theft"))
    rows = seen.join(told, on="event_id", maintain_order="left").join(numbered, on="event_id", how="left")
    named = rows.with_columns(fleet=pl.lit(fleet), losses=pl.lit(losses), is_held=pl.lit(is_held))
    facts = {"fleet": [fleet], "is_held": [is_held], "vehicle_months": [truth.vehicle_months]}
    thefts = truth.thefts.with_row_index("theft").select("theft", *_THEFT).with_columns(fleet=pl.lit(fleet))
    slow = truth.losses.filter(pl.col("ended_at") < truth.until).select(_LOSS).with_columns(fleet=pl.lit(fleet))
    return Prior(
        _renamed(named.select(*THEFT_CANDIDATES.schema, *_LABELS)).sort("fleet", "event_id"), _renamed(thefts),
        _renamed(slow), pl.DataFrame(facts), THEFT_MODEL_METRICS.empty(),
    )  # fmt: skip


def _renamed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.format("{}/{}", "fleet", "vehicle_id").alias("vehicle_id"))


def training_rows(prior: Prior) -> pl.DataFrame:
    """THEFT_TRAINING_SET of the prior: thefts, and falls that are none. Siphoning and leaks are losses that other rules
    tell; to take them for thefts or for none would teach either wrongly. A theft counts as rarely as thefts are."""
    known = prior.candidates.filter(IS_FALL & (pl.col("verdict") != "loss"))
    weight = pl.when(IS_THEFT).then(1 / pl.col("losses")).otherwise(1.0)
    told = known.with_columns(
        IS_THEFT.alias("is_theft"), weight.alias("weight"), pl.lit("benchmark").alias("origin"),
    )  # fmt: skip
    return told.select(list(THEFT_TRAINING_SET.schema))


def held_out(prior: Prior) -> pl.DataFrame:
    """Falls of the held fleets."""
    return prior.candidates.filter(IS_FALL & pl.col("is_held"))


def held_judged(prior: Prior, scores: pl.Series) -> Judged:
    """The held fleets as they are judged under scores of `held_out`, in its order."""
    rows = held_out(prior).with_columns(scores.alias("score"))
    found = rows.select(
        "vehicle_id", "started_at", "ended_at", "closed_at", "kind", "score", "verdict", "cause", "losses",
        pl.col("litres").alias("volume"),
    )  # fmt: skip
    best = rows.drop_nulls("theft").select("fleet", "theft", "score")
    held = prior.thefts.join(prior.fleets.filter("is_held"), on="fleet", how="semi", maintain_order="left")
    thefts = held.join(best, on=["fleet", "theft"], how="left", maintain_order="left")
    return Judged(found, thefts.with_columns(IS_SEEN.alias("is_seen")), prior.months(is_held=True))
