"""The forward pass of a BERT sentence encoder (all-MiniLM-L6-v2) in numpy: mean-pooled, unit length.

Wang et al., "MiniLM: Deep Self-Attention Distillation", 2020; Reimers and Gurevych, "Sentence-BERT", 2019. The folder
holds `model.safetensors`, `config.json` and `tokenizer.json` as published.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Array: TypeAlias = NDArray[np.float32]
_MAX_TOKENS = 256
_BATCH = 16
_MASKED = np.float32(-1e9)
_TYPES = {"F32": np.float32, "I64": np.int64}


class MiniLm:
    """The encoder with its weights mapped from disk.

    Args:
        folder: of the published model.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = np.float32(config.get("layer_norm_eps", 1e-12))
        self._weights = read_safetensors(folder / "model.safetensors")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()

    def encode(self, texts: Sequence[str]) -> Array:
        """Unit vectors, one row a text, in the order given."""
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        vectors: dict[int, Array] = {}
        with threadpool_limits(1):
            for start in range(0, len(order), _BATCH):
                chosen = order[start : start + _BATCH]
                vectors |= zip(chosen, self._batch([texts[n] for n in chosen]), strict=True)
        width = self._weights["embeddings.LayerNorm.bias"].size
        return np.array([vectors[n] for n in range(len(texts))], dtype=np.float32).reshape(len(texts), width)

    def _batch(self, texts: list[str]) -> Array:
        encoded = self._tokenizer.encode_batch(texts)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.float32)
        hidden = self._embed(np.array([item.ids for item in encoded]))
        bias = (1 - mask)[:, None, None, :] * _MASKED
        for layer in range(self._layers):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}.")
        pooled = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: Array = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _embed(self, ids: NDArray[np.int64]) -> Array:
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][ids]
        positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        types = weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm(words + positions + types, "embeddings.LayerNorm")

    def _layer(self, hidden: Array, bias: Array, at: str) -> Array:
        attended = self._linear(self._attend(hidden, bias, at), at + "attention.output.dense")
        hidden = self._norm(hidden + attended, at + "attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, at + "intermediate.dense"))
        return self._norm(hidden + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")

    def _attend(self, hidden: Array, bias: Array, at: str) -> Array:
        texts, tokens, width = hidden.shape
        shape = (texts, tokens, self._heads, width // self._heads)
        query, key, value = (
            self._linear(hidden, f"{at}attention.self.{part}").reshape(shape).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scale = np.float32(shape[-1] ** -0.5)
        scores: Array = query @ key.transpose(0, 1, 3, 2) * scale + bias
        mixed: Array = _softmax(scores) @ value
        return mixed.transpose(0, 2, 1, 3).reshape(texts, tokens, width)

    def _linear(self, values: Array, at: str) -> Array:
        result: Array = values @ self._weights[at + ".weight"].T + self._weights[at + ".bias"]
        return result

    def _norm(self, values: Array, at: str) -> Array:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._epsilon)
        result: Array = centred / spread * self._weights[at + ".weight"] + self._weights[at + ".bias"]
        return result


def _gelu(values: Array) -> Array:
    from scipy.special import erf

    result: Array = (values * 0.5 * (1 + erf(values / np.sqrt(2)))).astype(np.float32)
    return result


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result


def read_safetensors(path: Path) -> Mapping[str, NDArray[Any]]:
    """Tensors of a safetensors file by name, mapped from disk rather than read.

    Raises:
        ValueError: a tensor has a type other than F32 or I64.
    """
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    (length,) = struct.unpack("<Q", raw[:8].tobytes())
    header = json.loads(raw[8 : 8 + length].tobytes())
    header.pop("__metadata__", None)
    return {name: _tensor(raw, 8 + length, entry) for name, entry in header.items()}


def _tensor(raw: NDArray[np.uint8], base: int, entry: Mapping[str, Any]) -> NDArray[Any]:
    if entry["dtype"] not in _TYPES:
        raise ValueError(f"tensor type {entry['dtype']!r} is not supported; known: {', '.join(_TYPES)}")
    start, end = entry["data_offsets"]
    return raw[base + start : base + end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
