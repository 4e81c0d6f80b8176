"""Any history of a tank: calls that hypothesis draws, and the telemetry that they make.

Belongs here: drawing. Does not belong here: expectations.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import strategies as st

from fleet_assets_tests.core.fuel.tanks import START, Tank

CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("drive"), st.integers(5, 180)),
        st.tuples(st.just("stand"), st.integers(2, 600)),
        st.tuples(st.just("fill"), st.integers(-80, 150)),
        st.tuples(st.just("silent"), st.integers(5, 900)),
        st.tuples(st.just("zero"), st.integers(5, 200)),
        st.tuples(st.just("shift"), st.integers(-20, 20)),
    ),
    min_size=4, max_size=14,
)  # fmt: skip


def history(calls: list[tuple[str, int]], seed: int) -> pl.DataFrame:
    """Telemetry of a lorry that did what the calls say, with noise of the seed."""
    tank = Tank(step_s=60, now=START + timedelta(hours=12), seed=seed).drive(10)
    for name, number in calls:
        if name == "fill":
            litres = float(np.clip(number, -tank.litres, tank.capacity_l - tank.litres))
            tank = tank.stand(3).fill(litres, 4).stand(3)
        elif name == "zero":
            tank = tank.stand(number, fuel_level_pct=0.0)
        elif name == "shift":
            tank = replace(tank, shift=float(number))
        elif name == "silent":
            tank = tank.silent(number)
        else:
            tank = tank.drive(number) if name == "drive" else tank.stand(number)
        tank = replace(tank, litres=max(tank.litres, 30.0))
    return tank.frame()
