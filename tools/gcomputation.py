"""G-computation: the effect of setting a treatment to another level, within what has been seen.

A regression of the outcome on treatment and covariates is fitted on all rows and averaged over the
covariates of a cohort, once at the cohort's own levels and once at the asked ones. All variables are
categorical (bin continuous ones first), so that rows collapse to a few cells and the fit costs nothing.

References:
    Robins, J. (1986). A new approach to causal inference in mortality studies. Mathematical Modelling 7.
    Snowden, J., Rose, S., Mortimer, K. (2011). Implementation of g-computation on a simulated data set.
    American Journal of Epidemiology 173(7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RIDGE = 1e-3
"""Pseudo-information per coefficient: keeps separated cells finite, invisible beside hundreds of rows."""
_STEPS, _REDRAW_STEPS = 30, 6
_MAX_STEP = 4.0


class UnsupportedError(ToolFailure):
    """The data never saw the asked level where it is asked for."""


@dataclass(frozen=True)
class GComputation:
    """A standardised effect with its interval."""

    estimate: float
    """Mean outcome at the asked level minus mean outcome as it was, over the whole cohort."""
    low: float
    high: float
    observed: float
    """Mean outcome of the cohort as it was."""
    coverage: float
    """Share of the cohort in strata that have seen the asked level; of the rest it is only assumed that its
    effect lies between none and that of the others, and the interval holds both."""
    rows: int
    """Rows the outcome model was fitted on."""
    blocks: int
    """Independent blocks behind the interval."""
    draws: Floats
    """Bootstrap distribution of the estimate, paired over outcomes of one `Standardisation`."""


def g_computation(
    frame: pd.DataFrame,
    *,
    outcome: str,
    treatment: str,
    level: object,
    covariates: Sequence[str],
    block: Sequence[str],
    modifier: str | None = None,
    seed: int = 7,
) -> GComputation:
    """The effect on one 0/1 outcome of giving every row a level of the treatment.

    Args:
        frame: one row a unit; `outcome` is 0/1, everything else is categorical.
        outcome: column of the outcome.
        treatment: column of the treatment.
        level: the asked level, or one asked level a row (a series).
        covariates: columns to adjust for and to standardise over.
        block: columns that together name an independent block, the time last (`["region", "day"]`).
        modifier: the covariate that may change the effect of the treatment (load).
        seed: of the block bootstrap.

    Raises:
        UnsupportedError: too much of the frame lies in strata that never saw the level.

    Example:
        Busy hours get more of the treatment, so that a plain comparison sees twice the true -0.10.

        >>> rng = np.random.default_rng(1)
        >>> busy = rng.integers(0, 2, 20_000)
        >>> treated = (rng.random(20_000) < 0.2 + 0.6 * busy).astype(int)
        >>> late = (rng.random(20_000) < 0.1 + 0.2 * busy + 0.1 * treated).astype(int)
        >>> days = np.arange(20_000) % 28
        >>> frame = pd.DataFrame({"late": late, "treated": treated, "busy": busy, "day": days})
        >>> effect = g_computation(
        ...     frame, outcome="late", treatment="treated", level=0,
        ...     covariates=["busy"], block=["day"], modifier="busy",
        ... )
        >>> round(effect.estimate / float(treated.mean()), 2), effect.coverage
        (-0.1, 1.0)
    """
    standard = Standardisation(
        frame,
        treatment=treatment,
        level=level,
        adjustment=Adjustment(covariates, modifier),
        block=block,
        limits=Limits(seed=seed),
    )
    return standard.estimate(frame[outcome].to_numpy(np.float64), np.ones(len(frame)))


@dataclass(frozen=True)
class Adjustment:
    """What is held fixed."""

    covariates: Sequence[str]
    """Their combinations are the strata of the support check."""
    modifier: str | None = None
    """The covariate that may change the effect of the treatment (load)."""
    also: Sequence[str] = ()
    """Further columns, adjusted for by their main effect alone; they need no support."""


@dataclass(frozen=True)
class Limits:
    """Of the bootstrap and of the support."""

    seed: int = 7
    draws: int = 400
    min_rows: int = 20
    """Rows at the asked level that a stratum must have to count as support."""
    min_coverage: float = 0.6
    """Least share of the cohort within support."""


DEFAULT: Final = Limits()


class Standardisation:
    """One question (treatment, level, cohort) asked of many outcomes, with common bootstrap draws.

    Where cohort blocks hold no row at another level than the cohort's own (a policy that was switched at
    a date), their own shocks cannot be told from the effect. Then the cohort is not resampled; runs of
    consecutive residuals of the other blocks are added instead, as the error of predicting days that were
    not seen under the asked level.

    Args:
        frame: one row a unit.
        treatment: column of the treatment.
        level: the asked level, or a series with one a row (read for cohort rows only).
        adjustment: what is held fixed.
        block: columns of the independent block, the time last.
        cohort: which rows to standardise over; all by default.
        limits: of the bootstrap and of the support.

    Raises:
        UnsupportedError: less than `min_coverage` of the cohort lies within support.
        ValueError: the cohort is empty.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        treatment: str,
        level: object,
        adjustment: Adjustment,
        block: Sequence[str],
        cohort: npt.NDArray[np.bool_] | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self._cohort = np.ones(len(frame), bool) if cohort is None else np.asarray(cohort, bool)
        if not self._cohort.any():
            raise ValueError("cohort has 0 rows, must have at least 1")
        asked = level if isinstance(level, pd.Series) else pd.Series([level] * len(frame), index=frame.index)
        cells = _Cells.of(frame, treatment, asked, [*adjustment.covariates, *adjustment.also], self._cohort)
        self._cells = cells
        self._design = cells.design([*adjustment.covariates, *adjustment.also], adjustment.modifier)
        self._blocks, days = _blocks(frame, block)
        self._supported = cells.supported(adjustment.covariates, limits.min_rows)
        self.coverage = float(self._supported[cells.asked[self._cohort]].mean())
        if self.coverage < limits.min_coverage:
            raise UnsupportedError(
                f"{treatment} was seen at the asked level for only {self.coverage:.0%} of the orders "
                f"(same hours, same load); at least {limits.min_coverage:.0%} is needed to say what it would do"
            )
        self._resampling = _Resampling.plan(self._blocks, days, self._cohort, cells, limits)
        self.quantile = float(stats.t.ppf(0.975, max(self._resampling.freedom, 1)))
        """Half a 95 % interval in standard deviations of the draws."""

    def estimate(self, numerator: Floats, denominator: Floats, *, share: bool = True) -> GComputation:
        """The effect on the ratio of two columns.

        Args:
            numerator: per row; 0 where the denominator is 0.
            denominator: per row; 0 leaves the row out.
            share: whether the ratio lies in 0-1 (logistic model) or is a plain mean (linear model).

        Raises:
            UnsupportedError: the cohort has no row with this outcome.
        """
        sums = _Sums.of(numerator, denominator, self._cells, self._blocks, self._cohort)
        if sums.cohort_total <= 0:
            raise UnsupportedError("no order of the cohort has a known value of this outcome")
        fit = _Fit(self._design, share=share)
        once = np.ones((1, sums.blocks))
        point = fit.coefficients(once @ sums.numerator, once @ sums.denominator)
        unseen = self._unseen(sums)
        estimate = float(self._contrast(fit, point, sums, once)[0]) * (1 + unseen / 2)
        drawn = self._draw(fit, point, sums) * (1 + unseen * self._resampling.unseen)
        centred = (drawn - drawn.mean()) * self._resampling.inflation
        half = self.quantile * float(np.sqrt((centred**2).mean()))
        return GComputation(
            estimate=estimate,
            low=estimate - half,
            high=estimate + half,
            observed=sums.observed,
            coverage=self.coverage,
            rows=int((denominator > 0).sum()),
            blocks=self._resampling.used,
            draws=estimate + centred,
        )

    def resampled_ratio(self, numerator: Floats, denominator: Floats) -> GComputation:
        """A plain ratio of the cohort's sums, with the same bootstrap draws as the effects.

        Args:
            numerator: per row.
            denominator: per row; 0 leaves the row out.
        """
        rows, count = self._cohort, int(self._blocks.max()) + 1
        top = np.bincount(self._blocks[rows], weights=numerator[rows], minlength=count)
        bottom = np.bincount(self._blocks[rows], weights=denominator[rows], minlength=count)
        estimate = float(top.sum() / max(bottom.sum(), 1e-12))
        weights = self._resampling.weights
        drawn = (weights @ top) / np.maximum(weights @ bottom, 1e-12)
        centred = (drawn - drawn.mean()) * self._resampling.inflation
        half = self.quantile * float(np.sqrt((centred**2).mean()))
        return GComputation(
            estimate=estimate,
            low=estimate - half,
            high=estimate + half,
            observed=estimate,
            coverage=1.0,
            rows=int(rows.sum()),
            blocks=self._resampling.used,
            draws=estimate + centred,
        )

    def _draw(self, fit: "_Fit", point: Floats, sums: "_Sums") -> Floats:
        weights = self._resampling.weights
        drawn = fit.redraw(point, weights @ sums.numerator, weights @ sums.denominator)
        effects = self._contrast(fit, drawn, sums, weights)
        if self._resampling.runs is None:
            return effects
        residual = sums.numerator.sum(axis=1) - sums.denominator @ fit.mean(point)[0]
        size = sums.denominator.sum(axis=1)
        picked = self._resampling.runs
        noise: Floats = residual[picked].sum(axis=1) / np.maximum(size[picked].sum(axis=1), 1.0)
        return effects + noise

    def _unseen(self, sums: "_Sums") -> float:
        """Weight of the cohort outside support, relative to the weight inside."""
        weight = sums.pairs.sum(axis=0)
        inside = float(weight[self._supported[self._cells.pairs[:, 1]]].sum())
        return float(weight.sum()) / inside - 1 if inside > 0 else 0.0

    def _contrast(self, fit: "_Fit", coefficients: Floats, sums: "_Sums", weights: Floats) -> Floats:
        mean = fit.mean(coefficients)
        own, asked = self._cells.pairs[:, 0], self._cells.pairs[:, 1]
        gain = (mean[:, asked] - mean[:, own]) * self._supported[asked]
        pair_weight = weights @ sums.pairs
        effects: Floats = (gain * pair_weight).sum(axis=1) / np.maximum(pair_weight.sum(axis=1), 1e-12)
        return effects


@dataclass(frozen=True)
class _Cells:
    """Rows collapsed to (stratum, level): the only thing the outcome model can tell apart."""

    table: pd.DataFrame
    """One row a cell: covariates, then `level`."""
    own: Ints
    """Cell of each row as it was."""
    asked: Ints
    """Cell of each row at the asked level; as it was outside the cohort."""
    pairs: Ints
    """Distinct (own, asked) cells of the cohort."""
    pair: Ints
    """Index into `pairs` of each row; -1 outside the cohort."""

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        treatment: str,
        asked: pd.Series,
        covariates: list[str],
        cohort: npt.NDArray[np.bool_],
    ) -> "_Cells":
        stratum = np.asarray(frame.groupby(covariates, observed=True, sort=True).ngroup(), np.int64)
        levels = pd.Index(sorted(set(frame[treatment].unique()) | set(asked[cohort].unique())))
        own_level = levels.get_indexer(pd.Index(frame[treatment]))
        asked_level = np.where(cohort, levels.get_indexer(pd.Index(asked)), own_level)
        keys = np.concatenate([stratum, stratum]) * len(levels) + np.concatenate([own_level, asked_level])
        seen, codes = np.unique(keys, return_inverse=True)
        own, target = codes[: len(frame)], codes[len(frame) :]
        strata = frame[covariates].iloc[_first(stratum)].reset_index(drop=True)
        table = strata.iloc[seen // len(levels)].reset_index(drop=True)
        table["level"] = levels.to_numpy()[seen % len(levels)]
        pair_keys = np.where(cohort, own * len(seen) + target, -1)
        distinct = np.unique(pair_keys[cohort])
        pairs = np.stack([distinct // len(seen), distinct % len(seen)], axis=1)
        pair = np.where(cohort, np.searchsorted(distinct, pair_keys), -1)
        return cls(table, own, target, pairs, pair)

    def supported(self, covariates: Sequence[str], min_rows: int) -> npt.NDArray[np.bool_]:
        """Cells whose level was seen on enough rows with the same covariates."""
        rows = pd.Series(np.bincount(self.own, minlength=len(self.table)))
        keys = [self.table[name] for name in (*covariates, "level")]
        return np.asarray(rows.groupby(keys, observed=True).transform("sum") >= min_rows, bool)

    def design(self, covariates: Sequence[str], modifier: str | None) -> Floats:
        """Intercept, main effects, and treatment x modifier; shape (cells, coefficients)."""
        parts = [np.ones((len(self.table), 1))]
        parts += [_dummies(self.table[name]) for name in (*covariates, "level")]
        if modifier is not None:
            left, right = _dummies(self.table["level"]), _dummies(self.table[modifier])
            parts.append((left[:, :, None] * right[:, None, :]).reshape(len(self.table), -1))
        return np.concatenate(parts, axis=1)


def _dummies(values: pd.Series) -> Floats:
    codes, names = pd.factorize(values, sort=True)
    return np.asarray(codes[:, None] == np.arange(1, len(names))[None, :], np.float64)


def _first(codes: Ints) -> Ints:
    """Row of the first occurrence of each code 0, 1, ..."""
    return np.unique(codes, return_index=True)[1].astype(np.int64)


def _blocks(frame: pd.DataFrame, block: Sequence[str]) -> tuple[Ints, int]:
    """Block of each row, numbered by (group, time), and the number of distinct times."""
    codes = np.asarray(frame.groupby(list(block), observed=True, sort=True).ngroup(), np.int64)
    return codes, int(frame[block[-1]].nunique())


@dataclass(frozen=True)
class _Sums:
    """An outcome summed by block and cell."""

    numerator: Floats
    denominator: Floats
    pairs: Floats
    """Denominator of the cohort by block and (own, asked) pair."""
    observed: float
    cohort_total: float

    @property
    def blocks(self) -> int:
        return len(self.numerator)

    @classmethod
    def of(
        cls,
        numerator: Floats,
        denominator: Floats,
        cells: _Cells,
        blocks: Ints,
        cohort: npt.NDArray[np.bool_],
    ) -> "_Sums":
        n_blocks, n_cells, n_pairs = int(blocks.max()) + 1, len(cells.table), len(cells.pairs)

        def table(codes: Ints, width: int, values: Floats, rows: slice | npt.NDArray[np.bool_]) -> Floats:
            flat = blocks[rows] * width + codes[rows]
            summed = np.bincount(flat, weights=values[rows], minlength=n_blocks * width)
            return np.asarray(summed.reshape(n_blocks, width), np.float64)

        everyone = slice(None)
        total = float(denominator[cohort].sum())
        return cls(
            numerator=table(cells.own, n_cells, numerator, everyone),
            denominator=table(cells.own, n_cells, denominator, everyone),
            pairs=table(cells.pair, n_pairs, denominator, cohort),
            observed=float(numerator[cohort].sum()) / total if total > 0 else float("nan"),
            cohort_total=total,
        )


@dataclass(frozen=True)
class _Resampling:
    """How often each block is drawn, and which residual runs stand for the cohort's own shocks."""

    weights: Floats
    """Draws x blocks."""
    runs: Ints | None
    """Draws x residual blocks, or None where the cohort itself is resampled."""
    used: int
    freedom: int
    """Degrees of freedom of the interval's t quantile."""
    inflation: float
    """Undoes the bootstrap's loss of n / (n - 1) in variance."""
    unseen: Floats
    """By draw: how far the effect outside support is that inside, 0 to 1."""

    @classmethod
    def plan(
        cls,
        blocks: Ints,
        days: int,
        cohort: npt.NDArray[np.bool_],
        cells: _Cells,
        limits: Limits,
    ) -> "_Resampling":
        rng, draws = np.random.default_rng(limits.seed), limits.draws
        inside = np.zeros(int(blocks.max()) + 1, bool)
        inside[blocks[cohort]] = True
        own, others = np.flatnonzero(inside), np.flatnonzero(~inside)
        unseen = rng.random(draws)
        weights = np.ones((draws, len(inside)))
        _resample(weights, others, rng)
        if len(others) < 2 or _held_together(cells, cohort, inside[blocks]):
            _resample(weights, own, rng)
            least = len(own) if len(others) == 0 else min(len(own), len(others))
            inflation = float(np.sqrt(least / max(least - 1, 1)))
            return cls(weights, None, len(inside), least - 1, inflation, unseen)
        groups = max(1, round(len(inside) / days))
        length = max(1, len(own) // groups)
        starts = rng.integers(0, len(others), (draws, -(-len(own) // length)))
        runs = (starts[:, :, None] + np.arange(length)) % len(others)
        least = len(others)
        inflation = float(np.sqrt(least / (least - 1)))
        return cls(weights, others[runs.reshape(draws, -1)], len(inside), least - 1, inflation, unseen)


def _held_together(cells: _Cells, cohort: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> bool:
    """Whether rows at an asked level share a block with the cohort, so that shocks cancel."""
    return bool(np.isin(cells.own[inside], cells.asked[cohort]).any())


def _resample(weights: Floats, chosen: Ints, rng: np.random.Generator) -> None:
    """Draw the chosen blocks with replacement, in place."""
    if len(chosen):
        weights[:, chosen] = rng.multinomial(
            len(chosen), np.full(len(chosen), 1 / len(chosen)), size=len(weights)
        )


class _Fit:
    """Logistic or linear regression on cells, for many draws at once."""

    def __init__(self, design: Floats, *, share: bool) -> None:
        self._design = design
        self._share = share

    def mean(self, coefficients: Floats) -> Floats:
        """Predicted mean of every cell; shape (draws, cells)."""
        linear = coefficients @ self._design.T
        return np.asarray(special.expit(linear) if self._share else linear, np.float64)

    def coefficients(self, numerator: Floats, denominator: Floats) -> Floats:
        """Newton's method on one data set; shape (1, coefficients)."""
        beta = np.zeros((1, self._design.shape[1]))
        for _ in range(_STEPS):
            information = self._information(beta, denominator)
            step = np.linalg.solve(information, self._score(beta, numerator, denominator)[0])
            beta += np.clip(step, -_MAX_STEP, _MAX_STEP) if self._share else step
            if np.abs(step).max() < 1e-9:
                break
        return beta

    def redraw(self, point: Floats, numerator: Floats, denominator: Floats) -> Floats:
        """Coefficients of many reweighted data sets near `point`; shape (draws, coefficients).

        All share the information matrix of `point`, so that a step costs one product; a few steps reach
        the draw's own solution.
        """
        inverse = np.linalg.inv(self._information(point, denominator.mean(axis=0, keepdims=True)))
        beta = np.repeat(point, len(numerator), axis=0)
        for _ in range(_REDRAW_STEPS):
            step = self._score(beta, numerator, denominator) @ inverse
            beta += np.clip(step, -_MAX_STEP, _MAX_STEP) if self._share else step
        return beta

    def _score(self, beta: Floats, numerator: Floats, denominator: Floats) -> Floats:
        residual = numerator - denominator * self.mean(beta)
        return np.asarray(residual @ self._design - RIDGE * beta, np.float64)

    def _information(self, beta: Floats, denominator: Floats) -> Floats:
        mean = self.mean(beta)[0]
        weight = denominator[0] * (mean * (1 - mean) if self._share else 1.0)
        width = self._design.shape[1]
        return np.asarray(
            (self._design * weight[:, None]).T @ self._design + RIDGE * np.eye(width), np.float64
        )
