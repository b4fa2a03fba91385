"""When the primary metric of an experiment is read, and what it must show on each of those days."""

from typing import Final

from scipy.special import ndtr

from tools.experiment import Look
from tools.power import ALPHA, POWER
from tools.sequential import alpha_spent, sample_inflation, spending_boundaries

WEEK: Final = 7
LEAST_DAYS: Final = WEEK
"""Nothing is decided before every day of the week has been seen."""
RECOMMENDED_DAYS: Final = 2 * WEEK
"""Two whole weeks, so that every hour of the week is seen under both arms."""
LEAST_LOOKS: Final = 3
MOST_LOOKS: Final = 5


def schedule(days: int, *, alpha: float = ALPHA) -> tuple[Look, ...]:
    """Three to five looks, weekly where the plan is long enough, spending as O'Brien-Fleming would.

    Fewer looks where there are fewer days after the first week.

    Args:
        days: length of the experiment.
        alpha: two-sided level over all looks.

    Example:
        >>> [(look.day, round(look.z_bound, 2)) for look in schedule(28)]
        [(7, 3.92), (14, 2.77), (21, 2.3), (28, 2.04)]
    """
    if days < LEAST_DAYS:
        raise ValueError(
            f"days = {days!r}, must be at least {LEAST_DAYS}: every day of the week is to be seen"
        )
    count = min(max(days // WEEK, LEAST_LOOKS), MOST_LOOKS)
    first = max(LEAST_DAYS, round(days / count))
    step = (days - first) / (count - 1)
    when = sorted({round(first + n * step) for n in range(count)})
    fractions = [day / days for day in when]
    spent = alpha_spent(fractions, alpha=alpha)
    limits = spending_boundaries(fractions, alpha=alpha)
    return tuple(
        Look(
            day=day,
            information=fraction,
            z_bound=z,
            p_bound=float(2 * ndtr(-z)),
            alpha_spent=used,
        )
        for day, fraction, z, used in zip(when, fractions, limits, spent, strict=True)
    )


def cost_of_looking(looks: tuple[Look, ...], *, alpha: float = ALPHA, power: float = POWER) -> float:
    """How many times more units these looks may need than a single reading, at the same power."""
    return sample_inflation(
        [look.information for look in looks], [look.z_bound for look in looks], alpha=alpha, power=power
    )
