"""Seeds of simulated cases, derived by hashing so that nobody chose them."""

from hashlib import blake2b


def derive(space: str, label: str, index: int) -> int:
    """A 63-bit seed; spaces (`cx-eval`, `cx-calibrate`) never share one in practice.

    Example:
        >>> derive("cx-eval", "abc", 0) == derive("cx-eval", "abc", 0)
        True
        >>> derive("cx-eval", "abc", 0) == derive("cx-calibrate", "abc", 0)
        False
    """
    digest = blake2b(f"{space}:{label}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
