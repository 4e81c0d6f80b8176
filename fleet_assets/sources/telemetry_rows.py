"""Rows of telemetry files to telemetry: they speak the contract already.

Does not belong here: the declaration of their source (`telemetry_files`), cleaning (`core.cleaning`).
"""

from __future__ import annotations

import polars as pl


def reduce_rows(raw_telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """The rows as they are."""
    return raw_telemetry.drop("entry_id")
