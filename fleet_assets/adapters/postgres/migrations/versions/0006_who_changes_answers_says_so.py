"""Who changes answers says so."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """No table changes. From here on each transaction that changes answers writes a new data version (`books`), by
    which results of queries are kept; software from before does not, so it must not load into this database any more.
    """
