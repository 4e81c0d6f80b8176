"""The manifest of a lake table of years: committing its days one by one, and reading it, against a record a day.

Usage: PYTHONPATH=. python benchmarks/bench_lake.py [--days 2000] [--rounds 9]

A record a day is what versions without generations kept: a JSON file beside each partition. Times are processor time of
this process, so that what else the machine does counts little; medians of the rounds count.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from shutil import copyfile
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from fleet_assets.adapters.lake_generation import Entry, PartitionRecord
from fleet_assets.adapters.lake_manifest import Manifest

READ_TARGET_MS = 5

Given = TypeVar("Given")


def main() -> None:
    """Measure and print; exit code 1 when reading takes longer than it may."""
    options = _options()
    records = {date(2020, 1, 1) + timedelta(days=number): _record() for number in range(options.days)}
    with TemporaryDirectory(prefix="fleet-bench-lake-") as folder:
        manifest = Manifest(Path(folder) / "trips")
        _commit_all(manifest, records)
        _write_records(Path(folder) / "records", records)
        unread = (_copy(manifest, Path(folder) / f"copy-{number}") for number in range(2 * options.rounds))
        ours = _ms(lambda copy: copy.newest(), [next(unread) for _ in range(options.rounds)])
        with_records = _ms(lambda copy: copy.newest().records, [*unread])
        theirs = _ms(_read_records, [Path(folder) / "records"] * options.rounds)
        again = _ms(lambda known: known.newest(), [manifest] * options.rounds)
    print(f"the newest generation of {options.days:,} days, read anew: {ours:.1f} ms")
    print(f"with a record object for each day: {with_records:.1f} ms; a file a day: {theirs:.1f} ms")
    print(f"the newest generation, known to the process: {again:.3f} ms")
    if ours > READ_TARGET_MS:
        raise SystemExit(f"reading takes more than {READ_TARGET_MS} ms")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def _record() -> PartitionRecord:
    notes: dict[str, object] = {"landed_rows": 120_000, "duplicate_rows": 12}
    return PartitionRecord(secrets.token_hex(32), secrets.token_hex(32), 1234, 123_456, secrets.token_hex(32), notes)


def _commit_all(manifest: Manifest, records: dict[date, PartitionRecord]) -> None:
    took: list[float] = []
    for day, record in records.items():
        began, entry = time.process_time(), Entry(record)
        manifest.commit(lambda _now, day=day, entry=entry: {day: entry}, "bench")  # type: ignore[misc]
        took.append(1e3 * (time.process_time() - began))
    size = sum(path.stat().st_size for path in manifest.folder.iterdir())
    print(f"{len(took):,} commits: {median(took):.2f} ms each, the slowest {max(took):.1f}")
    print(f"together {sum(took) / 1e3:.1f} s; manifests of {size / 1e6:.0f} MB before any is swept")


def _write_records(folder: Path, records: dict[date, PartitionRecord]) -> None:
    for day, record in records.items():
        path = folder / f"date={day}" / "trips.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(asdict(record), sort_keys=True, indent=1))


def _copy(manifest: Manifest, folder: Path) -> Manifest:
    """The newest generation in a place that this process knows nothing of yet."""
    copy, newest = Manifest(folder), manifest.newest()
    copy.folder.mkdir(parents=True)
    for number in {newest.number, newest.base}:
        copyfile(manifest.path(number), copy.path(number))
    return copy


def _read_records(folder: Path) -> dict[date, PartitionRecord]:
    found = sorted(folder.glob("date=*/trips.json"))
    return {date.fromisoformat(path.parent.name[5:]): PartitionRecord(**json.loads(path.read_text())) for path in found}


def _ms(measured: Callable[[Given], object], given: Sequence[Given]) -> float:
    took: list[float] = []
    for one in given:
        began = time.process_time()
        measured(one)
        took.append(1e3 * (time.process_time() - began))
    return median(took)


if __name__ == "__main__":
    main()
