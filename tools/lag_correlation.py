"""Door: lagged correlation of a driver and the outcome."""

from tools.errors import NotBuiltError
from tools.mechanism_shift import MechanismArguments
from tools.registry import Result, ToolContext, tool


class LagCorrelationResult(Result):
    """Never returned yet."""

    best_lag_h: float
    correlation: float


@tool()
def lag_correlation(context: ToolContext, arguments: MechanismArguments) -> LagCorrelationResult:
    """Not built yet: answers so. Use onset_order to see which moved first."""
    raise NotBuiltError("lagged correlation")
