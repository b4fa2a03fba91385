import numpy as np
import pandas as pd
import pytest

from tests.tools.panels import panel
from tools.did import estimate
from tools.errors import ToolFailure
from tools.unit_periods import regress, unit_periods


def test_rows_and_weighted_cells_give_one_panel() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"unit": rng.integers(0, 5, 400), "time": rng.integers(-3, 4, 400), "y": rng.normal(size=400)}
    )
    one = unit_periods(rows, outcome="y", unit="unit", time="time")
    two = unit_periods(one.frame(), outcome="y", unit="unit", time="time", weights="w")
    assert np.array_equal(one.periods, np.arange(-3, 4))
    assert np.array_equal(one.w, two.w)
    assert two.y == pytest.approx(one.y, abs=1e-12)


def test_what_is_absorbed_has_no_means_left() -> None:
    found, _ = panel(np.random.default_rng(1))
    found.w[2, 5] = 0.0
    left = found.absorb(found.y)
    assert (found.w * left).sum(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert (found.w * left).sum(axis=1) == pytest.approx(0.0, abs=1e-9)


def test_regress_is_the_estimate_of_the_two_way_fixed_effects() -> None:
    found, in_scope = panel(np.random.default_rng(2), effect=0.7)
    found.w[:, 3] = 0.0
    found.w[1, :20] = 0.0
    treated = in_scope[:, None] & (found.periods >= 0)
    fitted = regress(found, treated[None].astype(float))
    cells = found.frame()
    cells["on"] = ((cells["unit"] < 25) & (cells["time"] >= 0)).astype(int)
    plain = estimate(cells, outcome="y", unit="unit", time="time", treated="on", weights="w")
    assert fitted.effects[0] == pytest.approx(plain.effect, abs=1e-10)
    assert plain.error is not None
    # A period without weight is no period to the other one's count of parameters.
    n, t = found.cells, len(found.periods)
    assert fitted.covariance()[0, 0] * (n - t) / (n - t + 1) == pytest.approx(plain.error**2, rel=1e-9)


def test_missing_outcomes_and_empty_frames_are_refused() -> None:
    rows = pd.DataFrame({"unit": [0, 0], "time": [0, 1], "y": [0.0, np.nan]})
    with pytest.raises(ToolFailure, match="1 of 2 rows have none"):
        unit_periods(rows, outcome="y", unit="unit", time="time")
    with pytest.raises(ToolFailure, match="0 of 0 rows"):
        unit_periods(rows.iloc[:0], outcome="y", unit="unit", time="time")
