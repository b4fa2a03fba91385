import json
from datetime import UTC, datetime, timedelta

from data.slices import Slice
from data.world import decoys

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
END = BEGIN + timedelta(days=35)
ONSET = BEGIN + timedelta(days=30)


def changes(seed: int) -> tuple[decoys.PolicyChange, ...]:
    return decoys.draw(seed=seed, begin=BEGIN, end=END, onset=ONSET)


def test_every_world_has_some_and_one_falls_close_to_the_onset() -> None:
    for seed in range(40):
        found = changes(seed)
        assert 6 <= len(found) <= 12
        assert all(BEGIN <= change.changed_at <= END for change in found)
        assert any(abs(change.changed_at - ONSET) <= timedelta(hours=41) for change in found)


def test_scopes_are_slices() -> None:
    scopes = [Slice.parse(json.loads(change.scope)) for seed in range(40) for change in changes(seed)]
    assert any(scope.hour for scope in scopes)
    assert any(not scope.values for scope in scopes)


def test_a_decoy_on_the_threshold_changes_nothing() -> None:
    found = [c for seed in range(60) for c in changes(seed) if c.policy == "batching_threshold"]
    assert found
    assert all(change.old_value == change.new_value for change in found)
