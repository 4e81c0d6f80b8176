"""The reference folder: files that people keep, typed and checked, with every wrong line named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.reference import ReferenceStore
from fleet_assets.contracts import DBC_BINDINGS, DBC_FILES, SIGNAL_MAPS, THEFT_REVIEWS, VEHICLES
from fleet_assets.contracts.errors import FileRejected, ReferenceInvalid, UsageError


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    return ReferenceStore(tmp_path / "reference")


def csv(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_missing_file_is_an_empty_table(store: ReferenceStore) -> None:
    assert store.read(VEHICLES).equals(VEHICLES.empty())


def test_a_loaded_file_is_read_back_typed(store: ReferenceStore, tmp_path: Path) -> None:
    path = csv(tmp_path, "vehicles.csv", 'vehicle_id,powertrain,tank_capacity_l\nvan-1,ice,80\nvan-2,"",\n')
    assert store.load(path) == (VEHICLES, 2)
    rows = store.read(VEHICLES).select("vehicle_id", "powertrain", "tank_capacity_l").rows()
    assert rows == [("van-1", "ice", 80.0), ("van-2", None, None)]


def test_a_wrong_line_is_named_and_the_last_good_file_stays(store: ReferenceStore, tmp_path: Path) -> None:
    store.load(csv(tmp_path, "vehicles.csv", "vehicle_id\nvan-1\n"))
    with pytest.raises(ReferenceInvalid, match=r"vehicles\.csv: line 3: .*large"):
        store.load(csv(tmp_path, "vehicles.csv", "vehicle_id,tank_capacity_l\nvan-1,80\nvan-2,large\n"))
    assert store.read(VEHICLES)["vehicle_id"].to_list() == ["van-1"]


def test_a_file_that_names_no_table_is_refused_with_the_names_there_are(store: ReferenceStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"trucks\.csv.*vehicles\.csv"):
        store.load(csv(tmp_path, "trucks.csv", "vehicle_id\nvan-1\n"))


def test_a_file_that_is_no_csv_is_refused(store: ReferenceStore, tmp_path: Path) -> None:
    path = tmp_path / "vehicles.csv"
    path.write_bytes(b'vehicle_id,name\n"van-1,\x00\xff\n')
    with pytest.raises((FileRejected, ReferenceInvalid), match=r"vehicles\.csv"):
        store.load(path)


def test_binding_twice_changes_nothing(store: ReferenceStore, tmp_path: Path) -> None:
    name = store.add_dbc(csv(tmp_path, "van.dbc", 'VERSION ""\n'))
    store.bind("van-1", "can0", name)
    store.bind("van-1", "can0", name)
    assert store.read(DBC_BINDINGS).rows() == [("van-1", "can0", "van")]
    assert "van" in store.texts(DBC_FILES)["name"].to_list()


def test_a_file_of_the_user_replaces_the_shipped_one_of_the_same_name(store: ReferenceStore, tmp_path: Path) -> None:
    shipped = store.texts(DBC_FILES)
    assert {"j1939", "obd2", "canmod_gps"} <= set(shipped["name"])
    store.add_dbc(csv(tmp_path, "obd2.dbc", 'VERSION "mine"\n'))
    texts = store.texts(DBC_FILES)
    mine = texts.filter(pl.col("name") == "obd2").select("origin", "text").rows()
    assert mine == [("reference", 'VERSION "mine"\n')]
    assert texts.height == shipped.height


def test_a_change_of_content_changes_the_fingerprint(store: ReferenceStore, tmp_path: Path) -> None:
    marks = {store.fingerprint(VEHICLES), store.fingerprint(SIGNAL_MAPS)}
    store.load(csv(tmp_path, "vehicles.csv", "vehicle_id\nvan-1\n"))
    marks.add(store.fingerprint(VEHICLES))
    assert len(marks) == 3


REVIEWS = "review_id,vehicle_id,event_started_at,verdict,reason,reviewed_at\n"


def review(name: str, note: str = "") -> pl.DataFrame:
    night = datetime(2026, 3, 3, 2, 0, 0, 500, tzinfo=UTC)
    row = {"review_id": name, "vehicle_id": "lorry-1", "event_started_at": night, "verdict": "no_theft",
           "reason": "sensor", "note": note, "reviewed_at": night}  # fmt: skip
    return pl.DataFrame([row], schema=THEFT_REVIEWS.schema)


def test_a_loaded_file_of_reviews_adds_to_those_that_are_there(store: ReferenceStore, tmp_path: Path) -> None:
    store.add_review(review("mine", 'a "float" that sticks,\nseen twice'))
    text = f"{REVIEWS}theirs,lorry-2,2026-03-04 01:00:00,theft,siphoned,2026-03-05 08:00:00\n"
    assert store.load(csv(tmp_path, "theft_reviews.csv", text)) == (THEFT_REVIEWS, 1)
    assert store.load(csv(tmp_path, "theft_reviews.csv", text)) == (THEFT_REVIEWS, 1)
    rows = store.read(THEFT_REVIEWS)
    assert rows["review_id"].to_list() == ["mine", "theirs"]
    assert rows.head(1).equals(review("mine", 'a "float" that sticks,\nseen twice'))


def test_a_loaded_review_that_contradicts_one_that_is_there_is_refused(store: ReferenceStore, tmp_path: Path) -> None:
    store.add_review(review("mine"))
    text = f"{REVIEWS}mine,lorry-1,2026-03-03 02:00:00,theft,siphoned,2026-03-05 08:00:00\n"
    with pytest.raises(ReferenceInvalid, match="line 2: review mine is there with other content"):
        store.load(csv(tmp_path, "theft_reviews.csv", text))
    assert store.read(THEFT_REVIEWS)["verdict"].to_list() == ["no_theft"]


def test_a_review_with_a_reason_of_the_other_verdict_is_refused(store: ReferenceStore, tmp_path: Path) -> None:
    text = f"{REVIEWS}mine,lorry-1,2026-03-03 02:00:00,theft,sensor,2026-03-05 08:00:00\n"
    with pytest.raises(ReferenceInvalid, match=r"theft_reviews\.csv: line 2: sensor is no reason of theft"):
        store.load(csv(tmp_path, "theft_reviews.csv", text))
    assert store.read(THEFT_REVIEWS).is_empty()


def test_reviews_of_several_writers_at_once_are_all_there(store: ReferenceStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.add_review(review(f"r{number:02}")), range(24)))
    assert sorted(store.read(THEFT_REVIEWS)["review_id"]) == [f"r{number:02}" for number in range(24)]
