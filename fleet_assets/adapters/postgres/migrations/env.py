"""Alembic's entry: runs migrations on the connection that the caller hands over, within the caller's transaction.

Does not belong here: choosing a server, roles and locks (`migrate`).
"""

from alembic import context

from fleet_assets.adapters.postgres.names import META
from fleet_assets.adapters.postgres.schema import migrated

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=migrated(),
    version_table_schema=META,
    include_schemas=True,
    include_name=lambda name, kind, _parents: (
        kind != "schema" or name in {table.schema for table in migrated().sorted_tables}
    ),
)
context.run_migrations()
