"""The confidence model retrained on the resolved incidents of the system of record, for the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from server.cli.console import show, show_json, stderr
from server.cli.exits import CommandError, ExitCode
from server.cli.files import write_text
from server.confidence import confidence_model, describe
from server.settings import Settings
from tools.confidence import ConfidenceModel, load_model
from tools.confidence.model import PATH

if TYPE_CHECKING:
    from evals.history import HistoryReport, Resolved


def retrain_model(settings: Settings, *, out: Path, as_json: bool) -> None:
    """Retrain on the incidents whose cause people stated, and write the model where it judges them better.

    Raises:
        CommandError: `out` is no place for the model, there is too little to learn from, or the retrained model is
            not better out of fold.
        ConfigurationError: the model in use cannot be read.
    """
    from evals.history import TooFewError, retrain

    _check(out)
    prior = _prior(settings)
    try:
        retrained = retrain(_history(settings), prior)
    except TooFewError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from error
    report = retrained.report
    if report.better:
        write_text(out, retrained.model.model_dump_json(indent=1) + "\n")
    if as_json:
        show_json(report)
    else:
        _show(report)
    if not report.better:
        raise CommandError(
            f"the retrained model judges your incidents no better out of fold; {out} is not written",
            ExitCode.NEGATIVE,
        )
    if not as_json:
        show(Text(f"written to {out}; CX_CONFIDENCE_MODEL={out} makes it judge"))


def _check(out: Path) -> None:
    if out.resolve() == PATH.resolve():
        raise CommandError(f"--out {out}: the committed model is the prior and is kept; name another file")
    if out.is_dir():
        raise CommandError(f"--out {out}: is a folder; name a file in it")
    if not out.parent.is_dir():
        raise CommandError(f"--out {out}: there is no folder {out.parent}")


def _prior(settings: Settings) -> ConfidenceModel:
    """The model in use, unless it has seen these incidents already: they would count twice, and no fold be unseen."""
    in_use = confidence_model(settings)
    console = stderr()
    if in_use.history is None:
        console.print(f"prior: {describe(in_use, settings.confidence_model)}", style="dim", markup=False)
        return in_use
    committed = load_model()
    console.print(
        f"prior: {describe(committed, None)}; the model in use was itself retrained on your incidents",
        style="dim",
        markup=False,
    )
    return committed


def _history(settings: Settings) -> "list[Resolved]":
    from evals.history import Resolved
    from server.database import open_database
    from server.repository import Repository
    from tools.incidents import Incident

    engine = open_database(settings.database_url)
    try:
        return [
            Resolved(
                incident=Incident.model_validate_json(record.document),
                closed_as=record.closed_as,
                cause=record.cause,
                report=None if report is None else report.document,
            )
            for record, report in Repository(engine).resolved()
        ]
    finally:
        engine.dispose()


def _show(report: "HistoryReport") -> None:
    title = f"{len(report.used)} of your incidents, {report.troubles} troubles"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("model")
    for name in ("right", "log loss", "calibration error", "sure, wrong"):
        table.add_column(name, justify="right")
    for name, row in (("prior", report.before), ("retrained, out of fold", report.after)):
        table.add_row(
            name,
            f"{row.accuracy:.1%}",
            f"{row.log_loss:.3f}",
            f"{row.expected_calibration_error:.3f}",
            f"{row.confidently_wrong:.1%}",
        )
    temperature = "refitted" if report.temperature_refitted else "as the prior's"
    table.caption = (
        f"log loss gained {report.log_loss_gain:+.3f} (standard error {report.log_loss_gain_se:.3f}); "
        f"temperature {report.temperature:.2f}, {temperature}"
    )
    left_out = [
        Text(f"left out: {len(item.incidents)} {item.reason} ({', '.join(item.incidents)})", style="dim")
        for item in report.skipped
    ]
    show(table, *left_out, *(Text(f"note: {text}", style="yellow") for text in report.remarks))
