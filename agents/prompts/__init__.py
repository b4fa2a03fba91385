"""Prompts are Markdown files beside this module, with `$name` where code puts something in."""

from importlib.resources import files
from string import Template
from typing import Final

NAMES: Final = ("supply", "merchant", "policy", "inventory", "eta_model", "strategist", "writer")


def fill(name: str, **values: str) -> str:
    """A prompt with its variables filled in.

    Raises:
        KeyError: no such prompt.
        ValueError: a variable has no value, or a value has no variable.

    Example:
        >>> fill("supply", playbook="Look.").endswith("Look.")
        True
    """
    if name not in NAMES:
        raise KeyError(f"no prompt {name!r}; known: {', '.join(NAMES)}")
    template = Template((files("agents.prompts") / f"{name}.md").read_text(encoding="utf-8").strip())
    wanted = set(template.get_identifiers())
    if wanted != set(values):
        raise ValueError(f"prompt {name!r} wants {sorted(wanted)}, got {sorted(values)}")
    return template.substitute(values)
