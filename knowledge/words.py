"""Text into word stems: the same for keyword scores and the lexical embedding."""

import re
from functools import cache
from importlib.resources import files
from itertools import pairwise

import yaml

_WORD = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_SUFFIXES = (
    ("ies", "y"),
    ("sses", "ss"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("es", ""),
    ("s", ""),
    ("e", ""),
)
_LEAST_STEM = 3
_STOP_WORDS = """
a about after all am an and any anybody anyone anything are as at be been before being but by can could did
do does doing done for from get gets go going had has have having he her here him his how i if in into is it
its just may me more most must my no not of off on once one only onto or other our out over own shall she
should so some something such than that the their them then there these they this those through to too up us
was we were what when where which while who whom whose why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order.

    Example:
        >>> stems("Who may refund the orders that were cancelled (REF-4)?")
        ['refund', 'order', 'cancell', 'ref-4']
    """
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def stem(word: str) -> str:
    """A word without its commonest English endings; codes and numbers as they are.

    Example:
        >>> [stem(word) for word in ("parcels", "carried", "policies", "sla-30")]
        ['parcel', 'carri', 'policy', 'sla-30']
    """
    if not word.isalpha():
        return word
    for suffix, put in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM:
            return word.removesuffix(suffix) + put
    return word


def concepts(text: str) -> list[str]:
    """The trade's words that a text mentions in any of their forms, as `=concept`, one for each mention.

    Example:
        >>> concepts("The driver wants his money back")
        ['=courier', '=refund']
    """
    known = _thesaurus()
    pairs = pairwise([*stems(text), ""])
    hits = (known.get(f"{one} {two}") or known.get(one) for one, two in pairs)
    return [f"={concept}" for concept in hits if concept]


@cache
def _thesaurus() -> dict[str, str]:
    raw = yaml.safe_load((files("knowledge") / "thesaurus.yaml").read_text(encoding="utf-8"))
    return {" ".join(stems(word)): concept for concept, words in raw.items() for word in [concept, *words]}
