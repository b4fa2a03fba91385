"""Detection on published data; skipped where they are not on this machine."""

from datetime import UTC, datetime

from tests.data.test_real_data import flights, pytestmark
from tools.detection import detect

__all__ = ["pytestmark"]

STORM = (datetime(2013, 2, 8, 15, tzinfo=UTC), datetime(2013, 2, 8, 19, tzinfo=UTC))
"""8 February, 10:00 (a quarter of the departures are cancelled) to 14:00 (half of them, soon all) in New York."""


def test_the_snowstorm_of_february_is_found_without_being_told() -> None:
    found = detect(flights().at(datetime(2013, 2, 12, 12, tzinfo=UTC))).incidents

    storms = [
        one for one in found if one.metric == "cancellation" and STORM[0] <= one.window.start <= STORM[1]
    ]
    assert len(storms) == 1
    assert not storms[0].slice.values
    assert storms[0].current > 0.4
