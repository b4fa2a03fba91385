"""Leads and lags equal those of a regression on dummies, with its clustered covariance."""

import warnings

import numpy as np
import pytest

from tests.tools.panels import panel
from tools.errors import ToolFailure
from tools.event_study import Reference, event_study


@pytest.mark.parametrize("reference", ["day before", "earlier days"])
@pytest.mark.parametrize("holes", [False, True])
def test_effects_and_covariance_equal_the_regression_on_dummies(reference: Reference, holes: bool) -> None:
    found, in_scope = panel(np.random.default_rng(5), units=42, treated=10, before=9, after=3, effect=0.5)
    if holes:
        found.w[np.random.default_rng(6).random(found.w.shape) < 0.15] = 0.0
    study = event_study(found, in_scope, leads=4, reference=reference)

    cells = found.frame()
    base = [-1] if reference == "day before" else [-9, -8, -7, -6, -5]
    names = []
    for day in sorted(set(range(-9, 3)) - set(base)):
        names.append(f"day{day + 100}")
        cells[names[-1]] = ((cells["time"] == day) & (cells["unit"] < 10)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.formula.api as smf

        model = smf.wls(f"y ~ {' + '.join(names)} + C(unit) + C(time)", data=cells, weights=cells["w"])
        fitted = model.fit(
            cov_type="cluster", cov_kwds={"groups": cells["unit"], "use_correction": False}, use_t=True
        )
    assert study.periods.tolist() == sorted(set(range(-9, 3)) - set(base))
    assert study.effects == pytest.approx(fitted.params[names].to_numpy(), abs=1e-8)
    n, k, groups = len(cells), len(names) + 11, 42
    assert study.fitted.correction == pytest.approx(groups / (groups - 1) * (n - 1) / (n - k), rel=1e-12)
    assert study.covariance is not None
    expected = fitted.cov_params().loc[names, names].to_numpy() * study.fitted.correction
    assert study.covariance == pytest.approx(expected, abs=1e-8)
    leads = [name for name in names if int(name[3:]) < 100]
    wald = fitted.wald_test(" = ".join([*leads, "0"]), scalar=True, use_f=False).statistic
    own = study.effects[study.before]
    joint = own @ np.linalg.solve(study.covariance[np.ix_(study.before, study.before)], own)
    assert joint == pytest.approx(wald / study.fitted.correction, rel=1e-8)


def test_with_few_clusters_there_are_effects_but_no_errors() -> None:
    found, in_scope = panel(np.random.default_rng(7), units=30, treated=5, effect=2.0)
    study = event_study(found, in_scope)
    assert study.errors is None
    assert study.few_clusters() == "not testable: 5 treated of 30 stores, too few for clustered errors"
    assert study.effects[study.periods >= 0].mean() == pytest.approx(2.0, abs=1.0)


def test_the_bound_is_the_effect_and_the_largest_step_before() -> None:
    found, in_scope = panel(np.random.default_rng(8), units=4, treated=2, before=4, after=1)
    found.y[:] = np.where(in_scope[:, None], [0.0, 0.3, 0.2, 0.0, 1.0], 0.0)
    study = event_study(found, in_scope, reference="day before")
    assert study.largest_step == pytest.approx(0.3)
    assert study.bound(1.0) == pytest.approx((0.7, 1.3))
    assert study.bound(1.0, magnitude=2.0) == pytest.approx((0.4, 1.6))
    pooled = event_study(found, in_scope, leads=2, reference="earlier days")
    middle = found.w[:2, :2].sum(axis=0) @ [0.0, 0.3] / found.w[:2, :2].sum()
    assert pooled.largest_step == pytest.approx(max(0.2, abs(0.2 - middle)), abs=0.05)


def test_a_reference_that_one_side_does_not_have_is_refused() -> None:
    found, in_scope = panel(np.random.default_rng(9))
    found.w[in_scope, 27] = 0.0
    with pytest.raises(ToolFailure, match=r"nothing is known of the reference \(day before\)"):
        event_study(found, in_scope, reference="day before")
    with pytest.raises(ToolFailure, match=r"nothing is known of the reference \(earlier days\)"):
        event_study(found, in_scope, leads=28)
    with pytest.raises(ToolFailure, match="no day before the change"):
        event_study(found.keep(found.periods != -1), in_scope, leads=1)
