"""Prompts are Markdown files beside this module, with `$name` where code puts something in."""

from importlib.resources import files
from string import Template
from typing import Final

NAMES: Final = (
    "eta_model",
    "inventory",
    "merchant",
    "phrases",
    "policy",
    "rules",
    "strategist",
    "supply",
    "writer",
)


def read(name: str) -> str:
    """A prompt as it stands; raises `KeyError` where there is none of that name."""
    if name not in NAMES:
        raise KeyError(f"no prompt {name!r}; known: {', '.join(NAMES)}")
    return (files("agents.prompts") / f"{name}.md").read_text(encoding="utf-8").strip()


def fill(name: str, **values: str) -> str:
    """A prompt with its variables filled in.

    Raises:
        KeyError: no such prompt.
        ValueError: a variable has no value, or a value has no variable.

    Example:
        >>> fill("supply", rules="Be honest.", playbook="Look.").endswith("Look.")
        True
    """
    template = Template(read(name))
    wanted = set(template.get_identifiers())
    if wanted != set(values):
        raise ValueError(f"prompt {name!r} wants {sorted(wanted)}, got {sorted(values)}")
    return template.substitute(values)
