"""Actions: what can be done about an incident, one declarative template a file.

- `base`: what a template declares
- `documentation`: the page of all of them
- `add_courier_supply`, `increase_eta_buffer`, `monitor_only`, `reduce_batching_threshold`,
  `restore_preparation`, `retrain_eta_model`, `revert_policy`, `roll_back_eta_model`,
  `suppress_low_confidence_skus`, `throttle_store_intake`

A new action is a new file and a line in `ACTIONS`; `docs/actions.md` is generated from the templates.
"""

from collections.abc import Mapping
from typing import Final

from tools.actions import (
    add_courier_supply,
    increase_eta_buffer,
    monitor_only,
    reduce_batching_threshold,
    restore_preparation,
    retrain_eta_model,
    revert_policy,
    roll_back_eta_model,
    suppress_low_confidence_skus,
    throttle_store_intake,
)
from tools.actions.base import Action

ACTIONS: Final[Mapping[str, Action]] = {
    action.id: action
    for action in (
        reduce_batching_threshold.ACTION,
        revert_policy.ACTION,
        roll_back_eta_model.ACTION,
        retrain_eta_model.ACTION,
        add_courier_supply.ACTION,
        restore_preparation.ACTION,
        throttle_store_intake.ACTION,
        suppress_low_confidence_skus.ACTION,
        increase_eta_buffer.ACTION,
        monitor_only.ACTION,
    )
}

MONITOR: Final = monitor_only.ACTION

__all__ = ["ACTIONS", "MONITOR", "Action"]
