"""Where things go: data to stdout, everything about the way there to stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType

T = TypeVar("T")

PIPE_WIDTH = 110


def stdout() -> "Console":
    """For data; into a file or a pipe, lines are as long as on a usual terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def stderr() -> "Console":
    """For progress and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def show(*items: "RenderableType") -> None:
    """Print what people read."""
    console = stdout()
    for item in items:
        console.print(item)


def near(path: Path) -> Path:
    """A path as people would type it: from where they stand, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def show_json(document: "BaseModel") -> None:
    """Print a document as JSON, the same bytes for the same content."""
    sys.stdout.write(document.model_dump_json(indent=2, by_alias=True) + "\n")


def counted(what: str, work: Callable[[Callable[[int, int], None]], T]) -> T:
    """Do long work under a bar on stderr; the work is given what to tell `(done, of)` to."""
    from rich.progress import Progress

    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task(what, total=None)
        return work(lambda done, of: bar.update(task, completed=done, total=of))


@contextmanager
def step(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Say on stderr what is being done, and how long it took; a spinner only where someone watches."""
    if quiet:
        yield
        return
    console = stderr()
    begun = perf_counter()
    if console.is_terminal:
        with console.status(f"{what} ..."):
            yield
    else:
        yield
    console.print(f"{what}: {perf_counter() - begun:.1f} s", style="dim", markup=False)
