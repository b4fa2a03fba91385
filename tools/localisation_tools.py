"""Importing this registers every tool of localisation."""

from tools import cx_contributions, localisation, rate_mix_parts

TOOLS = (
    cx_contributions.cx_contributions,
    localisation.drop_waterfall,
    localisation.localise_drop,
    rate_mix_parts.rate_mix,
)
"""The tool functions, by name."""
