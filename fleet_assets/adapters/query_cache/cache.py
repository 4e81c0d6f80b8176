"""The cache of one process: look here, look in Redis, compute at most once, keep what is certain.

Belongs here: keys and the order of the steps. Does not belong here: what results are made from (`Warehouse.origin`),
and Redis (`shared`).

The key of a result holds the name of what it was made from. What changes that makes other keys, so that nothing ever
has to be thrown away in time, and the least recently used results go for want of room alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from threading import Condition

import duckdb
import polars as pl
from cachetools import LRUCache, cached

from fleet_assets.adapters.any_warehouse import Queryable
from fleet_assets.adapters.query_cache.shared import SharedResults

ENGINE = f"duckdb {duckdb.__version__}, results 2"
"""Part of every key: another engine may round, order or name otherwise. Count up when results change their form."""

MEMORY_BYTES = 256 << 20
"""Bytes of all results kept in one process."""

REMEMBERED = 4_096
"""Questions of which it is remembered that their answers are never kept, so that nobody waits for another one's."""


@dataclass(frozen=True)
class CacheStatistics:
    """What the cache of one process did; each query was a hit, a shared hit, a miss, passed or not kept."""

    hits: int = 0
    """Answered from this process; also by a computation that was under way."""
    shared_hits: int = 0
    """Answered from Redis."""
    misses: int = 0
    """Computed and kept."""
    passed: int = 0
    """Computed, and never kept: the result may depend on more than what is published."""
    not_kept: int = 0
    """Computed, and not kept: something was written shortly before or meanwhile."""
    kept: int = 0
    """Results in this process now."""
    bytes: int = 0
    """Bytes of them."""


@dataclass(frozen=True)
class _Result:
    """The rows of a query; not certain where something was written while they were computed."""

    rows: pl.DataFrame
    is_certain: bool

    @property
    def size(self) -> float:
        """Bytes of the values and, per column, of the objects around them; too many for any room where not certain."""
        return self.rows.estimated_size() + 512 * (self.rows.width + 1) if self.is_certain else float("inf")


class QueryCache:
    """Queries of one warehouse through the cache; safe to use from several threads."""

    def __init__(
        self, warehouse: Queryable, shared: SharedResults | None = None, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._warehouse = warehouse
        self._shared = shared
        self._turn = Condition()
        self._counts: Counter[str] = Counter()
        self._passing: LRUCache[str, bool] = LRUCache(REMEMBERED)
        # Equal questions wait for the one that is being computed.
        self._kept: LRUCache[str, _Result] = LRUCache(memory_bytes, getsizeof=lambda result: result.size)
        self._results = cached(self._kept, key=lambda key, *_: key, condition=self._turn, info=True)(self._find)

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SELECT as the warehouse would give them now; raises what the warehouse raises."""
        origin = self._warehouse.origin(sql)
        key = hashlib.sha256(f"{ENGINE}\0{origin}\0{sql.strip()}".encode()).hexdigest()
        if not origin or key in self._passing:
            self._count("not_kept" if origin == "" else "passed")
            return self._warehouse.query(sql)
        return self._results(key, sql, origin).rows.clone()

    def statistics(self) -> CacheStatistics:
        """What was counted since this cache was made."""
        with self._turn:
            done = self._results.cache_info()
            return CacheStatistics(hits=done.hits, kept=len(self._kept), bytes=int(done.currsize), **self._counts)

    def shared_totals(self) -> dict[str, int]:
        """What all processes did with the results in Redis; empty without it."""
        return {} if self._shared is None else self._shared.totals()

    def _find(self, key: str, sql: str, origin: str) -> _Result:
        if self._shared is None:
            return self._compute(key, sql, origin)
        with self._shared.flight(key) as found:
            if found is not None:
                self._count("shared_hits")
                return _Result(found, is_certain=True)
            result = self._compute(key, sql, origin)
            if result.is_certain:
                self._shared.put(key, result.rows)
            return result

    def _compute(self, key: str, sql: str, origin: str) -> _Result:
        rows, made_from = self._warehouse.query_with_origin(sql)
        if made_from is None:
            with self._turn:
                self._passing[key] = True
        self._count("passed" if made_from is None else "misses" if made_from == origin else "not_kept")
        return _Result(rows, made_from == origin)

    def _count(self, what: str) -> None:
        with self._turn:
            self._counts[what] += 1
