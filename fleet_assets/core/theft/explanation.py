"""Explanations: why something happened to a tank, or is only suspected, in sentences with litres.

Belongs here: words about one case. Does not belong here: which rows these are about (`cases`), pictures, how a
probability comes about.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from fleet_assets.contracts.theft import FEATURES, SUMS
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.theft.cases import LOSSES
from fleet_assets.core.units import conversion

BEFORE = timedelta(days=90)
"""How far back it is told what else happened to the tank."""

SHOWN_FEATURES = 6
"""Features whose part in a probability is named; the others are told together."""

SHOWN_EARLIER = 3
"""Earlier cases that are named; the others are counted."""

_UNITS = {feature.name: feature.unit for feature in FEATURES}
_CALLED = {
    "theft": "a theft", "slow_loss": "a slow loss", "refuel": "a refuel", "sensor_fault": "a fault of the sender",
    "unobserved_change": "a change that nobody saw",
}  # fmt: skip
_FALLS = {
    "fall": "a fall while it stood", "slow": "a fall in small steps over hours", "unobserved": "a fall that nobody saw",
    "returned": "a fall that was given back", "weekly": "the sum of the stays of a week or two",
    "nights": "the sum of the newest rests, none of which shows it",
}  # fmt: skip
_BURNED = {"counter": "the fuel counter", "rate": "the fuel rate", "consumption": "the vehicle's usual consumption"}

Case = Mapping[str, Any]
"""A row of `cases`."""


@dataclass(frozen=True)
class Around:
    """What is known beside the case: `balance` (FUEL_BALANCE) of its vehicle of pairs that end in it, `earlier` cases
    (CASES) of the vehicle that began before it, the zone's name and kind, the clock of the vehicle, and whether volumes
    are told in US gallons."""

    balance: pl.DataFrame
    earlier: pl.DataFrame
    zone: str = ""
    timezone: str = "UTC"
    is_us: bool = False

    def litres(self, value: float | None, digits: int = 1) -> str:
        """A volume with its unit."""
        if value is None:
            return "an unknown volume"
        rule = conversion("l", "gal") if self.is_us else None
        shown = value * rule.factor / rule.divisor if rule else value
        return f"{shown:.{digits}f} {'gal' if self.is_us else 'l'}"

    def at(self, instant: datetime) -> str:
        """An instant on the vehicle's clock."""
        return f"{instant.astimezone(ZoneInfo(self.timezone)):%a %Y-%m-%d %H:%M}"


def explained(case: Case, around: Around) -> list[str]:
    """Sentences: what happened, levels before and after, what was burned and what is left over, where, what happened
    before, what the model says of it, what would have made it harmless, and what people said."""
    parts = (_what, _levels, _balance, _where, _earlier, _model, _harmless, _review)
    return [sentence for part in parts for sentence in part(case, around)]


def _what(case: Case, around: Around) -> Iterator[str]:
    happened = "came in" if case["kind"] == "refuel" else "are missing" if case["volume_l"] else "is missing"
    span = f"{around.at(case['started_at'])} to {around.at(case['ended_at'])} ({around.timezone})"
    yield f"{case['vehicle_id']}: {_size(case, around)} {happened}, {span}."
    if case["kind"] is None:
        yield f"It is a candidate, {_FALLS.get(case['how'], case['how'])}, and no fuel event."
        return
    sure = "" if case["confidence"] is None else f"; {_chance(1 - case['confidence'])}"
    yield f"As a fuel event it is {_CALLED[case['kind']]}{_why(case)}{sure}."


def _why(case: Case) -> str:
    why = _evidence(case).get("why")
    return f": {why}" if why else ""


def _chance(chance: float) -> str:
    return f"noise reaches that far once in {1 / chance:,.0f}" if chance > 1e-9 else "noise never reaches that far"


def _size(case: Case, around: Around) -> str:
    if case["volume_l"] is not None:
        return around.litres(case["volume_l"])
    points = case["share_pct"] if case["share_pct"] is not None else abs(case["change_pct"] or 0.0)
    return f"{points:.1f} % of the tank, whose size is not known,"


def _levels(case: Case, around: Around) -> Iterator[str]:
    pairs = around.balance.sort("ended_at")
    if pairs.is_empty():
        before, after = case["level_before_pct"], case["level_after_pct"]
        if before is not None:
            yield f"The level was {before:.1f} % before{'' if after is None else f' and {after:.1f} % after'} it."
        return
    first, last = pairs.row(0, named=True), pairs.row(-1, named=True)
    yield f"The level was {_level(first, 'before', around)} before it and {_level(last, 'after', around)} after it."
    evidence = _evidence(case)
    if (compared := evidence.get("compared")) is not None:
        counts = f"{evidence['plateaus_before']} before, {evidence['plateaus_after']} after"
        yield f"Compared were {compared} ({counts}), which is what the litres are from."


def _level(pair: Mapping[str, Any], side: str, around: Around) -> str:
    level, spread = pair[f"level_{side}_pct"], pair[f"level_{side}_sd_pct"]
    litres, litres_sd = pair[f"volume_{side}_l"], pair[f"volume_{side}_sd_l"]
    said = [] if level is None else [f"{level:.1f} %{'' if spread is None else f' ± {spread:.1f} %'}"]
    if litres is not None:
        said.append(f"{around.litres(litres)}{'' if litres_sd is None else f' ± {around.litres(litres_sd)}'}")
    return f"{said[0]} ({said[1]})" if len(said) == 2 else "".join(said) or "not known"


def _balance(case: Case, around: Around) -> Iterator[str]:
    burned = case["expected_consumption_l"]
    sources = [_BURNED[name] for name in around.balance["burned_source"].drop_nulls().unique().sort()]
    if burned is not None:
        by = f", by {' and '.join(sources)}" if sources else ""
        yield f"Expected to be burned meanwhile: {around.litres(burned)}{by}."
    evidence = _evidence(case)
    if (spread := case["volume_sd_l"]) is not None and case["volume_l"] is not None:
        of = _parts(evidence, around)
        yield (f"Not explained by that: {around.litres(case['volume_l'])} ± {around.litres(spread)}"
               f"{of}; {case['volume_l'] / spread:.1f} times its standard deviation.")  # fmt: skip
    elif case["size_over_noise"] is not None:
        yield f"That is {case['size_over_noise']:.1f} times its standard deviation."


def _parts(evidence: Mapping[str, Any], around: Around) -> str:
    """The parts of the standard deviation, where they are told in litres."""
    if evidence.get("unit") != "l":
        return ""
    names = {"levels_sd": "levels", "burned_sd": "burning", "drift_sd": "heat"}
    told = [f"{said} {around.litres(evidence[name])}" for name, said in names.items() if evidence.get(name) is not None]
    return f" ({', '.join(told)})" if told else ""


def _evidence(case: Case) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(case["evidence"]) if case["evidence"] else {}
    return found


def _where(case: Case, around: Around) -> Iterator[str]:
    said = [around.zone or "outside every zone"] if around.zone or case["latitude_deg"] is not None else ["not known"]
    if case["latitude_deg"] is not None:
        said.append(f"{case['latitude_deg']:.5f}, {case['longitude_deg']:.5f}")
    engine = {True: "running", False: "off", None: "not known"}[case["is_engine_on"]]
    drove = f", it drove {case['driven_km']:.1f} km meanwhile" if case["driven_km"] else ""
    silent = f", longest silence {case['gap_s'] / 60:.0f} min" if case["gap_s"] else ""
    yield f"Place: {', '.join(said)}. Engine: {engine}{drove}{silent}."


def _earlier(case: Case, around: Around) -> Iterator[str]:
    since = pl.lit(case["started_at"] - BEFORE)
    before = around.earlier.filter(
        pl.col("started_at").is_between(since, pl.lit(case["started_at"]), closed="left"),
        pl.col("kind").is_in(LOSSES) | (pl.col("verdict") == "theft"),
    ).sort("started_at", descending=True)
    if before.is_empty():
        yield f"Nothing like it in the {BEFORE.days} days before."
        return
    named = [_named(one, around) for one in before.head(SHOWN_EARLIER).iter_rows(named=True)]
    more = f", and {before.height - SHOWN_EARLIER} more" if before.height > SHOWN_EARLIER else ""
    yield f"Like it in the {BEFORE.days} days before: {'; '.join(named)}{more}."


def _named(case: Case, around: Around) -> str:
    said = f"{_size(case, around)} {around.at(case['started_at'])}"
    return f"{said} (reviewed: {_plain(case['verdict'])}, {_plain(case['reason'])})" if case["verdict"] else said


def _model(case: Case, around: Around) -> Iterator[str]:
    del around
    if case["how"] in SUMS:
        yield "Sums over days are told by their ratio to noise, not by the model."
        return
    if case["probability"] is None:
        yield "No model has scored it."
        return
    yield f"Model {case['model_version']}: probability of a theft {case['probability']:.3f}."
    terms = _terms(case)
    if terms:
        largest, rest = terms[:SHOWN_FEATURES], terms[SHOWN_FEATURES:]
        said = [f"{_feature(name, case)} adds {value:+.2f}" for name, value in largest]
        others = f", {len(rest)} others together {sum(value for _, value in rest):+.2f}" if rest else ""
        base = json.loads(case["contributions"]).get("base")
        begun = "" if base is None else f"begin at {base:+.2f}; "
        yield f"Its log odds: {begun}{', '.join(said)}{others}."


def _terms(case: Case) -> list[tuple[str, float]]:
    """Features and what each adds to the log odds, the largest first."""
    told: dict[str, float] = json.loads(case["contributions"]) if case["contributions"] else {}
    return sorted(((name, value) for name, value in told.items() if name != "base"), key=lambda one: -abs(one[1]))


def _feature(name: str, case: Case) -> str:
    value = case.get(name)
    if value is None:
        return f"{name} not known"
    shown = f"{value:.3g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else value
    unit = _UNITS.get(name, "")
    return f"{name} {shown}{f' {unit}' if unit else ''}"


def _harmless(case: Case, around: Around) -> Iterator[str]:
    """What a judge of the same rules would have needed to see."""
    if case["kind"] not in LOSSES and case["probability"] is None:
        return
    would = [*_by_rules(case, around)]
    if would:
        yield f"It would have been harmless: {'; '.join(would)}."
    yield from _by_model(case)


def _by_rules(case: Case, around: Around) -> Iterator[str]:
    if case["kind"] not in LOSSES:
        return
    rules, spread = FuelEventRules(), case["volume_sd_l"]
    if spread is not None and case["volume_l"] is not None:
        sigmas = _evidence(case).get("least_sigmas")
        of_week = max(rules.min_slow_loss_l, rules.slow_sigma * spread)
        least = of_week if sigmas is None else max(rules.min_theft_l, sigmas * spread)
        yield f"below {around.litres(least)}, which noise or burning may take"
        if (more := case["volume_l"] - least) > 0:
            yield f"had {around.litres(more)} more been burned by counter, drives or idling"
    if case["kind"] == "theft":
        yield f"had the level come back by {around.at(case['closed_at'])}"
        yield "had it driven in a silence there, or its source been out: a change that nobody saw"
        yield "had most vehicles of its source fallen by one factor: another scale of the source"


def _by_model(case: Case) -> Iterator[str]:
    """Features without whose part the probability would be below one half."""
    if not case["probability"] or case["probability"] <= 0.5 or case["probability"] >= 1:
        return
    odds = math.log(case["probability"] / (1 - case["probability"]))
    alone = [name for name, value in _terms(case) if odds - value < 0]
    if alone:
        named = ", ".join(_feature(name, case) for name in alone[:3])
        yield f"To the model a theft would be less likely than not without any one of: {named}."


def _review(case: Case, around: Around) -> Iterator[str]:
    if case["verdict"] is not None:
        at = around.at(case["reviewed_at"])
        yield f"Reviewed {at}: {_plain(case['verdict'])}, {_plain(case['reason'])}."


def _plain(name: str) -> str:
    return name.replace("_", " ")
