"""The confidence model: `model` holds its shape, arithmetic and the loader of the committed `model.json`."""

from tools.confidence.model import ConfidenceModel, Probabilities, load_model

__all__ = ["ConfidenceModel", "Probabilities", "load_model"]
