"""Opaque cursors of pages."""

import base64
import binascii
import json
from datetime import UTC, datetime

from server.errors import UnprocessableError


def encode(place: tuple[datetime, str]) -> str:
    """A cursor for this place.

    Example:
        >>> place = (datetime(2026, 11, 5, tzinfo=UTC), "I1")
        >>> decode(encode(place)) == place
        True
    """
    text = json.dumps([place[0].isoformat(), place[1]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor stands for.

    Raises:
        UnprocessableError: this is no cursor of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, identity = json.loads(base64.urlsafe_b64decode(padded))
        return datetime.fromisoformat(moment).astimezone(UTC), str(identity)
    except (ValueError, TypeError, binascii.Error) as error:
        raise UnprocessableError("cursor: not one that this API gave; leave it out to start") from error
