"""Did the parts get worse, or did the mix move towards bad parts? The exact symmetric decomposition."""

from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

MixWarning = Literal["reversed", "masked", "mix_only", "none"]
"""`reversed`: the whole moved against its parts (Simpson's paradox). `masked`: a better mix hides most of how much
the parts got worse, or the reverse. `mix_only`: the parts hardly changed, only their shares did."""

_NOTHING: Final = 1e-12


class RateMix(NamedTuple):
    """Change of an overall rate, split exactly."""

    total: float
    rate: float
    """What the parts' own rates changed, at the mean mix."""
    mix: float
    """What the shift between parts changed, at the mean rates."""
    simpson: bool
    """The overall rate moved against the parts: reading it alone would mislead."""
    rates: tuple[float, ...] = ()
    """What each part's own rate changed; they sum to `rate`."""
    mixes: tuple[float, ...] = ()
    """What each part's share changed; they sum to `mix`."""

    @property
    def warning(self) -> "MixWarning":
        """How far the overall change alone would mislead.

        Example:
            >>> rate_mix(rate0=[0.95, 0.80], rate1=[0.95, 0.80], share0=[0.8, 0.2], share1=[0.5, 0.5]).warning
            'mix_only'
            >>> rate_mix(rate0=[0.95, 0.80], rate1=[0.93, 0.74], share0=[0.8, 0.2], share1=[0.9, 0.1]).warning
            'masked'
        """
        if self.simpson or self.total * self.rate < -_NOTHING:
            return "reversed"
        if abs(self.total) < abs(self.rate) / 2:
            return "masked"
        return "mix_only" if abs(self.mix) > 2 * abs(self.total - self.mix) + _NOTHING else "none"


def rate_mix(
    *, rate0: npt.ArrayLike, rate1: npt.ArrayLike, share0: npt.ArrayLike, share1: npt.ArrayLike
) -> RateMix:
    """Split the change of an overall rate into rate and mix effects.

    Args:
        rate0: rate of every part before.
        rate1: rate of every part after.
        share0: share of every part before; sums to 1.
        share1: share of every part after; sums to 1.

    Raises:
        ValueError: the shares do not sum to 1.

    Example:
        >>> split = rate_mix(rate0=[0.95, 0.80], rate1=[0.93, 0.74], share0=[0.8, 0.2], share1=[0.9, 0.1])
        >>> round(split.total, 3), round(split.rate, 3), round(split.mix, 3)
        (-0.009, -0.026, 0.017)

    References:
        E. Kitagawa (1955), Components of a difference between two rates.
    """
    r0, r1, w0, w1 = (np.asarray(part, dtype=np.float64) for part in (rate0, rate1, share0, share1))
    for name, share in (("share0", w0), ("share1", w1)):
        if not np.isclose(share.sum(), 1.0, atol=1e-9):
            raise ValueError(f"{name} sums to {share.sum():g}: shares must sum to 1")
    rates, mixes = (r1 - r0) * (w0 + w1) / 2, (w1 - w0) * (r0 + r1) / 2
    rate, mix = float(np.sum(rates)), float(np.sum(mixes))
    total = float(np.sum(w1 * r1) - np.sum(w0 * r0))
    moved = r1 - r0
    agree = bool(np.all(moved <= 0) or np.all(moved >= 0)) and bool(np.any(moved != 0))
    return RateMix(total, rate, mix, agree and total * rate < 0, tuple(rates.tolist()), tuple(mixes.tolist()))
