"""Evals: simulated cases, scorers, the runner, and training of the confidence model."""
