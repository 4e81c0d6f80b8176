"""Falls that become others are noticed, and chance is not taken for it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fleet_assets.core.theft.model.drift import DriftRules, drift, psi
from fleet_assets_tests.core.theft.model.cases import candidates, model


def halves() -> tuple[pl.DataFrame, pl.DataFrame]:
    mixed = candidates().sample(fraction=1.0, shuffle=True, seed=2)
    return mixed.head(mixed.height // 2), mixed.tail(mixed.height - mixed.height // 2)


def test_an_index_is_nought_of_the_same_values_and_large_of_others() -> None:
    values = np.random.default_rng(1).normal(size=1_000)
    assert psi(values, values) == 0.0
    assert psi(values, values + 2.0) > 1.0
    assert psi(values, np.where(values > 1.0, np.nan, values)) > 0.25
    assert np.isfinite(psi(np.full(5, np.nan), values))


def test_falls_of_one_fleet_do_not_drift_by_chance() -> None:
    before, after = halves()
    found = drift(before, after, model(), budget=0.2, vehicle_months=1_000.0)
    assert found.psi.keys() == model().terms.steps.keys()
    assert found.reasons == ()


def test_a_feature_that_shifts_is_named_with_its_index() -> None:
    before, after = halves()
    shifted = after.with_columns(pl.col("noise_ratio") * 2.0)
    (reason,) = drift(before, shifted, model(), budget=0.2, vehicle_months=1_000.0).reasons
    assert reason.startswith("noise_ratio shifted (index ")


def test_too_few_falls_tell_no_drift() -> None:
    before, after = halves()
    found = drift(before.head(150), after.with_columns(pl.col("noise_ratio") * 2.0), model(), 0.2, 1_000.0)
    assert (found.psi, found.reasons) == ({}, ())


@pytest.mark.parametrize(("months", "is_told"), [(1_000.0, False), (10.0, True)])
def test_more_alarms_than_the_budget_allows_are_told(months: float, is_told: bool) -> None:
    _, after = halves()
    found = drift(after.clear(), after, model(), budget=0.2, vehicle_months=months)
    assert found.allowed == pytest.approx(0.2 * months)
    assert bool(found.reasons) is is_told
    if is_told:
        assert found.reasons == (f"{found.alarms} alarms where 2.0 false ones are allowed",)


def test_no_falls_are_no_drift() -> None:
    nothing = candidates().clear()
    assert drift(nothing, nothing, model(), 0.2, 0.0, DriftRules()).reasons == ()
