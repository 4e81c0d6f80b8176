"""Sessions: which periods are one plug-in, and which are one stretch of charging power in it.

Belongs here: beginnings, ends and the instant at which each is final, decided from the past alone. Does not belong
here: what a session measures (`portions`, `found`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.charging.pieces import NEVER, PLUG_IN, Pieces, km_moved
from fleet_assets.core.charging.states import AWAY, CHARGING, PLUGGED, SEEN
from fleet_assets.core.compiled import F64, I64, helper, kernel
from fleet_assets.core.thresholds import Thresholds

NONE = -1


class Charges(NamedTuple):
    """Stretches of charging power: `power` has a row of first and last piece, started, ended, closed (us), number of
    its plug-in, and 1 where it is known by the state of charge alone, whose values are in `soc` (from, to).
    `plugs` has a row per plug-in: first piece, plugged, unplugged (-1: never seen), closed (us), 1 if a cable was seen.
    """

    power: I64
    soc: F64
    plugs: I64


class _Found(NamedTuple):
    """Tables that fill up, and how many rows of each are filled."""

    power: I64
    soc: F64
    plugs: I64
    counts: I64


class _Open(NamedTuple):
    """What is under way of a vehicle. `plug`: first piece, plugged, whether a cable was seen, last piece, its row, end
    of the plug-in before. `power`: first piece, last piece. `rise`: pieces and instants of base, top and last reading,
    silence since the last. `soc`: of base, top and last reading, and the rise that is needed."""

    plug: I64
    power: I64
    rise: I64
    soc: F64


_FIRST, _PLUGGED, _CABLE, _LAST, _ROW, _BEFORE = range(6)
_BASE, _BASE_AT, _TOP, _TOP_AT, _NOW, _NOW_AT, _SILENCE = range(7)


def find_charges(pieces: Pieces, rules: Thresholds) -> Charges:
    """Plug-ins and stretches of power that are final; those under way at the end of the pieces once `patience` is over.

    A plug-in ends when the vehicle is in use or seen without a cable, or has been moved; a stretch of power with it,
    after `pause` without power, or at the first piece after a silence. A rise of charge that no power explains is a
    stretch of its own: one seen at rest, or over a silence.
    """
    power, soc, plugs, counts = _find(pieces, rules)
    return Charges(power[: counts[0]], soc[: counts[0]], plugs[: counts[1]])


@kernel
def _find(p: Pieces, rules: Thresholds) -> tuple[I64, F64, I64, I64]:
    size = len(p.start)
    most = 2 * size + 2
    found = _Found(
        np.full((most, 7), NONE), np.full((most, 2), np.nan), np.full((most, 5), NONE), np.zeros(2, dtype=np.int64)
    )
    o = _Open(np.full(6, NONE), np.full(2, NONE), np.full(7, NONE), np.full(4, np.nan))
    for k in range(size):
        if k > 0 and p.vehicle[k] != p.vehicle[k - 1]:
            _give_up(p, found, o, k - 1, rules)
            o.plug[:], o.power[:], o.rise[:], o.soc[:] = NONE, NONE, NONE, np.nan
        elif k > 0 and p.start[k] - p.end[k - 1] > rules.patience_us:
            _give_up(p, found, o, k - 1, rules)
        _take(p, found, o, k, rules)
    if size > 0:
        _give_up(p, found, o, size - 1, rules)
    return found.power, found.soc, found.plugs, found.counts


@helper
def _give_up(p: Pieces, found: _Found, o: _Open, last: int, rules: Thresholds) -> None:
    """Nothing was heard for longer than patience lasts."""
    at = p.end[last] + rules.patience_us
    _end_rise(found, o, at, rules)
    _restart_rise(o)
    _end_power(p, found, o, at)
    _end_plug(found, o, NONE, at, p.end[last])


@helper
def _take(p: Pieces, found: _Found, o: _Open, k: int, rules: Thresholds) -> None:
    """One piece after the other."""
    at = p.start[k]
    is_next = k > 0 and p.vehicle[k] == p.vehicle[k - 1]
    silence = at - p.end[k - 1] if is_next else 0
    o.rise[_SILENCE] = max(o.rise[_SILENCE], silence)
    is_moved = o.plug[_FIRST] >= 0 and p.state[k] != AWAY and km_moved(p, o.plug[_LAST], k) > rules.moved_km
    if is_moved:
        _end_power(p, found, o, at)
    closed_at = at
    if p.first_soc_at[k] >= 0:
        is_told = _may_rise(p, o, k, rules)
        _read(found, o, k, p.first_soc_at[k], p.first_soc[k], is_told, rules)
        if p.state[k] == AWAY or is_moved:
            _end_rise(found, o, p.first_soc_at[k], rules)
            _restart_rise(o)
            closed_at = max(closed_at, p.first_soc_at[k])
    elif p.state[k] == CHARGING or p.state[k] == AWAY:
        _end_rise(found, o, at, rules)
        _restart_rise(o)
    if is_moved:
        _end_plug(found, o, NONE, closed_at, p.end[k - 1])
    _go_on(p, found, o, k, closed_at, rules)
    if p.last_soc_at[k] > p.first_soc_at[k]:
        is_quiet = (p.state[k] == PLUGGED or p.state[k] == SEEN) and p.readings[k] == 0 and p.may_rise[k] != NEVER
        _read(found, o, k, p.last_soc_at[k], p.last_soc[k], is_quiet, rules)


@helper
def _go_on(p: Pieces, found: _Found, o: _Open, k: int, closed_at: int, rules: Thresholds) -> None:
    """What a piece means for the stretch of power and the plug-in under way, and whether it begins one."""
    at = p.start[k]
    if p.state[k] == AWAY:
        _end_power(p, found, o, at)
        _end_plug(found, o, at, closed_at, p.end[k - 1] if k > 0 else NONE)
        return
    if p.state[k] == CHARGING:
        if o.power[0] >= 0:
            longest = rules.hole_us if o.power[1] == k - 1 else rules.pause_us
            if at - p.end[o.power[1]] > longest:
                _end_power(p, found, o, at)
        if o.power[0] < 0:
            o.power[0] = k
        o.power[1] = k
    elif o.power[0] >= 0 and p.end[k] >= p.end[o.power[1]] + rules.pause_us:
        _end_power(p, found, o, max(at, p.end[o.power[1]] + rules.pause_us))
    if p.state[k] != SEEN or o.plug[_FIRST] >= 0:
        _plug(found, o, k, at)
        o.plug[_CABLE] = max(o.plug[_CABLE], p.connected[k])


@helper
def _plug(found: _Found, o: _Open, k: int, at: int) -> None:
    """A piece belongs to the plug-in under way, or begins one at this instant."""
    if o.plug[_FIRST] < 0:
        o.plug[_FIRST], o.plug[_PLUGGED], o.plug[_CABLE] = k, max(at, o.plug[_BEFORE] + 1), 0
        o.plug[_ROW] = found.counts[1]
        found.counts[1] += 1
    o.plug[_LAST] = k


@helper
def _end_plug(found: _Found, o: _Open, unplugged: int, closed_at: int, seen_until: int) -> None:
    if o.plug[_FIRST] >= 0:
        row = found.plugs[o.plug[_ROW]]
        row[0], row[1], row[3], row[4] = o.plug[_FIRST], o.plug[_PLUGGED], closed_at, o.plug[_CABLE]
        row[2] = unplugged if o.plug[_CABLE] > 0 else NONE
        o.plug[_BEFORE] = max(seen_until, o.plug[_PLUGGED])
    o.plug[_FIRST] = NONE


@helper
def _end_power(p: Pieces, found: _Found, o: _Open, closed_at: int) -> None:
    if o.power[0] >= 0:
        row = found.power[found.counts[0]]
        row[0], row[1], row[2], row[3] = o.power[0], o.power[1], p.start[o.power[0]], p.end[o.power[1]]
        row[4], row[5], row[6] = closed_at, o.plug[_ROW], 0
        found.counts[0] += 1
    o.power[:] = NONE


@helper
def _may_rise(p: Pieces, o: _Open, k: int, rules: Thresholds) -> bool:
    """Whether a rise from the last reading of charge to the first one of piece k may be a charge that nobody saw, and
    how much it must be."""
    j = o.rise[_NOW]
    if j < 0 or p.may_rise[k] == NEVER:
        return False
    is_quiet = _is_quiet(p, j) and _is_quiet(p, k)
    is_measured = p.state[k] == CHARGING or p.state[j] == CHARGING or p.readings[j] > 0 or p.readings[k] > 0
    is_in_use = p.state[j] == AWAY and p.state[k] == AWAY and p.may_rise[k] == PLUG_IN
    longest = rules.hole_us if is_measured or is_in_use else rules.quiet_us
    if not is_quiet and o.rise[_SILENCE] <= longest:
        return False
    km = km_moved(p, j, k)
    if km > rules.moved_km:
        by_engine = rules.rise_by_engine_pct_per_km * km if p.may_rise[k] == PLUG_IN else 0.0
        o.soc[3] = rules.rise_moved_min_pct + by_engine
    return True


@helper
def _is_quiet(p: Pieces, k: int) -> bool:
    """Whether a piece is at rest and tells no power."""
    return bool(p.readings[k] == 0 and (p.state[k] == PLUGGED or p.state[k] == SEEN))


@helper
def _read(
    found: _Found, o: _Open, k: int, at: int, soc: float, is_told: bool, rules: Thresholds
) -> None:  # fmt: skip
    """One reading of charge after the other: a rise goes on, is over, or has not begun."""
    if is_told and o.rise[_BASE] >= 0:
        if o.soc[1] > o.soc[0] and at - o.rise[_TOP_AT] > rules.rise_pause_us:
            _end_rise(found, o, at, rules)
            _restart_rise(o)
        if soc > o.soc[1]:
            o.rise[_TOP], o.rise[_TOP_AT], o.soc[1] = k, at, soc
            if _is_risen(o, rules):
                _plug_by_rise(found, o, k)
        elif o.soc[1] == o.soc[0] or soc <= o.soc[1] - rules.soc_cut_pct:
            _end_rise(found, o, at, rules)
            is_told = False
    else:
        _end_rise(found, o, at, rules)
        is_told = False
    o.rise[_NOW], o.rise[_NOW_AT], o.soc[2], o.rise[_SILENCE] = k, at, soc, 0
    if not is_told:
        _restart_rise(o)


@helper
def _restart_rise(o: _Open) -> None:
    """What rises from now on rises from the last reading."""
    for begin in (_BASE, _TOP):
        o.rise[begin], o.rise[begin + 1] = o.rise[_NOW], o.rise[_NOW_AT]
    o.soc[0] = o.soc[1] = o.soc[2]
    o.soc[3] = np.nan


@helper
def _is_risen(o: _Open, rules: Thresholds) -> bool:
    return bool(o.soc[1] - o.soc[0] >= np.fmax(rules.rise_min_pct, o.soc[3]))


@helper
def _plug_by_rise(found: _Found, o: _Open, k: int) -> None:
    """A rise that is a charge: the vehicle was plugged in since the reading from which it rose."""
    _plug(found, o, o.rise[_BASE], o.rise[_BASE_AT])
    o.plug[_LAST] = k
    if o.rise[_BASE_AT] < o.plug[_PLUGGED]:
        o.plug[_PLUGGED] = max(o.rise[_BASE_AT], o.plug[_BEFORE] + 1)


@helper
def _end_rise(found: _Found, o: _Open, closed_at: int, rules: Thresholds) -> None:
    if o.rise[_BASE] < 0 or not _is_risen(o, rules):
        return
    row = found.power[found.counts[0]]
    row[0], row[1], row[2], row[3] = o.rise[_BASE], o.rise[_TOP], o.rise[_BASE_AT], o.rise[_TOP_AT]
    row[4], row[5], row[6] = closed_at, o.plug[_ROW], 1
    found.soc[found.counts[0], 0], found.soc[found.counts[0], 1] = o.soc[0], o.soc[1]
    found.counts[0] += 1


__all__ = ["Charges", "find_charges"]
