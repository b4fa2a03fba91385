"""Values into words: the only code that turns a number, a time or a slice into text for people.

The unit comes from the end of a field's name, as `tools.registry.Result` defines it. Text that comes from
the data (slice values, policy names) is made harmless: it can neither look like a placeholder nor act as
Markdown, HTML, Slack or terminal markup.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from data.slices import Slice

MAX_VALUE_CHARACTERS: Final = 80
_SIGNED: Final = re.compile(r"(^|_)(delta|effect|change|lift|shift|drift|gap)(_|$)")
_HARMLESS: Final = str.maketrans("{}[]<>`*|\\~#", "()()()'.//- ")
_LINK: Final = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_EMPHASIS: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITY: Final = re.compile(r"&(?=#|\w+;)")
_UNITS: Final = {
    "share": "share", "pp": "pp", "s": "s", "orders": "orders", "score": "score", "usd": "usd", "days": "days",
}  # fmt: skip


def harmless(text: str) -> str:
    r"""Text from the data as plain words: one line, no markup, no placeholder, at most 80 characters.

    Example:
        >>> harmless("{{E1.x}} <b>grocery</b>\n[x](http://x)")
        '((E1.x)) (b)grocery(/b) (x)(http: //x)'
    """
    plain = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    plain = " ".join(plain.split()).translate(_HARMLESS)
    plain = _ENTITY.sub("+", _EMPHASIS.sub("-", _LINK.sub(" ", plain)))
    return plain if len(plain) <= MAX_VALUE_CHARACTERS else plain[: MAX_VALUE_CHARACTERS - 1] + "…"


def unit_of(name: str) -> str:
    """The unit that a field's name ends in; empty for a plain number.

    Example:
        >>> [unit_of(n) for n in ("batched_share", "delta_pp", "p_primary", "orders", "z")]
        ['share', 'pp', 'probability', 'orders', 'z']
    """
    if name.startswith("p_"):
        return "probability"
    if name == "z" or name.startswith("z_") or name.endswith("_z"):
        return "z"
    if name.endswith("_per_day"):
        return next((unit for unit in ("pp_per_day", "s_per_day") if name.endswith(f"_{unit}")), "per_day")
    return _UNITS.get(name.rsplit("_", 1)[-1], "")


def is_signed(name: str) -> bool:
    """Whether a field is a change, which is written with its sign."""
    return bool(_SIGNED.search(name))


def number(value: float, unit: str, *, signed: bool = False) -> str:
    """A number with its unit.

    Example:
        >>> number(0.783, "share"), number(-14.02, "pp", signed=True), number(900, "s")
        ('78.3 %', '-14.0 pp', '15.0 min')
        >>> number(0.997, "probability"), number(12345, "orders"), number(17.3, "score", signed=True)
        ('over 99 %', '12,345 orders', '+17.3 points')
    """
    if math.isnan(value):
        return "unknown"
    if unit == "probability":
        return _probability(value)
    if unit == "s":
        long = abs(value) >= 120
        return _decimal(value / 60 if long else value, 1 if long else 0, signed) + (" min" if long else " s")
    if unit == "share":
        return _decimal(value * 100, 1, signed) + " %"
    if unit == "usd":
        sign = "-" if value < 0 else "+" if signed else ""
        return f"{sign}${abs(value):,.2f}"
    places, word = _PLACES.get(unit, (2, ""))
    whole = isinstance(value, int) or (unit == "" and float(value).is_integer())
    return _decimal(value, 0 if whole else places, signed) + word


_PLACES: Final = {
    "pp": (1, " pp"),
    "percent": (1, " %"),
    "orders": (0, " orders"),
    "score": (1, " points"),
    "days": (0, " days"),
    "per_day": (1, " per day"),
    "pp_per_day": (2, " pp per day"),
    "s_per_day": (1, " s per day"),
    "orders_per_day": (0, " orders per day"),
    "records_per_day": (0, " records per day"),
    "h": (1, " h"),
    "orders_per_courier_hour": (2, " orders per courier-hour"),
    "usd_per_order": (2, " USD per order"),
    "z": (1, ""),
}


def _decimal(value: float, places: int, signed: bool) -> str:
    text = f"{value:+,.{places}f}" if signed else f"{value:,.{places}f}"
    zero = f"{0:.{places}f}"
    return zero if text.lstrip("+-") == zero else text


def _probability(value: float) -> str:
    if value > 0.99:
        return "over 99 %"
    if value < 0.01:
        return "under 1 %"
    return f"{value * 100:.0f} %"


def time(value: datetime, zone: tzinfo) -> str:
    """A time on the clock of `zone`.

    Example:
        >>> from datetime import UTC
        >>> time(datetime(2026, 3, 5, 7, tzinfo=UTC), UTC)
        '5 March 2026, 07:00 UTC'
    """
    local = value.astimezone(zone)
    return (
        f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} {harmless(local.tzname() or '')}"
    )


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def words(identifier: str) -> str:
    """An identifier as words.

    Example:
        >>> words("cx_score"), words("batching_threshold")
        ('CX score', 'batching threshold')
    """
    plain = harmless(identifier).replace("_", " ")
    return re.sub(r"\b(cx|eta|sku)\b", lambda m: m.group().upper(), plain)


def slice_words(value: Slice) -> str:
    """A slice as a phrase.

    Example:
        >>> slice_words(Slice.parse({"category": "grocery", "region": "SF", "hour": {"from": 18, "to": 20}}))
        'category grocery, region SF, 18:00 to 20:00'
        >>> slice_words(Slice())
        'all orders'
    """
    parts = [f"{words(name)} {harmless(text)}" for name, text in value.values]
    if value.hour is not None:
        parts.append(f"{value.hour.start:02d}:00 to {value.hour.end:02d}:00")
    return ", ".join(parts) or "all orders"


def leaf(name: str, value: object, zone: tzinfo, *, unit: str | None = None) -> str | None:
    """A field of a result as text; None for what cannot be said in a phrase (lists, nulls).

    Times are recognised by their ISO form, slices by the field names `slice` and `scope`.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value, unit_of(name) if unit is None else unit, signed=is_signed(name))
    if isinstance(value, str):
        moment = _moment(value)
        if moment is not None:
            return time(moment, zone)
        return words(value) if name in _IDENTIFIERS else harmless(value)
    if isinstance(value, Mapping) and name in ("slice", "scope"):
        return _slice(value)
    return None


_IDENTIFIERS: Final = frozenset(
    {"policy", "driver", "metric", "outcome_metric", "kind", "hypothesis", "rival"}
)


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _slice(value: Mapping[str, Any]) -> str | None:
    try:
        return slice_words(Slice.parse(value))
    except ValueError:
        return None
