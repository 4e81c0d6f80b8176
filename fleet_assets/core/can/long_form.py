"""Decoded signals one below the other. Belongs here: the shape of CAN_SIGNALS. Does not belong here: decoding."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.contracts import CAN_SIGNALS
from fleet_assets.core.can.database import Signal
from fleet_assets.core.can.decoding import Decoded
from fleet_assets.core.can.run import DecodedMessage

_FRAME_COLUMNS = ("vehicle_id", "recorded_at", "bus", "entry_id")


def signals_long(decoded: Decoded) -> pl.DataFrame:
    """One row per signal of each decoded message (contracts.CAN_SIGNALS), sorted. The value is null where the
    payload ends before the signal and where the bus says error or not available; the name of such a code stays."""
    parts = [_signal_rows(decoded.frames, part, j) for part in decoded.messages for j in range(len(part.signals))]
    if not parts:
        return CAN_SIGNALS.empty()
    return pl.concat(parts).sort(*CAN_SIGNALS.order)


def _signal_rows(frames: pl.DataFrame, part: DecodedMessage, j: int) -> pl.DataFrame:
    signal = part.signals[j]
    rows = pl.Series(part.rows)
    columns = {name: frames[name].gather(rows) for name in _FRAME_COLUMNS}
    addresses = frames["arbitration_id"].gather(rows) & 0xFF
    table = pl.DataFrame(columns).with_columns(
        message=pl.lit(part.message.name),
        signal=pl.lit(signal.name),
        source_address=addresses.cast(pl.UInt8) if part.message.has_senders else pl.lit(None, pl.UInt8),
        value=pl.Series(part.values[j], nan_to_null=True),
        text=_texts(part, signal),
        unit=pl.lit(signal.unit, pl.String),
    )
    return table.select(CAN_SIGNALS.schema.names())


def _texts(part: DecodedMessage, signal: Signal) -> pl.Series:
    if not signal.choices or signal.is_float:
        return pl.Series(np.full(len(part.rows), None), dtype=pl.String)
    return part.codes(signal).replace_strict(
        list(signal.choices), list(signal.choices.values()), default=None, return_dtype=pl.String
    )
