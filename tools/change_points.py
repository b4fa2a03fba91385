"""The door of the Bayesian on-line change point; its method is not built yet."""

from datetime import datetime

from data.slices import ALL_ORDERS, Slice
from tools.errors import NotBuiltError
from tools.registry import Arguments, Cost, Result, ToolContext, tool


class ChangePointArguments(Arguments):
    """The series to look at."""

    metric: str
    """Id of the metric."""
    slice: Slice = ALL_ORDERS
    """Which orders."""


class ChangePoints(Result):
    """When a metric's level changed."""

    metric: str
    changed_at: tuple[datetime, ...]


@tool(cost=Cost.CHEAP)
def change_points(context: ToolContext, arguments: ChangePointArguments) -> ChangePoints:
    """When a metric's level changed, with the probability of each moment. Not built yet: it always says so."""
    raise NotBuiltError("the Bayesian change-point method")
