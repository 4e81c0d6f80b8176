"""What the decoding tables say, made usable: which DBC describes which bus, and what its signals mean.

Belongs here: choosing and compiling from the rows of `dbc_bindings`, `vehicles`, `dbc_files` and `signal_maps`.
Does not belong here: reading those tables, and decoding.
"""

from __future__ import annotations

import contextlib
from functools import lru_cache

import polars as pl

from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.can import Bindings, CompiledDatabase, bind, compile_database
from fleet_assets.core.reference import effective_bindings
from fleet_assets.sources.signal_map import SignalMap, load_signal_maps


def declared_bindings(bindings: pl.LazyFrame, vehicles: pl.LazyFrame, dbc_files: pl.LazyFrame) -> Bindings:
    """The compiled databases of every declared bus; only the DBC files that some bus names are parsed."""
    pairs = effective_bindings(bindings, vehicles).collect()
    wanted = dbc_files.filter(pl.col("name").is_in(pairs["dbc"].to_list())).select("name", "text").collect()
    return bind(pairs, {name: _compiled(text, name) for name, text in wanted.iter_rows()})


def readable_databases(dbc_files: pl.LazyFrame) -> dict[str, CompiledDatabase]:
    """Every DBC file that can be read, by name, whether some bus names it or not."""
    found = {}
    for name, text in dbc_files.select("name", "text").collect().iter_rows():
        # A file that nobody has bound may be anything.
        with contextlib.suppress(FileRejected):
            found[name] = _compiled(text, name)
    return found


def declared_signal_map(signal_maps: pl.LazyFrame) -> SignalMap:
    """All maps as one. A map of the user comes after the shipped ones: what it says again replaces what they say."""
    rows = signal_maps.sort("origin", "name", descending=[True, False]).collect()
    return _loaded(tuple(rows["text"]), tuple(f"{name}.yaml" for name in rows["name"]))


@lru_cache(maxsize=256)
def _compiled(text: str, name: str) -> CompiledDatabase:
    # Parsing a DBC takes up to a second; the days of a range share the same few files.
    return compile_database(text, name)


@lru_cache(maxsize=8)
def _loaded(texts: tuple[str, ...], files: tuple[str, ...]) -> SignalMap:
    # Reading YAML takes 50 ms, as long as decoding a quiet day.
    return load_signal_maps(texts, files)
