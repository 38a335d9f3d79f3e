import math

import numpy as np
import pytest

from spcbench.numeric.event_run_length import (
    bernoulli_cusum_arl,
    bernoulli_cusum_limit,
    bernoulli_cusum_limits_of,
    poisson_cusum_arl,
    poisson_cusum_design,
    poisson_cusum_designs,
    poisson_reference,
)
from spcbench.numeric.lattice import Chain, joined, run_lengths, smallest_limit


def test_two_heads_in_a_row_take_six_throws():
    steps, chances = np.array([1, -5]), np.array([0.5, 0.5])
    # Limit 0: one head, 2 throws. Limit N: N + 1 heads, 2^(N + 2) − 2 throws.
    assert run_lengths(steps, chances, 3) == pytest.approx([2, 6, 14, 30], rel=1e-12)


def test_a_fair_walk_that_rests_at_0():
    # From 0 it takes N(N + 1)/1 … steps: the walk reflected at 0, up or stay with half.
    steps, chances = np.array([1, -1]), np.array([0.5, 0.5])
    wanted = [(limit + 1) * (limit + 2) for limit in range(6)]
    assert run_lengths(steps, chances, 5) == pytest.approx(wanted, rel=1e-12)


def test_every_limit_at_once_equals_each_alone():
    draw = np.random.default_rng(3)
    steps = np.array([-4, -1, 0, 2, 7])
    chances = draw.dirichlet(np.ones(5))
    together = run_lengths(steps, chances, 30)
    for top in (0, 1, 6, 7, 20):
        move = np.zeros((top + 1, top + 1))
        for step, chance in zip(steps, chances, strict=True):
            for state in range(top + 1):
                if state + step <= top:
                    move[state, max(state + step, 0)] += chance
        alone = np.linalg.solve(np.eye(top + 1) - move, np.ones(top + 1))[0]
        assert together[top] == pytest.approx(alone, rel=1e-10)
        assert run_lengths(steps, chances, top)[-1] == pytest.approx(alone, rel=1e-10)


def test_run_lengths_without_end_are_not_told_apart():
    lengths = run_lengths(np.array([1, -1]), np.array([0.0, 1.0]), 2)
    assert lengths[0] == pytest.approx(1e15)


def test_limits_of_two_chains():
    chains = [Chain(1.0, np.array([2.0, 8.0, 32.0]), 1.0), Chain(2.0, np.array([4.0, 64.0]), 1.0)]
    assert chains[0].limits.tolist() == [0.5, 1.5, 2.5]
    assert joined([np.array([4.0]), np.array([4.0])]) == pytest.approx([2.0])
    assert smallest_limit(chains[:1], 8.0) == 1.5
    assert smallest_limit(chains[:1], 8.1) == 2.5
    # At 1.5: 8 and 4·16^(1/4) = 8, together 4.
    assert smallest_limit(chains, 4.0) == 1.5


def simulated(moves, h, *, runs=4000):
    """Mean points until one of the sums exceeds h, and its standard error."""
    sums, found, points = np.zeros((2, runs)), [], 0
    while sums.shape[1]:
        points += 1
        sums = np.maximum(0.0, sums + moves(sums.shape[1]))
        hit = (sums > h).any(axis=0)
        found += [points] * int(hit.sum())
        sums = sums[:, ~hit]
    return np.mean(found), np.std(found) / math.sqrt(runs)


def weights(chance, ratio):
    changed = ratio * chance / (1 - chance + ratio * chance)
    return math.log(changed / chance), math.log((1 - changed) / (1 - chance))


@pytest.mark.parametrize(
    ("chance", "ratio", "h", "side"),
    [
        (0.1, 2.0, 3.0, "rising"),
        (0.3, 2.0, 3.0, "both"),
        (0.9, 4.0, 2.5, "falling"),
        (0.5, 1.5, 2.0, "rising"),
        (0.02, 4.0, 2.0, "rising"),
    ],
)
def test_cases_one_by_one_as_simulated(chance, ratio, h, side):
    draw = np.random.default_rng(11)
    up, down = weights(chance, ratio), weights(1 - chance, ratio)

    def moves(runs):
        event = draw.random(runs) < chance
        upward, downward = np.where(event, *up), np.where(event, down[1], down[0])
        return np.stack(
            [
                upward if side != "falling" else np.full(runs, -1.0),
                downward if side != "rising" else np.full(runs, -1.0),
            ]
        )

    mean, error = simulated(moves, h)
    ours = bernoulli_cusum_arl(chance, h, odds_ratio=ratio, side=side)
    assert abs(mean - ours) < 3 * error + 0.04 * ours  # sums on a lattice close by


def test_cases_fifty_at_a_time_as_simulated():
    draw = np.random.default_rng(12)
    with_event, without = weights(0.1, 2.0)

    def moves(runs):
        events = draw.binomial(50, 0.1, runs)
        return np.stack([events * with_event + (50 - events) * without, np.full(runs, -1.0)])

    mean, error = simulated(moves, 3.0)
    ours = bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, side="rising", cases=50)
    assert abs(50 * mean - ours) < 150 * error + 0.04 * ours
    # Looked at less often, a stable series signals more seldom.
    assert ours > bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, side="rising")


def test_rising_events_are_falling_cases_without():
    rising = bernoulli_cusum_arl(0.2, 3.0, odds_ratio=2.0, side="rising")
    assert bernoulli_cusum_arl(0.8, 3.0, odds_ratio=2.0, side="falling") == pytest.approx(rising)


@pytest.mark.parametrize("side", ["rising", "falling"])
def test_run_lengths_in_events_settle_as_events_grow_rare(side):
    lengths = [
        chance * bernoulli_cusum_arl(chance, 3.0, odds_ratio=2.0, side=side)
        for chance in (0.01, 1e-3, 1e-6)
    ]
    assert lengths == pytest.approx([lengths[-1]] * 3, rel=0.03)
    periods = [
        mean * poisson_cusum_arl(mean, 1.5, reference=mean / math.log(2))
        for mean in (0.01, 1e-4, 1e-6)
    ]
    assert periods == pytest.approx([periods[-1]] * 3, rel=0.03)


def test_a_changed_chance_is_found_soon():
    stable = bernoulli_cusum_arl(0.1, 3.5, odds_ratio=2.0, side="rising")
    doubled = bernoulli_cusum_arl(0.1, 3.5, odds_ratio=2.0, side="rising", now=0.1818)
    assert doubled < stable / 10


@pytest.mark.parametrize("side", ["rising", "falling", "both"])
@pytest.mark.parametrize("chance", [1e-5, 0.004, 0.035, 0.5, 0.93, 0.9999])
def test_limits_of_cases_reach_the_run_length(chance, side):
    # Fewer cases than a few for every event, or for every case without, teach nothing.
    arl0 = max(5000.0, 5.0 / min(chance, 1.0 - chance))
    for ratio in (1.5, 2.0):
        h = bernoulli_cusum_limit(arl0, chance=chance, odds_ratio=ratio, side=side)
        length = bernoulli_cusum_arl(chance, h, odds_ratio=ratio, side=side)
        # The lattice is made for the limit, and here for another one.
        assert length > 0.96 * arl0
        if 0.01 < chance < 0.99:
            assert length < 1.06 * arl0
        # Lorden: at least e^h points.
        assert h <= math.log(2 * arl0)


def test_many_chances_at_once_are_near_each_alone():
    chances = np.random.default_rng(2).uniform(0.005, 0.995, 25)
    many = bernoulli_cusum_limits_of(chances, arl0=2000.0, odds_ratio=2.0)
    one = [bernoulli_cusum_limit(2000.0, chance=chance, odds_ratio=2.0) for chance in chances]
    np.testing.assert_allclose(many, one, atol=0.04)
    alone = [
        bernoulli_cusum_limits_of(chances[[at]], arl0=2000.0, odds_ratio=2.0)[0] for at in range(25)
    ]
    assert many.tolist() == alone


def test_no_chance_no_limit():
    chances = np.array([0.0, 1.0, np.nan])
    assert np.isnan(bernoulli_cusum_limits_of(chances, arl0=100.0, odds_ratio=2.0)).all()
    none = poisson_cusum_designs(np.array([0.0, np.nan]), arl0=100.0, ratio=2.0)
    assert np.isnan(none.limit).all()
    assert np.isnan(none.reference).all()


def test_the_reference_of_counts():
    # (1 − 0.5)/(ln 1 − ln 0.5) = 0.5/ln 2
    assert poisson_reference(np.array([0.5]), ratio=2.0) == pytest.approx([0.5 / math.log(2)])


def counted(draw, mean, reference):
    return lambda runs: np.stack([draw.poisson(mean, runs) - reference, np.full(runs, -1.0)])


@pytest.mark.parametrize(
    ("mean", "h", "reference"), [(0.5, 3.0, 0.7213), (0.05, 1.5, 0.07), (5, 4.1, 7.2)]
)
def test_counts_as_simulated(mean, h, reference):
    draw = np.random.default_rng(13)
    average, error = simulated(counted(draw, mean, reference), h)
    assert abs(average - poisson_cusum_arl(mean, h, reference=reference)) < 3 * error


@pytest.mark.parametrize("mean", [0.011, 0.3, 1.3838, 4.85, 12.1])
def test_designs_for_counts_reach_the_run_length(mean):
    draw = np.random.default_rng(14)
    design = poisson_cusum_design(100.0, mean=mean, ratio=2.0)
    assert design.reference == pytest.approx(mean / math.log(2), rel=2e-3)
    average, error = simulated(counted(draw, mean, design.reference), design.limit)
    assert average > 100 - 3 * error
    # No smaller limit would do: two units less, and the run length is too short.
    shorter = poisson_cusum_arl(mean, float(design.limit) - 0.05, reference=float(design.reference))
    assert shorter < 100.5


@pytest.mark.parametrize("arl0", [20.0, 100.0])
def test_levels_of_the_maternity_signals(arl0):
    # A site that expects one death in five months; a doubling is looked for.
    design = poisson_cusum_design(arl0, mean=0.2, ratio=2.0)
    draw = np.random.default_rng(15)
    average, error = simulated(counted(draw, 0.2, design.reference), design.limit)
    assert arl0 - 3 * error < average < 1.25 * arl0


def test_where_an_event_is_rarer_than_a_false_signal_may_be_any_event_signals():
    design = poisson_cusum_design(100.0, mean=0.005, ratio=2.0)
    assert design.limit < 0.01
    # Nor does it pass the mean that counts so large cannot signal by chance.
    large = poisson_cusum_design(100.0, mean=500.0, ratio=2.0)
    assert 0 < large.limit < 0.05


def test_many_means_at_once():
    means = np.exp(np.random.default_rng(4).uniform(-4, 2, 20))
    many = poisson_cusum_designs(means, arl0=100.0, ratio=2.0)
    for at, mean in enumerate(means.tolist()):
        alone = poisson_cusum_designs(means[[at]], arl0=100.0, ratio=2.0)
        assert alone.limit[0] == many.limit[at]
        reference = float(many.reference[at])
        assert 0.997 < reference / (mean / math.log(2)) < 1.0125
        length = poisson_cusum_arl(mean, float(many.limit[at]), reference=reference)
        assert length > 99.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bernoulli_cusum_arl(0.0, 3.0, odds_ratio=2.0), "between 0 and 1, not at 0"),
        (lambda: bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, now=1.0), "0 and 1, not at 1"),
        (lambda: bernoulli_cusum_arl(0.1, 3.0, odds_ratio=1.0), "odds ratio must be above 1"),
        (lambda: bernoulli_cusum_arl(0.1, 0.0, odds_ratio=2.0), "h must be above 0"),
        (lambda: bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, cases=0), "cases at least 1"),
        (lambda: bernoulli_cusum_arl(0.1, 3.0, odds_ratio=2.0, side="up"), "not 'up'"),
        (lambda: bernoulli_cusum_limit(1.0, chance=0.1, odds_ratio=2.0), "must be above 1"),
        (lambda: poisson_cusum_arl(0.0, 3.0, reference=1.0), "not 0, 3 and 1"),
        (lambda: poisson_cusum_design(100.0, mean=0.0, ratio=2.0), "mean of events"),
        (lambda: poisson_cusum_design(100.0, mean=1.0, ratio=1.0), "ratio of means"),
        (lambda: poisson_cusum_design(1.0, mean=1.0, ratio=2.0), "average run length"),
    ],
)
def test_what_is_out_of_range_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
