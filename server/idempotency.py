"""What a request has already been answered with: the same `Idempotency-Key` starts the same work once.

After draft-ietf-httpapi-idempotency-key-header: a key lives a day, and with another request it is refused.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlmodel import Session

from server.errors import UnprocessableError
from server.models import IdempotencyRecord

KEY_LIFE: Final = timedelta(hours=24)
"""How long a key is remembered."""


class KeyedRequest(NamedTuple):
    """A request that must not start work twice."""

    key: str
    digest: str
    """Of everything that was asked for."""

    @classmethod
    def of(cls, key: str | None, *parts: str) -> "KeyedRequest | None":
        """The request of a key, if there is one.

        Example:
            >>> KeyedRequest.of("k", "POST", "a") == KeyedRequest.of("k", "POST", "b")
            False
        """
        if key is None:
            return None
        lengths = "".join(f"{len(part)}:{part}" for part in parts)
        return cls(key, hashlib.blake2b(lengths.encode(), digest_size=16).hexdigest())


def answered(session: Session, request: KeyedRequest | None, *, now: datetime) -> IdempotencyRecord | None:
    """What the request has started before; none where it is new or has no key.

    Raises:
        UnprocessableError: its key was used for another request.
    """
    used = None if request is None else session.get(IdempotencyRecord, request.key)
    if request is None or used is None or now - used.created_at >= KEY_LIFE:
        return None
    if used.request_hash != request.digest:
        raise UnprocessableError(f"Idempotency-Key {request.key!r} was used for another request")
    return used


def remember(
    session: Session,
    request: KeyedRequest | None,
    *,
    now: datetime,
    run_id: str | None = None,
    experiment_id: str | None = None,
) -> None:
    """Keep what a request started, in the transaction that started it."""
    if request is not None:
        session.merge(
            IdempotencyRecord(
                key=request.key,
                request_hash=request.digest,
                run_id=run_id,
                experiment_id=experiment_id,
                created_at=now,
            )
        )
