"""One number that puts orders in order of risk, from what is known of each.

A logistic response surface of the second order: every column, its square, and every product of two. An order is not on
time when it is late and when it is early, and how late it is adds up from several durations; straight lines see
neither, a quadratic form sees both. A square or product stays only where the data ask for it (Bayesian information
criterion, by Wald's chi-square of each): the others would only add chance to what single columns are said to do.

References:
    G. Box, K. Wilson (1951), On the experimental attainment of optimum conditions (second-order response surfaces).
    G. Schwarz (1978), Estimating the dimension of a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tools import logit

Floats = npt.NDArray[np.float64]

RIDGE: Final = 1e-3


@dataclass(frozen=True)
class RiskScore:
    """Log-odds of failing, as a quadratic form of standardised columns."""

    names: tuple[str, ...]
    """The columns that vary."""
    centre: Floats
    spread: Floats
    intercept: float
    linear: Floats
    quadratic: Floats
    """Upper triangle, shape (columns, columns)."""

    @classmethod
    def fit(cls, columns: Mapping[str, Floats], failed: Floats) -> Self:
        """Learn it.

        Args:
            columns: by name, each of shape (orders,).
            failed: shape (orders,), 0 to 1.

        Example:
            >>> x = np.linspace(-3, 3, 601)
            >>> score = RiskScore.fit({"lateness": x}, (np.abs(x) > 2) * 1.0)
            >>> low, high = score.of({"lateness": np.array([0.0, 2.5])})
            >>> bool(low < 0 < high), bool(score.of({"lateness": np.array([-2.5])})[0] > 0)
            (True, True)
        """
        names = tuple(name for name, part in columns.items() if float(part.std()) > 0)
        plain = np.column_stack([columns[name] for name in names]) if names else np.zeros((len(failed), 0))
        centre, spread = plain.mean(axis=0), plain.std(axis=0)
        first, second = np.triu_indices(len(names))
        standard = (plain - centre) / spread
        products = standard[:, first] * standard[:, second]
        scale = products.std(axis=0)
        scale[scale <= 0] = 1.0
        products = products / scale
        kept = _wald(np.column_stack([standard, products]), failed)[len(names) :] > np.log(len(failed))
        model = logit.fit(np.column_stack([standard, products[:, kept]]), failed, ridge=RIDGE)
        quadratic = np.zeros((len(names), len(names)))
        quadratic[first[kept], second[kept]] = model.coefficients[len(names) :] / scale[kept]
        return cls(names, centre, spread, model.intercept, model.coefficients[: len(names)], quadratic)

    def of(self, columns: Mapping[str, Floats]) -> Floats:
        """Log-odds by order, shape (orders,)."""
        if not self.names:
            return np.full(len(next(iter(columns.values()))), self.intercept)
        standard = (np.column_stack([columns[name] for name in self.names]) - self.centre) / self.spread
        return np.asarray(
            self.intercept + standard @ self.linear + ((standard @ self.quadratic) * standard).sum(axis=1)
        )


def _wald(design: Floats, failed: Floats) -> Floats:
    """Chi-square of each coefficient of a logistic model, one degree of freedom, shape (columns,)."""
    model = logit.fit(design, failed, ridge=RIDGE)
    p = model.probability(design)
    whole = np.column_stack([np.ones(len(design)), design])
    information = whole.T @ (whole * (p * (1 - p))[:, None]) + RIDGE * np.eye(whole.shape[1])
    variance = np.diag(np.linalg.inv(information))[1:]
    return np.asarray(model.coefficients**2 / variance)


def equal_variance(log_odds: Floats, bins: int) -> Floats:
    """Inner edges of bins of log-odds that each hold as much of the outcome's variance, p(1 - p) summed.

    Bins of like numbers of orders would lie where nearly nothing fails, and leave the few that decide in one bin.

    Example:
        >>> log_odds = np.concatenate([np.full(900, -4.0), np.linspace(-1, 1, 100)])
        >>> bool((equal_variance(log_odds, 10) > -1).mean() > 0.5)
        True
    """
    order = np.sort(log_odds)
    p = logit.sigmoid(order)
    total = np.cumsum(p * (1 - p))
    at = np.searchsorted(total, total[-1] * np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(order[at])
