"""Measures: what a stretch of charging power put into the battery, and what a plug-in sums up.

Belongs here: energies and their source, power, charge, type. Does not belong here: integrals (`portions`) and costs.
"""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.core.arithmetic import quotient, sum_in_order
from fleet_assets.core.charging.curves import session_curves
from fleet_assets.core.charging.portions import Portions
from fleet_assets.core.charging.rules import ChargingRules, TypeRules
from fleet_assets.core.prices import cost_sums

_SUMMED = ("energy_added_kwh", "energy_ac_kwh", "energy_battery_kwh", "energy_loss_kwh", "charging_s")


def measured_charges(
    charges: pl.DataFrame, periods: pl.DataFrame, portions: Portions, rules: ChargingRules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The charges with all they measure but the cost; and their portions cut at UTC hours: `charge`, `at`, `until`,
    `added_kwh`, `ac_kwh`, `charging_s`, `peak_power_kw`, which add up to each charge.

    Energy into the battery is that of its own power where this covers enough of the charging time; else what the
    charger gave, losses included; a rise of charge nobody measured is points times capacity, null where no capacity is
    known.
    """
    spread = _portions(portions)
    known = charges.join(_sums(spread, rules), on="charge", how="left", maintain_order="left").join(
        _of_periods(charges, periods, rules), on="charge", how="left", maintain_order="left"
    )
    told = known.with_columns(_source().alias("energy_source"))
    parts = _with_added(spread, told)
    added = parts.group_by("charge", maintain_order=True).agg(
        sum_in_order(pl.col("added_kwh")).alias("energy_added_kwh")
    )
    summed = told.join(added, on="charge", how="left", maintain_order="left").with_columns(
        _loss(),
        pl.coalesce("rise_from", "first_soc").alias("start_soc_pct"),
        pl.coalesce("rise_to", "last_soc").alias("end_soc_pct"),
        pl.when(~pl.col("is_rise")).then("charging_s").alias("charging_s"),
        pl.when(pl.col("energy_added_kwh").is_not_null()).then("energy_source").alias("energy_source"),
    )
    is_ac_known = pl.col("energy_ac_kwh").is_not_null()
    of_charge = summed.select("charge", is_ac_known.alias("is_ac_known"), "is_rise")
    cut = _by_hour(parts).join(of_charge, on="charge", maintain_order="left").with_columns(
        pl.when("is_ac_known").then(pl.col("ac_kwh").fill_null(0.0)).alias("ac_kwh"),
        pl.when(~pl.col("is_rise")).then("charging_s").alias("charging_s"),
    )  # fmt: skip
    return typed(summed, rules.types), cut.drop("is_ac_known", "is_rise")


def is_believed(rules: ChargingRules) -> pl.Expr:
    """Whether a charge is one: a cable, a charger or the charge tells of it, or enough flowed into the battery."""
    told = pl.col("has_cable") | pl.col("is_rise") | pl.col("energy_ac_kwh").is_not_null()
    return told | (pl.col("energy_battery_kwh") >= rules.least_kwh).fill_null(value=False)


def of_plug_in(plugs: pl.DataFrame, charges: pl.DataFrame) -> pl.DataFrame:
    """Plug-ins (`plug`) with the sums of their charges; a sum of which a part is not known is not known."""
    sums = charges.sort("plug", "started_at", "charge").group_by("plug", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("power_session_count"),
        pl.col("started_at").min(), pl.col("ended_at").max(),
        *(pl.when(pl.col(name).null_count() == 0).then(sum_in_order(pl.col(name))).alias(name) for name in _SUMMED),
        pl.col("energy_source").sort_by(
            "energy_added_kwh", descending=True, nulls_last=True, maintain_order=True
        ).first(),
        pl.col("peak_power_kw").max(), pl.col("volts").max(), pl.col("battery_volts").max(),
        pl.col("start_soc_pct").drop_nulls().first(), pl.col("end_soc_pct").drop_nulls().last(), *cost_sums(),
    )  # fmt: skip
    return plugs.join(sums, on="plug", how="left", maintain_order="left").with_columns(
        pl.col("power_session_count").fill_null(0)
    )


def typed(charges: pl.DataFrame, rules: TypeRules) -> pl.DataFrame:
    """The charges with `charge_type` and `avg_power_kw`: the type by voltage, by power only without it."""
    volts, battery, peak = pl.col("volts"), pl.col("battery_volts"), pl.col("peak_power_kw")
    is_high = volts >= rules.dc_from_v
    is_of_battery = ((volts - battery).abs() <= rules.dc_like_battery_share * battery).fill_null(value=False)
    is_strong = peak > rules.dc_above_kw
    kind = (
        pl.when((volts > rules.dc_above_v) | (is_high & (is_of_battery | is_strong))).then(pl.lit("DC"))
        .when(volts < rules.l1_below_v).then(pl.lit("L1"))
        .when(volts.is_not_null()).then(pl.lit("L2"))
        .when(is_strong).then(pl.lit("DC"))
        .when(peak <= rules.l1_to_kw).then(pl.lit("L1"))
        .when(peak.is_not_null()).then(pl.lit("L2"))
    )  # fmt: skip
    energy = pl.coalesce("energy_ac_kwh", "energy_added_kwh")
    mean = pl.when(pl.col("charging_s") > 0).then(quotient(energy, pl.col("charging_s")) * 3600)
    return charges.with_columns(kind.alias("charge_type"), mean.alias("avg_power_kw"))


def _portions(portions: Portions) -> pl.DataFrame:
    spans, amounts = portions.spans, portions.amounts
    return pl.DataFrame({
        "charge": spans[:, 0], "at": pl.Series(spans[:, 1]).cast(TIMESTAMP),
        "until": pl.Series(spans[:, 2]).cast(TIMESTAMP), "ac_kwh": amounts[:, 0], "battery_kwh": amounts[:, 1],
        "points": amounts[:, 2], "charging_s": amounts[:, 3], "peak_power_kw": amounts[:, 4],
    }, nan_to_null=True)  # fmt: skip


def _sums(spread: pl.DataFrame, rules: ChargingRules) -> pl.DataFrame:
    """Per charge the energies that were measured for enough of it, and its time and power."""
    time = pl.col("charging_s")
    sums = spread.group_by("charge", maintain_order=True).agg(
        sum_in_order(pl.col("ac_kwh")), sum_in_order(pl.col("battery_kwh")), sum_in_order(time).fill_null(0.0),
        pl.col("peak_power_kw").max(),
        *(sum_in_order(time.filter(pl.col(name).is_not_null())).fill_null(0.0).alias(f"{name}_s")
          for name in ("ac_kwh", "battery_kwh")),
    )  # fmt: skip
    known = {
        energy: pl.when(pl.col(f"{read}_s") >= rules.min_coverage * time).then(pl.col(read))
        for energy, read in (("energy_ac_kwh", "ac_kwh"), ("energy_battery_kwh", "battery_kwh"))
    }
    return sums.select("charge", "charging_s", "peak_power_kw", **known)


def _of_periods(charges: pl.DataFrame, periods: pl.DataFrame, rules: ChargingRules) -> pl.DataFrame:
    """Per charge what its periods tell: charge, capacity, voltages, curve."""
    numbered = periods.with_row_index("piece").with_columns(pl.col("piece").cast(pl.Int64))
    ranges = charges.select(
        "charge", "started_at", "ended_at", pl.int_ranges("first", pl.col("last") + 1).alias("piece")
    ).rename({"started_at": "began", "ended_at": "until"})
    theirs = ranges.explode("piece").join(numbered, on="piece", maintain_order="left")
    is_charging = pl.col("state") == "charging"
    facts = theirs.group_by("charge", maintain_order=True).agg(
        pl.col("first_soc_pct").drop_nulls().first().alias("first_soc"),
        pl.col("last_soc_pct").drop_nulls().last().alias("last_soc"),
        pl.col("charger_voltage_v").filter(is_charging & (pl.col("charger_voltage_v") > 0)).max().alias("volts"),
        pl.col("hv_voltage_v").filter(is_charging).max().alias("battery_volts"),
        pl.col("is_connected").fill_null(value=False).any().alias("has_cable"),
    )  # fmt: skip
    curves = session_curves(theirs.rename({"charge": "session"}), rules.curve_points).rename({"session": "charge"})
    return facts.join(curves, on="charge", how="left").join(_capacities(charges, numbered), on="charge", how="left")


def _capacities(charges: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Per charge the capacity that its vehicle had reported by its end."""
    reported = periods.select("piece", pl.col("capacity_kwh").forward_fill().over("vehicle_id").alias("reported_kwh"))
    return charges.select("charge", "last").join(reported, left_on="last", right_on="piece").drop("last")


def _source() -> pl.Expr:
    return (
        pl.when("is_rise").then(pl.lit("soc"))
        .when(pl.col("energy_battery_kwh").is_not_null()).then(pl.lit("battery"))
        .when(pl.col("energy_ac_kwh").is_not_null()).then(pl.lit("charger"))
    )  # fmt: skip


def _loss() -> pl.Expr:
    return (pl.col("energy_ac_kwh") - pl.col("energy_battery_kwh")).alias("energy_loss_kwh")


def _with_added(spread: pl.DataFrame, charges: pl.DataFrame) -> pl.DataFrame:
    """Portions with `added_kwh`, energy into the battery by the source of their charge."""
    capacity = pl.coalesce(pl.when(pl.col("reported_kwh") > 0).then("reported_kwh"), "battery_capacity_kwh")
    of_charge = charges.select("charge", "energy_source", capacity.alias("capacity_kwh"))
    by_source = (
        pl.when(pl.col("energy_source") == "battery").then(pl.col("battery_kwh").fill_null(0.0))
        .when(pl.col("energy_source") == "charger").then(pl.col("ac_kwh").fill_null(0.0))
        .when(pl.col("energy_source") == "soc").then(pl.col("points") * 0.01 * pl.col("capacity_kwh"))
    )  # fmt: skip
    return spread.join(of_charge, on="charge", maintain_order="left").with_columns(by_source.alias("added_kwh"))


def _by_hour(parts: pl.DataFrame) -> pl.DataFrame:
    """Portions cut at UTC hours, amounts by time; one without length lies in the hour of its instant."""
    length = (pl.col("until") - pl.col("at")).dt.total_microseconds()
    last = pl.max_horizontal(pl.col("until") - pl.duration(microseconds=1), pl.col("at"))
    hours = pl.datetime_ranges(pl.col("at").dt.truncate("1h"), last.dt.truncate("1h"), "1h").alias("hour")
    cut = parts.with_columns(length.alias("length"), hours).explode("hour").with_columns(
        pl.max_horizontal("at", "hour").alias("at"),
        pl.min_horizontal("until", pl.col("hour") + pl.duration(hours=1)).alias("until"),
    )  # fmt: skip
    part = (pl.col("until") - pl.col("at")).dt.total_microseconds()
    share = pl.when(pl.col("length") > 0).then(quotient(part, pl.col("length"))).otherwise(1.0)
    amounts = pl.col("added_kwh", "ac_kwh", "charging_s") * share
    return cut.select("charge", "at", "until", amounts, "peak_power_kw")
