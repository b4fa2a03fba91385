"""What may not stand in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "a package registry's host": re.compile(r"pypi\.org|python" r"hosted|npm" r"js\.(org|com)|repo1?\.maven"),
    "an unfinished mark": re.compile(r"\b(TO" r"DO|FIX" r"ME|NotImpl" r"ementedError)\b"),
}
LIMIT = 500


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files"],  # noqa: S607  # git is found on the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_repository_is_free_of(what: str) -> None:
    hits = []
    for path in _tracked():
        if path == Path(__file__) or path.suffix in {".png", ".parquet"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if FORBIDDEN[what].search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}")
    assert not hits, f"{what}: {hits[:5]}"


def test_modules_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked()
        if path.suffix == ".py" and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LIMIT
    }
    assert not long
