"""The reading of an experiment as people see it."""

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.cli.console import show
from server.wording import moment, span
from tools.monitor_report import LookReading, MetricReading, MonitorReport
from tools.trial_words import change
from tools.wording import amount, plain

STYLES = {
    "stop_and_ship": "bold green",
    "ramp": "green",
    "continue": "cyan",
    "extend": "yellow",
    "roll_back": "bold red",
    "stop_for_health": "bold red",
}
STATUS_STYLES = {
    "improved": "green",
    "cleared": "green",
    "worsened": "red",
    "crossed": "bold red",
    "open": "yellow",
}


def show_monitor(report: MonitorReport) -> None:
    """Print the decision, then what it rests on."""
    parts: list[RenderableType] = [_headline(report), _health(report), _metrics(report), _looks(report)]
    if report.lift is not None:
        parts.append(Text(_lift(report)))
    parts += [Text(f"warning: {text}", style="yellow") for text in report.warnings]
    parts.append(Text(f"as of {moment(report.as_of)}", style="dim"))
    show(*parts)


def _headline(report: MonitorReport) -> Panel:
    decision, progress = report.decision, report.progress
    units = {"switchback": "windows", "store_cluster": "stores", "customer": "customers"}[report.unit]
    come = (
        f"{progress.stage} stage, day {progress.day} of {progress.days_planned}, {progress.units:,} {units} "
        f"({progress.units_needed:,} needed), {progress.orders:,} orders, {progress.exposure_share:.1%} of them under "
        "the treatment"
    )
    text = Text.assemble(
        (decision.action.replace("_", " ").upper(), STYLES[decision.action]),
        f"  {decision.reason}\n",
        (f"next: {decision.next_step}\n", "bold"),
        (come, "dim"),
    )
    return Panel(text, title=escape(report.title), title_align="left", border_style=STYLES[decision.action])


def _table(*columns: str, title: str, right: frozenset[str] = frozenset()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(
            name, justify="right" if name in right else "left", overflow="fold", no_wrap=name in right
        )
    return table


def _health(report: MonitorReport) -> Table:
    table = _table("check", "", "found", title="Health")
    for check in report.health:
        mark = Text("ok", style="green") if check.passed else Text("FAILED", style="bold red")
        table.add_row(check.name, mark, escape(check.text))
    return table


def _metrics(report: MonitorReport) -> Table:
    table = _table("metric", "role", "effect", "limit", "status", title="Metrics")
    for reading in report.metrics:
        status = Text(reading.status.replace("_", " "), style=STATUS_STYLES.get(reading.status, ""))
        if reading.text:
            status.append(f"\n{reading.text}", style="dim")
        table.add_row(plain(reading.metric), reading.role, _effect(reading), _limit(reading), status)
    return table


def _effect(reading: MetricReading) -> str:
    if reading.effect is None or reading.low is None or reading.high is None:
        return "-"
    return span(reading.effect, reading.low, reading.high, reading.unit)


def _limit(reading: MetricReading) -> str:
    if reading.margin is None:
        return ""
    return change(reading, -reading.margin if reading.direction == "increase" else reading.margin)


def _looks(report: MonitorReport) -> Table:
    right = frozenset({"day", "z", "bound"})
    table = _table("day", "z", "bound", "result", title="Looks at the primary metric", right=right)
    for look in report.looks:
        z = "-" if look.z is None else f"{look.z:+.2f}"
        table.add_row(str(look.day), z, f"{look.z_bound:.2f}", _result(look))
    return table


def _result(look: LookReading) -> str:
    if look.z is None:
        return "not yet"
    again = (
        "" if look.randomisation_p is None else f", p {look.randomisation_p:.4f} by drawing the arms again"
    )
    return (f"crossed: {look.crossed}" if look.crossed else "within the bound") + again


def _lift(report: MonitorReport) -> str:
    lift = report.lift
    if lift is None:
        return ""
    text = (
        f"Until day {lift.as_of_day}: {lift.outcomes_saved:,.0f} outcomes saved ({lift.outcomes_saved_low:,.0f} to "
        f"{lift.outcomes_saved_high:,.0f}) of {lift.treated_trials:,} under the treatment"
    )
    if lift.cx_index is None or lift.cx_index_low is None or lift.cx_index_high is None:
        return text + "."
    low, high = (amount(bound, "score", signed=True) for bound in (lift.cx_index_low, lift.cx_index_high))
    return f"{text}; CX index {amount(lift.cx_index, 'score', signed=True)} ({low} to {high})."
