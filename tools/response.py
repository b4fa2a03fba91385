"""How an outcome answers to its measured drivers, and what taking a driver's shift back would undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tools import logit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MAX_ORDERS: Final = 60_000
RIDGE: Final = 1e-3


@dataclass(frozen=True)
class Response:
    """A regression of harm on drivers: logistic for shares, linear for durations."""

    names: tuple[str, ...]
    scales: Floats
    intercept: float
    coefficients: Floats
    """Per scale of the driver."""
    bounded: bool
    window: Floats
    """Score (before the link) of the incident's orders, shape (n,)."""
    occurrences: Mapping[str, Floats]
    """Values of the incident's orders, of drivers that are zero for most orders; shape (n,) each."""

    def predict(self, columns: Mapping[str, Floats]) -> Floats:
        """Expected harm by order."""
        score = np.full(len(next(iter(columns.values()))), self.intercept)
        for name, scale, coefficient in zip(self.names, self.scales, self.coefficients, strict=True):
            score = score + columns[name] / scale * coefficient
        return self._link(score)

    def undone(self, name: str, change: float) -> float:
        """Mean harm that the incident's orders would be spared with a driver's change taken back.

        Args:
            name: a driver; 0 where the model does not have it.
            change: its change, in its own unit.
        """
        if name not in self.names or not len(self.window):
            return 0.0
        at = self.names.index(name)
        if name in self.occurrences:
            return self._undone_occurrences(self.occurrences[name], at, change)
        without = self.window - change / self.scales[at] * self.coefficients[at]
        return float((self._link(self.window) - self._link(without)).mean())

    def _undone_occurrences(self, values: Floats, at: int, change: float) -> float:
        """Some of the orders that it happened to are spared; a small shift of all would do far less harm."""
        mean = float(values.mean())
        if mean <= 0:
            return 0.0
        spared = self.window - values / self.scales[at] * self.coefficients[at]
        return min(change / mean, 1.0) * float((self._link(self.window) - self._link(spared)).mean())

    def _link(self, score: Floats) -> Floats:
        return logit.sigmoid(score) if self.bounded else score


def fit_response(
    columns: Mapping[str, Floats],
    harm: Floats,
    during: Flags,
    *,
    bounded: bool,
    occurrences: Sequence[str] = (),
) -> Response:
    """Fit on baseline and incident together.

    Args:
        columns: drivers by order, each of shape (n,), no NaN.
        harm: shape (n,).
        during: the incident's orders.
        bounded: harm is a share between 0 and 1.
        occurrences: drivers that are zero for most orders: something that happens to some.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> wait = rng.gamma(2.0, 150.0, 4000)
        >>> late = (wait + rng.normal(0, 50, 4000) > 600).astype(float)
        >>> response = fit_response({"wait": wait}, late, np.ones(4000, dtype=bool), bounded=True)
        >>> response.undone("wait", 0.0), 0.02 < response.undone("wait", 100.0) < 0.2
        (0.0, True)
    """
    names = tuple(columns)
    matrix = np.column_stack([columns[name] for name in names])
    scales = np.maximum(matrix.std(axis=0), 1e-9)
    scaled = matrix / scales
    step = -(-len(harm) // MAX_ORDERS)
    intercept, coefficients = _fit(scaled[::step], harm[::step], bounded=bounded)
    return Response(
        names=names,
        scales=scales,
        intercept=intercept,
        coefficients=coefficients,
        bounded=bounded,
        window=intercept + scaled[during] @ coefficients,
        occurrences={name: columns[name][during] for name in names if name in occurrences},
    )


def _fit(scaled: Floats, harm: Floats, *, bounded: bool) -> tuple[float, Floats]:
    centre = scaled.mean(axis=0)
    if bounded:
        model = logit.fit(scaled - centre, harm, ridge=RIDGE)
        return model.intercept - float(centre @ model.coefficients), model.coefficients
    design = np.column_stack([np.ones(len(harm)), scaled - centre])
    weights = np.linalg.lstsq(design, harm, rcond=None)[0]
    return float(weights[0] - centre @ weights[1:]), weights[1:]
