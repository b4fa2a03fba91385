"""Two estimates of one effect joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dispatch.both import combine
from tools.recommendations import Effect

number = st.floats(-1, 1)
width = st.floats(0, 1)


@st.composite
def effects(draw: st.DrawFn) -> Effect:
    estimate = draw(number)
    return Effect(estimate=estimate, low=estimate - draw(width), high=estimate + draw(width), unit="share")


@given(g=effects(), s=effects())
def test_both_estimates_lie_inside_and_order_does_not_matter(g: Effect, s: Effect) -> None:
    both, other = combine(g, s), combine(s, g)
    assert both.low - 1e-9 <= min(g.estimate, s.estimate)
    assert max(g.estimate, s.estimate) <= both.high + 1e-9
    assert (both.estimate, both.low, both.high) == pytest.approx((other.estimate, other.low, other.high))


@given(effect=effects())
def test_agreeing_with_itself_changes_nothing(effect: Effect) -> None:
    both = combine(effect, effect)
    assert (both.estimate, both.low, both.high) == pytest.approx(
        (effect.estimate, effect.low, effect.high), abs=1e-12
    )


def test_disagreement_widens_the_interval() -> None:
    near = Effect(estimate=0.10, low=0.08, high=0.12, unit="share")
    far = Effect(estimate=0.20, low=0.18, high=0.22, unit="share")
    both = combine(near, far)
    assert (both.low, both.high) == pytest.approx((0.08, 0.22))


def test_units_must_agree() -> None:
    share = Effect(estimate=0.1, low=0.0, high=0.2, unit="share")
    with pytest.raises(ValueError, match="'s'"):
        combine(share, share.model_copy(update={"unit": "s"}))
