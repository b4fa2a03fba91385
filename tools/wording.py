"""Numbers, slices and templates in a manager's words; used where code writes the text itself."""

import re
from collections.abc import Mapping
from typing import Any, Final

from data.slices import Slice
from tools.recommendations import Models

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")
_MARKUP: Final = re.compile(r"[^\w\s.,:;%+/()'-]")


def plain(text: str, *, most: int = 80) -> str:
    """Text from the data without anything that Markdown, HTML or a terminal would act on.

    Example:
        >>> plain("<b>gro|cery</b> `x`")
        'b gro cery /b x'
    """
    return " ".join(_MARKUP.sub(" ", text).replace("_", " ").split())[:most]


def scope_words(scope: Slice) -> str:
    """A slice as a phrase.

    Example:
        >>> scope_words(Slice.parse({"category": "grocery", "region": "SF", "hour": {"from": 18, "to": 20}}))
        'category grocery, region SF, 18:00 to 20:00'
    """
    parts = [f"{plain(name)} {plain(value)}" for name, value in scope.values]
    if scope.hour is not None:
        parts.append(f"{scope.hour.start:02d}:00 to {scope.hour.end:02d}:00")
    return ", ".join(parts) or "all orders"


def amount(value: float, unit: str, *, signed: bool = False) -> str:
    """A number with its unit.

    Example:
        >>> amount(0.783, "share"), amount(-0.05, "share", signed=True), amount(300, "s"), amount(3.204, "x")
        ('78.3 %', '-5.0 pp', '5.0 min', '3.20')
    """
    sign = "+" if signed else ""
    if unit == "share":
        return f"{100 * value:{sign}.1f} " + ("pp" if signed else "%")
    if unit == "s":
        return f"{value / 60:{sign}.1f} min" if abs(value) >= 120 else f"{value:{sign}.0f} s"
    if unit == "score":
        return f"{value:{sign}.1f} points"
    if unit == "percent":
        return f"{value:{sign}.1f} %"
    return f"{value:{sign},.0f}" if abs(value) >= 100 else f"{value:{sign},.2f}"


def models_words(models: Models) -> str:
    """Both answers to what an action does to the CX Score, or why there is one.

    Example:
        >>> from tools.recommendations import Effect
        >>> one = Effect(estimate=18.94, low=16.2, high=21.7, unit="score")
        >>> models_words(Models(g_computation=one, reason="no column deliveries.dasher_wait"))
        'By comparing orders alone; the dispatch simulator was not used: no column deliveries.dasher wait'
    """
    reason = plain(models.reason, most=240)
    if models.dispatch_simulator is None:
        return f"By comparing orders alone; the dispatch simulator was not used: {reason}"
    compared, played = (
        amount(effect.estimate, effect.unit, signed=True)
        for effect in (models.g_computation, models.dispatch_simulator)
    )
    return (
        f"By comparing orders {compared}, by simulating dispatch {played} ({reason}); the interval holds both"
    )


def unit_of(name: str) -> str:
    """The unit that a parameter's name ends in.

    Example:
        >>> unit_of("buffer_s"), unit_of("couriers_share"), unit_of("policy")
        ('s', 'share', '')
    """
    tail = name.rsplit("_", 1)[-1]
    return tail if tail in {"s", "share", "score"} else ""


def fill(template: str, *, scope: Slice, parameters: Mapping[str, Any]) -> str:
    """A template's `{{scope}}` and `{{parameters.NAME}}` in words.

    Raises:
        KeyError: the template names a parameter that the action does not have.

    Example:
        >>> fill("Add {{parameters.buffer_s}} for {{scope}}", scope=Slice(), parameters={"buffer_s": 180})
        'Add 3.0 min for all orders'
    """

    def word(found: re.Match[str]) -> str:
        path = found.group(1)
        if path == "scope":
            return scope_words(scope)
        name = path.removeprefix("parameters.")
        value = parameters[name]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return amount(float(value), unit_of(name))
        return plain(str(value))

    return _PLACEHOLDER.sub(word, template)
