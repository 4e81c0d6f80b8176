"""Results of queries, kept as long as the data they were computed from is the data that is there.

Belongs here: keeping, sharing and forgetting results. Does not belong here: what a result depends on (`data_versions`)
and computing it (`warehouse`).
"""

from fleet_assets.adapters.query_cache.cache import CacheRules, CacheStatistics, QueryCache
from fleet_assets.adapters.query_cache.shared import SharedResults, SharedRules

__all__ = ["CacheRules", "CacheStatistics", "QueryCache", "SharedResults", "SharedRules"]
