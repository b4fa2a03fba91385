"""Which confidence model judges, as the settings say."""

from pathlib import Path

from pydantic import ValidationError

from server.errors import ConfigurationError
from server.settings import Settings
from tools.confidence import ConfidenceModel, load_model
from tools.confidence.model import PATH


def confidence_model(settings: Settings) -> ConfidenceModel:
    """The model that turns evidence into probabilities: of `CX_CONFIDENCE_MODEL`, else the committed one.

    Raises:
        ConfigurationError: the file is missing or holds no model for the present features.
    """
    path = settings.confidence_model
    if path is None:
        return load_model()
    try:
        return load_model(path)
    except OSError as error:
        raise ConfigurationError(f"CX_CONFIDENCE_MODEL={path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(
            f"CX_CONFIDENCE_MODEL={path}: no confidence model of this version; `cx calibrate --out` makes one "
            f"({_first(error)})"
        ) from error


def describe(model: ConfidenceModel, path: Path | None) -> str:
    """Name and origin of a model, in a line.

    Args:
        model: as it was loaded.
        path: where from; none for the committed one.
    """
    where = "committed" if path in (None, PATH) else str(path)
    learned = "with no record of its training"
    if model.history is not None:
        learned = f"retrained on {len(model.history.incidents)} incidents of your own"
    elif model.training is not None:
        learned = f"of {model.training.incidents} simulated incidents"
    return f"{where}, {learned}, fingerprint {model.fingerprint}"


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")
