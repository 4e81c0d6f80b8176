"""Count what was set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    op.create_table(
        "ingest_quarantined",
        sa.Column("source", sa.Text(), nullable=False, comment="Door through which the rows came: can, telemetry."),
        sa.Column("vehicle_id", sa.Text(), nullable=True, comment="Vehicle of the rows; null where they name none."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why, in one word: as in `fleet quarantine list`."),
        sa.Column("set_aside_date", sa.Date(), nullable=False, comment="UTC day on which they were set aside."),
        sa.Column(
            "set_aside_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="When the last of them was set aside."
        ),
        sa.Column("row_count", sa.BigInteger(), nullable=False, comment="Rows; 0 for files that were refused whole."),
        sa.Column("file_count", sa.BigInteger(), nullable=False, comment="Files that were refused whole."),
        schema="fleet",
        comment="Rows of one vehicle that were set aside for one reason on one UTC day, and are in quarantine still.",
        postgresql_partition_by="RANGE (set_aside_at)",
    )
    op.create_index(
        "ingest_quarantined_set_aside_at_brin",
        "ingest_quarantined",
        ["set_aside_at"],
        unique=False,
        schema="fleet",
        postgresql_using="brin",
    )
