"""Raw layer: what arrived, deduplicated, one file per day. No values are interpreted here."""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table

MULTI_FRAME_REACH = timedelta(seconds=90)
"""A multi-frame message that begins before midnight belongs to the day in which it was completed.

The longest of the standards: a J1939 broadcast of 255 packets 200 ms apart (SAE J1939-21) takes 51 s, an ISO-TP message
of 4095 bytes at the largest separation time of 127 ms (ISO 15765-2) 74 s.
"""

CAN_SOURCE = "can"
"""Source of what came from CAN buses."""

RAW_CAN = Table(
    name="raw_can",
    row="One CAN frame as it was on the bus.",
    key=("entry_id",),
    sort=("vehicle_id", "recorded_at", "entry_id"),
    partition_by="recorded_at",
    tail=MULTI_FRAME_REACH,
    columns=(
        Column("recorded_at", "ts", "When the frame was on the bus.", required=True),
        Column("received_at", "ts", "When the collector or the import got it.", required=True),
        Column("vehicle_id", "str", "Vehicle whose bus it is.", required=True),
        Column("bus", "str", "Name of the bus or channel, e.g. can0, CAN2.", required=True),
        Column("arbitration_id", "u32", "11 or 29 bit identifier without flag bits.", required=True),
        Column("is_extended", "bool", "29 bit identifier.", required=True),
        Column("is_fd", "bool", "CAN FD frame."),
        Column("is_error", "bool", "Error frame; never decoded."),
        Column("dlc", "u8", "Data length in bytes as stated by the frame (0-8, or 0-64 with CAN FD).", required=True),
        Column("data", "bin", "Exactly the bytes sent, trailing zeros kept.", required=True),
        Column("entry_id", "str", "Unique per vehicle and frame: stream id or file hash, and ordinal.", required=True),
    ),
)

INGEST_GAPS = Table(
    name="ingest_gaps",
    row="One stretch of a source from which rows are known to be missing: the ledger of what was lost, and why.",
    key=("gap_id",),
    sort=("started_at", "gap_id"),
    partition_by="started_at",
    columns=(
        Column("gap_id", "str", "Hash of what is missing: noted twice, a gap has one id.", required=True),
        Column("source", "str", "Landing source whose rows are missing: can, telemetry.", required=True),
        Column("vehicle_id", "str", "Vehicle whose rows are missing; null where the loss cannot be told apart."),
        Column("bus", "str", "Bus whose frames are missing; null where there is none or it is not known."),
        Column("started_at", "ts", "Instant of the first missing row, or the last at which all was well.",
               required=True),
        Column("ended_at", "ts", "Instant of the last missing row, or the first at which all was well again.",
               required=True),
        Column("missing_count", "i64", "Rows missing; null where nobody can know.", unit="rows", low=0),
        Column("reason", "str", "Why, in one word; what each means stands in operations.md.", required=True),
        Column("detail", "str", "What was seen, in a sentence for people."),
        Column("noted_at", "ts", "When the gap was noted.", required=True),
    ),
)  # fmt: skip

CAN_SIGNALS = Table(
    name="can_signals",
    row="One decoded signal of one message at full rate.",
    key=("vehicle_id", "entry_id", "message", "signal"),
    sort=("vehicle_id", "recorded_at", "entry_id", "message", "signal"),
    partition_by="recorded_at",
    look_back=MULTI_FRAME_REACH,
    columns=(
        Column("vehicle_id", "str", "Vehicle whose bus it is.", required=True),
        Column("recorded_at", "ts", "Time of the frame that completed the message.", required=True),
        Column("bus", "str", "Name of the bus or channel.", required=True),
        Column("message", "str", "Message name in the DBC.", required=True),
        Column("signal", "str", "Signal name in the DBC.", required=True),
        Column("source_address", "u8", "J1939 source address; last byte of the identifier of OBD-II answers."),
        Column("value", "f64", "Physical value; null where the bus says error or not available."),
        Column("text", "str", "Name of the value, where the DBC names values."),
        Column("unit", "str", "Unit as written in the DBC."),
        Column("entry_id", "str", "The raw frame that completed the message.", required=True),
    ),
)
