"""The house stands as its plan says: import names are ours, and imports run one way."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "data", "evals", "knowledge", "server", "tools")


@pytest.mark.parametrize("room", ROOMS)
def test_room_name_is_ours(room: str) -> None:
    """Another distribution may own the same import name; from outside the repository ours must win."""
    program = f"import {room}; print({room}.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=True
    ).stdout.strip()
    assert Path(found).parent == ROOT / room


def _lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("data", "import tools.errors"),
        ("tools", "import agents.report"),
        ("tools", "import langgraph"),
        ("knowledge", "import server.settings"),
        ("evals", "import fastapi"),
    ],
)
def test_import_contracts_break_on_a_violation(room: str, line: str, tmp_path: Path) -> None:
    for name in (*ROOMS, "pyproject.toml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    assert _lint_imports(tmp_path).returncode == 0
    (tmp_path / room / "intruder.py").write_text(f'"""A violation."""\n\n{line}\n')
    broken = _lint_imports(tmp_path)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "BROKEN" in broken.stdout
