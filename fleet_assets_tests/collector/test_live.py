"""Live values: newest of each column and vehicle, with the reference files as they are now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.reference import ReferenceStore
from fleet_assets.collector.live import LiveDecoder, latest_values
from fleet_assets.contracts import DBC_BINDINGS, RAW_CAN, TELEMETRY, TIMESTAMP
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets_tests.fixtures.can_frames import START

_DBC = """VERSION ""
BU_: ECU
BO_ 2566844926 CCVS1: 8 ECU
 SG_ WheelBasedVehicleSpeed : 8|16@1+ ({factor},0) [0|250] "km/h" ECU
"""


def telemetry(*rows: tuple[str, int, float | None, list[str] | None]) -> pl.DataFrame:
    """Rows of vehicle, seconds after START, speed, trouble codes."""
    frame = pl.DataFrame(
        {
            "vehicle_id": [row[0] for row in rows],
            "recorded_at": [START + timedelta(seconds=row[1]) for row in rows],
            "source": ["can"] * len(rows),
            "speed_kmh": [row[2] for row in rows],
            "dtc_codes": [row[3] for row in rows],
        },
        schema_overrides={"recorded_at": TIMESTAMP, "speed_kmh": pl.Float64, "dtc_codes": pl.List(pl.String)},
    )
    return TELEMETRY.conform(frame.lazy()).collect()


def frames(raw_speed: int) -> pl.DataFrame:
    """One CCVS1 frame."""
    row = {
        "recorded_at": START, "received_at": START, "vehicle_id": "v1", "bus": "can0", "arbitration_id": 0x18FEF1FE,
        "is_extended": True, "is_fd": False, "is_error": False, "dlc": 8,
        "data": bytes([255, *raw_speed.to_bytes(2, "little"), 255, 255, 255, 255, 255]), "entry_id": "e",
    }  # fmt: skip
    return pl.DataFrame([row], schema=RAW_CAN.schema)


def test_the_newest_value_of_each_column_is_taken_where_it_is_not_null() -> None:
    values = latest_values(
        telemetry(("v1", 2, None, None), ("v1", 0, 50.0, ["P1", "P2"]), ("v1", 1, 60.0, None), ("v2", 0, 7.5, None))
    )
    assert values.rows() == [
        ("v1", "dtc_codes", "P1 P2", START),
        ("v1", "speed_kmh", "60.0", START + timedelta(seconds=1)),
        ("v2", "speed_kmh", "7.5", START),
    ]


def test_no_rows_give_no_values() -> None:
    assert latest_values(TELEMETRY.empty()).is_empty()


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    """A reference folder in which v1 is bound to one message."""
    store = ReferenceStore(tmp_path)
    (tmp_path / "mine.dbc").write_text(_DBC.format(factor=0.00390625))
    store.bind("v1", "*", store.add_dbc(tmp_path / "mine.dbc"))
    return store


def test_frames_are_decoded_with_the_bound_dbc_and_a_changed_one_is_used_at_once(store: ReferenceStore) -> None:
    decode = LiveDecoder(store, 1)
    assert decode(frames(50 * 256)).rows() == [("v1", "speed_kmh", "50.0", START)]
    (store.root / "dbc" / "mine.dbc").write_text(_DBC.format(factor=0.0078125))
    assert decode(frames(50 * 256)).rows() == [("v1", "speed_kmh", "100.0", START)]


def test_a_reference_file_that_is_wrong_leaves_the_last_good_ones_in_force(store: ReferenceStore) -> None:
    decode = LiveDecoder(store, 1)
    decode(frames(0))
    store.path(DBC_BINDINGS).write_text("vehicle_id,bus,dbc\nv1,,\n")
    assert decode(frames(50 * 256)).rows() == [("v1", "speed_kmh", "50.0", START)]
    with pytest.raises(ReferenceInvalid):
        LiveDecoder(store, 1)(frames(0))


def test_a_vehicle_without_a_dbc_shows_nothing(tmp_path: Path) -> None:
    assert LiveDecoder(ReferenceStore(tmp_path), 1)(frames(0)).is_empty()
