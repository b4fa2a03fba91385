"""Keyword scores: Okapi BM25 over word stems.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with the inverse document
frequency `log(1 + (N - n + 0.5) / (n + 0.5))`, which never turns negative.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from knowledge.words import concepts, stems

_SATURATION = 1.2
_LENGTH = 0.75


class Bm25:
    """An index over a fixed list of texts.

    Example:
        >>> index = Bm25(["refunds for damaged goods", "carrier penalties"])
        >>> [score > 0 for score in index.scores("damaged parcel")]
        [True, False]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._documents: list[Mapping[str, int]] = [Counter(terms(text)) for text in texts]
        lengths = [sum(document.values()) for document in self._documents]
        mean = sum(lengths) / len(lengths) if lengths and any(lengths) else 1.0
        self._norms = [_SATURATION * (1 - _LENGTH + _LENGTH * length / mean) for length in lengths]
        self._frequency = Counter(term for document in self._documents for term in document)

    def scores(self, query: str) -> list[float]:
        """One score a text, 0 where they share no term."""
        wanted = sorted(set(terms(query)) & self._frequency.keys())
        weights = {term: self._idf(term) for term in wanted}
        return [
            sum(
                weights[term] * document[term] * (_SATURATION + 1) / (document[term] + norm)
                for term in wanted
                if term in document
            )
            for document, norm in zip(self._documents, self._norms, strict=True)
        ]

    def _idf(self, term: str) -> float:
        count = self._frequency[term]
        return math.log(1 + (len(self._documents) - count + 0.5) / (count + 0.5))


def terms(text: str) -> list[str]:
    """What is counted: word stems and the trade's concepts behind them."""
    return stems(text) + concepts(text)
