"""Ingest layer: what came in, per source, vehicle and day, per hour, and stretches in which a source was silent.

Belongs here: declarations of these small tables. Does not belong here: the rules by which they are computed.
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table

REGULAR_LOOK_BACK = timedelta(days=15)
"""How far back an outage looks: seven days say at which hours a source reports, the others hold the silence itself."""

_SOURCE = Column("source", "str", "Door through which the rows came: can, telemetry.", required=True)
_VEHICLE = Column("vehicle_id", "str", "Vehicle of the rows.", required=True)

INGEST_DAILY = Table(
    name="ingest_daily",
    row="What came in from one source of one vehicle for one UTC day of recorded_at, each row once.",
    key=("source", "vehicle_id", "date"),
    partition_by="last_seen_at",
    columns=(
        _SOURCE,
        _VEHICLE,
        Column("date", "date", "UTC day of recorded_at.", required=True),
        Column("first_seen_at", "ts", "recorded_at of the day's first row.", required=True),
        Column("last_seen_at", "ts", "recorded_at of the day's last row.", required=True),
        Column("last_received_at", "ts", "When the latest row of the day came in.", required=True),
        Column("received_count", "i64", "Rows, each once.", required=True, low=1),
        Column(
            "expected_count", "i64",
            "Rows at the vehicle's usual rate of this day over the time in which it spoke at all; null where it sends "
            "too irregularly or spoke too briefly to know.", low=0,
        ),
        Column("lag_p50_s", "f64", "Median of received_at - recorded_at; negative where a clock is ahead.", "s"),
        Column("lag_p95_s", "f64", "95th percentile of received_at - recorded_at.", "s"),
        Column(
            "clock_behind_s", "f64",
            "How long all rows of the day were behind their arrival, one as the other: a clock that is behind, or a "
            "zone written wrongly. Null where lags differ, as those of late uploads do, or are below 15 minutes.",
            "s", low=0,
        ),
        Column("cadence_s", "f64", "Median time between two rows of the day; null for a single one.", "s", low=0),
        Column(
            "silence_count", "i64",
            "Silences between two rows of the day, longer than a minute and than twice the cadence: parked or lost.",
            required=True, low=0,
        ),
        Column("silence_s", "f64", "Length of these silences.", "s", required=True, low=0, high=86_400),
    ),
)  # fmt: skip

INGEST_HOURLY = Table(
    name="ingest_hourly",
    row="What came in from one source of one vehicle for one UTC hour of recorded_at, each row once.",
    key=("source", "vehicle_id", "hour_at"),
    partition_by="hour_at",
    columns=(
        _SOURCE,
        _VEHICLE,
        Column("hour_at", "ts", "Start of the hour.", required=True),
        Column("first_seen_at", "ts", "recorded_at of the hour's first row.", required=True),
        Column("last_seen_at", "ts", "recorded_at of the hour's last row.", required=True),
        Column("received_count", "i64", "Rows, each once.", required=True, low=1),
    ),
)

INGEST_QUARANTINED = Table(
    name="ingest_quarantined",
    row="Rows of one vehicle that were set aside for one reason on one UTC day, and are in quarantine still.",
    key=("source", "vehicle_id", "reason", "set_aside_date"),
    partition_by="set_aside_at",
    columns=(
        _SOURCE,
        Column("vehicle_id", "str", "Vehicle of the rows; null where they name none."),
        Column("reason", "str", "Why, in one word: as in `fleet quarantine list`.", required=True),
        Column("set_aside_date", "date", "UTC day on which they were set aside.", required=True),
        Column("set_aside_at", "ts", "When the last of them was set aside.", required=True),
        Column("row_count", "i64", "Rows; 0 for files that were refused whole.", required=True, low=0),
        Column("file_count", "i64", "Files that were refused whole.", required=True, low=0),
    ),
)

INGEST_OUTAGES = Table(
    name="ingest_outages",
    row="One stretch without a row of any vehicle of a source, over hours at which the source usually reports.",
    key=("source", "started_at"),
    partition_by="ended_at",
    look_back=REGULAR_LOOK_BACK,
    columns=(
        _SOURCE,
        Column("started_at", "ts", "Last row before the silence.", required=True),
        Column("ended_at", "ts", "First row after it: the outage is known from then on.", required=True),
        Column("outage_s", "f64", "ended_at - started_at.", "s", required=True, low=0),
        Column(
            "regular_hours", "i64", "Whole hours of the silence at which the source usually reports.", required=True,
            low=1,
        ),
        Column("vehicle_count", "i64", "Vehicles heard in the seven days before.", required=True, low=1),
    ),
)  # fmt: skip
