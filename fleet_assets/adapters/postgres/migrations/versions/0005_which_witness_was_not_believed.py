"""Which witness was not believed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    op.add_column(
        "trips",
        sa.Column(
            "quality",
            sa.Text(),
            nullable=True,
            comment="Witness that the others contradict and that was not believed; null where none was.",
        ),
        schema="fleet",
    )
