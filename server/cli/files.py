"""Writing whole files and folders, or nothing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.cli.exits import CommandError


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step; whoever reads it sees the old content or the new one.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder to fill, which takes its name once it is full; nothing remains of it after an error.

    Args:
        path: the name it gets.
        replace: whether a folder of that name may be replaced; an empty one always may.

    Raises:
        CommandError: there is something of that name already, or it cannot be written.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not replace):
        raise CommandError(f"{path} is there already; choose another --out, or add --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
