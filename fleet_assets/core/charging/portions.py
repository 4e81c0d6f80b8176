"""Portions: the energy of a stretch of power, each piece of it with the time in which it fell.

Belongs here: energy within periods and between them, so that neither an hour nor a midnight cuts an integral. Does not
belong here: which periods are one session (`sessions`), prices and hours (`found`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.charging.pieces import Pieces
from fleet_assets.core.charging.sessions import Charges
from fleet_assets.core.charging.states import AWAY, charging_share
from fleet_assets.core.compiled import F64, I64, helper, kernel
from fleet_assets.core.integrals import trapezoid
from fleet_assets.core.thresholds import MICROS, Thresholds


class Portions(NamedTuple):
    """`spans`: charge, from, to (us). `amounts`: kWh of the charger, kWh into the battery (NaN: not read), points of
    charge, s at charging power, highest kW. `bounds`: start and end (us) of each charge."""

    spans: I64
    amounts: F64
    bounds: I64


def portions_of(pieces: Pieces, charges: Charges, wanted: I64, rules: Thresholds) -> Portions:
    """Portions of the wanted charges (rows of `charges.power`), in order of charge and time.

    Power is integrated by trapezoids within and between periods. Before the first and after the last reading of power
    the step to the neighbouring reading counts where it is no longer than the usual one: power changed within it.
    """
    spans, amounts, bounds, count = _portions(pieces, charges.power, charges.soc, wanted, rules)
    return Portions(spans[:count], amounts[:count], bounds)


@kernel
def _portions(p: Pieces, power: I64, soc: F64, wanted: I64, rules: Thresholds) -> tuple[I64, F64, I64, int]:
    size = 0
    for c in wanted:
        size += 2 * (power[c, 1] - power[c, 0]) + 4
    spans, amounts = np.zeros((size, 3), dtype=np.int64), np.full((size, 5), np.nan)
    bounds = np.empty((len(wanted), 2), dtype=np.int64)
    count = 0
    for n in range(len(wanted)):
        c = wanted[n]
        bounds[n, 0], bounds[n, 1] = power[c, 2], power[c, 3]
        if power[c, 6] == 1:
            count = _rise(p, power[c], soc[c, 0], soc[c, 1], n, spans, amounts, count)
        else:
            count = _measured(p, power[c, 0], power[c, 1], n, spans, amounts, bounds, count, rules)
    return spans, amounts, bounds, count


@helper
def _rise(
    p: Pieces, row: I64, base: float, top: float, n: int, spans: I64, amounts: F64, count: int
) -> int:  # fmt: skip
    """Each step of the charge upward, in the time since the last one."""
    high, since = base, row[2]
    for k in range(row[0], row[1] + 1):
        for end in range(2):
            at, soc = (p.first_soc_at[k], p.first_soc[k]) if end == 0 else (p.last_soc_at[k], p.last_soc[k])
            if at > since and at <= row[3] and min(soc, top) > high:
                spans[count, 0], spans[count, 1], spans[count, 2] = n, since, at
                amounts[count, 2] = min(soc, top) - high
                high, since = min(soc, top), at
                count += 1
    return count


@helper
def _measured(
    p: Pieces, first: int, last: int, n: int, spans: I64, amounts: F64, bounds: I64, count: int, rules: Thresholds
) -> int:  # fmt: skip
    ac = battery = -1  # pieces with the last reading of each
    count = _edge(p, first, last, True, n, spans, amounts, bounds, count, rules)
    for k in range(first, last + 1):
        ac_kwh, ac_s = _between(p.last_ac_at, p.last_ac_kw, ac, p.first_ac_at, p.first_ac_kw, k, rules)
        battery_kwh, battery_s = _between(
            p.last_battery_at, p.last_battery_kw, battery, p.first_battery_at, p.first_battery_kw, k, rules
        )
        if not (np.isnan(ac_kwh) and np.isnan(battery_kwh)):
            spans[count, 0], spans[count, 1], spans[count, 2] = n, p.end[k - 1], p.start[k]
            amounts[count, 0], amounts[count, 1] = ac_kwh, battery_kwh
            amounts[count, 3] = battery_s if np.isnan(ac_kwh) else ac_s
            count += 1
        spans[count, 0], spans[count, 1], spans[count, 2] = n, p.start[k], p.end[k]
        amounts[count, 0], amounts[count, 1] = p.ac_kwh[k], p.battery_kwh[k]
        amounts[count, 3], amounts[count, 4] = p.charging_s[k], p.peak_kw[k]
        count += 1
        ac = k if p.last_ac_at[k] >= 0 else ac
        battery = k if p.last_battery_at[k] >= 0 else battery
    return _edge(p, first, last, False, n, spans, amounts, bounds, count, rules)


@helper
def _between(
    left_at: I64, left_kw: F64, j: int, right_at: I64, right_kw: F64, k: int, rules: Thresholds
) -> tuple[float, float]:  # fmt: skip
    """kWh and s at charging power from the last reading of piece j to the first of piece k; NaN where they do not tell
    what was in between."""
    if j < 0 or right_at[k] < 0 or right_at[k] - left_at[j] > rules.hole_us:
        return np.nan, 0.0
    step = right_at[k] - left_at[j]
    return trapezoid(left_kw[j], right_kw[k], step), step / MICROS * charging_share(left_kw[j], right_kw[k], rules)


@helper
def _edge(
    p: Pieces, first: int, last: int, is_before: bool, n: int, spans: I64, amounts: F64, bounds: I64, count: int,
    rules: Thresholds,
) -> int:  # fmt: skip
    """The step to the reading before the charge, or after it."""
    side, j = (first, first - 1) if is_before else (last, last + 1)
    longest = min(rules.hole_us, rules.edge_steps * _usual_step(p, first, last))
    if j < 0 or j >= len(p.start) or p.vehicle[j] != p.vehicle[side] or longest <= 0:
        return count
    ac = _step(is_before, p, j, side, p.first_ac_at, p.first_ac_kw, p.last_ac_at, p.last_ac_kw, longest)
    battery = _step(
        is_before, p, j, side, p.first_battery_at, p.first_battery_kw, p.last_battery_at, p.last_battery_kw, longest
    )
    main = ac if ac[0] > 0 else battery
    if main[0] <= 0:
        return count
    step = int(main[0])
    moved = step // 2 if step > rules.dense_us else 0
    if is_before:
        bounds[n, 0] -= moved
        spans[count, 1], spans[count, 2] = bounds[n, 0], p.start[first]
    else:
        bounds[n, 1] += moved
        spans[count, 1], spans[count, 2] = p.end[last], bounds[n, 1]
    spans[count, 0], amounts[count, 0], amounts[count, 1] = n, ac[1], battery[1]
    amounts[count, 3] = step / 2 / MICROS
    return count + 1


@helper
def _usual_step(p: Pieces, first: int, last: int) -> float:
    """us between two readings of power, on average; 0 where there is one only."""
    readings = 0
    for k in range(first, last + 1):
        readings += p.readings[k]
    return (p.end[last] - p.start[first]) / (readings - 1) if readings > 1 else 0.0


@helper
def _step(
    is_before: bool, p: Pieces, j: int, side: int, first_at: I64, first_kw: F64, last_at: I64, last_kw: F64,
    longest: float,
) -> tuple[float, float]:  # fmt: skip
    """us and kWh between the outermost reading of a charge and the one beyond it; 0 and NaN where that is too far, or
    unknown. Where the vehicle is in use, nothing flows."""
    if is_before:
        inner, inner_kw, outer, outer_kw = first_at[side], first_kw[side], last_at[j], last_kw[j]
    else:
        inner, inner_kw, outer, outer_kw = last_at[side], last_kw[side], first_at[j], first_kw[j]
    if p.state[j] == AWAY:
        outer, outer_kw = (p.end[j] if is_before else p.start[j]), 0.0
    if inner < 0 or outer < 0 or abs(inner - outer) > longest:
        return 0.0, np.nan
    step = float(abs(inner - outer))
    return step, trapezoid(inner_kw, outer_kw, step)


__all__ = ["Portions", "portions_of"]
