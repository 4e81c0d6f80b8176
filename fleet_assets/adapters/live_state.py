"""Live state in Redis: the newest value of each signal of each vehicle.

Belongs here: its keys and the one script that writes them. Does not belong here: decoding, history (landing).

    live:vehicles               set of vehicle ids
    live:vehicle:<vehicle>      hash: `<signal>` value, `<signal>:ts` unix microseconds of the observation
    sensor:<name>               value, for consumers that know these keys; expires 10 s after the observation
    sensor:<name>:ts            unix milliseconds, likewise

With more than one vehicle in `live:vehicles` the plain `sensor:` keys would mix vehicles: they are then written as
`sensor:<vehicle>:<name>` instead, and the plain ones run out within 10 s.

The script compares and sets in one step: a frame that comes late never replaces a newer value, and a reader never sees
a value with another value's time. Equal times keep the value that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import redis

SENSOR_TTL_MS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNALS_PER_CALL = 500

# KEYS: hash of the vehicle, set of vehicles. ARGV: vehicle, now in ms, ttl in ms, then signal, value, time in us, ...
_WRITE = """
redis.call('SADD', KEYS[2], ARGV[1])
local prefix = 'sensor:'
if redis.call('SCARD', KEYS[2]) > 1 then prefix = 'sensor:' .. ARGV[1] .. ':' end
local written = 0
for i = 4, #ARGV, 3 do
    local signal, value, ts = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local known = redis.call('HGET', KEYS[1], signal .. ':ts')
    if not known or tonumber(ts) > tonumber(known) then
        redis.call('HSET', KEYS[1], signal, value, signal .. ':ts', ts)
        local ms = math.floor(tonumber(ts) / 1000)
        local left = math.min(tonumber(ARGV[3]), ms + tonumber(ARGV[3]) - tonumber(ARGV[2]))
        if left > 0 then
            redis.call('SET', prefix .. signal, value, 'PX', left)
            redis.call('SET', prefix .. signal .. ':ts', string.format('%.0f', ms), 'PX', left)
        end
        written = written + 1
    end
end
return written
"""


@dataclass(frozen=True)
class LiveValue:
    """One signal of one vehicle as last seen."""

    value: str
    observed_at: datetime


class LiveState:
    """The live state of one Redis server."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._script = client.register_script(_WRITE)

    def write(self, values: pl.DataFrame, now: datetime) -> int:
        """Write the newest row of each vehicle and signal; returns how many signals moved forward.

        `values`: vehicle_id, signal, value (any type; nulls are passed over), observed_at.
        """
        newest = (
            values.lazy()
            .filter(pl.col("value").is_not_null())
            .sort("observed_at")
            .unique(["vehicle_id", "signal"], keep="last", maintain_order=True)
            .select("vehicle_id", "signal", pl.col("value").cast(pl.String), pl.col("observed_at").to_physical())
            .collect()
        )
        vehicles = newest.partition_by("vehicle_id", maintain_order=True)
        return sum(self._write_vehicle(rows, now) for rows in vehicles)

    def read(self, vehicle_id: str) -> dict[str, LiveValue]:
        """The signals of one vehicle; empty for one that was never seen."""
        stored: Any = self._client.hgetall(f"live:vehicle:{vehicle_id}")
        texts = {key.decode(): value.decode() for key, value in stored.items()}
        signals = [name for name in texts if not name.endswith(":ts")]
        return {name: LiveValue(texts[name], _instant(texts[f"{name}:ts"])) for name in sorted(signals)}

    def vehicles(self) -> list[str]:
        """All vehicles ever seen."""
        members: Any = self._client.smembers("live:vehicles")
        return sorted(member.decode() for member in members)

    def _write_vehicle(self, rows: pl.DataFrame, now: datetime) -> int:
        vehicle = str(rows.item(0, "vehicle_id"))
        parts = [rows.slice(start, _SIGNALS_PER_CALL) for start in range(0, rows.height, _SIGNALS_PER_CALL)]
        return sum(self._call(vehicle, part.select("signal", "value", "observed_at").rows(), now) for part in parts)

    def _call(self, vehicle: str, rows: Sequence[tuple[str, str, int]], now: datetime) -> int:
        flat = [item for row in rows for item in row]
        keys = [f"live:vehicle:{vehicle}", "live:vehicles"]
        args = [vehicle, int((now - _EPOCH).total_seconds() * 1000), SENSOR_TTL_MS, *flat]
        return int(self._script(keys=keys, args=args))


def _instant(microseconds: str) -> datetime:
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC)
