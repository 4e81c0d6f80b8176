"""Proof: each frame of bus and log is in `raw_can` once, byte for byte, or the gap ledger names it, whatever is killed.

What is claimed. A log: every frame, however often the scanner that replays it is killed and started again, except those
that a stranger removed from the stream; those are counted by the ledger, exactly. A live bus: a killed scanner cannot
have read what came meanwhile, and takes up to 50 ms of frames with it; each frame that is missing was sent within a
gap of its bus. Nothing is there twice, and nothing that was not sent.

What is tried. Real processes: a scanner on a multicast bus, scanners that replay logs, two workers, and the private
Redis with its append-only file (`everysec`: a kill of the process loses nothing that was written, only a power failure
would; what is lost all the same is found by number). SIGKILL at random instants, spool and landing on small disks that
are filled, flushing slowed down, a Redis that hangs, a stranger who empties the stream.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import INGEST_GAPS, RAW_CAN
from fleet_assets_tests.fixtures.can_frames import frame_log
from fleet_assets_tests.proofs.collector_under_fire import LIVE, REPLAYED, Campaign, Fleet, payloads
from fleet_assets_tests.proofs.live_state_under_fire import live_state_holds
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

TITLE = "Exactly once from bus to partition"

CAMPAIGNS = {
    Strength.QUICK: Campaign(
        logs=2, frames_per_log=15_000, live_frames_per_second=1_500, kills=8, between_kills=(0.3, 1.1), outages=0
    ),
    Strength.FULL: Campaign(logs=23, frames_per_log=45_000, live_frames_per_second=1_000, kills=200, replay_speed="20"),
}
_STARTED = datetime(2026, 3, 1, 8, tzinfo=UTC)
_CONTENT = ["recorded_at", "bus", "arbitration_id", "is_extended", "is_fd", "is_error", "dlc", "data"]


def prove(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Fight the campaign, build, compare."""
    campaign = CAMPAIGNS[strength]
    with tempfile.TemporaryDirectory(prefix="fleet-once-") as folder:
        home = Path(folder)
        logs = write_logs(home / "logs", campaign)
        fleet = Fleet(home, campaign)
        fleet.fight(say)
        lake = Lake(str(home / "lake"))
        frames, gaps = lake.scan(RAW_CAN).collect(), lake.scan(INGEST_GAPS).collect()
    yield from log_outcomes(logs, frames.filter(vehicle_id=REPLAYED), gaps.filter(vehicle_id=REPLAYED))
    sent = np.array(fleet.fired.live_sent, dtype=np.int64).reshape(-1, 2)
    yield from bus_outcomes(sent, frames.filter(vehicle_id=LIVE), gaps.filter(vehicle_id=LIVE))
    yield fire_outcome(fleet, campaign)
    yield live_state_holds(strength)


def write_logs(folder: Path, campaign: Campaign) -> pl.DataFrame:
    """Logs that follow on each other, a frame a millisecond; returns all their frames."""
    folder.mkdir()
    logs = []
    for number in range(campaign.logs):
        first = number * campaign.frames_per_log
        numbers = np.arange(first, first + campaign.frames_per_log, dtype=np.int64)
        log = frame_log(campaign.frames_per_log, start=_STARTED + timedelta(milliseconds=first), vehicle=REPLAYED)
        log = log.with_columns(data=payloads(numbers))
        log.write_parquet(folder / f"{number:04d}.parquet")
        logs.append(log)
    return pl.concat(logs)


def log_outcomes(sent: pl.DataFrame, found: pl.DataFrame, gaps: pl.DataFrame) -> Iterator[Outcome]:
    """The claims about replayed logs."""
    missing = sent.join(found, on=_CONTENT, how="anti", nulls_equal=True)
    strange = found.join(sent, on=_CONTENT, how="anti", nulls_equal=True)
    surplus = found.height - found.select(_CONTENT).n_unique()
    instants = _ns(missing.get_column("recorded_at"))
    is_named = _within(np.stack([instants, instants], axis=1), gaps)
    counted = int(gaps.get_column("missing_count").sum())
    yield Outcome(
        "a replayed log: each frame once, bytes equal, or counted in the ledger",
        f"{sent.height:,} frames sent",
        bool(is_named.all()) and counted == missing.height and found.height + missing.height == sent.height,
        f"{found.height:,} in raw_can, {missing.height:,} missing, {counted:,} counted{_by(gaps)}",
    )
    yield Outcome(
        "a replayed log: nothing twice, nothing that was not sent", f"{found.height:,} rows",
        strange.is_empty() and surplus == 0, f"{surplus} twice, {strange.height} unknown",
    )  # fmt: skip


def bus_outcomes(sent: npt.NDArray[np.int64], found: pl.DataFrame, gaps: pl.DataFrame) -> Iterator[Outcome]:
    """The claims about the live bus; `sent` holds the instants (ns) before and after each frame, by its number."""
    if not len(sent):
        yield Outcome("a live bus", "not tried: no multicast on this machine", held=True)
        return
    known = pl.DataFrame({"data": payloads(np.arange(len(sent), dtype=np.int64))}).with_row_index("number")
    landed = found.join(known, on="data", how="left")
    numbers = landed.get_column("number").drop_nulls()
    strange, surplus = landed.height - len(numbers), len(numbers) - numbers.n_unique()
    is_missing = np.ones(len(sent), dtype=bool)
    is_missing[numbers.unique().to_numpy()] = False
    is_named = _within(sent[is_missing], gaps)
    yield Outcome(
        "a live bus: each frame once, bytes equal, or sent within a gap of the ledger",
        f"{len(sent):,} frames sent",
        bool(is_named.all()),
        f"{numbers.n_unique():,} in raw_can, {is_missing.sum():,} missing, {(~is_named).sum():,} of them in no gap"
        f"{_by(gaps)}",
    )
    yield Outcome(
        "a live bus: nothing twice, nothing that was not sent", f"{found.height:,} rows",
        strange == 0 and surplus == 0, f"{surplus} twice, {strange} unknown",
    )  # fmt: skip


def fire_outcome(fleet: Fleet, campaign: Campaign) -> Outcome:
    """Whether as much was tried as is claimed."""
    fired = fleet.fired
    parts = [f"{count} {name}" for name, count in sorted(fired.kills.items())]
    faults = [f"{name} {count}" for name, count in sorted(fired.faults.items())]
    held = fired.kills.total() >= campaign.kills and all(fired.kills[name] for name in ("redis", "replay"))
    tried = f"{fired.kills.total()} SIGKILLs in {fired.seconds:.0f} s: {', '.join(parts)}"
    return Outcome("every process came back by itself and went on", tried, held, "; ".join(faults))


def _ns(instants: pl.Series) -> npt.NDArray[np.int64]:
    return instants.to_physical().to_numpy().astype(np.int64) * 1_000


def _within(spans: npt.NDArray[np.int64], gaps: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """For each span (first and last instant in ns) whether it meets a gap."""
    started, ended = _ns(gaps.get_column("started_at")), _ns(gaps.get_column("ended_at"))
    named = np.zeros(len(spans), dtype=bool)
    for start, end in zip(started.tolist(), ended.tolist(), strict=True):
        # Gaps are kept in microseconds, sending was timed in nanoseconds.
        named |= (spans[:, 1] >= start) & (spans[:, 0] <= end + 999)
    return named


def _by(gaps: pl.DataFrame) -> str:
    counts = gaps.group_by("reason").len().sort("reason").rows()
    return "".join(f"; {count} {reason}" for reason, count in counts)
