"""Settings: everything that the environment may say, read once at the edge of a process.

Belongs here: names, defaults and meanings of `FLEET_*` variables, and the places derived from them.
Does not belong here: rules and thresholds (beside the function that uses them) and secrets other than addresses.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.addresses import without_secrets
from fleet_assets.core.local_time import known_zones

_DAY_SECONDS = 86_400

LONGEST_SOCKET_PATH = 100
"""Bytes; the operating system allows 104 to 108."""


def private_socket(folder: Path) -> Path:
    """Inside the folder where the path is short enough, else in a private folder named after it."""
    inside = folder / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fleet-redis-{os.getuid()}-{digest}" / "redis.sock"


class Settings(BaseSettings):
    """The settings of one process; see docs/operations.md for the table of names."""

    model_config = SettingsConfigDict(env_prefix="FLEET_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path(".fleet"), description="Everything local: landing, lake, warehouse, reference, dagster.")
    lake_url: str = Field("", description="Folder or object store URL of the lake. Default: $FLEET_HOME/lake")
    warehouse_url: str = Field(
        "", description="duckdb:///FILE or postgresql://... Default: duckdb:///$FLEET_HOME/warehouse/fleet.duckdb"
    )
    warehouse_without: str = Field(
        "",
        description="Lake tables not loaded into PostgreSQL, with commas between: raw_can,can_signals. Default: none",
    )
    redis_url: str = Field("", description="redis:// or rediss://; empty starts a private embedded server.")
    start_date: date = Field(date(2000, 1, 1), description="First day partition; older rows are quarantined.")
    grid_seconds: int = Field(
        1, ge=0, le=3600, description="Grid of bus signals in telemetry: divides a day; 0 keeps every instant."
    )
    timezone: str = Field("UTC", description="IANA zone of a vehicle that states none.")
    units: Literal["metric", "us"] = Field(
        "metric", description="Units of the tables that are shown; what is stored is metric."
    )

    import_seconds: float = Field(
        120.0,
        gt=0,
        description="Without a row, after which the reader of a file is ended; as many more for 100 MB [s].",
    )
    import_memory_mb: int = Field(
        550, ge=100, description="Memory that the reader of an MF4 or Parquet file may take [MB]."
    )
    import_unpacked_gb: float = Field(64.0, gt=0, description="Size that a gzipped file may unpack to [GB].")
    shared_with: Literal["user", "group"] = Field(
        "user", description="Who may read what is written: `user`, or `group` for the user's group too."
    )
    landing_keep_days: int = Field(
        30, ge=1, description="Days that landed files are kept once their rows are in the lake, then pruned [d]."
    )
    lake_keep_days: int = Field(
        7, ge=1, description="Days with changes of whose last state a lake table can be gone back to [d]."
    )
    lake_grace_hours: int = Field(
        6, ge=1, description="Time that superseded files of the lake are kept for who still reads them [h]."
    )

    theft_alarm_budget: float = Field(
        0.2,
        ge=0.01,
        le=2.0,
        description="False alarms of theft that are accepted, per vehicle and month (0.01 to 2): sets the threshold.",
    )
    webhook_url: str = Field("", description="Address that alarms are sent to (POST, JSON). Default: to the log alone")
    webhook_secret: str = Field("", repr=False, description="Key of the signature of every alarm that is sent.")
    alarm_max_age_hours: float = Field(
        24.0, gt=0, description="Age from which an alarm is not sent any more, counted since it became final [h]."
    )
    theft_drift_psi: float = Field(
        0.25, gt=0, description="Population stability index of a feature from which the theft model is trained anew."
    )
    model_key: str = Field(
        "", repr=False, description="Key that signs models. Default: a file of this installation, made once."
    )

    @field_validator("grid_seconds")
    @classmethod
    def _divides_a_day(cls, value: int) -> int:
        # A cell that spans midnight would begin on a day that is built without the frames of its end.
        if value and _DAY_SECONDS % value:
            below = max(n for n in range(1, value) if _DAY_SECONDS % n == 0)
            above = min(n for n in range(value, _DAY_SECONDS + 1) if _DAY_SECONDS % n == 0)
            raise ValueError(
                f"{value} s do not divide a day; near it do {below} and {above}, and 0 keeps every instant"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Madrid")
        return value

    @cached_property
    def root(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def lake(self) -> str:
        """A folder, by its whole path since not all processes work in the same one, or an address."""
        folder = self.lake_url or str(self.root / "lake")
        return folder if "://" in folder else str(Path(folder).absolute())

    @property
    def reference(self) -> Path:
        return self.root / "reference"

    @property
    def warehouse(self) -> str:
        return self.warehouse_url or f"duckdb:///{self.root / 'warehouse' / 'fleet.duckdb'}"

    @property
    def left_out(self) -> tuple[str, ...]:
        """The lake tables that are not loaded; raises SettingError for a name that is none."""
        names = tuple(name.strip() for name in self.warehouse_without.split(",") if name.strip())
        unknown = [name for name in names if name not in TABLES]
        if unknown:
            raise SettingError(f"FLEET_WAREHOUSE_WITHOUT={self.warehouse_without}: there is no table {unknown[0]}")
        return names

    @property
    def is_on_postgres(self) -> bool:
        """Whether the warehouse is a PostgreSQL server; raises SettingError for an address of neither kind."""
        kind = self.warehouse.split("://")[0]
        if kind not in {"duckdb", "postgres", "postgresql"}:
            stated = without_secrets(self.warehouse)
            raise SettingError(f"FLEET_WAREHOUSE_URL={stated} is neither duckdb:///FILE nor postgresql://...")
        return kind != "duckdb"

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file that people open."""
        if not self.warehouse.startswith("duckdb:///"):
            stated = without_secrets(self.warehouse)
            raise SettingError(f"FLEET_WAREHOUSE_URL={stated} is not a DuckDB file (duckdb:///PATH)")
        return Path(self.warehouse.removeprefix("duckdb:///")).absolute()

    @property
    def redis_socket(self) -> Path:
        """Where the private server listens while it runs."""
        return private_socket(self.root / "redis")

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def dagster_home(self) -> Path:
        return self.root / "dagster"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, `.env` here and `.env` in FLEET_HOME, in this order.

    Raises SettingError naming the variable that is wrong.
    """
    try:
        here = Settings(**overrides)
        files = (here.root / ".env", ".env")
        return Settings(_env_file=files, **(overrides | {"home": here.home}))  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = "FLEET_" + str(first["loc"][0]).upper()
        raise SettingError(f"{name}={first['input']}: {first['msg'].removeprefix('Value error, ')}") from None
