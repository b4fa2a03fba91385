"""Whether experiments keep their promises: the report of `cx bench experiments`.

Windows come from simulated worlds with slow shocks of regions and hours. Without any effect, the plan's own analysis
must see one as often as its level says; with the effect that an experiment was sized for, as often as its power says;
and guardrails, read every day, must not stop a run that does no more harm than was accepted.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import stats

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from evals.parallel import side_by_side
from evals.seeds import derive
from tools.arm_difference import Units, difference
from tools.assignment import Drawing, draw, in_blocks
from tools.design import FOR_STUDENT
from tools.errors import ToolFailure
from tools.guardrails import bound_of
from tools.interventions import rows_in
from tools.metrics import METRICS, Metric
from tools.power import ALPHA, POWER, switchback_mde, switchback_units
from tools.switch_windows import place
from tools.switchback import arms_of, own_past, randomisation_p, sum_windows
from tools.trial_counts import LEVELS
from tools.variation import burn_in_s, of_windows

Progress = Callable[[int, int], None]
Bools = npt.NDArray[np.bool_]

SPACE: Final = "cx-bench-experiments"
WORLDS: Final = 8
DAYS: Final = 56
HISTORY_DAYS: Final = 28
TRIAL_DAYS: Final = 14
ORDERS_PER_DAY: Final = 12_000
NOISE: Final = 1.5
"""Multiple of the slow noise: regions and hours that are restless, as real ones are."""
SCOPES: Final = tuple(
    Slice.parse(scope)
    for scope in (
        {"hour": {"from": 17, "to": 21}},
        {"region": "SF"},
        {"region": "NYC", "hour": {"from": 11, "to": 21}},
        {"category": "restaurant", "hour": {"from": 17, "to": 21}},
    )
)
PRIMARY: Final = METRICS["on_time"]
GUARDRAILS: Final = (METRICS["on_time"], METRICS["cancellation"], METRICS["item_accuracy"])
SIZES: Final = (0.4, 0.5, 0.6, 0.75)
"""Effects to design for, as shares of the spread of windows: some 55 to 200 windows."""
PLACEBOS: Final = 199
"""Assignments that the randomisation test draws."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ExperimentCase(_Model):
    """What one world's experiments came to; counts."""

    seed: int
    nothing_there: int
    """Switchbacks without an effect."""
    seen_by_windows: int
    """Of them, those where the plan's analysis saw one."""
    seen_by_drawing: int
    """The same by the randomisation test."""
    seen_by_orders: int
    """The same by order, as if orders were independent."""
    designed: int
    """Experiments at the effect and the size that were computed."""
    found: int
    guarded: int
    """Runs under guardrails, read every day."""
    stopped_without_harm: int
    stopped_at_margin: int
    """Stopped although every guardrail got worse by its margin exactly, no more."""


class ExperimentsReport(_Model):
    """All worlds together; shares."""

    label: str
    cases: tuple[ExperimentCase, ...]
    runs: int
    false_positive_share: float
    randomisation_false_positive_share: float
    naive_false_positive_share: float
    designed_runs: int
    power_share: float
    guarded_runs: int
    false_stop_share: float
    false_stop_at_margin_share: float


def measure(
    label: str, *, runs: int, workers: int = 2, progress: Progress = lambda _done, _of: None
) -> ExperimentsReport:
    """Run the benchmark: `runs` without an effect and under guardrails, 2.5 times as many with one."""
    shares = [
        _Share(derive(SPACE, label, number), _part(runs, number)) for number in range(min(WORLDS, runs))
    ]
    cases: list[ExperimentCase] = []
    for case in side_by_side(run_case, shares, workers=workers):
        cases.append(case)
        progress(len(cases), len(shares))
    return summarise(label, cases)


def summarise(label: str, cases: Sequence[ExperimentCase]) -> ExperimentsReport:
    """Add the cases up."""
    whole = {
        name: sum(getattr(c, name) for c in cases) for name in ExperimentCase.model_fields if name != "seed"
    }
    return ExperimentsReport(
        label=label,
        cases=tuple(cases),
        runs=whole["nothing_there"],
        false_positive_share=whole["seen_by_windows"] / whole["nothing_there"],
        randomisation_false_positive_share=whole["seen_by_drawing"] / whole["nothing_there"],
        naive_false_positive_share=whole["seen_by_orders"] / whole["nothing_there"],
        designed_runs=whole["designed"],
        power_share=whole["found"] / whole["designed"],
        guarded_runs=whole["guarded"],
        false_stop_share=whole["stopped_without_harm"] / whole["guarded"],
        false_stop_at_margin_share=whole["stopped_at_margin"] / whole["guarded"],
    )


class _Share(NamedTuple):
    """A world's share of the work."""

    seed: int
    runs: int


def _part(runs: int, number: int) -> int:
    return runs // WORLDS + (number < runs % WORLDS)


class Designed(NamedTuple):
    """An experiment as it was sized."""

    effect: float
    windows: int
    days: int


class Baseline(NamedTuple):
    """The windows of a scope in one world, as they are without any experiment."""

    scope: Slice
    history: pd.DataFrame
    """Orders of the first weeks."""
    windows: pd.DataFrame
    """`region`, `day`, `position`, and sums of every metric, the burn-in left out."""
    designs: tuple["Designed", ...]
    margins: dict[str, float]
    """Of the guardrails: what two weeks of windows can see, as plans set it at least."""

    def between(self, first: int, last: int) -> pd.DataFrame:
        """Windows of some days, in the order in which they are cut into runs."""
        chosen = self.windows[self.windows["day"].between(first, last - 1)]
        return chosen.sort_values(["region", "position", "day"], ignore_index=True)


def run_case(share: _Share) -> ExperimentCase:
    """One world's experiments."""
    facts = _facts(share.seed)
    baselines = [_baseline(facts, scope) for scope in SCOPES]
    rng = np.random.default_rng(share.seed)
    nothing = [_no_effect(baselines[n % len(SCOPES)], rng) for n in range(share.runs)]
    designed = [_designed(baselines[n % len(SCOPES)], rng) for n in range(share.runs * 5 // 2)]
    guarded = [_guarded(baselines[n % len(SCOPES)], rng) for n in range(share.runs)]
    return ExperimentCase(
        seed=share.seed,
        nothing_there=len(nothing),
        seen_by_windows=sum(by_windows for by_windows, _, _ in nothing),
        seen_by_drawing=sum(by_drawing for _, by_drawing, _ in nothing),
        seen_by_orders=sum(by_orders for _, _, by_orders in nothing),
        designed=len(designed),
        found=sum(designed),
        guarded=len(guarded),
        stopped_without_harm=sum(harmless for harmless, _ in guarded),
        stopped_at_margin=sum(at_margin for _, at_margin in guarded),
    )


def _facts(seed: int) -> pd.DataFrame:
    world = World(
        WorldConfig(scenario="none", days=DAYS, orders_per_day=ORDERS_PER_DAY, seed=seed, noise=NOISE)
    )
    run = world.run()
    facts = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones))).facts()
    facts = facts[facts["mature_delivery"]]
    return facts.assign(day=facts["day"] - facts["day"].min(), region=facts["region"].astype(str))


def _baseline(facts: pd.DataFrame, scope: Slice) -> Baseline:
    orders = facts[rows_in(facts, scope)]
    history = orders[orders["day"] < HISTORY_DAYS]
    hours = of_windows(history, PRIMARY, scope, rate=0.5).window_hours or 1
    placed = orders.drop(columns="day").join(place(orders, scope, hours))
    within_hour = placed["order_time"].astype("int64") // 1_000_000 % 3600
    # All zones of the world are whole hours from UTC.
    since = (placed["hour"] - placed["position"]) % 24 * 3600 + within_hour
    windows = sum_windows(
        placed.assign(since_s=since),
        keys=["region", "day", "position"],
        sums=sorted({name for metric in GUARDRAILS for name in metric.columns}),
        since="since_s",
        burn_in_s=burn_in_s(history, hours),
    )
    whole = windows[(windows["delivered"] > 0) & (windows["day"] >= 0)]
    return Baseline(
        scope,
        history,
        whole.assign(weekday=whole["day"] % 7),
        tuple(_sized(history, scope, size) for size in SIZES),
        {metric.id: _margin(history, scope, metric) for metric in GUARDRAILS},
    )


def _sized(history: pd.DataFrame, scope: Slice, size: float) -> Designed:
    """The experiment for a loss of a share of the spread."""
    rate = _rate(history, PRIMARY)
    wanted = size * of_windows(history, PRIMARY, scope, rate=rate).sd
    variation = of_windows(history, PRIMARY, scope, rate=rate - wanted / 2)
    count = switchback_units(variation.sd, wanted, alpha=ALPHA, power=POWER) + FOR_STUDENT
    return Designed(wanted, count, int(np.ceil(count / variation.units_per_day)))


def _margin(history: pd.DataFrame, scope: Slice, metric: Metric) -> float:
    variation = of_windows(history, metric, scope, rate=min(max(_rate(history, metric), 0.001), 0.999))
    return switchback_mde(variation.sd, variation.units_per_day * TRIAL_DAYS)


def _rate(history: pd.DataFrame, metric: Metric) -> float:
    return float(history[metric.numerator].sum() / metric.trials(history).sum())


def _drawn(windows: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, Drawing]:
    """The windows with their arms, and how these were drawn."""
    how = in_blocks(windows["region"].tolist(), 0.5)
    return windows.assign(treated=draw(how, rng)[0], block=how.block), how


def _past(baseline: Baseline, windows: pd.DataFrame, metric: Metric) -> npt.NDArray[np.float64]:
    before = baseline.windows[baseline.windows["day"] < HISTORY_DAYS]
    return own_past(
        windows, before, keys=["region", "position"], top=metric.numerator, bottom=metric.denominator
    )


# --- nothing is there -------------------------------------------------------------------------------------


def _no_effect(baseline: Baseline, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """Whether an effect is seen by windows, by drawing again, and by orders."""
    first = int(rng.integers(HISTORY_DAYS, DAYS - TRIAL_DAYS))
    windows, how = _drawn(baseline.between(first, first + TRIAL_DAYS), rng)
    given = _units(windows, PRIMARY, _past(baseline, windows, PRIMARY))
    seen = difference(given)
    again = randomisation_p(given, how, seed=int(rng.integers(2**31)), draws=PLACEBOS)
    return seen.p_value < ALPHA, again <= ALPHA, _by_orders(windows) < ALPHA


def _units(windows: pd.DataFrame, metric: Metric, past: npt.NDArray[np.float64]) -> Units:
    return arms_of(windows, metric.numerator, metric.denominator, levels=LEVELS, past=past)


def _by_orders(windows: pd.DataFrame) -> float:
    """Two-sided p of two shares, every order by itself."""
    arms = windows.groupby("treated")[["on_time", "delivered"]].sum()
    counts = np.array([arms["on_time"], arms["delivered"] - arms["on_time"]], np.float64)
    return float(stats.chi2_contingency(counts, correction=False).pvalue)


# --- the designed effect is there -------------------------------------------------------------------------


def _designed(baseline: Baseline, rng: np.random.Generator) -> bool:
    """Whether the effect is found that the experiment was sized for, at the size that was computed.

    Days are drawn from the history that the size was computed from, so that the spread is that of the user's own data.
    """
    sized = baseline.designs[int(rng.integers(len(SIZES)))]
    windows = _resampled(baseline, sized.days, rng).head(sized.windows)
    windows = windows.sort_values(["region", "position", "day"], ignore_index=True)
    windows = worsened(_drawn(windows, rng)[0], PRIMARY, sized.effect, rng)
    try:
        seen = difference(_units(windows, PRIMARY, _past(baseline, windows, PRIMARY)))
    except ToolFailure:
        return False
    return bool(seen.p_value < ALPHA and seen.estimate < 0)


def _resampled(baseline: Baseline, days: int, rng: np.random.Generator) -> pd.DataFrame:
    """Days of the history drawn with replacement, whole, so that shocks of a day stay together."""
    chosen = rng.integers(0, HISTORY_DAYS, days)
    parts = [baseline.windows[baseline.windows["day"] == day].assign(day=at) for at, day in enumerate(chosen)]
    drawn: pd.DataFrame = pd.concat(parts)
    return drawn.sort_values(["day", "position", "region"], ignore_index=True)


def worsened(windows: pd.DataFrame, metric: Metric, by: float, rng: np.random.Generator) -> pd.DataFrame:
    """Treated windows with a metric worse by a share of its trials, order by order at random.

    Args:
        windows: `treated` and the metric's sums.
        metric: a rate.
        by: share; the mean over the treated windows' trials.
        rng: decides which orders.
    """
    trials = metric.trials(windows)
    counted = windows[metric.numerator].to_numpy(np.int64)
    good = counted if metric.better == "higher" else trials - counted
    treated = windows["treated"].to_numpy(np.bool_)
    chance = by * trials[treated].sum() / max(good[treated].sum(), 1)
    lost = np.where(treated, rng.binomial(good, min(chance, 1.0)), 0)
    sign = -1 if metric.better == "higher" else 1
    changed: pd.DataFrame = windows.assign(**{metric.numerator: counted + sign * lost})
    return changed


# --- guardrails -------------------------------------------------------------------------------------------


def _guarded(baseline: Baseline, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether guardrails stop a run of no harm, and one of harm at the margin, read daily."""
    first = int(rng.integers(HISTORY_DAYS, DAYS - TRIAL_DAYS))
    windows = baseline.between(first, first + TRIAL_DAYS).assign(trial_day=lambda w: w["day"] - first + 1)
    windows, _ = _drawn(windows, rng)
    harmed = windows
    for metric in GUARDRAILS:
        harmed = worsened(harmed, metric, baseline.margins[metric.id], rng)
    return any(_stops(baseline, windows)), any(_stops(baseline, harmed))


def _stops(baseline: Baseline, windows: pd.DataFrame) -> Iterator[bool]:
    """Whether each guardrail stops the run on any of its days."""
    planned = len(windows)
    for metric in GUARDRAILS:
        past = _past(baseline, windows, metric)
        sign = -1 if metric.better == "higher" else 1
        for day in range(1, TRIAL_DAYS + 1):
            seen = (windows["trial_day"] <= day).to_numpy(np.bool_)
            given = _units(windows[seen], metric, past[seen])
            bound = bound_of(given, alpha=ALPHA / len(GUARDRAILS), best_at=planned)
            if bound is not None and sign * bound.estimate - bound.radius > baseline.margins[metric.id]:
                yield True
                break
        else:
            yield False
