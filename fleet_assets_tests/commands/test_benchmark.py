"""`fleet benchmark theft`, in the process of the test, on fleets of a few vehicles and days."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fleet_assets.core.theft.baselines import BASELINES
from fleet_assets_tests.fixtures.fleet_here import FleetHere

SMALL = ("benchmark", "theft", "--vehicles", "6", "--months", "0.4", "--losses", "60")


def test_the_help_says_what_is_measured(fleet_here: FleetHere) -> None:
    done = fleet_here("benchmark", "--help")
    assert (done.code, "theft" in done.out, "bool" in done.out) == (0, True, False)
    assert "another seed" in fleet_here("benchmark", "theft", "--help").out


@pytest.mark.slow
def test_every_detector_is_told_in_eighty_columns_and_written_with_all_figures(
    fleet_here: FleetHere, tmp_path: Path
) -> None:
    output = tmp_path / "theft.csv"
    done = fleet_here(*SMALL, "--output", output, COLUMNS="80")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    methods = {*BASELINES, "signal to noise"}
    assert all(name in done.out for name in methods)
    assert "seed 1001" in " ".join(done.out.split())
    every = pl.read_csv(output)
    assert set(every.filter(pl.col("table") == "methods")["method"]) == methods
    assert set(every["table"]) >= {"methods", "tuned", "strata", "calibration"}
    rates = every.filter(pl.col("measure").str.starts_with("at "))["value"]
    assert rates.is_between(0, 1).all()
    found = every.filter((pl.col("method") == "signal to noise") & (pl.col("measure") == "at 1"))["value"][0]
    assert found > 0.3


@pytest.mark.slow
def test_equal_options_give_equal_figures_and_another_seed_gives_others(fleet_here: FleetHere, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.csv" for name in ("one", "two", "three")]
    for output, seed in zip(files, (5, 5, 6), strict=True):
        done = fleet_here("benchmark", "theft", "--vehicles", "3", "--months", "0.3", "--losses", "60", "--seed", seed,
                          "--output", output)  # fmt: skip
        assert done.code == 0, done.err
    one, two, three = (output.read_text() for output in files)
    assert one == two != three


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--output", "theft.txt"), "write a .csv, .json or .parquet file"),
        (("--months", "0"), "0.25"),
        (("--vehicles", "0"), "vehicles"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    fleet_here: FleetHere, options: tuple[str, ...], sentence: str
) -> None:
    done = fleet_here("benchmark", "theft", *options)
    assert done.code == 2
    assert sentence in done.err


def test_a_fleet_without_losses_is_told_without_a_probability(fleet_here: FleetHere) -> None:
    done = fleet_here("benchmark", "theft", "--vehicles", "1", "--months", "0.25", "--losses", "0")
    assert (done.code, done.err) == (0, "")
    assert "0 thefts" in done.out
    assert "No probability" in done.out
