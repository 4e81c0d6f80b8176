"""Cut and flipped files of every format: what is whole is read, what is not is told, nothing else is raised, in
time."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import can
import polars as pl
import pytest
from can.io.logger import MESSAGE_WRITERS
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.log_files import LogOptions, Unread, read_log
from fleet_assets.adapters.reading_budget import ReadingBudget
from fleet_assets.contracts.errors import FileRejected
from fleet_assets_tests.adapters.log_files.blf_bytes import BLF_COUNT, blf_bytes
from fleet_assets_tests.adapters.log_files.test_reader import write_mf4
from fleet_assets_tests.fixtures.can_frames import START, frame_log

OPTIONS = LogOptions(vehicle_id="v1", zone=ZoneInfo("UTC"), start_at=START, budget=ReadingBudget(seconds=20))
COUNT = 40
LIMIT_S = 10.0
"""For one small file, on a machine that has other work."""

TEXT = (".asc", ".csv", ".log", ".trc")
ALL = (*TEXT, ".blf", ".blf plain", ".db", ".log.gz", ".mf4", ".parquet")


def mixed(number: int) -> can.Message:
    """Frames of all kinds; classic ones of full length where the format cannot say the length."""
    at = START.timestamp() + number / 100
    if number % 10 == 7:
        return can.Message(timestamp=at, arbitration_id=0x123, is_remote_frame=True, is_extended_id=False, channel=0)
    data = bytes((number + place) % 256 for place in range(8))
    return can.Message(timestamp=at, arbitration_id=0x18FEF100 + number % 3, data=data, channel=0)


def _written(path: Path, ending: str) -> Path:
    with MESSAGE_WRITERS[ending](path) as writer:
        for number in range(COUNT):
            writer(mixed(number))
    return path


def _packed(path: Path) -> Path:
    plain = _written(path.with_suffix(""), ".log")
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


def _parquet(path: Path) -> Path:
    frame_log(COUNT).write_parquet(path, row_group_size=10)
    return path


def _plain_blf(path: Path) -> Path:
    path.write_bytes(blf_bytes(COUNT, containers=False))
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    **{ending: partial(_written, ending=ending) for ending in (*TEXT, ".blf", ".db")}, ".blf plain": _plain_blf,
    ".log.gz": _packed, ".parquet": _parquet, ".mf4": lambda path: write_mf4(path, [1] * COUNT),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a valid file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    return {kind: MAKERS[kind](folder / f"a{kind.split()[0]}").read_bytes() for kind in ALL}


def read(path: Path, content: bytes) -> tuple[pl.DataFrame | None, list[Unread]]:
    """The frames, None where the file was refused, and what was told; in time."""
    path.write_bytes(content)
    told: list[Unread] = []
    refusal = ""
    started = time.monotonic()
    try:
        frames = pl.concat(list(read_log(path, OPTIONS, 1_000, told.append)) or [pl.DataFrame()])
    except FileRejected as rejected:
        frames, refusal = None, rejected.reason
    assert not any(word in refusal for word in ("Error:", "Traceback", "<class", "NoneType")), refusal
    assert time.monotonic() - started < LIMIT_S
    return frames, told


@pytest.mark.parametrize("kind", ALL)
@given(data=st.data())
@settings(max_examples=25)
def test_of_a_file_that_was_cut_exactly_a_beginning_is_read(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], kind: str, data: st.DataObject
) -> None:
    path, content = tmp_path_factory.mktemp("cut") / f"a{kind.split()[0]}", whole[kind]
    expected, _ = read(path, content)
    assert expected is not None
    frames, told = read(path, content[: data.draw(st.integers(0, len(content) - 1), "cut at")])
    if frames is not None and frames.height:
        assert frames.equals(expected.head(frames.height))
    if kind in TEXT and frames is not None:
        assert sum(unread.rows.height for unread in told) <= 1, "no more than the torn line"


@pytest.mark.parametrize("kind", ALL)
@given(data=st.data())
@settings(max_examples=25)
def test_flipped_bytes_raise_nothing_but_a_refusal_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], kind: str, data: st.DataObject
) -> None:
    content = bytearray(whole[kind])
    flips = data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(1, 255)), min_size=1, max_size=6)
    )
    for place, mask in flips:
        content[place] ^= mask
    frames, told = read(tmp_path_factory.mktemp("flip") / f"a{kind.split()[0]}", bytes(content))
    # A packed text whose flipped bytes look like a cut may repeat a line; it is told then.
    is_told = kind == ".log.gz" and "damaged" in {one.reason.slug for one in told}
    assert frames is None or frames.height <= COUNT or is_told


@pytest.mark.parametrize("kind", TEXT)
def test_zero_bytes_behind_and_within_are_told_and_the_lines_are_read(
    tmp_path: Path, whole: dict[str, bytes], kind: str
) -> None:
    expected, _ = read(tmp_path / f"a{kind}", whole[kind])
    assert expected is not None
    cut = whole[kind].rindex(b"\n", 0, len(whole[kind]) - 1) + 1
    holed = whole[kind][:cut] + b"\0" * 100 + whole[kind][cut:] + b"\0" * (20 << 20)
    frames, told = read(tmp_path / f"a{kind}", holed)
    assert frames is not None
    assert frames.equals(expected)
    assert [unread.rows.get_column("line").to_list() for unread in told] == [
        ["100 zero bytes"],
        ["20971520 zero bytes"],
    ]


def test_a_last_line_without_an_end_lands_where_its_length_proves_it_whole(tmp_path: Path) -> None:
    full, short = "(1773136800.000100) can0 123#1122334455667788", "(1773136800.000100) can0 123#11223344"
    frames, told = read(tmp_path / "a.log", full.encode())
    assert (frames is not None and frames.height, told) == (1, [])
    frames, told = read(tmp_path / "a.log", short.encode())
    assert (frames is not None and frames.height, [unread.reason.slug for unread in told]) == (0, ["torn-line"])


@pytest.mark.parametrize("containers", [True, False])
@pytest.mark.parametrize("closed", [True, False])
def test_a_blf_is_read_whether_or_not_it_was_closed_or_has_containers(
    tmp_path: Path, containers: bool, closed: bool
) -> None:
    frames, told = read(tmp_path / "a.blf", blf_bytes(COUNT, containers=containers, closed=closed))
    assert frames is not None
    assert (frames.height, told) == (COUNT, [])


def test_objects_that_a_blf_header_counts_and_nobody_finds_are_told(tmp_path: Path) -> None:
    content = bytearray(blf_bytes(COUNT, containers=True))
    content[BLF_COUNT : BLF_COUNT + 4] = (COUNT + 7).to_bytes(4, "little")
    frames, told = read(tmp_path / "a.blf", bytes(content))
    assert frames is not None
    assert frames.height == COUNT
    assert told[0].rows.item(0, "line") == "the header counts 47 objects, 40 are there: 7 are missing"


def test_behind_a_damaged_container_of_a_blf_the_next_ones_are_read(tmp_path: Path) -> None:
    content = bytearray(blf_bytes(COUNT, containers=True, per_container=10))
    second = content.index(b"LOBJ", 145)
    content[second + 40] ^= 0xFF
    frames, told = read(tmp_path / "a.blf", bytes(content))
    assert frames is not None
    assert [data[2] for data in frames.get_column("data")] == [*range(10), *range(20, 40)]
    (place, line) = told[0].rows.row(0)
    assert (place, line.partition(":")[0].endswith("is damaged, and its objects are lost")) == (f"byte {second}", True)


def test_an_object_that_begins_before_a_damaged_container_gets_no_foreign_rest(tmp_path: Path) -> None:
    content = bytearray(blf_bytes(COUNT, containers=True, container_bytes=100))
    second = content.index(b"LOBJ", 145)
    content[second + 36] ^= 0xFF
    frames, _ = read(tmp_path / "a.blf", bytes(content))
    expected, _ = read(tmp_path / "b.blf", blf_bytes(COUNT, containers=True))
    assert frames is not None
    assert expected is not None
    assert frames.join(expected, on=frames.columns, how="semi").height == frames.height < COUNT


def test_a_packed_file_that_unpacks_beyond_the_budget_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(b"(1773136800.000100) can0 123#1122334455667788\n" * 100_000))
    options = LogOptions("v1", budget=ReadingBudget(unpacked_gb=0.001))
    with pytest.raises(
        FileRejected, match="it unpacks to more than 0.001 GB; raise FLEET_IMPORT_UNPACKED_GB".replace(".", "[.]")
    ):
        list(read_log(path, options))


def test_of_a_packed_log_that_was_cut_the_lines_before_are_read(tmp_path: Path) -> None:
    packed = gzip.compress(b"(1773136800.000100) can0 123#1122334455667788\n" * 50_000, mtime=0)
    frames, told = read(tmp_path / "a.log.gz", packed[: len(packed) // 2])
    assert frames is not None
    assert 10_000 < frames.height < 50_000
    assert [unread.reason.slug for unread in told][-1] == "damaged"
    assert "of what is unpacked" in told[-1].rows.item(0, "place")


LINE = b"(1773136800.%06d) can0 123#1122334455667788\n"


@pytest.mark.parametrize("place", [-5, 0.5], ids=["check-sum", "within"])
def test_a_packed_log_that_contradicts_its_check_sum_is_refused_as_a_whole(tmp_path: Path, place: float) -> None:
    packed = bytearray(gzip.compress(b"".join(LINE % number for number in range(50_000)), mtime=0))
    packed[int(place) if place < 0 else int(place * len(packed))] ^= 0x10
    (tmp_path / "a.log.gz").write_bytes(bytes(packed))
    with pytest.raises(FileRejected, match="its packed text is damaged within, and any of it may be wrong"):
        list(read_log(tmp_path / "a.log.gz", OPTIONS, 1_000))


def test_what_stands_behind_a_packed_log_is_told_and_the_log_is_read(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(LINE % number for number in range(10)), mtime=0)
    frames, told = read(tmp_path / "a.log.gz", packed + b"more")
    assert frames is not None
    assert frames.height == 10
    assert [unread.reason.slug for unread in told] == ["damaged"]


def test_a_container_that_states_less_than_it_holds_is_not_unpacked_whole(tmp_path: Path) -> None:
    body = b"\0" * (200 << 20)
    packed = zlib.compress(body)
    head = b"LOBJ" + (16).to_bytes(2, "little") + (1).to_bytes(2, "little")
    container = head + (32 + len(packed)).to_bytes(4, "little") + (10).to_bytes(4, "little")
    container += (2).to_bytes(2, "little") + bytes(6) + (1 << 30).to_bytes(4, "little") + bytes(4) + packed
    frames, told = read(tmp_path / "a.blf", blf_bytes(0, containers=False) + container)
    assert frames is None or frames.height == 0
    assert "unpacks to another size" in told[0].rows.item(0, "line")
