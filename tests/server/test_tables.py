from rich.console import Console

from data.slices import Slice
from server.cli.tables import top_slices_table
from tests.server.fakes import make_incident
from tools.incidents import SliceDelta


def shown(metric: str) -> str:
    delta = SliceDelta(
        slice=Slice.parse({"region": "SF"}),
        delta=-0.14,
        low=-0.2,
        high=-0.1,
        q_value=0.004,
        share=0.8,
        orders=1263,
    )
    incident = make_incident().model_copy(update={"metric": metric, "top_slices": (delta,)})
    console = Console(width=110)
    with console.capture() as capture:
        console.print(top_slices_table(incident))
    return capture.get()


def test_top_slices_show_rank_slice_drop_and_stars() -> None:
    text = shown("on_time")
    for part in ("1", "region=SF", "-14.0 pp (-20.0 to -10.0)", "80 %", "1,263", "**"):
        assert part in text


def test_durations_show_as_seconds() -> None:
    assert "pp" not in shown("eta_error")
