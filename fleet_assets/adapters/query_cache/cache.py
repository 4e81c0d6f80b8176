"""The cache itself: look, compute at most once, keep what is certain.

Belongs here: the order of the steps and their counts. Does not belong here: where results lie (`memory`, `shared`).

    its source (what it says, versions of what it reads) -> key -> memory -> Redis -> compute -> source again -> keep

A result is kept only when nothing was written between the two looks at the source. A key holds the content of every
table, so that a write makes other keys, and nothing ever has to be thrown away in time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import duckdb
import polars as pl

from fleet_assets.adapters.data_versions import Source
from fleet_assets.adapters.query_cache.memory import MemoryResults
from fleet_assets.adapters.query_cache.shared import SharedResults

ENGINE = hashlib.sha256(f"duckdb {duckdb.__version__}, results 1".encode()).hexdigest()[:16]
"""Part of every key: another engine may round, order or name otherwise. Count up when results change their form."""


COUNTED = ("hits", "shared_hits", "joined", "misses", "passed", "not_kept")


class Queryable(Protocol):
    """What the cache stands before."""

    def query(self, sql: str) -> pl.DataFrame: ...

    def source(self, sql: str) -> Source | None: ...


@dataclass(frozen=True)
class CacheRules:
    """What the cache of one process may take."""

    memory_bytes: int = 256 << 20
    """Bytes of all results kept in this process."""


@dataclass(frozen=True)
class CacheStatistics:
    """What the cache of one process did; each query was a hit, a shared hit, joined, a miss or passed."""

    hits: int
    """Answered from this process."""
    shared_hits: int
    """Answered from Redis."""
    joined: int
    """Answered by a computation that was under way."""
    misses: int
    """Computed."""
    passed: int
    """Computed, and never kept: the result may depend on more than the tables read."""
    not_kept: int
    """Of the misses: something was written shortly before or meanwhile."""
    kept: int
    """Results in this process now."""
    bytes: int
    """Bytes of them."""
    evicted: int
    """Results let go for want of room."""


@dataclass(frozen=True)
class _Computed:
    """A result, and whether it is certain from what it was computed."""

    rows: pl.DataFrame
    is_certain: bool


class QueryCache:
    """Queries of one warehouse through the cache; safe to use from several threads."""

    def __init__(
        self, warehouse: Queryable, shared: SharedResults | None = None, rules: CacheRules | None = None
    ) -> None:
        self._warehouse = warehouse
        self._memory = MemoryResults((rules or CacheRules()).memory_bytes)
        self._shared = shared
        self._flights: dict[str, Future[_Computed]] = {}
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SELECT as the warehouse would give them now; raises what the warehouse raises."""
        source = self._warehouse.source(sql)
        if source is None:
            self._count("passed")
            return self._warehouse.query(sql)
        key = f"{ENGINE}{source.fingerprint}"
        rows = self._memory.get(key)
        if rows is not None:
            self._count("hits")
            return rows.clone()
        return self._fly(key, sql, source).clone()

    def statistics(self) -> CacheStatistics:
        """What was counted since this cache was made."""
        kept, size, evicted = self._memory.size
        with self._lock:
            counted = {name: self._counts[name] for name in COUNTED}
        return CacheStatistics(**counted, kept=kept, bytes=size, evicted=evicted)

    def shared_totals(self) -> dict[str, int]:
        """What all processes did with the results in Redis; empty without it."""
        return {} if self._shared is None else self._shared.totals()

    def _fly(self, key: str, sql: str, source: Source) -> pl.DataFrame:
        """Compute a result, or wait for the thread that does. What is not certain serves only who computed it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                mine: Future[_Computed] = Future()
                self._flights[key] = mine
        if flight is not None:
            arrived = flight.result()
            if arrived.is_certain:
                self._count("joined")
                return arrived.rows
            return self._compute(sql, source).rows
        try:
            landed = self._find_or_compute(key, sql, source)
            mine.set_result(landed)
            return landed.rows
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flights[key]

    def _find_or_compute(self, key: str, sql: str, source: Source) -> _Computed:
        found = None if self._shared is None else self._shared.get(key)
        if found is None and self._shared is not None and source.versions.is_settled:
            with self._shared.flight(key) as arrived:
                if arrived is None:
                    return self._compute_and_keep(key, sql, source)
                found = arrived
        if found is None:
            return self._compute_and_keep(key, sql, source)
        self._count("shared_hits")
        self._memory.put(key, found)
        return _Computed(found, is_certain=True)

    def _compute_and_keep(self, key: str, sql: str, source: Source) -> _Computed:
        computed = self._compute(sql, source)
        if computed.is_certain:
            self._memory.put(key, computed.rows)
            if self._shared is not None:
                self._shared.put(key, computed.rows)
        else:
            self._count("not_kept")
        return computed

    def _compute(self, sql: str, source: Source) -> _Computed:
        self._count("misses")
        rows = self._warehouse.query(sql)
        before, after = source.versions, self._warehouse.source(sql)
        return _Computed(rows, before.is_settled and after is not None and after.versions.state == before.state)

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1
