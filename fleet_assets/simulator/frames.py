"""Frames: the gauges of a journey, sent as CAN frames at the plan's periods.

Belongs here: when frames are sent, lost and put in order. Does not belong here: what they show (`broadcast`, `gauges`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from fleet_assets.contracts import RAW_CAN
from fleet_assets.simulator.blocks import CHARGING, ON, Columns
from fleet_assets.simulator.broadcast import NOISE, OBD, SOURCE_ADDRESS, STEPPED, Sending, sendings
from fleet_assets.simulator.packing import U64, Message, messages_of, pack
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.spans import Spans, awake_spans, draw_windows, within
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Vehicle

FRAME_LOG_SCHEMA = pl.Schema({k: v for k, v in RAW_CAN.schema.items() if k not in ("received_at", "entry_id")})
"""A frame log: raw CAN without what the collection adds."""

WAKING_S = 1.0
"""s after waking within which every message was sent once."""
LAST_S = 1.5
"""s before falling asleep within which every message is sent for the last time."""
JITTER_S = 0.002
SILENCE_S = (15.0, 80.0)
OBD_ANSWER = 4.0
OBD_SERVICE = 1.0
_LENGTH_OF_HEAD = 2


@dataclass(frozen=True)
class _Batch:
    """Frames of one message: instants (us), payload words; all else is the same for all of them."""

    at_us: np.ndarray[tuple[int], np.dtype[np.int64]]
    words: U64
    bus: int
    identifier: int
    is_extended: bool
    size: int


def frame_log(
    vehicle: Vehicle, gauges: Columns, samples: Columns, plan: FleetPlan, rng: np.random.Generator
) -> pl.DataFrame:
    """The frames of one vehicle (RAW_CAN without received_at and entry_id), in the order of recorded_at."""
    on, charging = awake_spans(samples, ON), awake_spans(samples, CHARGING)
    silent = draw_windows(on, plan.silences_per_hour, SILENCE_S, rng)
    buses = sorted({sending.bus for sending in sendings(vehicle.kind)})
    batches = []
    for sending in sendings(vehicle.kind):
        awake = _times(on, plan.periods_s.get(sending.key), True, rng)
        slow = _times(charging, plan.charging_periods_s.get(sending.key), False, rng)
        times = np.concatenate((awake[~within(awake, silent)], slow))
        batches.append(_batch(sending, buses.index(sending.bus), times, gauges | {"time": samples["time"]}, rng))
    return _in_order(vehicle.vehicle_id, buses, batches)


def _times(spans: Spans, period_s: float | None, has_last: bool, rng: np.random.Generator) -> F64:
    """Instants of one message: soon after waking, then every period with a little jitter, and a last one."""
    count = len(spans.start)
    if period_s is None or not count:
        return np.zeros(0)
    first = spans.start + rng.uniform(0, min(period_s, WAKING_S), count)
    repeats = (np.maximum(spans.end - first, 0) / period_s).astype(np.int64) + 1
    number = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    jitter = rng.uniform(-1, 1, len(number)) * min(JITTER_S, period_s / 10)
    times = np.repeat(first, repeats) + number * period_s + jitter
    last = spans.end - rng.uniform(0, LAST_S, count) if has_last else np.zeros(0)
    return np.concatenate((times, last))


def _batch(sending: Sending, bus: int, times: F64, gauges: Columns, rng: np.random.Generator) -> _Batch:
    message = messages_of(sending.dbc)[sending.message]
    values = {signal: _shown(gauge, times, gauges, rng) for signal, gauge in sending.signals.items()}
    if sending.message == OBD:
        values = _obd_head(message, next(iter(sending.signals)), len(times)) | values
    words = pack(message, values, len(times))
    identifier = message.frame_id
    if message.protocol == "j1939":
        identifier = identifier & ~0xFF | SOURCE_ADDRESS.get(sending.key, 0)
    at_us = np.rint(times * 1e6).astype(np.int64)
    return _Batch(at_us, words, bus, identifier, message.is_extended_frame, message.length)


def _shown(gauge: str, times: F64, gauges: Columns, rng: np.random.Generator) -> F64:
    """What a gauge shows at instants, with its noise."""
    if gauge == "epoch" or not len(times):
        return times
    column, samples_at = gauges[gauge], gauges["time"]
    if gauge in STEPPED:
        return column[np.maximum(np.searchsorted(samples_at, times, side="right") - 1, 0)]
    shown = np.interp(times, samples_at, column)
    noise = NOISE.get(gauge)
    return shown if noise is None else np.where(shown != 0, shown + noise * rng.normal(size=len(times)), 0.0)


def _obd_head(message: Message, parameter: str, count: int) -> dict[str, F64]:
    """Length, answer, service and parameter id in front of a value of service 01."""
    signal = message.get_signal_by_name(parameter)
    (identifier,) = signal.multiplexer_ids or (0,)
    length = _LENGTH_OF_HEAD + signal.length // 8
    head = {"Length": length, "Response": OBD_ANSWER, "Service": OBD_SERVICE, "ParameterId": identifier}
    return {name: np.full(count, float(value)) for name, value in head.items()}


def _in_order(vehicle_id: str, buses: list[str], batches: list[_Batch]) -> pl.DataFrame:
    at_us = np.concatenate([batch.at_us for batch in batches])
    order = np.argsort(at_us, kind="stable")
    counts = [len(batch.at_us) for batch in batches]
    which = np.repeat(np.arange(len(batches), dtype=np.int16), counts)[order]
    size = np.array([batch.size for batch in batches], dtype=np.uint8)[which]
    words = np.concatenate([batch.words for batch in batches])[order]
    frame = pl.DataFrame({
        "recorded_at": at_us[order],
        "bus": np.array([batch.bus for batch in batches])[which],
        "arbitration_id": np.array([batch.identifier for batch in batches], dtype=np.uint32)[which],
        "is_extended": np.array([batch.is_extended for batch in batches])[which],
        "dlc": size,
    })  # fmt: skip
    named = dict(enumerate(buses))
    return frame.with_columns(
        pl.col("bus").replace_strict(named, return_dtype=pl.String),
        pl.lit(vehicle_id).alias("vehicle_id"),
        pl.lit(value=False).alias("is_fd"),
        pl.lit(value=False).alias("is_error"),
        payloads(words, size).alias("data"),
        pl.col("recorded_at").cast(pl.Datetime("us", "UTC")),
    ).select(pl.col(name).cast(dtype) for name, dtype in FRAME_LOG_SCHEMA.items())


def payloads(words: U64, size: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> pl.Series:
    """The first `size` bytes of every word, lowest byte first."""
    every = words.astype("<u8").view(np.uint8).reshape(len(words), 8)
    kept = every[np.arange(8) < size[:, None]]
    ends = np.concatenate(([0], np.cumsum(size, dtype=np.int64)))
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(words), [None, pa.py_buffer(ends.astype(np.int64)), pa.py_buffer(kept.tobytes())]
    )
    return pl.Series("data", array)
