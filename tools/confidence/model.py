"""How sure, from evidence: a conditional logit over causes, `none` and `other`, with a temperature.

The weights are shared over the causes (McFadden 1974): a cause's utility is `weights x features`; `none` and
`other` have weights of their own on features of the incident. Temperature scaling (Guo et al. 2017) was fitted out
of fold. That a cause matters at all is a second, binary logistic model on the same features.

How often a worsening has a cause that no table shows, no simulation can tell. So `none` and `other` share what they have
together as if both had been equally common in training (Saerens et al. 2002); causes keep what they have.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.features import CAUSES, CONTEXT, FEATURES, Reading, context
from tools.findings import HypothesisId
from tools.logit import sigmoid

Floats = npt.NDArray[np.float64]

PATH: Final = Path(str(files("tools.confidence"))) / "model.json"
"""The committed model."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Bin(_Model):
    """One row of the reliability table: answers of about the same confidence."""

    low: float
    high: float
    answers: int
    confidence: float
    """Mean p_primary of the top answer."""
    accuracy: float
    """How often it was right."""


class Training(_Model):
    """What the model was trained on, and how good it was out of fold."""

    seeds: str
    """Space of the seeds, never those of an evaluation; `history` where the incidents were not simulated."""
    worlds: int
    """Groups that stayed together in folds: simulated worlds, or troubles of the business."""
    incidents: int
    labels: dict[str, int]
    folds: int
    accuracy: float
    """Top answer right, `none` and `other` included."""
    fault_accuracy: float
    """Top answer right among incidents with a true, testable cause."""
    none_accuracy: float
    log_loss: float
    expected_calibration_error: float
    confidently_wrong: float
    """Share of answers with p >= .7 on a wrong cause."""
    reliability: tuple[Bin, ...]


class History(_Model):
    """What a model learned from its user's own resolved incidents, and from which model it set out."""

    prior: str
    """Fingerprint of the model on whose weights the Gaussian prior was centred."""
    incidents: tuple[str, ...]
    """Ids of those that were learned from."""
    temperature_refitted: bool
    """False where there were too few incidents or errors: the prior's temperature was kept."""
    before: Training
    """How the prior judges these incidents; compare with `training` of the model, which is out of fold."""
    log_loss_gain: float
    """Mean log loss before less that after; positive is better."""
    log_loss_gain_se: float
    """Its standard error, incidents of one trouble taken together."""


class ConfidenceModel(_Model):
    """Weights on standardised features; see the module's docstring."""

    version: Literal[1] = 1
    features: tuple[str, ...] = FEATURES
    context: tuple[str, ...] = CONTEXT
    means: tuple[float, ...]
    scales: tuple[Annotated[float, Field(gt=0)], ...]
    context_means: tuple[float, ...]
    context_scales: tuple[Annotated[float, Field(gt=0)], ...]
    weights: tuple[float, ...]
    none_weights: tuple[float, ...]
    """Intercept first."""
    other_weights: tuple[float, ...]
    """Intercept first."""
    temperature: Annotated[float, Field(gt=0)]
    contributes_weights: tuple[float, ...]
    """Intercept first."""
    unseen_odds: Annotated[float, Field(gt=0)] = 1.0
    """How many times commoner `none` was than `other` in training: by so much the odds of `other` against it are raised."""
    training: Training | None = None
    history: History | None = None
    """Set where the model was retrained on resolved incidents."""

    @property
    def fingerprint(self) -> str:
        """Names the model by its content: twelve hexadecimal digits."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=6).hexdigest()

    @model_validator(mode="after")
    def _lengths(self) -> "ConfidenceModel":
        if self.features != FEATURES or self.context != CONTEXT:
            raise ValueError(f"the model was trained on {self.features} and {self.context}; train it again")
        wanted = {
            "means": len(FEATURES),
            "scales": len(FEATURES),
            "weights": len(FEATURES),
            "contributes_weights": len(FEATURES) + 1,
            "context_means": len(CONTEXT),
            "context_scales": len(CONTEXT),
            "none_weights": len(CONTEXT) + 1,
            "other_weights": len(CONTEXT) + 1,
        }
        for name, length in wanted.items():
            if len(getattr(self, name)) != length:
                raise ValueError(f"{name} has {len(getattr(self, name))} numbers, {length} are needed")
        return self

    def judge(self, readings: Mapping[HypothesisId, Reading], z: float) -> "Probabilities":
        """Probabilities of the causes that were tested.

        Args:
            readings: of every hypothesis that was tested.
            z: standard score of the incident's worsening.
        """
        tested = [id_ for id_ in CAUSES if id_ in readings]
        vectors = np.array([readings[id_].vector() for id_ in tested]).reshape(len(tested), len(FEATURES))
        scaled = standardise(vectors, self.means, self.scales)
        incident = standardise(np.array([context(readings, z)]), self.context_means, self.context_scales)[0]
        with_one = np.concatenate([[1.0], incident])
        utility = np.concatenate(
            [
                scaled @ np.array(self.weights),
                [with_one @ np.array(self.none_weights), with_one @ np.array(self.other_weights)],
            ]
        )
        p = evened(softmax(utility / self.temperature), self.unseen_odds)
        log_odds = self.contributes_weights[0] + scaled @ np.array(self.contributes_weights[1:])
        each = sigmoid(log_odds)
        return Probabilities(
            primary={id_: float(p[n]) for n, id_ in enumerate(tested)},
            none=float(p[-2]),
            other=float(p[-1]),
            contributes={id_: float(max(each[n], p[n])) for n, id_ in enumerate(tested)},
        )


@dataclass(frozen=True)
class Probabilities:
    """What the model says of one incident."""

    primary: dict[HypothesisId, float]
    """Of every tested cause; with `none` and `other` they sum to one."""
    none: float
    other: float
    contributes: dict[HypothesisId, float]
    """Never below `primary`: the main cause contributes."""


def standardise(vectors: Floats, means: tuple[float, ...], scales: tuple[float, ...]) -> Floats:
    """(x - mean) / scale by column; what does not apply (nan) becomes 0, the average."""
    return np.asarray(np.nan_to_num((vectors - np.array(means)) / np.array(scales), nan=0.0))


def softmax(utility: Floats) -> Floats:
    """Probabilities proportional to exp(utility), over the last axis.

    Example:
        >>> softmax(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    shifted = np.exp(utility - utility.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def evened(p: Floats, odds: float) -> Floats:
    """Probabilities of which the last two, `none` and `other`, share what they have together anew.

    Args:
        p: over the last axis they sum to one.
        odds: those of `other` against `none` are multiplied by it.

    Example:
        >>> evened(np.array([0.5, 0.4, 0.1]), 4.0).tolist()
        [0.5, 0.25, 0.25]
    """
    found = np.array(p)
    both, other = p[..., -2] + p[..., -1], odds * p[..., -1]
    share = other / np.maximum(p[..., -2] + other, 1e-300)
    found[..., -2], found[..., -1] = both * (1.0 - share), both * share
    return found


def load_model(path: Path = PATH) -> ConfidenceModel:
    """The model in a file, by default the committed one.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or a model of other features.
    """
    return ConfidenceModel.model_validate(json.loads(path.read_text(encoding="utf-8")))
