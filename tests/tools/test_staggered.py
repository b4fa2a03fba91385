"""A change that reaches units at different times, with an effect that grows: two stages are right, plain effects not."""

import numpy as np
import pandas as pd
import pytest

from tools.did import estimate
from tools.errors import ToolFailure
from tools.staggered import two_stage

UNITS, PERIODS = 500, 12
COLUMNS = {"outcome": "y", "unit": "unit", "time": "time", "treated": "on"}


def rollout(seed: int) -> tuple[pd.DataFrame, float]:
    """A panel, and its true mean effect on the treated."""
    rng = np.random.default_rng(seed)
    unit, time = np.divmod(np.arange(UNITS * PERIODS), PERIODS)
    begins = np.array([3, 6, 9, 99])[np.arange(UNITS) % 4][unit]
    on = (time >= begins).astype(int)
    effect = np.where(on == 1, -0.02 * (time - begins + 1), 0.0)
    level = rng.normal(0, 0.1, UNITS)[unit] + 0.01 * time
    y = level + effect + rng.normal(0, 0.05, UNITS * PERIODS)
    return pd.DataFrame({"unit": unit, "time": time, "on": on, "y": y}), float(effect[on == 1].mean())


@pytest.mark.parametrize("seed", range(5))
def test_two_stages_find_the_effect_where_plain_fixed_effects_do_not(seed: int) -> None:
    panel, true = rollout(seed)
    assert two_stage(panel, **COLUMNS) == pytest.approx(true, rel=0.03)
    assert abs(estimate(panel, **COLUMNS).effect) < 0.85 * abs(true)


def test_with_one_time_for_all_both_agree() -> None:
    panel, _ = rollout(9)
    panel = panel[panel["unit"] % 4 != 1].assign(
        on=lambda p: ((p["unit"] % 4 != 3) & (p["time"] >= 6)).astype(int)
    )
    assert two_stage(panel, **COLUMNS) == pytest.approx(estimate(panel, **COLUMNS).effect, abs=1e-6)


def test_weights_count_as_rows_do() -> None:
    panel, _ = rollout(1)
    twice = pd.concat([panel, panel[panel["unit"] < 100]])
    weighted = panel.assign(n=np.where(panel["unit"] < 100, 2.0, 1.0))
    assert two_stage(twice, **COLUMNS) == pytest.approx(two_stage(weighted, **COLUMNS, weights="n"), abs=1e-8)


def test_without_treatment_or_without_a_before_it_refuses() -> None:
    panel, _ = rollout(2)
    with pytest.raises(ToolFailure, match="no unit is treated"):
        two_stage(panel.assign(on=0), **COLUMNS)
    with pytest.raises(ToolFailure, match="was seen before"):
        two_stage(panel.assign(on=(panel["unit"] < 250).astype(int)), **COLUMNS)
