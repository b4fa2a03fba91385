"""Small text and JSON helpers that several modules share."""

import json
from typing import Any


def compact_json(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """JSON on one line, keys sorted, so that equal values give equal bytes.

    Example:
        >>> compact_json({"b": 1, "a": "é"})
        '{"a":"é","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def shorten(text: str, limit: int) -> str:
    """The text, cut to `limit` characters with a mark where it was cut.

    Example:
        >>> shorten("abcdefgh", 5)
        'abcd…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"
