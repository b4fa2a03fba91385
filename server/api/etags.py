"""Entity tags: the version of a thing that a change must have seen."""

from server.errors import PreconditionFailedError, PreconditionRequiredError


def encode(version: int) -> str:
    """The tag of a version.

    Example:
        >>> encode(3)
        '"3"'
    """
    return f'"{version}"'


def decode(if_match: str | None, *, newest: int) -> int:
    """The version that an `If-Match` header names; `*` is the newest, whatever it is.

    Raises:
        PreconditionRequiredError: there is no such header.
        PreconditionFailedError: it names no version of ours.

    Example:
        >>> decode('"3"', newest=4), decode("*", newest=4)
        (3, 4)
    """
    if if_match is None:
        raise PreconditionRequiredError('send the ETag that a GET answered with, such as `If-Match: "3"`')
    if if_match.strip() == "*":
        return newest
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit()):
        raise PreconditionFailedError(f'If-Match {if_match} names no version; the newest is "{newest}"')
    return int(text)
