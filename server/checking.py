"""Checking a dataset: what its check says, and which hypotheses that leaves untestable."""

from data.check import untestable
from data.dataset import Dataset
from data.report import CheckReport


def check_dataset(dataset: Dataset) -> CheckReport:
    """What is there, what is missing, what that makes untestable, what is broken."""
    from tools.hypotheses import HYPOTHESES
    from tools.metrics import METRICS

    needs = {f"hypothesis {h.id.value}": h.needs for h in HYPOTHESES.values()}
    needs |= {f"metric {metric.id}": metric.needs for metric in METRICS.values()}
    return dataset.report.model_copy(
        update={"untestable": untestable(dataset, needs), "warnings": dataset.warnings}
    )
