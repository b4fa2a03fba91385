"""Detectors: how a run of periods is turned into one statistic.

`base` holds the interface, `zscore` looks at the last period or few, `ewma` remembers older ones with falling
weight. `DETECTORS` names those that detection runs.
"""

from collections.abc import Mapping
from typing import Final

from tools.detectors.base import Detector
from tools.detectors.ewma import Ewma
from tools.detectors.zscore import ZScore

DETECTORS: Final[Mapping[str, Detector]] = {
    "zscore": ZScore(periods=1),
    "zscore_3": ZScore(periods=3),
    "ewma": Ewma(weight=0.2, limit=2.962),
}

__all__ = ["DETECTORS", "Detector", "Ewma", "ZScore"]
