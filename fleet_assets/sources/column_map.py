"""Columns of other people's tables, by the contract's names: what they may mean, and what a person says they mean.

Belongs here: words for quantities, telling a unit in a name, and the mapping that was stated. Does not belong here:
files and cells (`adapters.telemetry_files`). Nothing is mapped that nobody stated: a suggestion is only said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl
import yaml

from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.units import conversion, known_unit
from fleet_assets.wording import or_meant

WORDS = {
    "recorded_at": "time timestamp datetime date_time gps_time device_time devicetime fixtime fix_time utc utc_time ts",
    "vehicle_id": "vehicle car truck device device_id deviceid car_id unit unit_id asset asset_id imei plate name",
    "latitude_deg": "lat latitude gps_latitude position_lat y",
    "longitude_deg": "lon lng long longitude gps_longitude position_lon x",
    "altitude_m": "alt altitude elevation ele gps_altitude",
    "heading_deg": "heading course bearing direction",
    "speed_kmh": "speed velocity vehicle_speed speed_obd wheel_speed",
    "gps_speed_kmh": "gps_speed speed_gps ground_speed speed_over_ground",
    "odometer_km": "odometer odo mileage total_distance",
    "is_ignition_on": "ignition ign key_on",
    "engine_speed_rpm": "rpm engine_rpm engine_speed",
    "engine_load_pct": "engine_load load",
    "throttle_pct": "throttle throttle_position accelerator",
    "coolant_temp_c": "coolant coolant_temp coolant_temperature engine_coolant_temperature",
    "ambient_temp_c": "outside_temp outside_temperature ambient ambient_temp ambient_air_temp",
    "fuel_level_pct": "fuel fuel_level fuel_percent tank_level",
    "fuel_rate_lph": "fuel_rate fuel_flow",
    "soc_pct": "soc battery_level state_of_charge usable_battery_level",
    "hv_power_kw": "power battery_power",
    "supply_voltage_v": "battery_voltage voltage control_module_voltage",
    "satellite_count": "satellites sat sats nsat",
    "dtc_codes": "dtc dtcs fault_codes",
}
"""Words for columns of the contract, in small letters with _ between."""

MEANT_BY = {word: column for column, words in WORDS.items() for word in words.split()}

LEFT_OUT = "-"
"""Stands for the contract's name of a column that is not wanted."""

WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Likely:
    """A column of the contract that a name may mean, and the unit that the name states where it is another one."""

    column: str
    unit: str = ""
    is_of_other_kind: bool = False
    """The name states a unit that cannot be converted: a distance in the name of a speed."""

    @property
    def shown(self) -> str:
        unit = TELEMETRY.column(self.column).unit
        return f"{self.column} ({unit})" if unit not in ("", "1") else self.column


@dataclass(frozen=True)
class ColumnMap:
    """Which column of a file is which of the contract, and in which unit its numbers are; both as stated."""

    columns: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.units)

    def renamed(self, names: Sequence[str]) -> list[str]:
        """The names of a file's columns by the contract."""
        known = dict(self.columns)
        return [known.get(name, name) for name in names]

    def absent(self, names: Sequence[str]) -> list[str]:
        """The columns that the mapping speaks of and the file does not have."""
        spoken = dict.fromkeys([name for name, _ in (*self.columns, *self.units)])
        return [name for name in spoken if name not in names and name not in self.renamed(names)]

    def applied(self, raw: pl.DataFrame) -> pl.DataFrame:
        """The cells under the contract's names, numbers of another unit converted; what is no number stays as it is,
        for whoever types the cells to set aside."""
        kept = raw.drop([old for old, new in self.columns if new == LEFT_OUT], strict=False)
        taken = kept.rename(dict(zip(kept.columns, self.renamed(kept.columns), strict=True)))
        stated = zip(self.renamed([name for name, _ in self.units]), (unit for _, unit in self.units), strict=True)
        return taken.with_columns(_converted(taken, name, unit) for name, unit in stated if name in taken.columns)

    def as_options(self) -> str:
        """The mapping as options of the command line."""
        maps = [f"--map {_quoted(f'{old}={new}')}" for old, new in self.columns]
        return " ".join([*maps, *(f"--units {_quoted(f'{name}={unit}')}" for name, unit in self.units)])

    def as_text(self) -> str:
        """The mapping as a file holds it."""
        parts = {"columns": dict(self.columns), "units": dict(self.units)}
        return yaml.safe_dump(parts, sort_keys=False, allow_unicode=True)


AS_THEY_ARE = ColumnMap()
"""Nothing is stated: every column has the contract's name."""


def column_map(columns: Mapping[str, str], units: Mapping[str, str]) -> ColumnMap:
    """A mapping as stated; raises UsageError for a column that the contract has not, and a unit that does not fit."""
    names = TELEMETRY.schema.names()
    for old, new in columns.items():
        if new not in (*names, LEFT_OUT):
            raise UsageError(f"--map {old}={new}: the contract has no column {new}{or_meant(new, names)}")
    wanted = [new for new in columns.values() if new != LEFT_OUT]
    twice = sorted({new for new in wanted if wanted.count(new) > 1})
    if twice:
        raise UsageError(f"--map: two columns cannot both be {', '.join(twice)}")
    used = {name: unit for name, unit in units.items() if columns.get(name) != LEFT_OUT}
    for name, unit in used.items():
        _must_fit(columns.get(name, name), name, unit)
    measured = [columns.get(name, name) for name in used]
    again = sorted({name for name in measured if measured.count(name) > 1})
    if again:
        raise UsageError(f"--units: {', '.join(again)} is given two units, under two names; give it one")
    return ColumnMap(tuple(columns.items()), tuple(used.items()))


def column_map_of(text: str, origin: str) -> ColumnMap:
    """The mapping that a file holds; raises UsageError for what is none."""
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{origin} is no mapping of columns: {str(error).splitlines()[0]}") from None
    parts = [found.get(part) or {} for part in ("columns", "units")] if isinstance(found, dict) else [None, None]
    if not all(isinstance(part, dict) for part in parts) or set(found) - {"columns", "units"}:
        raise UsageError(f"{origin} is no mapping of columns: it holds `columns` and `units`, each NAME: NAME")
    columns, units = ({str(name): str(value) for name, value in dict(part or {}).items()} for part in parts)
    return column_map(columns, units)


def stated_pairs(option: str, stated: Iterable[str]) -> dict[str, str]:
    """The pairs NAME=VALUE of an option; a name may hold the sign itself, a value not. Raises UsageError."""
    pairs: dict[str, str] = {}
    for one in stated:
        name, _, value = one.rpartition("=")
        if not name or not value:
            raise UsageError(f"{option} {one!r} is not NAME=VALUE, such as {option} {EXAMPLES[option]}")
        pairs[name.strip()] = value.strip()
    return pairs


EXAMPLES = {"--map": "lat=latitude_deg", "--units": "speed=mph"}


def likely(name: str) -> Likely | None:
    """What a column of a file may mean, by its words and the unit among them; None where nothing is alike."""
    words, unit = _words_and_unit(name)
    column = _column(words)
    if column is None:
        return None
    wanted = TELEMETRY.column(column).unit
    if not unit or not wanted or known_unit(unit) == known_unit(wanted):
        return Likely(column)
    return Likely(column, unit) if conversion(unit, wanted) else Likely(column, is_of_other_kind=True)


def suggested(names: Sequence[str]) -> ColumnMap:
    """The mapping that would give every column of a file its likely name; only the first of several that mean the
    same is named."""
    taken = {name for name in names if name in TELEMETRY.schema}
    columns: dict[str, str] = {}
    units: dict[str, str] = {}
    for name in names:
        found = None if name in taken else likely(name)
        if found and found.column not in taken and not found.is_of_other_kind:
            taken.add(found.column)
            columns[name] = found.column
            units |= {name: found.unit} if found.unit else {}
    return ColumnMap(tuple(columns.items()), tuple(units.items()))


def _column(words: str) -> str | None:
    if words in MEANT_BY:
        return MEANT_BY[words]
    stems = {_stem(column): column for column in TELEMETRY.schema}
    close = get_close_matches(words, [*stems, *TELEMETRY.schema, *MEANT_BY], n=1, cutoff=0.75)
    found = close[0] if close else ""
    return stems.get(found) or MEANT_BY.get(found) or found or None


def _words_and_unit(name: str) -> tuple[str, str]:
    """The words of a name with _ between, and the unit at its end: `Speed (mph)`, `speed_mph`, `speed[km/h]`."""
    inner = re.fullmatch(r"\s*(.*?)\s*[(\[]([^()\[\]]*)[)\]]\s*", name)
    if inner:
        return "_".join(WORD.findall(inner[1].lower())), inner[2]
    words = WORD.findall(name.lower())
    has_unit = len(words) > 1 and known_unit(words[-1]) is not None
    return "_".join(words[:-1] if has_unit else words), words[-1] if has_unit else ""


def _stem(column: str) -> str:
    """The name of a column of the contract without its unit."""
    return column.rpartition("_")[0] or column if TELEMETRY.column(column).unit else column


def _must_fit(column: str, name: str, unit: str) -> None:
    if column not in TELEMETRY.schema:
        raise UsageError(f"--units {name}={unit}: say which column {name} is, with --map {name}=COLUMN")
    wanted = TELEMETRY.column(column).unit
    if not wanted or conversion(unit, wanted) is None:
        into = f"cannot be converted to {wanted}" if wanted else "is of no use: it has no unit"
        raise UsageError(f"--units {name}={unit}: what {column} holds {into}")


def _converted(raw: pl.DataFrame, name: str, unit: str) -> pl.Expr:
    rule = conversion(unit, TELEMETRY.column(name).unit)
    assert rule is not None
    cell, is_text = pl.col(name), raw.schema[name] == pl.String
    # Cells are typed without the blanks around them: these keep no number from its unit.
    number = (cell.str.strip_chars() if is_text else cell).cast(pl.Float64, strict=False)
    converted = number * rule.factor / rule.divisor + rule.offset
    if not is_text:
        return converted.alias(name)
    return pl.when(number.is_not_null()).then(converted.cast(pl.String)).otherwise(cell).alias(name)


def _quoted(text: str) -> str:
    """As a shell takes it."""
    return text if re.fullmatch(r"[\w=./%-]+", text) else f'"{text}"'
