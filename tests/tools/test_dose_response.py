import warnings

import numpy as np
import pytest

from tests.tools.panels import panel
from tools.dose_response import dose_response
from tools.errors import ToolFailure
from tools.unit_periods import UnitPeriods


def doses(seed: int, response: dict[float, float]) -> tuple[UnitPeriods, np.ndarray]:
    """Sixty stores: twenty go from 2 to 3, twenty from 2 to 4, and twenty have no known value."""
    found, _ = panel(np.random.default_rng(seed), before=10, after=5)
    level = np.full(found.y.shape, 2.0)
    level[:20, 10:] = 3.0
    level[20:40, 10:] = 4.0
    added = np.vectorize(response.__getitem__)(level)
    level[40:] = np.nan
    added[40:] = 0.0
    return UnitPeriods(found.units, found.periods, found.y + added, found.w), level


def test_slope_and_error_equal_the_regression_on_dummies() -> None:
    found, level = doses(0, {2.0: 0.0, 3.0: 0.5, 4.0: 1.0})
    dose = dose_response(found, level)
    cells = found.frame().assign(level=np.nan_to_num(level, nan=2.0).ravel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.formula.api as smf

        fitted = smf.wls("y ~ level + C(unit) + C(time)", data=cells, weights=cells["w"]).fit(
            cov_type="cluster", cov_kwds={"groups": cells["unit"], "use_correction": False}, use_t=True
        )
    assert dose.slope == pytest.approx(fitted.params["level"], abs=1e-8)
    n, k = len(cells), 15
    correction = 60 / 59 * (n - 1) / (n - k)
    assert dose.error == pytest.approx(fitted.bse["level"] * np.sqrt(correction), abs=1e-8)
    assert dose.slope == pytest.approx(0.5, abs=0.15)
    assert (dose.levels, dose.monotone) == (3, True)


def test_a_response_that_turns_is_not_monotone() -> None:
    assert dose_response(*doses(1, {2.0: 0.0, 3.0: 3.0, 4.0: 1.5})).monotone is False


def test_steps_that_always_come_together_cannot_be_told_apart() -> None:
    found, level = doses(2, {2.0: 0.0, 3.0: 0.5, 4.0: 1.0})
    level[:20] += 1.0  # 3 to 4 beside 2 to 4: three levels, one step of its own
    assert dose_response(found, level).monotone is True
    level[:20] = np.where(level[:20] == 3.0, 3.0, 5.0)  # 3 to 5 beside 2 to 4: three steps, two contrasts
    assert dose_response(found, level).monotone is None


def test_few_stores_have_no_error() -> None:
    found, level = doses(3, {2.0: 0.0, 3.0: 0.5, 4.0: 1.0})
    few = UnitPeriods(found.units[15:25], found.periods, found.y[15:25], found.w[15:25])
    assert dose_response(few, level[15:25]).error is None


def test_two_levels_or_no_contrast_are_a_reason() -> None:
    found, level = doses(4, {2.0: 0.0, 3.0: 0.5, 4.0: 1.0})
    with pytest.raises(ToolFailure, match="under 2 values, 3 are needed"):
        dose_response(found, np.where(level == 4.0, 3.0, level))
    everywhere = np.repeat([[2.0] * 5 + [3.0] * 5 + [4.0] * 5], 60, axis=0)
    with pytest.raises(ToolFailure, match="never changed in one place beside others"):
        dose_response(found, everywhere)
