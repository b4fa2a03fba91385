"""Settings of the analysis: everything that changes a result and is not data."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from data.calendar import PlannedEvent


class AnalysisSettings(BaseModel):
    """Thresholds and seeds of the deterministic tools; part of what makes a result repeatable.

    Example:
        >>> AnalysisSettings().seed
        7
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 7
    """Seed of every resampling step."""
    baseline_days: Annotated[int, Field(ge=7, le=365)] = 28
    """Trailing days that a period is compared with."""
    warmup_days: Annotated[int, Field(ge=7, le=365)] = 14
    """Days that must lie before the first tested period."""
    min_slice_orders: Annotated[int, Field(ge=1)] = 20
    """A slice with fewer expected orders a period is not tested."""
    efficiency_floor: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Least share of today's orders per courier-hour that a recommendation may leave."""
    courier_hour_cost: Annotated[float, Field(ge=0)] = 20.0
    """Pay of a courier for an hour online, in the currency of the baskets; assumed, set your own."""
    late_order_cost: Annotated[float, Field(ge=0)] = 5.0
    """Of an order that arrives late: credits and customers lost; assumed, set your own."""
    canceled_order_cost: Annotated[float, Field(ge=0)] = 10.0
    """Of a cancelled order: food thrown away and margin lost; assumed, set your own."""
    calendar: tuple[PlannedEvent, ...] = ()
    """Planned events; their days do not teach the baseline."""
