"""Records of an MF4 group as arrays over their own bytes: one structure, and its instants.

Belongs here: where in a record these lie, and the bytes of a run of records. Does not belong here: what they mean
(`mf4`).

asammdf copies the records twice, and then each channel out of them record by record. Where a group stores whole rows,
and the structure has the width of its type, they are read once and its members are looked at where they lie.
Whatever else there is, and whatever lacks bytes, is read by asammdf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from asammdf.blocks import v4_constants as v4c

_SCATTERED = v4c.FLAG_CG_REMOTE_MASTER | v4c.FLAG_CG_VLSD
_NUMBERS = (v4c.DATA_TYPE_REAL_INTEL, v4c.DATA_TYPE_UNSIGNED_INTEL)


class Records:
    """Those of one structure (`kind`) in one group of an opened file."""

    def __init__(self, mdf: Any, index: int, kind: str) -> None:
        self._mdf, self._index, self._kind = mdf, index, kind
        self._group = mdf.groups[index]
        self._master = self._group.channels[mdf.masters_db[index]] if index in mdf.masters_db else None
        self._dtype = self._rows()
        self._room = np.empty(0, dtype=np.uint8)

    def read(self, first: int, count: int) -> tuple[Any, npt.NDArray[np.float64]]:
        """The structures of `count` records from the `first` on, and their instants [s from the start]. The structures
        are good until more are read."""
        size = 0 if self._dtype is None else self._dtype.itemsize
        content = self._bytes(first, count, size) if size else b""
        if not size or len(content) != count * size:
            signal = self._mdf.get(self._kind, group=self._index, record_offset=first, record_count=count)
            return signal.samples, signal.timestamps
        records = np.frombuffer(content, dtype=self._dtype)
        instants, conversion = np.ascontiguousarray(records["at"]), getattr(self._master, "conversion", None)
        return records["structure"], (conversion.convert(instants) if conversion else instants).astype(
            np.float64, copy=False
        )

    def _bytes(self, first: int, count: int, size: int) -> Any:
        """So many records of `size` bytes; fewer bytes where the file has fewer. Good until it is asked again."""
        blocks = self._group.data_blocks
        if any(block.block_type or block.block_limit is not None for block in blocks):
            read = self._mdf._mdf._load_data(self._group, record_offset=first, record_count=count)
            return b"".join([fragment.data for fragment in read])
        if len(self._room) < count * size:
            self._room = np.empty(count * size, dtype=np.uint8)
        begin, end, at, done = first * size, (first + count) * size, 0, 0
        # By reading: pages of a mapped file would come into memory one by one.
        with open(self._mdf.name, "rb", buffering=0) as file:
            for block in blocks:
                low, high = max(begin - at, 0), min(end - at, block.original_size)
                if low < high:
                    file.seek(block.address + low)
                    done += file.readinto(self._room.data[done : done + high - low]) or 0
                at += block.original_size
        return self._room[:done]

    def _rows(self) -> np.dtype[Any] | None:
        """A record as a type of NumPy with the members `structure` and `at`; None where it is nothing so plain."""
        group, master = self._group, self._master
        place = next(n for n, channel in enumerate(group.channels) if channel.name == self._kind)
        channel, header = group.channels[place], group.channel_group
        try:
            structure = np.dtype(channel.dtype_fmt)
            instant = None if master is None else np.dtype(master.dtype_fmt)
        except TypeError:
            return None
        is_plain = (
            not group.uses_ld and not group.data_location and not group.data_group.record_id_len
            and not header.flags & _SCATTERED and channel.conversion is None
            and structure.names is not None and structure.itemsize * 8 == channel.bit_count
            and not any(self._is_elsewhere(*one) for one in group.channel_dependencies[place] or ())
        )  # fmt: skip
        if not is_plain or master is None or instant is None or not _is_number(master, instant):
            return None
        return np.dtype(
            {
                "names": ["structure", "at"], "formats": [structure, instant],
                "offsets": [channel.byte_offset, master.byte_offset],
                "itemsize": header.samples_byte_nr + header.invalidation_bytes_nr,
            }
        )  # fmt: skip

    def _is_elsewhere(self, group: int, channel: int) -> bool:
        """Whether a member has its values outside of the records."""
        return bool(self._mdf.groups[group].channels[channel].channel_type == v4c.CHANNEL_TYPE_VLSD)


def _is_number(master: Any, dtype: np.dtype[Any]) -> bool:
    """Whether the instants are whole numbers of bytes, each record's own."""
    return bool(
        master.channel_type == v4c.CHANNEL_TYPE_MASTER and master.data_type in _NUMBERS and not master.bit_offset
        and dtype.names is None and not dtype.shape and dtype.itemsize * 8 == master.bit_count
    )  # fmt: skip
