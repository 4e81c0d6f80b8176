"""What vehicles said in a week, as raw rows and reference files: the material of the histories.

Belongs here: simulated and recorded rows with their entry ids. Does not belong here: when and how they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copytree

import polars as pl

from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.reference import ReferenceStore
from fleet_assets.collector.importer import import_files
from fleet_assets.commands.import_logs import bind
from fleet_assets.contracts import DBC_BINDINGS, DBC_FILES, RAW_CAN, RAW_TELEMETRY, SIGNAL_MAPS, VEHICLES, Table
from fleet_assets.installation import Installation
from fleet_assets.settings import load_settings
from fleet_assets.simulator import FleetPlan, Vehicle, make_roster, simulate_vehicle, write_fleet
from fleet_assets.simulator.plan import CHARGING_PERIODS_S, THINNED_PERIODS_S
from fleet_assets.sources.can import telemetry_from_can
from fleet_assets.sources.declared import declared_bindings, declared_signal_map
from fleet_assets_tests.fixtures.energy_fleet import energy_rows, write_energy_reference
from fleet_assets_tests.proofs.histories.long_messages import LONG_DBC, LONG_MAP, long_messages

STARTS = (
    date(2025, 3, 27), date(2025, 10, 24), date(2025, 3, 7), date(2025, 10, 30), date(2024, 12, 28), date(2024, 2, 26),
)  # fmt: skip
"""First days of weeks over the changes of clocks in Europe and America, month ends, a year's end, a leap day."""

DAYS = 7
THINNING = 15.0
"""Frames are this much rarer than in the demo, so that a week is built in a second."""

RECORDED_CARS = 3
START_OF_TIME = date(2000, 1, 1)
KM_PER_MILE = 1.609344

KINDS = (0, 4, 8)
"""Installation in the roster: a lorry in Europe, a plug-in hybrid in America, an electric van in India."""


@dataclass(frozen=True)
class Week:
    """Raw rows by landing source, each once, and the folder of reference files; `name` says which week it is."""

    name: str
    raw: dict[str, pl.DataFrame]
    reference: Path

    @property
    def days(self) -> list[date]:
        """The days with rows."""
        found = {day for rows in self.raw.values() for day in rows["recorded_at"].dt.date().unique().to_list()}
        return sorted(found)


def simulated_week(number: int, folder: Path) -> Week:
    """Vehicles of all powertrains over a week: on CAN, as telemetry, one on both; shifted so that nights are driven.

    Messages of several frames lie over every midnight; a stretch has a clock that jumped back. Beside them those whose
    tanks and batteries do everything (`energy_fleet`).
    """
    random = Random(number)
    plan = _plan(number)
    write_fleet(FleetPlan(max(KINDS) + 1, 0, number, plan.start), folder)
    reference = folder / "reference"
    roster = make_roster(max(KINDS) + 1, number)
    frames = [_shifted(simulate_vehicle(roster[k], plan).frames, random) for k in KINDS]
    long = long_messages(roster[KINDS[0]].vehicle_id, _midnights(plan))
    can = _raw_can(_clock_jump(pl.concat([*frames, long]), random, roster[KINDS[1]]), plan)
    _describe_long_messages(reference, roster[KINDS[0]].vehicle_id)
    write_energy_reference(reference, plan.start)
    spoken = pl.concat([_spoken(can, reference, roster), energy_rows(plan.start, DAYS)])
    return Week(f"week {number} from {plan.start}", {"can": can, "telemetry": spoken}, reference)


def energy_week(number: int, folder: Path) -> Week:
    """Only vehicles whose tanks and batteries do everything: a week that is built in seconds."""
    start = STARTS[number % len(STARTS)]
    write_energy_reference(folder / "reference", start)
    return Week(f"energy {number} from {start}", {"telemetry": energy_rows(start, DAYS)}, folder / "reference")


def _plan(number: int) -> FleetPlan:
    thin = {name: seconds * THINNING for name, seconds in THINNED_PERIODS_S.items()}
    thin |= {"CCVS1": 5.0, "DriveStatus": 5.0, "OBD2.VehicleSpeed": 5.0}
    charging = {name: seconds * THINNING for name, seconds in CHARGING_PERIODS_S.items()}
    start = STARTS[number % len(STARTS)]
    return FleetPlan(0, DAYS, number, start, thin, charging)


def _midnights(plan: FleetPlan) -> list[datetime]:
    return [plan.starts_at + timedelta(days=day) for day in range(1, plan.days)]


def _shifted(frames: pl.DataFrame, random: Random) -> pl.DataFrame:
    return frames.with_columns(pl.col("recorded_at") + timedelta(minutes=random.randrange(0, 1440)))


def _clock_jump(frames: pl.DataFrame, random: Random, vehicle: Vehicle) -> pl.DataFrame:
    """Some hours of one vehicle are told twelve hours too early: its clock jumped back, and forward again later."""
    own = frames.filter(pl.col("vehicle_id") == vehicle.vehicle_id)["recorded_at"]
    begin = own.gather([random.randrange(len(own))]).item()
    told_early = (pl.col("vehicle_id") == vehicle.vehicle_id) & pl.col("recorded_at").is_between(
        begin, begin + timedelta(hours=3)
    )
    shift = pl.when(told_early).then(timedelta(hours=12)).otherwise(timedelta(0))
    return frames.with_columns(pl.col("recorded_at") - shift)


def _raw_can(frames: pl.DataFrame, plan: FleetPlan) -> pl.DataFrame:
    inside = frames.filter(pl.col("recorded_at").is_between(plan.starts_at, plan.ends_at, closed="left"))
    return entered(inside.sort("vehicle_id", "recorded_at", maintain_order=True), RAW_CAN)


def entered(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Raw rows with an entry id each; they arrive a second after they were observed."""
    numbered = rows.with_columns(
        (pl.col("recorded_at") + timedelta(seconds=1)).alias("received_at"),
        pl.format("{}-{}", pl.col("vehicle_id"), pl.int_range(pl.len()).cast(pl.String).str.zfill(8)).alias("entry_id"),
    )
    return table.conform(numbered.lazy()).collect()


def _spoken(can: pl.DataFrame, reference: Path, roster: list[Vehicle]) -> pl.DataFrame:
    """The lorry's telemetry as a second source of the same vehicle, and as another vehicle that has no CAN."""
    lorry = can.filter(pl.col("vehicle_id") == roster[KINDS[0]].vehicle_id)
    rows = decoded(lorry, ReferenceStore(reference)).with_columns(pl.lit("telemetry").alias("source"))
    other = rows.with_columns(
        pl.lit(roster[3].vehicle_id).alias("vehicle_id"), pl.col("recorded_at") - timedelta(minutes=37)
    )
    second = rows.filter(pl.col("recorded_at").dt.day() % 2 == 0).gather_every(3)
    return entered(pl.concat([second, other]), RAW_TELEMETRY)


def decoded(frames: pl.DataFrame, store: ReferenceStore, grid_seconds: int = 5) -> pl.DataFrame:
    """Frames as rows of telemetry, for speaking them as such."""
    bindings, vehicles = store.read(DBC_BINDINGS).lazy(), store.read(VEHICLES).lazy()
    bound = declared_bindings(bindings, vehicles, store.texts(DBC_FILES).lazy())
    return telemetry_from_can(frames, bound, declared_signal_map(store.texts(SIGNAL_MAPS).lazy()), grid_seconds).frame


def _describe_long_messages(reference: Path, vehicle_id: str) -> None:
    store = ReferenceStore(reference)
    (reference / "dbc").mkdir(exist_ok=True)
    (reference / "dbc" / "long.dbc").write_text(LONG_DBC)
    (reference / "signal_maps" / "long.yaml").write_text(LONG_MAP)
    store.bind(vehicle_id, "can9", "long")


def recorded_weeks(data: Path, folder: Path) -> Iterator[Week]:
    """Real recordings where they are: a commute logged on CAN, moved over midnight, and cars that speak telemetry."""
    commute, cars = data / "css_mf4", data / "nrel_cmap" / "samples.parquet"
    if not (commute / "day164").is_dir() or not cars.exists():
        return
    installation = Installation(load_settings(home=folder))
    installation.settings.root.mkdir(parents=True)
    dbc = commute / "dbc" / "canmod-gps.dbc"
    bind(installation, "car-164", [str(dbc)])
    _import(installation, "can", sorted((commute / "day164").glob("*.MF4")), vehicle_id="car-164")
    samples = pl.read_parquet(cars).sort("vehicle_id", "ts_local")
    some = samples.filter(pl.col("vehicle_id").is_in(samples["vehicle_id"].unique().sort().head(RECORDED_CARS)))
    spoken = some.select("vehicle_id", recorded_at="ts_local", speed_kmh=pl.col("speed_mph") * KM_PER_MILE)
    spoken.write_csv(folder / "cars.csv")
    _import(installation, "telemetry", [folder / "cars.csv"], timezone="America/Chicago")
    raw = {source: _landed(installation, source) for source in ("can", "telemetry")}
    first, noon = raw["can"]["recorded_at"].min(), timedelta(hours=19)
    assert isinstance(first, datetime)
    raw["can"] = raw["can"].with_columns(pl.col("recorded_at") + noon)
    newest = raw["telemetry"]["recorded_at"].max()
    assert isinstance(newest, datetime)
    near = raw["telemetry"].filter(pl.col("recorded_at") > newest - timedelta(days=DAYS))
    yield Week("recorded", {"can": raw["can"], "telemetry": near}, installation.settings.reference)


def _import(
    installation: Installation, source: str, files: list[Path], *, vehicle_id: str = "", timezone: str = ""
) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    report = import_files(
        files, source, installation.landing, quarantine=quarantine, vehicle_id=vehicle_id, timezone=timezone,
        start_date=START_OF_TIME,
    )  # fmt: skip
    assert not report.refused


def _landed(installation: Installation, source: str) -> pl.DataFrame:
    return pl.concat(installation.landing.scan(source, day).collect() for day in installation.landing.days(source))


def save_week(week: Week, kept: Path) -> None:
    """Write a week where another process finds it."""
    kept.mkdir(parents=True)
    for source, rows in week.raw.items():
        rows.write_parquet(kept / f"{source}.parquet")
    copytree(week.reference, kept / "reference")


def load_week(kept: Path) -> Week:
    """The week that `save_week` wrote."""
    raw = {file.stem: pl.read_parquet(file) for file in sorted(kept.glob("*.parquet"))}
    return Week(kept.name, raw, kept / "reference")
