"""Where silent vehicles were left."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    op.create_table(
        "last_readings",
        sa.Column("vehicle_id", sa.Text(), nullable=False, comment="Vehicle that was read."),
        sa.Column("source", sa.Text(), nullable=False, comment="Door through which the rows came."),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="The later of the two readings."),
        sa.Column("odometer_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When the odometer was read."),
        sa.Column("odometer_km", sa.Double(), nullable=True, comment="Odometer then. [km]"),
        sa.Column("positioned_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When the position was taken."),
        sa.Column("latitude_deg", sa.Double(), nullable=True, comment="Latitude then. [deg]"),
        sa.Column("longitude_deg", sa.Double(), nullable=True, comment="Longitude then. [deg]"),
        schema="fleet",
        comment="The last that one source of one vehicle told of its odometer and its place on one UTC day.",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(
        "last_readings_recorded_at_brin",
        "last_readings",
        ["recorded_at"],
        unique=False,
        schema="fleet",
        postgresql_using="brin",
    )
    op.create_table(
        "readings_before_silence",
        sa.Column("vehicle_id", sa.Text(), nullable=False, comment="Vehicle that was read."),
        sa.Column("source", sa.Text(), nullable=False, comment="Door through which the row came."),
        sa.Column(
            "silent_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="Midnight UTC that ends a day without a reading of the kind.",
        ),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="When it was read last."),
        sa.Column("odometer_km", sa.Double(), nullable=True, comment="Odometer then. [km]"),
        sa.Column("latitude_deg", sa.Double(), nullable=True, comment="Latitude then. [deg]"),
        sa.Column("longitude_deg", sa.Double(), nullable=True, comment="Longitude then. [deg]"),
        schema="fleet",
        comment="Where a source left a vehicle, or at which odometer, of which it told nothing on the day before `silent_at`.",
        postgresql_partition_by="RANGE (silent_at)",
    )
    op.create_index(
        "readings_before_silence_silent_at_brin",
        "readings_before_silence",
        ["silent_at"],
        unique=False,
        schema="fleet",
        postgresql_using="brin",
    )
    op.add_column(
        "ingest_daily",
        sa.Column(
            "cadence_s",
            sa.Double(),
            nullable=True,
            comment="Median time between two rows of the day; null for a single one. [s]",
        ),
        schema="fleet",
    )
