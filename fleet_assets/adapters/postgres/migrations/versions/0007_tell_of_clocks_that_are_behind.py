"""Tell of clocks that are behind."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    op.add_column(
        "ingest_daily",
        sa.Column(
            "clock_behind_s",
            sa.Double(),
            nullable=True,
            comment="How long all rows of the day were behind their arrival, one as the other: a clock that is behind, "
            "or a zone written wrongly. Null where lags differ, as those of late uploads do, or are below 15 minutes. "
            "[s]",
        ),
        schema="fleet",
    )
