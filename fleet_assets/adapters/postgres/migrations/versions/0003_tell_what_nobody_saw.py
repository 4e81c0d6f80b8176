"""Tell what nobody saw."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    op.add_column(
        "standing_periods",
        sa.Column(
            "is_standing",
            sa.Boolean(),
            nullable=True,
            comment="Standing was seen; else engine or charger alone told of it.",
        ),
        schema="fleet",
    )
    # Until these rows are loaded anew: so far a period was one in which standing was seen.
    op.execute("update fleet.standing_periods set is_standing = true")
    op.alter_column(
        "standing_periods",
        "engine_on_s",
        existing_type=sa.DOUBLE_PRECISION(precision=53),
        nullable=True,
        existing_comment="Time with the engine running; null where no signal tells of it. [s]",
        schema="fleet",
    )
    op.add_column(
        "trips",
        sa.Column(
            "standing_s",
            sa.Double(),
            nullable=True,
            comment="Time at a stand within the trip; null where nobody saw it. [s]",
        ),
        schema="fleet",
    )
    op.add_column(
        "trips",
        sa.Column(
            "unknown_s",
            sa.Double(),
            nullable=True,
            comment="Time of which nothing says whether it moved: duration_s less moving_s and standing_s. [s]",
        ),
        schema="fleet",
    )
    # So far nothing said how long a trip stood.
    op.execute("update fleet.trips set unknown_s = greatest(duration_s - moving_s, 0)")
    op.add_column(
        "trips",
        sa.Column("distance_error_km", sa.Double(), nullable=True, comment="Expected error of distance_km. [km]"),
        schema="fleet",
    )
    op.add_column(
        "trips",
        sa.Column(
            "cadence_s",
            sa.Double(),
            nullable=True,
            comment="Mean time between two observations in the trip, silences left out. [s]",
        ),
        schema="fleet",
    )
    op.add_column(
        "trips",
        sa.Column("energy_source", sa.Text(), nullable=True, comment="What energy_used_kwh was taken from."),
        schema="fleet",
    )
    op.alter_column(
        "trips",
        "moving_s",
        existing_type=sa.DOUBLE_PRECISION(precision=53),
        nullable=True,
        existing_comment="Time in motion; null where nobody saw it. [s]",
        schema="fleet",
    )
    op.alter_column(
        "trips",
        "idle_s",
        existing_type=sa.DOUBLE_PRECISION(precision=53),
        nullable=True,
        existing_comment="Part of standing_s with the engine running; null where no signal tells of an engine. [s]",
        schema="fleet",
    )
