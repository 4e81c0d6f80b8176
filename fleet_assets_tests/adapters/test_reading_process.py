"""A library that hangs, takes all memory or ends its process costs one file, in time, and no other."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters import reading_process
from fleet_assets.adapters.reading_budget import ReadingBudget
from fleet_assets.adapters.reading_process import read_apart
from fleet_assets.contracts.errors import FileRejected

HERE = "fleet_assets_tests.adapters.test_reading_process"
QUICK = ReadingBudget(seconds=3, memory_mb=300)


@pytest.fixture(autouse=True, scope="module")
def _a_process_that_starts_here() -> None:
    """An idle one, left by another test that worked in another folder, does not find this module."""
    reading_process._end_idle()


def two_frames(_path: Path, options: int, _rows: int, told: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    """What a reader does that works."""
    yield pl.DataFrame({"a": [options]})
    told("on the way")
    os.write(1, b"a library prints")
    yield pl.DataFrame({"a": [os.getpid()]})


def hangs(*_: object) -> Iterator[pl.DataFrame]:
    """A library in an endless loop, after a first frame."""
    yield pl.DataFrame({"a": [1]})
    time.sleep(600)


def takes_memory(*_: object) -> Iterator[pl.DataFrame]:
    """A library that believes a size in a damaged header."""
    yield pl.DataFrame({"a": [len(bytearray(4 << 30))]})


def ends(*_: object) -> Iterator[pl.DataFrame]:
    """A library that runs into a wrong address."""
    os.kill(os.getpid(), signal.SIGSEGV)
    yield pl.DataFrame()


def fails(*_: object) -> Iterator[pl.DataFrame]:
    """A library that raises what its parsing ran into."""
    yield pl.DataFrame({"a": [1]})
    raise KeyError("unpack_from requires a buffer")


def refuses(path: Path, *_: object) -> Iterator[pl.DataFrame]:
    """A reader that knows what is wrong."""
    yield from ()
    raise FileRejected(path, "it is of the wrong kind")


def read(folder: Path, name: str, budget: ReadingBudget = QUICK) -> tuple[list[pl.DataFrame], list[object]]:
    path = folder / "a.mf4"
    path.write_bytes(b"")
    told: list[object] = []
    return list(read_apart(f"{HERE}:{name}", path, 7, 10, budget, told.append)), told


def test_frames_and_what_is_told_come_through_and_the_process_is_used_again(tmp_path: Path) -> None:
    (first, second), told = read(tmp_path, "two_frames")
    assert (first["a"].to_list(), told) == ([7], ["on the way"])
    assert second["a"][0] != os.getpid()
    assert read(tmp_path, "two_frames")[0][1].equals(second)


def test_a_reader_that_hangs_is_ended_in_time_and_the_next_file_is_read(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(FileRejected, match=r"its reader gave nothing for 3 s and was ended: .* FLEET_IMPORT_SECONDS=3"):
        read(tmp_path, "hangs")
    assert time.monotonic() - started < 30
    assert len(read(tmp_path, "two_frames")[0]) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_a_reader_that_takes_more_memory_than_it_may_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="needs more memory than FLEET_IMPORT_MEMORY_MB=300 allows"):
        read(tmp_path, "takes_memory")
    assert len(read(tmp_path, "two_frames")[0]) == 2


def test_a_reader_whose_process_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="its reader ended without a word: the file is damaged"):
        read(tmp_path, "ends")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("fails", r"is not a readable \.mf4 file: its content is damaged"), ("refuses", "^.*: it is of the wrong kind$")],
)
def test_what_a_reader_raises_is_a_refusal_without_pythons_words(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(FileRejected, match=reason) as caught:
        read(tmp_path, name)
    assert "KeyError" not in str(caught.value)
    assert "buffer" not in str(caught.value)


def test_a_file_that_nobody_reads_to_its_end_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "a.mf4").write_bytes(b"")
    frames = read_apart(f"{HERE}:hangs", tmp_path / "a.mf4", 7, 10, QUICK, lambda _: None)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert len(read(tmp_path, "two_frames")[0]) == 2
