"""A change split into worse service and other kinds of orders, part by part, with a warning where the whole misleads."""

from collections.abc import Iterator
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from data.slices import Slice
from tools.errors import ToolFailure
from tools.frame_cells import Floats, chosen_dimensions, counted
from tools.incident_frame import IncidentArguments, IncidentFrame, incident_frame
from tools.localisation import changes
from tools.metrics import CX_SCORE
from tools.rate_mix import MixWarning, RateMix
from tools.rate_mix import rate_mix as split
from tools.registry import Result, ToolContext, tool
from tools.shift import codes

LISTED: Final = 8
MOST_DIMENSIONS: Final = 2


class RateMixArguments(IncidentArguments):
    """Which incident, and what makes orders of one kind."""

    dimensions: Annotated[tuple[str, ...], Field(max_length=3)] = ()
    """Dimensions whose combinations are the kinds, such as ["region", "category"]; the first two by default."""


class KindPart(Result):
    """One kind of orders; of the changes only the fields of the metric's unit are filled."""

    slice: Slice
    baseline_order_share: float
    """Of the slice's orders."""
    current_order_share: float
    rate_change_pp: float | None
    """What its own change adds to the whole one."""
    rate_change_s: float | None
    rate_change_score: float | None
    mix_change_pp: float | None
    """What its growing or shrinking adds."""
    mix_change_s: float | None
    mix_change_score: float | None


class RateMixResult(Result):
    """Kitagawa's exact split: rate and mix sum to the total."""

    total_change_pp: float | None
    total_change_s: float | None
    total_change_score: float | None
    rate_change_pp: float | None
    """The same kinds of orders became better or worse."""
    rate_change_s: float | None
    rate_change_score: float | None
    mix_change_pp: float | None
    """Other kinds of orders than before."""
    mix_change_s: float | None
    mix_change_score: float | None
    warning: MixWarning
    """`reversed` is Simpson's paradox; `masked` and `mix_only` mislead as well, `none` does not."""
    parts: tuple[KindPart, ...]
    """The kinds that add most, at most eight."""
    n_kinds: int


@tool()
def rate_mix(context: ToolContext, arguments: RateMixArguments) -> RateMixResult:
    """Whether a metric changed because service did, or because other kinds of orders came.

    The two effects sum to the whole change exactly. Read the rate effect, not the whole change, wherever `warning` is
    not `none`. It tests nothing: small effects may be chance.
    """
    if arguments.metric == CX_SCORE:
        raise ToolFailure("metric = 'cx_score': it does not add up over orders; ask for cx_index")
    dims = chosen_dimensions(context, arguments.dimensions)
    chosen = dims if arguments.dimensions else dims[:MOST_DIMENSIONS]
    kinds = _Kinds(incident_frame(context, arguments), arguments.metric, chosen)
    whole = kinds.split
    parts = sorted(kinds.parts(arguments), key=lambda part: part[0])
    return RateMixResult(
        **_fields("total", arguments.metric, whole.total),
        **_fields("rate", arguments.metric, whole.rate),
        **_fields("mix", arguments.metric, whole.mix),
        warning=whole.warning,
        parts=tuple(part for _, part in parts[:LISTED]),
        n_kinds=len(parts),
    )


class _Kinds:
    """Harm and share of every kind of orders in both periods."""

    def __init__(self, frame: IncidentFrame, metric: str, dims: tuple[str, ...]) -> None:
        trials, harm = counted(frame, metric)
        keep = frame.inside & (trials > 0)
        self.rows = frame.rows[keep]
        self.dims = dims
        self.during = frame.during[keep]
        if not self.during.any() or self.during.all():
            raise ToolFailure(f"not testable: no order of the slice has {metric} in both periods")
        columns = [self.rows[name].astype("category").cat.codes.to_numpy() for name in dims]
        self.kind = codes(*columns) if columns else np.zeros(len(self.rows), dtype=np.int64)
        before, after = (self._sums(trials[keep], harm[keep], during=part) for part in (False, True))
        self.share = [sums[0] / sums[0].sum() for sums in (before, after)]
        rates = [np.divide(bad, n, out=np.full(len(n), np.nan), where=n > 0) for n, bad in (before, after)]
        # A kind that one period does not have did not change its rate: all that it adds is mix.
        self.split: RateMix = split(
            rate0=np.where(np.isnan(rates[0]), rates[1], rates[0]),
            rate1=np.where(np.isnan(rates[1]), rates[0], rates[1]),
            share0=self.share[0],
            share1=self.share[1],
        )

    def _sums(self, trials: Floats, harm: Floats, *, during: bool) -> tuple[Floats, Floats]:
        rows, size = self.during == during, int(self.kind.max()) + 1
        n, bad = (
            np.bincount(self.kind[rows], weights=part[rows], minlength=size).astype(np.float64)
            for part in (trials, harm)
        )
        return n, bad

    def parts(self, arguments: RateMixArguments) -> Iterator[tuple[tuple[float, str], KindPart]]:
        """Every kind with its order in the list."""
        _, first = np.unique(self.kind, return_index=True)
        names = self.rows.iloc[first]
        for number, (rate, mix) in enumerate(zip(self.split.rates, self.split.mixes, strict=True)):
            values = {name: str(names[name].iloc[number]) for name in self.dims}
            slice_ = Slice.parse({**arguments.slice.model_dump(), **values})
            part = KindPart(
                slice=slice_,
                baseline_order_share=float(self.share[0][number]),
                current_order_share=float(self.share[1][number]),
                **_fields("rate", arguments.metric, rate),
                **_fields("mix", arguments.metric, mix),
            )
            yield (-max(abs(rate), abs(mix)), str(slice_)), part


def _fields(effect: str, metric: str, harm: float) -> dict[str, float | None]:
    return {f"{effect}_{name}": value for name, value in changes(metric, harm).items()}
