"""A trial of whole stores, or of customers, read: the effect with errors clustered by what was assigned.

Stores differ far more from each other than from themselves, so each is compared less its own past. Customers have
little past; their shares are compared as they are.

References:
    Donner, A., Klar, N. (2000). Design and Analysis of Cluster Randomization Trials, chapter 6.
    Deng, A., Xu, Y., Kohavi, R., Walker, T. (2013). Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data.
"""

import numpy as np
import pandas as pd

from tools.arm_difference import Difference, Units, difference, units
from tools.power import ALPHA


def sum_clusters(orders: pd.DataFrame, *, cluster: str, sums: list[str]) -> pd.DataFrame:
    """Sums by cluster, one row each, sorted by the cluster."""
    return orders.groupby(cluster, observed=True, as_index=False)[sums].sum()


def less_own_past(
    clusters: pd.DataFrame,
    before: pd.DataFrame,
    *,
    cluster: str,
    top: str,
    bottom: str,
    treated: str = "treated",
) -> Units:
    """Clusters as units, each less its own ratio before the trial; those without a past are left out.

    Args:
        clusters: `cluster`, `treated` and sums during the trial.
        before: `cluster` and the same sums before it.
        cluster: names the cluster.
        top: counted.
        bottom: out of.
        treated: whether it had the treatment.
    """
    known = before[before[bottom] > 0]
    past = pd.Series((known[top] / known[bottom]).to_numpy(), index=known[cluster].to_numpy())
    return units(
        clusters[top].to_numpy(np.float64),
        clusters[bottom].to_numpy(np.float64),
        clusters[treated].to_numpy(np.bool_),
        past=clusters[cluster].map(past).to_numpy(np.float64),
    )


def as_they_are(clusters: pd.DataFrame, *, top: str, bottom: str, treated: str = "treated") -> Units:
    """Clusters as units, compared as they are."""
    return units(
        clusters[top].to_numpy(np.float64),
        clusters[bottom].to_numpy(np.float64),
        clusters[treated].to_numpy(np.bool_),
    )


def effect_on_stores(
    stores: pd.DataFrame,
    before: pd.DataFrame,
    *,
    top: str,
    bottom: str,
    store: str = "store_id",
    treated: str = "treated",
    alpha: float = ALPHA,
) -> Difference:
    """The effect on stores, each less its own past; raises `ToolFailure` with too few of an arm."""
    given = less_own_past(stores, before, cluster=store, top=top, bottom=bottom, treated=treated)
    return difference(given, alpha=alpha)


def effect_on_customers(
    customers: pd.DataFrame, *, top: str, bottom: str, treated: str = "treated", alpha: float = ALPHA
) -> Difference:
    """The difference of shares between customers; raises `ToolFailure` with too few of an arm."""
    return difference(as_they_are(customers, top=top, bottom=bottom, treated=treated), alpha=alpha)
