"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
"""How fast something is, a benchmark says (`cx bench`); a busy machine must not fail a property."""
