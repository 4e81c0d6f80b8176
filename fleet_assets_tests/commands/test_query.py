"""`fleet query` writes what was asked as a table, CSV, JSON or Parquet, and refuses in one sentence."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.duckdb_origin import SETTLE_NS
from fleet_assets.commands.query import SHOWN_ROWS, Look, run_query
from fleet_assets.contracts import VEHICLES
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.settings import load_settings
from fleet_assets_tests.conftest import FleetCommand

ALL_KINDS = """
select 'van, "1"' as name, 7 as trips, 40.4167754321 as latitude_deg, 12.34567 as distance_km, 0.00001 as small,
    timestamptz '2026-03-01 08:00:00+00' as started_at, timestamptz '2026-03-01 08:00:00.25+00' as ended_at,
    date '2026-03-01' as local_date, true as is_truncated, '\\x01\\xFF'::blob as data, ['P0420', 'U0100'] as dtc_codes,
    interval 90 minute as span, 1.5::decimal(4, 2) as price
union all by name
select null as name
"""
"""A row with a value of every kind, and a row of nulls."""


@pytest.fixture
def built(installation: Installation) -> Installation:
    """An installation with one vehicle and a mart of 500 rows."""
    installation.lake.write(VEHICLES, None, VEHICLES.conform(pl.LazyFrame({"vehicle_id": ["van-1"]})).collect(), "test")
    with installation.warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table mart as select range as number from range(500)")
        installation.warehouse.publish()
    return installation


def test_a_question_asked_again_is_answered_from_redis_and_stats_say_so(
    built: Installation, fleet: FleetCommand, redis_url: str
) -> None:
    time.sleep(SETTLE_NS / 1e9 + 0.05)
    question = ("query", "select count(*) as n from mart", "--format", "csv", "--stats")
    first, second = (fleet(*question, FLEET_REDIS_URL=redis_url) for _ in range(2))
    assert [first.stdout, second.stdout] == ["n\n500\n"] * 2
    assert first.stderr.startswith("computed in ")
    assert second.stderr.startswith("from Redis in ")
    assert "Redis: 1 hits, 1 misses, 0 waits, 1 stored, 0 evicted" in second.stderr
    assert built.query_cache.statistics().misses == 0


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("select count(*) from mart", "computed, not kept: its tables were just written in "),
        ("select now()", "computed, not kept: it may depend on more than what builds publish in "),
    ],
)
def test_stats_say_why_a_result_was_not_kept(
    built: Installation, sql: str, sentence: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run_query(built, sql, "csv", None, show_stats=True)
    words = said(capsysbinary)[1]
    assert words.startswith(sentence)
    assert words.endswith("no Redis runs: nothing is shared\n")


def said(capsysbinary: pytest.CaptureFixture[bytes]) -> tuple[str, str]:
    out, err = capsysbinary.readouterr()
    return out.decode(), err.decode()


def test_a_table_aligns_and_rounds_for_people(built: Installation, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run_query(built, ALL_KINDS, "table", None)
    header, row, nulls = said(capsysbinary)[0].splitlines()
    assert header.split() == [
        "name", "trips", "latitude_deg", "distance_km", "small", "started_at", "ended_at", "local_date", "is_truncated",
        "data", "dtc_codes", "span", "price",
    ]  # fmt: skip
    assert row.split("  ")[0] == 'van, "1"'
    assert [part.strip() for part in row.split("  ") if part.strip()][1:] == [
        "7", "40.416775", "12.346", "0.00001", "2026-03-01T08:00:00Z", "2026-03-01T08:00:00.250Z", "2026-03-01", "true",
        "01ff", '["P0420","U0100"]', "PT1H30M", "1.5",
    ]  # fmt: skip
    assert nulls.split() == ["-"] * 13


def test_csv_keeps_every_digit_and_leaves_null_empty(
    built: Installation, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run_query(built, ALL_KINDS, "csv", None)
    lines = said(capsysbinary)[0].splitlines()
    assert lines[1] == (
        '"van, ""1""",7,40.4167754321,12.34567,0.00001,2026-03-01T08:00:00Z,2026-03-01T08:00:00.250Z,2026-03-01,true,'
        '01ff,"[""P0420"",""U0100""]",PT1H30M,1.5'
    )
    assert lines[2] == "," * 12


def test_json_is_a_list_of_rows(built: Installation, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run_query(built, ALL_KINDS, "json", None)
    row, nulls = json.loads(said(capsysbinary)[0])
    assert row == {
        "name": 'van, "1"', "trips": 7, "latitude_deg": 40.4167754321, "distance_km": 12.34567, "small": 1e-05,
        "started_at": "2026-03-01T08:00:00Z", "ended_at": "2026-03-01T08:00:00.250Z", "local_date": "2026-03-01",
        "is_truncated": True, "data": "01ff", "dtc_codes": ["P0420", "U0100"], "span": "PT1H30M", "price": 1.5,
    }  # fmt: skip
    assert set(nulls.values()) == {None}


def test_parquet_keeps_types(built: Installation, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run_query(built, "select timestamptz '2026-03-01 08:00+00' as at, interval 1 hour as span", "parquet", None)
    found = pl.read_parquet(BytesIO(capsysbinary.readouterr()[0]))
    assert_frame_equal(found, pl.DataFrame({"at": [datetime(2026, 3, 1, 8, tzinfo=UTC)], "span": [timedelta(hours=1)]}))


def test_a_long_table_is_cut_and_says_so(built: Installation, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run_query(built, "select * from mart", "table", None)
    out, err = said(capsysbinary)
    assert len(out.splitlines()) == SHOWN_ROWS + 1
    assert err == "200 of 500 rows; all of them with --format csv\n"


@pytest.mark.parametrize("output_format", ["table", "csv", "json", "parquet"])
def test_a_file_gets_all_rows_in_one_step(built: Installation, tmp_path: Path, output_format: str) -> None:
    target = tmp_path / "new" / f"mart.{output_format}"
    run_query(built, "select * from mart", output_format, target)
    text = target.read_bytes()
    heights = {
        "table": lambda: len(text.splitlines()) - 1,
        "csv": lambda: pl.read_csv(text).height,
        "json": lambda: len(json.loads(text)),
        "parquet": lambda: pl.read_parquet(text).height,
    }
    assert heights[output_format]() == 500
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("output_format", ["table", "csv", "json", "parquet"])
def test_no_rows_are_an_answer_too(
    built: Installation, capsysbinary: pytest.CaptureFixture[bytes], output_format: str
) -> None:
    run_query(built, "select * from trips", output_format, None)
    out, _ = capsysbinary.readouterr()
    expected = {"json": b"[]\n"}
    assert out == expected[output_format] if output_format in expected else b"vehicle_id" in out


def test_an_unknown_format_is_refused_before_anything_is_read(installation: Installation) -> None:
    with pytest.raises(UsageError, match="--format xml is not one of table, csv, json, parquet"):
        run_query(installation, "select 1", "xml", None)


@pytest.mark.usefixtures("built")
def test_the_command_line_asks_marts_and_lake_tables_by_name(fleet: FleetCommand) -> None:
    done = fleet("query", "select vehicle_id, max(number) as most from vehicles, mart group by all", "--format", "csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "vehicle_id,most\nvan-1,499\n", "")


def test_the_command_line_says_what_is_wrong_in_one_line(fleet: FleetCommand) -> None:
    done = fleet("query", "select * from trips")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "fleet: there is no table trips; there are: none; the marts are not built yet: run `fleet build`\n"
    )


ASKED = """
import sys
from fleet_assets.installation import Installation
print(Installation.from_environment().rows_once("select max(number) as newest from mart").item())
print([name for name in ("numpy", "pyarrow", "redis") if name in sys.modules])
"""


def test_a_single_question_loads_what_it_needs_and_ends_in_silence(built: Installation) -> None:
    home = {**os.environ, "FLEET_HOME": str(built.settings.root)}
    done = subprocess.run([sys.executable, "-c", ASKED], env=home, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("499\n[]\n", "")


def test_a_single_question_is_kept_where_a_redis_runs(built: Installation, redis_url: str) -> None:
    time.sleep(SETTLE_NS / 1e9 + 0.05)
    shared = Installation(load_settings(redis_url=redis_url))
    for _ in range(2):
        assert shared.rows_once("select count(*) as n from mart").item() == 500
        assert built.rows_once("select count(*) as n from mart").item() == 500
    assert (shared.query_cache.statistics().misses, built.query_cache.statistics().misses) == (1, 0)
    assert shared.query_cache.shared_totals()["stored"] == 1


@pytest.mark.usefixtures("built")
def test_us_units_are_for_tables_on_the_terminal_only(fleet: FleetCommand) -> None:
    sql = "select 160.9344 as distance_km"
    assert "distance_mi" in fleet("query", sql, FLEET_UNITS="us").stdout
    assert fleet("query", sql, "--format", "csv", FLEET_UNITS="us").stdout == "distance_km\n160.9344\n"


@pytest.mark.usefixtures("built")
def test_columns_are_chosen_by_the_names_that_are_shown(fleet: FleetCommand) -> None:
    done = fleet("query", "select 160.9344 as distance_km, 1 as n", "--columns", "distance_mi", FLEET_UNITS="us")
    assert (done.returncode, done.stdout.split()) == (0, ["distance_mi", "100.0"])


def test_the_name_of_a_file_says_its_format(installation: Installation, fleet: FleetCommand) -> None:
    del installation
    for name, opened in (("n.csv", pl.read_csv), ("n.parquet", pl.read_parquet), ("n.json", pl.read_json)):
        done = fleet("query", "select 1 as n", "--output", name)
        assert (done.returncode, done.stderr) == (0, f"{name}: 1 row\n")
        assert opened(name).rows() == [(1,)]
    assert fleet("query", "select 1 as n", "--output", "n.csv", "--format", "parquet").returncode == 0
    assert pl.read_parquet("n.csv").rows() == [(1,)]


def on_terminal(width: int, *arguments: str, home: Path) -> list[str]:
    """What a person sees of a command on a terminal of this width."""
    shown, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"FLEET_HOME": str(home), "TERM": "xterm", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "fleet_assets", *arguments]
    with subprocess.Popen(command, stdout=ours, stderr=ours, stdin=ours, env=environment) as process:
        os.close(ours)
        parts = list(iter(lambda: _read(shown), b""))
        assert process.wait() == 0, b"".join(parts)
    os.close(shown)
    return b"".join(parts).decode().replace("\r\n", "\n").splitlines()


def _read(terminal: int) -> bytes:
    """A piece of what is written; nothing once the other side has gone, which Linux tells as an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


WIDE_ROWS = "select 'lorry-01' as vehicle_id, range as n, 1.23456 as distance_km, 3725.0 as duration_s, "
WIDE_ROWS += ", ".join(f"{place * 11111} as c{place:02}" for place in range(10, 30)) + " from range(3)"


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_terminal_gets_what_fits_and_a_pipe_gets_all(
    built: Installation, width: int, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = on_terminal(width, "query", WIDE_ROWS, home=built.settings.root)
    assert lines[1].split()[:6] == ["lorry-01", "0", "1.23", "1", "h", "02"]
    assert lines[0].split()[:4] == ["vehicle_id", "n", "distance_km", "duration_s"]
    assert max(map(len, lines)) <= width
    assert lines[-1].endswith("of 24 columns hidden; --wide shows all, --columns NAME,NAME chooses")
    wide = on_terminal(width, "query", WIDE_ROWS, "--wide", home=built.settings.root)
    assert [len(line.split()) for line in wide] == [24, 27, 27, 27]
    run_query(built, WIDE_ROWS, "table", None)
    assert said(capsysbinary)[0].splitlines()[1].split()[:4] == ["lorry-01", "0", "1.235", "3725.0"]


def test_columns_are_chosen_in_every_format(built: Installation, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run_query(built, WIDE_ROWS, "csv", None, look=Look("c1?,vehicle_id"))
    header = ",".join([*(f"c{place}" for place in range(10, 20)), "vehicle_id"])
    assert said(capsysbinary)[0].splitlines()[0] == header
