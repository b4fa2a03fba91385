"""The simulator and g-computation asked the same: one effect, as unsure as both and as far as they disagree."""

from tools.recommendations import Effect


def combine(g: Effect, s: Effect) -> Effect:
    """Join what g-computation and the simulator say of one metric.

    The estimate is their middle. The interval holds, on either side, the mean of their two half-widths (both rest on
    the same orders, and the middle of two estimates is at most so unsure) and half of their gap, so that neither
    estimate lies outside.

    Args:
        g: of g-computation; its interval is sampling.
        s: of the simulator; its interval is parameters and simulation.

    Raises:
        ValueError: they speak in different units.

    Example:
        >>> g = Effect(estimate=0.10, low=0.06, high=0.14, unit="share")
        >>> s = Effect(estimate=0.14, low=0.12, high=0.16, unit="share")
        >>> both = combine(g, s)
        >>> round(both.estimate, 3), round(both.low, 3), round(both.high, 3)
        (0.12, 0.07, 0.17)
    """
    if g.unit != s.unit:
        raise ValueError(
            f"g.unit == {g.unit!r} and s.unit == {s.unit!r}: effects of one metric have one unit"
        )
    middle, gap = (g.estimate + s.estimate) / 2, abs(g.estimate - s.estimate) / 2
    below = ((g.estimate - g.low) + (s.estimate - s.low)) / 2
    above = ((g.high - g.estimate) + (s.high - s.estimate)) / 2
    return Effect(estimate=middle, low=middle - below - gap, high=middle + above + gap, unit=g.unit)
