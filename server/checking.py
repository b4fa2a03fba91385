"""Checking a dataset: what its check says, and which hypotheses that leaves untestable."""

from pathlib import Path

from data.check import untestable
from data.dataset import Dataset
from data.mapping import Mapping
from data.report import CheckReport


def check_dataset(folder: Path, *, mapping: Mapping | None = None) -> CheckReport:
    """What is there, what is missing, what that makes untestable, what is broken.

    Raises:
        DataError: the data cannot be used at all.
    """
    from tools.hypotheses import HYPOTHESES
    from tools.metrics import METRICS

    dataset = Dataset.open(folder, mapping=mapping)
    needs = {f"hypothesis {h.id.value}": h.needs for h in HYPOTHESES.values()}
    needs |= {f"metric {metric.id}": metric.needs for metric in METRICS.values()}
    return dataset.report.model_copy(
        update={"untestable": untestable(dataset, needs), "warnings": dataset.warnings}
    )
