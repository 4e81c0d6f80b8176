"""Cut and flipped tables: rows that are whole are read as they are, nothing but a refusal in a sentence is raised."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.reading_budget import ReadingBudget
from fleet_assets.adapters.telemetry_files import TelemetryOptions, read_telemetry
from fleet_assets.contracts.errors import FileRejected

OPTIONS = TelemetryOptions("v1", UTC, "s", ReadingBudget(seconds=20))
COUNT = 30
LIMIT_S = 10.0
ENDINGS = (".csv", ".csv.gz", ".parquet")


def table() -> pl.DataFrame:
    start = datetime(2026, 3, 10, 10, tzinfo=UTC)
    return pl.DataFrame(
        {
            "recorded_at": [start + timedelta(seconds=n) for n in range(COUNT)], "vehicle_id": ["v1"] * COUNT,
            "speed_kmh": [float(n) for n in range(COUNT)], "odometer_km": [1000 + n / 8 for n in range(COUNT)],
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a valid file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    table().write_csv(folder / "a.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    table().write_parquet(folder / "a.parquet", row_group_size=10)
    text = (folder / "a.csv").read_bytes()
    return {".csv": text, ".csv.gz": gzip.compress(text), ".parquet": (folder / "a.parquet").read_bytes()}


def read(path: Path, content: bytes) -> pl.DataFrame | None:
    """The rows, None where the file was refused; in time."""
    path.write_bytes(content)
    started, refusal = time.monotonic(), ""
    try:
        chunks = [chunk.rows for chunk in read_telemetry(path, OPTIONS, 1_000)]
        rows = pl.concat(chunks) if chunks else None
    except FileRejected as rejected:
        rows, refusal = None, rejected.reason
    assert time.monotonic() - started < LIMIT_S
    assert not any(word in refusal for word in ("Error", "Invalid", "Traceback", "pyarrow", "NoneType")), refusal
    return rows


@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@settings(max_examples=25)
def test_of_a_table_that_was_cut_exactly_a_beginning_is_read(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], ending: str, data: st.DataObject
) -> None:
    path, content = tmp_path_factory.mktemp("cut") / f"a{ending}", whole[ending]
    expected = read(path, content)
    assert expected is not None
    assert expected.height == COUNT
    rows = read(path, content[: data.draw(st.integers(0, len(content) - 1), "cut at")])
    if rows is not None:
        assert rows.equals(expected.head(rows.height))


@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@settings(max_examples=25)
def test_flipped_bytes_of_a_table_raise_nothing_but_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], ending: str, data: st.DataObject
) -> None:
    content = bytearray(whole[ending])
    flips = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(1, 255)), min_size=1, max_size=6)
    for place, mask in data.draw(flips):
        content[place] ^= mask
    rows = read(tmp_path_factory.mktemp("flip") / f"a{ending}", bytes(content))
    assert rows is None or rows.height <= COUNT


@pytest.mark.parametrize("line", [b"2026-03-10T10:00:00Z,M\xe4x\n", b"2026-03-10T10:00:00Z,M\xe4x,1,2,3\n"])
def test_text_of_another_code_page_is_refused_with_its_place(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(b"recorded_at,vehicle_id\n" + line)
    with pytest.raises(FileRejected, match="its text is not UTF-8 at byte 45: save it as UTF-8"):
        list(read_telemetry(tmp_path / "a.csv", OPTIONS, 10))
