"""Importing this registers every tool of diagnosis."""

from tools import (
    challenge,
    changes_in_scope,
    completeness,
    context_overlap,
    drivers,
    lag_correlation,
    mechanism_paths,
    mechanism_shapley,
    mechanism_shift,
    mix_effect,
    onset_order,
    outcome_shift,
    policy_effect,
    promise_shift,
    stock_shift,
    supply_shift,
    volume_shift,
)

TOOLS = (
    challenge.challenge,
    changes_in_scope.changes_in_scope,
    completeness.completeness,
    context_overlap.context_overlap,
    drivers.drivers,
    lag_correlation.lag_correlation,
    mechanism_paths.mechanism_paths,
    mechanism_shapley.mechanism_shapley,
    mechanism_shift.mechanism_shift,
    mix_effect.mix_effect,
    onset_order.onset_order,
    outcome_shift.outcome_shift,
    policy_effect.policy_effect,
    promise_shift.promise_shift,
    stock_shift.stock_shift,
    supply_shift.supply_shift,
    volume_shift.volume_shift,
)
"""The tool functions, by name."""
