"""How a table looks in pandas: types that neither invent nor lose a missing value.

Belongs here: the choice of pandas types. Does not belong here: choosing rows.

    instants        datetime64[us, UTC]      resample, plots and merge_asof work
    days            datetime64[us]           midnight without a zone: a local day is no instant
    floats          float64                  missing is NaN, as every plot and statistic expects
    whole numbers   Int64, UInt8, ...        missing is <NA>; a plain int64 would turn into floats
    truth           boolean                  missing is <NA>
    text            str                      missing is NaN, Arrow inside
    bytes, lists    Arrow types              missing is <NA>
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

_NULLABLE: dict[Any, ExtensionDtype] = {
    pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(), pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype(),
}  # fmt: skip


def to_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """The same rows and columns with the types named above."""
    arrow = frame.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))).to_arrow(compat_level=pl.CompatLevel.oldest())
    converted: pd.DataFrame = arrow.to_pandas(types_mapper=_pandas_type, date_as_object=False)
    return converted


def _pandas_type(kind: pa.DataType) -> ExtensionDtype | None:
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pd.ArrowDtype(kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pd.StringDtype("pyarrow", na_value=float("nan"))
    return _NULLABLE.get(kind)
