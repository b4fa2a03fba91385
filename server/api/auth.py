"""Who calls, and what they may do: one dependency per route, naming the scope that it needs."""

import hmac
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi import Request

from server.errors import ForbiddenError, UnauthorizedError
from server.settings import ApiKey, AuthMode, Settings

EVERYTHING = "*"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Principal(NamedTuple):
    """The caller."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope.

        Example:
            >>> LOCAL.may("incidents:write")
            True
        """
        return bool(self.scopes & {EVERYTHING, scope})


LOCAL = Principal(name="local", scopes=frozenset({EVERYTHING}))
"""Whoever sits at this machine, where the service runs without keys."""


class RequireScope:
    """A dependency that lets a caller with this scope through."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: Request) -> Principal:
        """The caller.

        Raises:
            UnauthorizedError: no key, or an unknown one.
            ForbiddenError: the key lacks the scope, or another site's page sent the request.
        """
        _refuse_other_sites(request)
        principal = _authenticate(request)
        if not principal.may(self.scope):
            raise ForbiddenError(f"the key {principal.name!r} lacks the scope {self.scope!r}")
        return principal


def _authenticate(request: Request) -> Principal:
    settings: Settings = request.app.state.settings
    if settings.auth_mode is AuthMode.NONE:
        return LOCAL
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not sent:
        raise UnauthorizedError("send an API key as `Authorization: Bearer KEY`")
    found = [key for key in settings.api_keys if _same(key, sent)]
    if not found:
        raise UnauthorizedError("this API key is not known")
    return Principal(name=found[0].name, scopes=frozenset(found[0].scopes))


def _same(key: ApiKey, sent: str) -> bool:
    return hmac.compare_digest(key.key.get_secret_value().encode(), sent.strip().encode())


def _refuse_other_sites(request: Request) -> None:
    """A page of another site must not start work here with the visitor's access to this machine."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise ForbiddenError("this request comes from a page of another site")
