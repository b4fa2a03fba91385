import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agents import render
from agents.writing import PLACEHOLDER
from data.slices import Slice

HOSTILE = st.text() | st.text(alphabet="{}<>[]()`*_|\\#~!&;:/.wE1 \n\u202e", max_size=60)


@given(HOSTILE)
def test_harmless_text_is_neither_markup_nor_placeholder(text: str) -> None:
    plain = render.harmless(text)
    assert not PLACEHOLDER.search(plain)
    assert not set(plain) & set("{}[]<>`*|\\~#\n\r\t\u202e")
    assert len(plain) <= render.MAX_VALUE_CHARACTERS
    shown = MarkdownIt("commonmark", {"html": True}).renderInline(f"x {plain} x")
    assert "<" not in shown.replace("<br>", "")


@given(HOSTILE, HOSTILE)
def test_slice_words_are_harmless_whatever_the_values(name: str, value: str) -> None:
    if name not in ("hour", "values"):
        assert not PLACEHOLDER.search(render.slice_words(Slice.parse({name: value})))


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([*sorted(render._UNITS), "probability", "z", ""]),
)
def test_number_is_total(value: float, unit: str) -> None:
    assert render.number(value, unit, signed=True)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("batched_share", 0.583, "58.3 %"),
        ("change_pp", 27.78, "+27.8 pp"),
        ("change_pp", -0.01, "0.0 pp"),
        ("orders_change_share", 0.018, "+1.8 %"),
        ("baseline_s", 866.2, "14.4 min"),
        ("lead_s", 45.0, "45 s"),
        ("p_primary", 0.001, "under 1 %"),
        ("p_primary", 0.94, "94 %"),
        ("window_orders", 1136, "1,136 orders"),
        ("z_conditional", 19.0056, "19.0"),
        ("cost_usd", -3.5, "-$3.50"),
        ("n_changes", 3, "3"),
        ("survived", True, "yes"),
        ("policy", "batching_threshold", "batching threshold"),
        ("changed_at", "2026-02-04T08:00:00Z", "4 February 2026, 00:00 PST"),
        ("scope", {"region": "SF"}, "region SF"),
        ("scope", {"region": ["SF"]}, None),
        ("old_value", "2026-99-99T08:00:00Z", "2026-99-99T08:00:00Z"),
        ("parts", [1], None),
        ("effect_pp", None, None),
        ("orders_per_day", 12.0, "12.0 per day"),
        ("pre_trend_mde_pp_per_day", 0.184, "0.18 pp per day"),
        ("pre_trend_mde_s_per_day", 4.25, "4.2 s per day"),
        ("estimate_pp", math.nan, "unknown"),
    ],
)
def test_leaf_says_the_unit_of_the_name(name: str, value: object, text: str | None) -> None:
    assert render.leaf(name, value, ZoneInfo("America/Los_Angeles")) == text


def test_time_is_told_on_the_clock_of_the_place() -> None:
    moment = datetime(2026, 7, 1, 2, 30, tzinfo=UTC)
    assert render.time(moment, ZoneInfo("America/Los_Angeles")) == "30 June 2026, 19:30 PDT"
