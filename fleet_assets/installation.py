"""One installation: its landing zone, lake, reference folder, warehouse, made once from the settings.

Belongs here: wiring adapters to settings. Does not belong here: reading or writing anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from fleet_assets.adapters.check_results import CheckResults
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_moment import LakeMoment
from fleet_assets.adapters.lake_sweep import Kept
from fleet_assets.adapters.landing import Landing, LandingMoment
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.reference import ReferenceStore
from fleet_assets.adapters.run_locks import RunLocks
from fleet_assets.contracts.errors import SettingError
from fleet_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    import polars as pl
    import redis

    from fleet_assets.adapters.any_warehouse import Warehouse
    from fleet_assets.adapters.postgres.connection import Server
    from fleet_assets.adapters.postgres.load import Loader
    from fleet_assets.adapters.query_cache import QueryCache


@dataclass(frozen=True)
class Installation:
    """Where one installation keeps its data."""

    settings: Settings

    @classmethod
    def from_environment(cls) -> Installation:
        return cls(load_settings())

    def at_this_moment(self) -> Installation:
        """The same places for many questions that belong together: each table of the lake stays what it is when it is
        first asked for, and the folders of the landing zone are looked at once."""
        if isinstance(self.lake, LakeMoment):
            return self
        moment = Installation(self.settings)
        vars(moment).update(lake=LakeMoment(self.lake), landing=LandingMoment(self.settings.landing))
        return moment

    @cached_property
    def landing(self) -> Landing:
        return Landing(self.settings.landing)

    @cached_property
    def lake(self) -> Lake:
        kept = Kept(timedelta(hours=self.settings.lake_grace_hours), self.settings.lake_keep_days)
        return Lake(self.settings.lake, kept)

    @cached_property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.settings.quarantine)

    @cached_property
    def reference(self) -> ReferenceStore:
        return ReferenceStore(self.settings.reference)

    @cached_property
    def query_cache(self) -> QueryCache:
        """Queries of the warehouse, with results kept here and in Redis while one runs."""
        # Imported here: an import or a scanner needs neither a database nor what speaks to one, and starts sooner.
        from fleet_assets.adapters.query_cache import QueryCache, SharedResults

        return QueryCache(self.warehouse, SharedResults(self._redis_if_running))

    def rows_once(self, sql: str) -> pl.DataFrame:
        """The rows of one query, for a process that asks no other: kept only where a Redis may run. To name what they
        are made from takes longer than most queries."""
        return self.query_cache.query(sql) if self._may_share_results else self.warehouse.query(sql)

    @property
    def _may_share_results(self) -> bool:
        return bool(self.settings.redis_url) or self.settings.redis_socket.exists()

    def _redis_if_running(self) -> redis.Redis | None:
        if not self._may_share_results:
            return None
        from fleet_assets.adapters.redis_server import connect_if_running

        return connect_if_running(self.settings)

    @cached_property
    def warehouse(self) -> Warehouse:
        if self.settings.is_on_postgres:
            # Imported here: the collector on a small box needs no database driver.
            from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse

            return PostgresWarehouse(self.server)
        from fleet_assets.adapters.warehouse import DuckdbWarehouse

        return DuckdbWarehouse(self.settings.warehouse_file, self.settings.lake)

    @cached_property
    def run_locks(self) -> RunLocks:
        return RunLocks(self.settings.dagster_home / "working")

    @cached_property
    def check_results(self) -> CheckResults:
        return CheckResults(self.lake)

    @cached_property
    def server(self) -> Server:
        """The PostgreSQL server of the warehouse; raises SettingError where the warehouse is a DuckDB file."""
        from fleet_assets.adapters.postgres.connection import Server

        if not self.settings.is_on_postgres:
            raise SettingError(
                "the warehouse is a DuckDB file; set FLEET_WAREHOUSE_URL=postgresql://user:password@host/db"
            )
        return Server(self.settings.warehouse)

    @cached_property
    def loader(self) -> Loader:
        """What carries the lake to that server."""
        from fleet_assets.adapters.postgres.load import Loader

        return Loader(self.server, self.lake, frozenset(self.settings.left_out))
