"""Reference tables: CSV files in $FLEET_HOME/reference/, kept by people, effective-dated where they say from when."""

from __future__ import annotations

from fleet_assets.contracts.schema import Column, Table

POWERTRAINS = ("ice", "hev", "phev", "bev")

FUELS = ("diesel", "petrol", "lpg")
"""Fuels that are sold by the litre, as `vehicles.fuel` and `energy_prices.kind` name them."""

VEHICLES = Table(
    name="vehicles",
    row="One vehicle of the fleet.",
    key=("vehicle_id",),
    columns=(
        Column("vehicle_id", "str", "Name used in every table.", required=True),
        Column("name", "str", "What people call it."),
        Column("plate", "str", "Registration plate."),
        Column("vin", "str", "Vehicle identification number."),
        Column("make", "str", "Manufacturer."),
        Column("model", "str", "Model."),
        Column("model_year", "i64", "Model year.", low=1950, high=2100),
        Column("powertrain", "str", "ice, hev, phev or bev.", values=POWERTRAINS),
        Column("fuel", "str", "diesel, petrol, lpg: priced by those names; or any other."),
        Column("tank_capacity_l", "f64", "Usable tank volume.", "l", low=1, high=5_000),
        Column("tank_2_capacity_l", "f64", "Usable volume of a second tank.", "l", low=1, high=5_000),
        Column("battery_capacity_kwh", "f64", "Usable traction battery.", "kWh", low=0.1, high=2_000),
        Column("timezone", "str", "IANA time zone of its home."),
        Column("city", "str", "City of its home."),
        Column("segment", "str", "Class within the fleet."),
        Column("dbc", "str", "DBC file for every bus that dbc_bindings does not name."),
        Column("gvw_kg", "f64", "Gross vehicle weight.", "kg", low=50, high=200_000),
    ),
)

VEHICLE_REFS = Table(
    name="vehicle_refs",
    row="One name by which one source knows one vehicle.",
    key=("source", "external_id"),
    columns=(
        Column("source", "str", "Source that uses the name.", required=True),
        Column("external_id", "str", "IMEI, unit id, device id, CAN channel, ...", required=True),
        Column("vehicle_id", "str", "Vehicle of this fleet.", required=True),
    ),
)

DBC_BINDINGS = Table(
    name="dbc_bindings",
    row="One DBC file that describes one bus of one vehicle.",
    key=("vehicle_id", "bus", "dbc"),
    columns=(
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("bus", "str", "Bus or channel name; * for every bus not named otherwise.", required=True),
        Column("dbc", "str", "File name in reference/dbc/, or the name of a shipped DBC.", required=True),
    ),
)

DRIVERS = Table(
    name="drivers",
    row="One driver.",
    key=("driver_id",),
    columns=(
        Column("driver_id", "str", "Name used in every table.", required=True),
        Column("name", "str", "What people call them."),
        Column("phone", "str", "Phone number."),
    ),
)

DRIVER_ASSIGNMENTS = Table(
    name="driver_assignments",
    row="One span of time in which one driver has one vehicle.",
    key=("vehicle_id", "valid_from"),
    columns=(
        Column("driver_id", "str", "Driver.", required=True),
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("valid_from", "ts", "First instant of the span.", required=True),
        Column("valid_to", "ts", "First instant after it; empty while it lasts."),
    ),
)

ENERGY_PRICES = Table(
    name="energy_prices",
    row="One price in force for one span of time, on every day of it or within one daily window.",
    key=("kind", "zone", "valid_from", "daily_from"),
    columns=(
        Column("kind", "str", "What is sold.", required=True, values=("electricity", *FUELS)),
        Column("price", "f64", "Price per unit.", required=True, low=0),
        Column("currency", "str", "ISO 4217 code."),
        Column("per", "str", "Unit the price is for.", values=("kwh", "l")),
        Column("valid_from", "ts", "First instant of the span.", required=True),
        Column("valid_to", "ts", "First instant after it; empty while it lasts."),
        Column("zone", "str", "Zone in which it holds; empty for everywhere."),
        Column("daily_from", "str", "HH:MM of the vehicle's local day from which it holds; empty: the whole day."),
        Column("daily_to", "str", "HH:MM until which it holds; before daily_from: of the next day."),
    ),
)

TANK_CALIBRATIONS = Table(
    name="tank_calibrations",
    row="One point of the curve from the level of a tank to the litres in it; straight lines lie between.",
    key=("vehicle_id", "tank", "valid_from", "level_pct"),
    columns=(
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("tank", "i64", "1, or 2 for the second tank.", required=True, low=1, high=2),
        Column("level_pct", "f64", "Level as the sender tells it.", "%", required=True, low=0, high=100),
        Column("volume_l", "f64", "Litres in the tank at that level.", "l", required=True, low=0, high=5_000),
        Column("valid_from", "ts", "First instant of the curve; empty for always."),
        Column("valid_to", "ts", "First instant after it; empty while it lasts."),
    ),
)

REVIEW_REASONS = {
    "theft": ("siphoned", "tapped_from_the_line", "other"),
    "no_theft": ("drained_for_service", "moved_between_tanks", "sensor", "calibration", "other"),
}
"""Per verdict of a review what it may rest on."""

THEFT_REVIEWS = Table(
    name="theft_reviews",
    row="What a person says of one fall of a tank: a later one of the same fall counts instead, none is removed.",
    key=("review_id",),
    columns=(
        Column("review_id", "str", "Name of the review.", required=True),
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("event_started_at", "ts", "Start of the fall when it was reviewed.", required=True),
        Column("event_ended_at", "ts", "End of the fall when it was reviewed; empty: its start."),
        Column("event_id", "str", "Its event_id then; the spans say which it is after its start has moved."),
        Column("verdict", "str", "Whether it was a theft.", required=True, values=tuple(REVIEW_REASONS)),
        Column("reason", "str", "How it went: of a theft siphoned, tapped_from_the_line or other; else what it was.",
               required=True,
               values=tuple(dict.fromkeys(name for names in REVIEW_REASONS.values() for name in names))),
        Column("note", "str", "Words of the reviewer."),
        Column("reviewed_at", "ts", "When it was reviewed; the newest counts.", required=True),
        Column("reviewer", "str", "Who reviewed it."),
    ),
)  # fmt: skip

KEPT_ROWS = frozenset({THEFT_REVIEWS.name})
"""Tables to which a loaded file adds rows: none is removed or changed by it."""

ZONES = Table(
    name="zones",
    row="One place that matters to the fleet.",
    key=("zone_id",),
    columns=(
        Column("zone_id", "str", "Name used in every table.", required=True),
        Column("name", "str", "What people call it."),
        Column("kind", "str", "depot, fuel_station, home, charger, customer, ..."),
        Column("latitude_deg", "f64", "Latitude of the centre.", "deg", low=-90, high=90),
        Column("longitude_deg", "f64", "Longitude of the centre.", "deg", low=-180, high=180),
        Column("radius_m", "f64", "Radius of a round zone.", "m", low=1, high=100_000),
        Column("polygon", "str", "WKT POLYGON, instead of centre and radius."),
    ),
)

DBC_FILES = Table(
    name="dbc_files",
    row="One DBC file that bindings may name: shipped with the project or from reference/dbc/.",
    key=("name",),
    columns=(
        Column("name", "str", "Name without folder and ending.", required=True),
        Column("origin", "str", "Where it came from.", required=True, values=("shipped", "reference")),
        Column("sha256", "str", "Hash of the text.", required=True),
        Column("text", "str", "The file's content.", required=True),
    ),
)

SIGNAL_MAPS = Table(
    name="signal_maps",
    row="One signal map: which DBC signals become which telemetry columns.",
    key=("name",),
    columns=(
        Column("name", "str", "Name without folder and ending.", required=True),
        Column("origin", "str", "Where it came from; reference maps override shipped ones.", required=True,
               values=("shipped", "reference")),
        Column("sha256", "str", "Hash of the text.", required=True),
        Column("text", "str", "The YAML.", required=True),
    ),
)  # fmt: skip
