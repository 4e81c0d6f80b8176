"""The published file is replaced in one step: readers never wait, never block a build, and never see half of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts.errors import DataError, ServiceError


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckdbWarehouse:
    return DuckdbWarehouse(tmp_path / "warehouse" / "fleet.duckdb", str(tmp_path / "lake"))


def publish_mart(warehouse: DuckdbWarehouse, value: int, rows: int = 1) -> None:
    """What a build does: fill the private file, publish it."""
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"create or replace table mart as select {value} as value from range({rows})")
        warehouse.publish()


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A second process that runs `code`; it has said one line when this returns."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.said = process.stdout.readline().strip()  # type: ignore[attr-defined]
        try:
            yield process
        finally:
            process.kill()


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(connection.execute("select max(value) from mart").fetchone()[0], flush=True)
for _ in sys.stdin:
    print(connection.execute("select max(value) from mart").fetchone()[0], flush=True)
"""


def ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("again\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_reader_in_another_process_blocks_no_build_and_keeps_what_it_opened(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(READER, warehouse.published) as reader:
        publish_mart(warehouse, 2)
        assert ask(reader) == "1"
        assert warehouse.query("select value from mart").item() == 2
    with other_process(READER, warehouse.published) as reader:
        assert reader.said == "2"  # type: ignore[attr-defined]


def test_queries_during_many_publications_see_whole_states_only(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 0, rows=50_000)

    def publish_many() -> None:
        for value in range(1, 8):
            publish_mart(warehouse, value, rows=50_000)

    builds = Thread(target=publish_many)
    builds.start()
    seen = []
    while builds.is_alive():
        seen.append(warehouse.query("select count(*) as rows, min(value) as low, max(value) as high from mart").row(0))
    builds.join()
    assert {rows for rows, _, _ in seen} == {50_000}
    assert [low for _, low, _ in seen] == [high for _, _, high in seen] == sorted(low for _, low, _ in seen)


KILLED_WHILE_COPYING = """
import os, signal, sys
from pathlib import Path
from fleet_assets.adapters import warehouse as module

def half(content, file):
    file.write(content.read(os.path.getsize(content.name) // 2))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

warehouse = module.DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2])
with warehouse.building():
    module._copy = half
    warehouse.publish()
"""


def test_a_kill_in_the_middle_of_publishing_leaves_the_old_state_and_the_next_build_cleans_up(
    warehouse: DuckdbWarehouse,
) -> None:
    publish_mart(warehouse, 1)
    with other_process(KILLED_WHILE_COPYING, warehouse.published, warehouse.lake_url) as builder:
        assert builder.wait(60) == -signal.SIGKILL
    assert warehouse.query("select value from mart").item() == 1
    assert len(list(warehouse.published.parent.glob(".*.tmp"))) == 1
    publish_mart(warehouse, 2)
    assert warehouse.query("select value from mart").item() == 2
    assert sorted(path.name for path in warehouse.published.parent.iterdir()) == ["build", "fleet.duckdb"]


KILLED_WHILE_BUILDING = """
import os, signal, sys, duckdb
from pathlib import Path
from fleet_assets.adapters.warehouse import DuckdbWarehouse

with DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2]).building() as file:
    connection = duckdb.connect(str(file))
    connection.execute("create or replace table mart as select 7 as value")
    connection.execute("begin; insert into mart select range from range(100000)")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_of_a_build_leaves_nothing_to_the_next_one(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(KILLED_WHILE_BUILDING, warehouse.published, warehouse.lake_url) as builder:
        assert builder.wait(60) == -signal.SIGKILL
    assert warehouse.query("select value from mart").item() == 1
    with warehouse.building():
        warehouse.publish()
    assert warehouse.query("select value from mart").to_series().to_list() == [1]


def test_what_a_failed_build_made_is_not_published_by_the_next_one(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with suppress(ZeroDivisionError), warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create or replace table mart as select 7 as value")
        raise ZeroDivisionError
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table other as select 2 as value")
        warehouse.publish()
    assert warehouse.query("select mart.value, other.value as other from mart, other").row(0) == (1, 2)


WRITER = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into mart values (99)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_somebody_wrote_into_the_published_file_goes_with_it(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(WRITER, warehouse.published) as analyst:
        assert analyst.wait(60) == -signal.SIGKILL
    assert warehouse.published.with_name("fleet.duckdb.wal").exists()
    publish_mart(warehouse, 2)
    assert warehouse.query("select value from mart").to_series().to_list() == [2]


HOLDER = """
import sys
from pathlib import Path
from fleet_assets.adapters.warehouse import DuckdbWarehouse

with DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2]).building():
    print("building", flush=True)
    sys.stdin.readline()
"""


def test_a_second_build_waits_for_the_first(warehouse: DuckdbWarehouse) -> None:
    with other_process(HOLDER, warehouse.published, warehouse.lake_url) as first:
        second = Thread(target=publish_mart, args=(warehouse, 2))
        second.start()
        time.sleep(0.3)
        assert second.is_alive()
        assert not warehouse.is_published
        assert first.stdin is not None
        first.stdin.close()
        second.join(30)
    assert warehouse.query("select value from mart").item() == 2


def test_a_private_file_that_somebody_else_has_open_is_named(
    warehouse: DuckdbWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_assets.adapters import warehouse as module

    monkeypatch.setattr(module._wait_until_free.retry, "stop", lambda _: True)
    publish_mart(warehouse, 1)
    writer = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with other_process(writer, warehouse.build_file), pytest.raises(ServiceError, match="in use by another process"):
        publish_mart(warehouse, 2)


def test_a_broken_private_file_is_made_anew(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    warehouse.build_file.write_bytes(b"no database" * 1000)
    with warehouse.building():
        assert warehouse.row_counts() == {"mart": 1}


def test_a_broken_published_file_is_named_and_published_anew(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    warehouse.note_inputs({"mart": "made from"})
    warehouse.published.write_bytes(b"no database" * 1000)
    assert "fleet.duckdb cannot be read (IO Error" in warehouse.damage()
    assert (warehouse.is_published, warehouse.built_from()) == (False, {})
    with pytest.raises(DataError, match=r"fleet\.duckdb cannot be read; `fleet build` publishes it anew"):
        warehouse.query("select 1 as one")
    publish_mart(warehouse, 2)
    assert (warehouse.damage(), warehouse.query("select value from mart").item()) == ("", 2)


def publish_noise(warehouse: DuckdbWarehouse) -> bytes:
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create or replace table mart as select i, hash(i) as noise from range(200000) t(i)")
        warehouse.publish()
    return warehouse.published.read_bytes()


def looked_at_anew(warehouse: DuckdbWarehouse, *, deep: bool = False) -> str:
    return DuckdbWarehouse(warehouse.published, warehouse.lake_url).damage(deep=deep)


LOOK = """
import sys
from pathlib import Path
from fleet_assets.adapters.warehouse import DuckdbWarehouse
print(DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2]).damage(), "_duckdb" in sys.modules)
"""


def look_of_a_process(warehouse: DuckdbWarehouse) -> str:
    """What a process of its own says is damaged, and whether it had to load DuckDB for it."""
    command = [sys.executable, "-c", LOOK, str(warehouse.published), warehouse.lake_url]
    return subprocess.check_output(command, text=True)


def test_a_file_that_was_read_in_this_state_is_read_by_no_other_process(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    assert [look_of_a_process(warehouse) for _ in range(2)] == [" True\n", " False\n"]
    os.utime(warehouse.published)
    assert look_of_a_process(warehouse) == " True\n"


def test_a_file_that_nobody_could_look_at_is_not_known_to_be_sound(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    writer = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with other_process(writer, warehouse.published):
        with warehouse.published.open("r+b") as file:
            file.write(b"no database")
        assert look_of_a_process(warehouse) == " True\n"
    assert "cannot be read" in looked_at_anew(warehouse)


def test_a_published_file_that_was_cut_is_noticed(warehouse: DuckdbWarehouse) -> None:
    content = publish_noise(warehouse)
    warehouse.published.write_bytes(content[: len(content) // 2])
    assert "cannot be read" in looked_at_anew(warehouse)


def test_a_deep_look_finds_every_flipped_bit_that_a_reader_would_meet(warehouse: DuckdbWarehouse) -> None:
    content = publish_noise(warehouse)
    asked = "select bit_xor(hash(i, noise))::varchar as all from mart"
    before, right, found = warehouse.published.stat(), warehouse.query(asked).item(), 0
    for place in range(0, len(content), len(content) // 12):
        wrong = bytearray(content)
        wrong[place] ^= 4
        warehouse.published.write_bytes(wrong)
        os.utime(warehouse.published, ns=(before.st_mtime_ns, before.st_mtime_ns))
        if looked_at_anew(warehouse, deep=True):
            # From now on a look that is not deep knows it too.
            assert "cannot be read" in looked_at_anew(warehouse)
            found += 1
        else:
            assert DuckdbWarehouse(warehouse.published, warehouse.lake_url).query(asked).item() == right
    assert found >= 4


def test_a_published_file_that_somebody_writes_to_is_not_damaged(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    writer = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with other_process(writer, warehouse.published):
        assert warehouse.damage(deep=True) == ""
