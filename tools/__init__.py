"""Tools: deterministic powers, pure functions from data and arguments to a typed result."""
