"""Measurements of speed and memory: what the README and the docs say of them is printed from here."""
