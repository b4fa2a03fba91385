"""Results as people read them: Rich tables and panels, never a number that is not in the result."""

from collections.abc import Collection, Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agents.report import ChallengeEntry, InvestigationReport
from data.report import CheckReport, TableReport
from server.cli.console import show
from server.wording import SECONDS, amount, explain, moment, outcome, span
from tools.evidence import Evidence
from tools.findings import Finding
from tools.incidents import DetectionReport, Improvement, Incident
from tools.recommendations import Recommendation
from tools.top_table import LEGEND, top_rows
from tools.wording import models_words

SEVERITY_STYLE = {"low": "cyan", "medium": "yellow", "high": "red", "critical": "bold white on red"}

NARROW = frozenset({"severity", "since (UTC)", "id", "hypothesis", "verdict", "table", "tool", "check"})
"""Columns whose cells stay on one line."""


def _table(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    fixed = set(right)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in fixed else "left",
            overflow="fold",
            no_wrap=name in fixed or name in NARROW,
        )
    return table


# --- cx data check


def show_check(report: CheckReport) -> None:
    """Print what is there, what is missing, what that makes untestable, and what is broken."""
    table = _table("table", "rows", "usable", "missing columns", right=("rows", "usable"))
    for item in report.tables:
        table.add_row(*_check_row(item))
    parts: list[RenderableType] = [Text(f"mapping: {report.mapping}", style="dim"), table]
    if report.broken:
        parts.append(_broken(report))
    parts += [Text(f"warning: {text}", style="yellow") for text in report.warnings]
    parts += [Text(f"note: {text}", style="dim") for text in report.notes]
    if report.untestable:
        parts.append(Rule("not testable on these data", align="left", style="dim"))
        parts += [Text(f"{name}: {reason}") for name, reason in sorted(report.untestable.items())]
    show(*parts)


def _check_row(item: TableReport) -> tuple[str, ...]:
    if not item.present:
        return (f"{item.table} ({item.level})", "-", "-", "the whole table")
    missing = [*item.missing_columns, *(f"{name} (empty)" for name in item.empty_columns)]
    return (item.table, f"{item.rows:,}", f"{item.usable:,}", ", ".join(missing) or "none")


def _broken(report: CheckReport) -> RenderableType:
    table = _table("column", "what is wrong", "rows", "examples", right=("rows",), title="Rows put aside")
    for rule in report.broken:
        examples = escape("; ".join(rule.examples))
        table.add_row(f"{rule.table}.{rule.column}", escape(rule.meaning), f"{rule.rows:,}", examples)
    return table


# --- cx detect


def show_detection(report: DetectionReport) -> None:
    """Print the incidents, worst first."""
    better = [Text(_better(one), style="green") for one in report.improvements]
    if not report.incidents:
        show(*better, f"No incident as of {moment(report.as_of)}.")
        return
    parts: list[RenderableType] = [incident_table(report)]
    if report.incidents[0].top_slices:
        parts += [top_slices_table(report.incidents[0]), Text(LEGEND, style="dim")]
    parts += better
    show(Group(*parts, Text(f"as of {moment(report.as_of)}", style="dim")))


def _better(one: Improvement) -> str:
    now, before = amount(one.metric, one.current), amount(one.metric, one.baseline)
    return f"better than usual: {one.metric} in {one.slice}: {before} -> {now} over {one.days} days"


def incident_table(report: DetectionReport) -> Table:
    """One row an incident."""
    table = _table(
        "severity", "what and where", "since (UTC)", "before", "now", "orders",
        right=("before", "now", "orders"),
    )  # fmt: skip
    for item in report.incidents:
        what = Text.assemble((item.metric, "bold"), f" in {item.slice}\n", _planned(item), (item.id, "dim"))
        table.add_row(
            Text(item.severity.upper(), style=SEVERITY_STYLE[item.severity]),
            what,
            moment(item.onset).removesuffix(" UTC"),
            amount(item.metric, item.baseline),
            amount(item.metric, item.current),
            f"{item.affected_orders:,}",
        )
    return table


def top_slices_table(incident: Incident) -> Table:
    """The slices that explain an incident, strongest first."""
    table = _table(
        "", "slice", "change", "of the whole", "orders", "sig.",
        right=("", "change", "of the whole", "orders"),
        title=f"Top regressing slices of {incident.id}",
    )  # fmt: skip
    for row in top_rows(incident.top_slices, unit="s" if incident.metric in SECONDS else "share"):
        table.add_row(str(row.rank), row.slice, row.drop, row.share, row.orders, row.stars)
    return table


def _planned(incident: Incident) -> tuple[str, str]:
    return (f"planned: {incident.planned}\n" if incident.planned else "", "yellow")


# --- cx investigate


def show_investigation(report: InvestigationReport) -> None:
    """Print the whole report."""
    if report.incident is None:
        show(f"No degradation as of {moment(report.as_of)}: nothing to investigate.")
        if report.narrative:
            show(Markdown(report.narrative))
        return
    parts: list[RenderableType] = [_headline(report.incident, report), Markdown(report.narrative), Text()]
    parts.append(_findings("Causes", report.findings))
    if report.challenge:
        parts.append(_challenge(report.challenge))
    if report.ruled_out:
        parts.append(_findings("Ruled out", report.ruled_out))
    if report.recommendations:
        parts.append(_recommendations(report.recommendations, {report.incident.metric, "cx_score"}))
    parts.append(_evidence(report.evidence))
    parts += _remarks(report)
    show(*parts)


def _headline(incident: Incident, report: InvestigationReport) -> Panel:
    style = SEVERITY_STYLE[incident.severity]
    text = Text.assemble(
        (incident.severity.upper(), style),
        f"  {incident.metric} in {incident.slice}\n",
        _planned(incident),
        f"{amount(incident.metric, incident.baseline)} -> {amount(incident.metric, incident.current)} "
        f"since {moment(incident.onset)}, {incident.affected_orders:,} orders\n",
        ("verdict: ", "dim"),
        (report.verdict.value.replace("_", " "), "bold"),
    )
    return Panel(text, title=f"Incident {incident.id}", title_align="left", border_style=style)


def _findings(title: str, findings: Iterable[Finding]) -> Table:
    table = _table(
        "hypothesis", "verdict", "role", "main cause", "matters", "evidence",
        right=("main cause", "matters"), title=title,
    )  # fmt: skip
    for item in findings:
        role: str = item.role or ""
        if item.mediator_of is not None:
            role = f"{role} of {item.mediator_of.value}"
        table.add_row(
            item.hypothesis.value,
            item.verdict.value.replace("_", " "),
            role,
            f"{item.p_primary:.0%}",
            f"{item.p_contributes:.0%}",
            " ".join(dict.fromkeys([*item.evidence, *(f"-{o.evidence}" for o in item.against)])),
        )
    return table


def _challenge(entries: Iterable[ChallengeEntry]) -> Table:
    table = _table("check", "result", "found", title="What the challenge tried")
    for entry in entries:
        table.add_row(entry.name, outcome(entry.passed), escape(f"{entry.text} [{entry.evidence}]"))
    return table


def _recommendations(items: Iterable[Recommendation], shown: Collection[str]) -> Table:
    table = _table("", "action", "effect", "confidence", right=("confidence",), title="What to do")
    for rank, item in enumerate(items, start=1):
        told = {name: effect for name, effect in item.effects.items() if name in shown} | item.efficiency_cost
        effects = [
            f"{name} {span(effect.estimate, effect.low, effect.high, effect.unit)}"
            for name, effect in told.items()
        ]
        if item.models is not None:
            effects.append(f"[dim]{escape(models_words(item.models))}[/dim]")
        action = f"{escape(item.title)}\n[dim]{escape(str(item.scope))}; {escape(item.owner)}[/dim]"
        table.add_row(str(rank), action, "\n".join(effects), f"{item.confidence:.0%}")
    return table


def _evidence(evidence: dict[str, Evidence]) -> Table:
    table = _table("id", "tool", "result", title="Evidence")
    for name, item in evidence.items():
        table.add_row(name, item.tool, escape(explain(item)))
    return table


def _remarks(report: InvestigationReport) -> list[RenderableType]:
    lines = [f"{item.hypothesis.value}: {item.reason}" for item in report.not_testable]
    lines += [f"limitation: {text}" for text in report.limitations]
    grounding = report.grounding
    lines.append(
        f"{grounding.supported} of {grounding.claims} claims backed by evidence, {grounding.removed} removed"
    )
    return [Text(line, style="dim") for line in lines]
