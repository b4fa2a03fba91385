"""The encoder's arithmetic on a small random model, against a plain transcription of its equations."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from knowledge.embeddings import MiniLmEmbedding
from knowledge.minilm import MiniLm, read_safetensors

Array = NDArray[np.float64]
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "refund",
    "for",
    "late",
    "order",
    "courier",
    "goods",
    "damaged",
]
WIDTH, HEADS, LAYERS, INNER = 8, 2, 2, 16
TEXTS = ["a refund for damaged goods", "courier", "late order", "a refund for a late order for a courier"]


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (300, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        norms += [at + "attention.output.LayerNorm", at + "output.LayerNorm"]
        dense = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (INNER, WIDTH)}
        dense |= {"output.dense": (WIDTH, INNER)}
        for name, shape in dense.items():
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    return shapes


def _save(path: Path, tensors: dict[str, Any], dtype: str = "F32") -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, values in tensors.items():
        data = values.astype(np.float32).tobytes()
        header[name] = {
            "dtype": dtype,
            "shape": values.shape,
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    _save(
        tmp_path / "model.safetensors", {name: rng.normal(0, 0.4, shape) for name, shape in _shapes().items()}
    )
    config = {"num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def _plain(folder: Path, text: str) -> Array:
    """One text without padding, written out in loops."""
    w = read_safetensors(folder / "model.safetensors")
    ids = [2, *(WORDS.index(word) for word in text.split()), 3]

    def norm(x: Array, at: str) -> Array:
        rows = [(row - row.mean()) / math.sqrt(row.var() + 1e-12) for row in x]
        return np.array([row * w[at + ".weight"] + w[at + ".bias"] for row in rows])

    def dense(x: Array, at: str) -> Array:
        return np.array([w[at + ".weight"] @ row + w[at + ".bias"] for row in x])

    x = np.array(
        [
            w["embeddings.word_embeddings.weight"][i]
            + w["embeddings.position_embeddings.weight"][n]
            + w["embeddings.token_type_embeddings.weight"][0]
            for n, i in enumerate(ids)
        ]
    )
    x = norm(x, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        q, k, v = (dense(x, f"{at}attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for h in range(HEADS):
            span = slice(h * WIDTH // HEADS, (h + 1) * WIDTH // HEADS)
            raw = np.exp(q[:, span] @ k[:, span].T / math.sqrt(WIDTH // HEADS))
            heads.append(raw / raw.sum(axis=1, keepdims=True) @ v[:, span])
        attended = np.concatenate(heads, axis=1)
        x = norm(x + dense(attended, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        inner = dense(x, at + "intermediate.dense")
        inner = np.vectorize(lambda z: 0.5 * z * (1 + math.erf(z / math.sqrt(2))))(inner)
        x = norm(x + dense(inner, at + "output.dense"), at + "output.LayerNorm")
    pooled = x.mean(axis=0)
    unit: Array = pooled / np.linalg.norm(pooled)
    return unit


def test_encode_equals_the_plain_transcription(folder: Path) -> None:
    encoded = MiniLm(folder).encode(TEXTS)
    assert encoded.shape == (len(TEXTS), WIDTH)
    assert np.allclose(encoded, [_plain(folder, text) for text in TEXTS], atol=1e-5)


def test_encode_does_not_depend_on_company(folder: Path) -> None:
    model = MiniLm(folder)
    many = model.encode(TEXTS * 9)
    assert np.allclose(many[: len(TEXTS)], [model.encode([text])[0] for text in TEXTS], atol=1e-6)
    assert model.encode([]).shape == (0, WIDTH)


def test_embedding_loads_the_model_on_first_use(folder: Path) -> None:
    embedding = MiniLmEmbedding(folder)
    assert np.allclose(embedding(TEXTS[:1])[0], _plain(folder, TEXTS[0]), atol=1e-5)
    assert np.allclose(embedding.embed_query(TEXTS[:1])[0], embedding(TEXTS[:1])[0])


def test_other_tensor_types_are_refused(tmp_path: Path) -> None:
    _save(tmp_path / "x.safetensors", {"a": np.zeros(2)}, dtype="BF16")
    with pytest.raises(ValueError, match="'BF16' is not supported"):
        read_safetensors(tmp_path / "x.safetensors")
