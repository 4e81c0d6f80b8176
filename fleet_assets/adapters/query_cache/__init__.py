"""Results of queries, kept under the name of what they were computed from.

Belongs here: keeping, sharing and forgetting results. Does not belong here: what a result is made from
(`Warehouse.origin`) and computing it.
"""

from fleet_assets.adapters.query_cache.cache import CacheStatistics, QueryCache
from fleet_assets.adapters.query_cache.shared import SharedResults, SharedRules

__all__ = ["CacheStatistics", "QueryCache", "SharedResults", "SharedRules"]
