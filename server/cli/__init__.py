"""The command line `cx`.

    app          the tree of commands
    analyse      `cx detect`, `cx investigate`, `cx replay`
    bench        `cx bench`
    console      where data and progress go
    demo         `cx demo`
    evaluate     `cx calibrate`, `cx cause`, `cx eval`
    exits        exit codes, and which error means which
    files        writing whole files or nothing
    later        commands whose rooms are not built yet
    monitor      `cx monitor`
    monitor_view the reading of an experiment as people see it
    options      options that several commands share
    plan         `cx plan`
    service      `cx serve`, `cx doctor`
    tables       results as people read them
    world        `cx data generate`, `cx data check`

Every module here imports only what `cx --help` needs; the rooms are imported inside the commands.
"""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    from server.cli.app import run

    return run(arguments)
