"""Records that are looked at where they lie are those that asammdf gives, however a file stores them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asammdf import MDF, Signal
from asammdf.blocks import v4_constants as v4c
from asammdf.blocks.source_utils import Source
from numpy.testing import assert_array_equal

from fleet_assets.adapters.log_files.mf4_records import Records

KIND = "CAN_DataFrame"
ROWS = 5_000
MEMBERS = [("BusChannel", "u1"), ("ID", "<u4"), ("DLC", "u1"), ("DataLength", "u1")]


def written(path: Path, compression: int = 0, width: int = 8) -> Path:
    """Frames with random bytes in every member, in blocks of a few hundred records."""
    types = [(f"{KIND}.{name}", kind) for name, kind in MEMBERS]
    dtype = np.dtype([*types, (f"{KIND}.DataBytes", "u1", (width,))])
    samples = np.frombuffer(np.random.default_rng(3).bytes(ROWS * dtype.itemsize), dtype=dtype)
    source = Source("CAN1", "CAN1", "", v4c.SOURCE_BUS, v4c.BUS_TYPE_CAN)
    mdf: Any
    with MDF(version="4.11") as mdf:
        mdf.configure(write_fragment_size=4_096)
        mdf.start_time = datetime(2026, 3, 1, tzinfo=UTC)
        mdf.append(Signal(samples, np.arange(ROWS) / 1e3, name=KIND, source=source), acq_source=source)
        mdf.groups[0].channel_group.flags |= v4c.FLAG_CG_BUS_EVENT | v4c.FLAG_CG_PLAIN_BUS_EVENT
        return Path(str(mdf.save(path, overwrite=True, compression=compression)))


def opened(path: Path) -> Any:
    options: dict[str, Any] = {"process_bus_logging": False}
    return MDF(path, **options)


def assert_same_as_asammdf(path: Path, chunk: int) -> None:
    with opened(path) as mdf:
        assert len(mdf.groups[0].data_blocks) > 1
        records = Records(mdf, 0, KIND)
        for first in range(0, ROWS, chunk):
            count = min(chunk, ROWS - first)
            structures, seconds = records.read(first, count)
            signal = mdf.get(KIND, group=0, record_offset=first, record_count=count)
            assert_array_equal(seconds, signal.timestamps)
            for name, _ in [*MEMBERS, ("DataBytes", "")]:
                assert_array_equal(structures[f"{KIND}.{name}"], signal.samples[f"{KIND}.{name}"])


@pytest.mark.parametrize("chunk", [1_000, 1_733, ROWS])
@pytest.mark.parametrize("compression", [0, 1, 2])
def test_records_are_the_same_stored_and_compressed_and_in_whatever_runs(
    tmp_path: Path, compression: int, chunk: int
) -> None:
    assert_same_as_asammdf(written(tmp_path / "log.mf4", compression), chunk)


def test_records_of_can_fd_are_the_same(tmp_path: Path) -> None:
    assert_same_as_asammdf(written(tmp_path / "log.mf4", width=64), 999)


def test_instants_in_whole_nanoseconds_are_converted(tmp_path: Path) -> None:
    path = written(tmp_path / "log.mf4")
    with opened(path) as mdf:
        before = Records(mdf, 0, KIND).read(0, ROWS)[1]
        master = mdf.groups[0].channels[mdf.masters_db[0]]
        assert master.conversion is None
        # The same eight bytes as a whole number.
        master.data_type, master.dtype_fmt = v4c.DATA_TYPE_UNSIGNED_INTEL, np.dtype("<u8")
        master.conversion = _Nanoseconds()
        read = Records(mdf, 0, KIND).read(10, 20)[1]
    assert_array_equal(read, before[10:30].view(np.uint64) * 1e-9)


class _Nanoseconds:
    """A conversion as asammdf has them."""

    def convert(self, values: Any) -> Any:
        return values * 1e-9


def test_what_lacks_bytes_is_read_as_asammdf_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path / "log.mf4")
    with opened(path) as mdf:
        records = Records(mdf, 0, KIND)
        structures, seconds = records.read(ROWS - 10, 20)
        assert len(structures) == len(seconds) == 10
        assert_array_equal(seconds, np.arange(ROWS - 10, ROWS) / 1e3)


def test_the_file_can_be_closed_while_records_are_in_use(tmp_path: Path) -> None:
    with opened(written(tmp_path / "log.mf4")) as mdf:
        structures, seconds = Records(mdf, 0, KIND).read(0, 10)
    assert structures[f"{KIND}.ID"].sum() > 0
    assert seconds.tolist() == [n / 1e3 for n in range(10)]
