"""The event loop against closed forms of queueing theory, and what must hold of any queue."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tools.dispatch import kernel
from tools.dispatch.draws import Draws, draw
from tools.dispatch.kernel import UNLIMITED, Dispatched, Floats, Orders, Rules, dispatch

PLAIN = Rules(service_s=1.0, saving=0.0)


def erlang_c(load: float, servers: int) -> float:
    """Probability to wait in M/M/c at an offered load of so many busy servers."""
    inverse = sum(
        math.exp(math.lgamma(servers + 1) - math.lgamma(k + 1) + (k - servers) * math.log(load))
        for k in range(servers)
    )
    return 1 / (1 + inverse * (1 - load / servers))


def alone(arrival: Floats, couriers: int, draws: Draws) -> Dispatched:
    n = len(arrival)
    one = np.ones(n, np.int64)
    return dispatch(Orders(arrival, 0 * one, couriers * one, one, np.zeros(n)), draws, PLAIN)


@pytest.mark.parametrize(
    ("rate", "servers", "waits", "wait"),
    [(0.8, 1, 0.8, 4.0), (4.0, 5, 0.5541, 0.5541), (18.0, 20, 0.5508, 0.2754)],
)
def test_without_batches_it_is_the_queue_mmc(rate: float, servers: int, waits: float, wait: float) -> None:
    assert erlang_c(rate, servers) == pytest.approx(waits, rel=1e-3)
    assert waits / (servers - rate) == pytest.approx(wait, rel=1e-3)
    n, runs = 200_000, 40
    found, known = np.empty((runs, 2)), np.empty((runs, 4))
    for run in range(runs):
        gaps, draws = np.random.default_rng([3, run]).exponential(1.0, n), draw(n, seed=run)
        queue = alone(np.cumsum(gaps) / rate, servers, draws).queue_s
        found[run] = queue.mean(), (queue > 0).mean()
        for at, drawn in enumerate((gaps, draws.service_e)):
            known[run, 2 * at : 2 * at + 2] = drawn.mean() - 1, (drawn**2).mean() / 2 - 1
    # Control variates: what was drawn has a mean that is known, and the queue moves with it.
    without_chance = np.linalg.lstsq(np.column_stack([np.ones(runs), known]), found, rcond=None)[0][0]
    assert without_chance == pytest.approx([wait, waits], rel=0.02)


times = arrays(np.float64, st.shared(st.integers(1, 60), key="n"), elements=st.floats(0, 5000))
uniforms = arrays(np.float64, st.shared(st.integers(1, 60), key="n"), elements=st.floats(0, 0.999))
online = arrays(np.int64, st.shared(st.integers(1, 60), key="n"), elements=st.integers(1, 6))


@given(
    times=times,
    couriers=online,
    extra=st.integers(0, 3),
    scale=st.floats(1, 2),
    u=uniforms,
    threshold=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_more_couriers_never_make_an_order_wait_longer(
    times: Floats, couriers: kernel.Ints, extra: int, scale: float, u: Floats, threshold: int, seed: int
) -> None:
    n = len(times)
    draws = draw(n, seed=seed)
    shift = np.sort((u * 3).astype(np.int64))
    arrival = times[np.lexsort((times, shift))]
    rules = Rules(service_s=900.0, saving=0.5)

    def queue(number: kernel.Ints) -> Floats:
        orders = Orders(arrival, shift, number, np.full(n, threshold, np.int64), np.full(n, 0.5))
        return dispatch(orders, draws, rules).queue_s

    assert np.all(queue(extra + np.floor(couriers * scale).astype(np.int64)) <= queue(couriers) + 1e-6)


@given(times=times, u=uniforms, threshold=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_batches_keep_to_the_threshold_the_window_and_the_shift(
    times: Floats, u: Floats, threshold: int, seed: int
) -> None:
    n = len(times)
    shift = np.sort((u * 3).astype(np.int64))
    arrival = times[np.lexsort((times, shift))]
    limit = np.full(n, threshold, np.int64)
    orders = Orders(arrival, shift, np.full(n, UNLIMITED), limit, np.full(n, 0.6))
    found = dispatch(orders, draw(n, seed=seed), Rules(service_s=900.0, saving=0.5, window_s=600.0))
    leader = found.leader
    assert found.size.max() <= threshold
    assert np.array_equal(found.size, np.bincount(leader, minlength=n)[leader])
    assert np.all(shift[leader] == shift)
    assert np.all((arrival - arrival[leader] >= 0) & (arrival - arrival[leader] <= 600.0))
    assert np.all(found.queue_s == 0)
    assert np.all((found.busy_s > 0) == (leader == np.arange(n)))


def test_the_compiled_loop_is_the_python_loop() -> None:
    n = 300
    rng = np.random.default_rng(5)
    arrival = np.sort(rng.uniform(0, 8 * 3600, n))
    draws = draw(n, seed=5)
    shift, couriers = (arrival > 4 * 3600).astype(np.int64), rng.integers(1, 8, n)
    orders = Orders(arrival, shift, couriers, np.full(n, 4), np.full(n, 0.5))
    rules = Rules(service_s=1200.0, saving=0.5, lean=0.5)
    plain = kernel._walk(
        arrival,
        shift,
        couriers,
        orders.threshold,
        draws.batched_u < 0.5,
        draws.size_u,
        draws.service_e,
        (rules.service_s, rules.saving, rules.lean, rules.window_s),
    )
    for compiled, python in zip(dispatch(orders, draws, rules), plain, strict=True):
        np.testing.assert_allclose(compiled, python, rtol=1e-12)


def test_batches_lean_to_the_threshold_as_told() -> None:
    n = 20_000
    orders = Orders(
        np.arange(n, dtype=np.float64),
        np.zeros(n, np.int64),
        np.full(n, UNLIMITED),
        np.full(n, 4),
        np.ones(n),
    )
    even, leaning = (
        np.bincount(dispatch(orders, draw(n, seed=1), Rules(1.0, 0.5, lean=lean)).size[::1], minlength=5)
        for lean in (0.0, 2.0)
    )
    trips = even[2:] / np.arange(2, 5)
    assert trips / trips.sum() == pytest.approx([1 / 3] * 3, abs=0.02)
    trips = leaning[2:] / np.arange(2, 5)
    assert trips / trips.sum() == pytest.approx(np.array([1, 4, 9]) / 14, abs=0.02)


def test_draws_repeat_and_differ_by_replication() -> None:
    first, again, other = draw(50, seed=3), draw(50, seed=3), draw(50, seed=3, replication=1)
    assert np.array_equal(first.prep_n, again.prep_n)
    assert not np.array_equal(first.prep_n, other.prep_n)
    chosen = np.arange(50) % 2 == 0
    assert np.array_equal(first.of(chosen).cancel_u, first.cancel_u[chosen])


@pytest.mark.slow
def test_where_no_folder_can_be_written_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    njit = numba.njit

    def read_only(function: object, *, cache: bool = False, nogil: bool = False) -> object:
        if cache:
            raise RuntimeError("cannot cache function '_walk': no locator available for file 'kernel.py'")
        return njit(function, nogil=nogil)

    monkeypatch.setattr(numba, "njit", read_only)
    kernel._compiled.cache_clear()
    try:
        assert alone(np.zeros(3), 1, draw(3, seed=1)).queue_s[2] > 0
    finally:
        kernel._compiled.cache_clear()
