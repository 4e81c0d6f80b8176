"""Plans refuse what makes no sense and state the rates of a real bus."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fleet_assets.contracts.errors import UsageError
from fleet_assets.simulator import THINNED_PERIODS_S, FleetPlan, real_periods
from fleet_assets.simulator.broadcast import BUSES, sendings


@pytest.mark.parametrize(("vehicles", "days", "seed"), [(-1, 1, 1), (1, -1, 1), (1, 1, -1)])
def test_a_negative_number_is_refused(vehicles: int, days: int, seed: int) -> None:
    with pytest.raises(UsageError, match="0 or more"):
        FleetPlan(vehicles, days, seed)


@pytest.mark.parametrize("periods", [{"EEC1": 0.0}, {"EEC9": 1.0}])
def test_an_unknown_message_or_no_period_is_refused_by_name(periods: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(periods))):
        FleetPlan(periods_s=periods)


def test_the_days_are_utc_days() -> None:
    plan = FleetPlan(days=2, start=date(2025, 3, 30))
    assert (plan.starts_at, plan.ends_at) == (datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))


def test_every_message_has_a_thinned_and_a_real_period() -> None:
    sent = {sending.key for kind in BUSES for sending in sendings(kind)}
    assert sent == set(THINNED_PERIODS_S) == set(real_periods())
    assert all(real_periods()[name] <= THINNED_PERIODS_S[name] for name in sent)
