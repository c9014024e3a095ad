from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from talentbank.engine import Assignment, assign

EXACT = 1e-9


@st.composite
def instances(draw: st.DrawFn, most: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, negatives, zeros and ineligible pairs, and headcounts, small enough to enumerate."""
    n, m = draw(st.integers(0, most)), draw(st.integers(0, most - 1))
    value = st.one_of(
        st.just(float("nan")),
        st.sampled_from([-1.0, -0.25, 0.0, 0.25, 0.5, 0.5, 1.0]),
        st.floats(-1, 1, allow_subnormal=False).map(lambda x: round(x, 3)),
    )
    score = draw(hnp.arrays(np.float64, (n, m), elements=value))
    capacity = draw(hnp.arrays(np.int64, (m,), elements=st.integers(0, 3)))
    return score, capacity


def all_matchings(score: np.ndarray, capacity: np.ndarray) -> list[tuple[int, float]]:
    """(people placed, total) of every feasible matching."""
    n, m = score.shape
    outcomes = []
    for choice in product(range(-1, m), repeat=n):
        taken = np.bincount([j for j in choice if j >= 0], minlength=m)
        values = [score[i, j] for i, j in enumerate(choice) if j >= 0]
        if (taken <= capacity).all() and not np.isnan(values).any():
            outcomes.append((len(values), float(sum(values))))
    return outcomes


def check_is_matching(result: Assignment, score: np.ndarray, capacity: np.ndarray) -> None:
    matched = np.flatnonzero(result.position >= 0)
    chosen = score[matched, result.position[matched]]
    taken = np.bincount(result.position[matched], minlength=len(capacity))
    assert not np.isnan(chosen).any()
    assert (taken <= capacity).all()
    assert (taken == result.filled).all()
    assert result.total == pytest.approx(chosen.sum(), abs=EXACT)


@given(instances())
def test_total_equals_brute_force(instance: tuple[np.ndarray, np.ndarray]) -> None:
    score, capacity = instance
    result = assign(score, capacity)
    check_is_matching(result, score, capacity)
    assert result.total == pytest.approx(max(total for _, total in all_matchings(score, capacity)), abs=EXACT)
    assert result.certificate < EXACT


@given(instances())
def test_placements_come_before_total(instance: tuple[np.ndarray, np.ndarray]) -> None:
    score, capacity = instance
    result = assign(score, capacity, objective="placements")
    check_is_matching(result, score, capacity)
    people, total = max(all_matchings(score, capacity))
    assert result.matched == people
    assert result.total == pytest.approx(total, abs=1e-6)
    assert result.certificate < 1e-6


@given(instances())
def test_nothing_negative_is_matched_under_objective_score(instance: tuple[np.ndarray, np.ndarray]) -> None:
    score, capacity = instance
    result = assign(score, capacity)
    matched = np.flatnonzero(result.position >= 0)
    assert (score[matched, result.position[matched]] > 0).all()


@given(instances())
def test_prices_and_surplus_prove_the_optimum(instance: tuple[np.ndarray, np.ndarray]) -> None:
    score, capacity = instance
    result = assign(score, capacity)
    assert (result.price >= 0).all()
    assert (result.surplus >= 0).all()
    slack = result.surplus[:, None] + result.price[None, :] - score
    assert not (slack < -EXACT).any()
    assert (result.price[result.filled < capacity] == 0).all()
    duality = result.surplus.sum() + (result.price * capacity).sum()
    assert duality == pytest.approx(result.total, abs=EXACT)


@given(instances())
def test_no_smaller_prices_support_the_matching(instance: tuple[np.ndarray, np.ndarray]) -> None:
    """Lowering any one of the least prices breaks the proof."""
    score, capacity = instance
    result = assign(score, capacity)
    weight = np.where(np.isnan(score), -np.inf, score)
    for j in np.flatnonzero(result.price > 1e-6):
        lower = result.price.copy()
        lower[j] -= 1e-7
        surplus = np.maximum(0, (weight - lower).max(axis=1, initial=-np.inf))
        due = np.zeros(len(score))
        for i in np.flatnonzero(result.position >= 0):
            due[i] = weight[i, result.position[i]] - lower[result.position[i]]
        assert np.abs(surplus - due).max() > EXACT


@given(instances())
def test_one_more_seat_brings_exactly_its_price(instance: tuple[np.ndarray, np.ndarray]) -> None:
    """The least price of a position is what one more seat there adds (Demange, Gale, Sotomayor 1986)."""
    score, capacity = instance
    before = assign(score, capacity)
    for j in range(len(capacity)):
        more = capacity.copy()
        more[j] += 1
        gain = assign(score, more).total - before.total
        assert gain == pytest.approx(before.price[j], abs=EXACT)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_never_worse_than_random_matchings_at_middle_size(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, m = 60, 12
    score = np.where(random.random((n, m)) < 0.4, random.normal(0.3, 0.4, (n, m)).round(6), np.nan)
    capacity = random.integers(0, 6, m)
    result = assign(score, capacity)
    check_is_matching(result, score, capacity)
    assert result.certificate < EXACT
    for _ in range(20):
        left, total = capacity.copy(), 0.0
        for i in random.permutation(n):
            open_to = [j for j in range(m) if left[j] and score[i, j] > 0]
            if open_to:
                j = random.choice(open_to)
                left[j] -= 1
                total += score[i, j]
        assert total <= result.total + EXACT


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nobody_or_nothing_gives_an_empty_matching(shape: tuple[int, int]) -> None:
    result = assign(np.zeros(shape), np.ones(shape[1], dtype=int))
    assert result.position.tolist() == [-1] * shape[0]
    assert result.price.tolist() == [0] * shape[1]
    assert (result.total, result.certificate, result.matched) == (0, 0, 0)


def test_nobody_eligible_gives_an_empty_matching() -> None:
    result = assign(np.full((3, 2), np.nan), [1, 1], objective="placements")
    assert result.position.tolist() == [-1, -1, -1]
    assert result.certificate == 0


def test_the_example_of_the_handbook() -> None:
    """Two seats, three students: the price is what the one left out would bring."""
    result = assign([[0.9], [0.7], [0.6]], [2])
    assert result.position.tolist() == [0, 0, -1]
    assert result.price.tolist() == pytest.approx([0.6])
    assert result.surplus.tolist() == pytest.approx([0.3, 0.1, 0.0])


@pytest.mark.parametrize(
    ("score", "capacity", "sentence"),
    [
        ([1.0, 2.0], [1], r"score must have shape \(n, m\)"),
        ([[1.0, float("inf")]], [1, 1], r"score\[0, 1\] is inf"),
        ([[1.0]], [1, 1], r"capacity must have shape \(1,\)"),
        ([[1.0, 1.0]], [1, -1], r"capacity\[1\] is -1"),
        ([[1.0, 1.0]], [1, 1.5], r"capacity\[1\] is 1.5"),
        ([[1.0, 1.0]], [float("nan"), 1], r"capacity\[0\] is nan"),
        ([[1.0]], ["two"], "capacity must be whole numbers"),
    ],
)
def test_bad_arguments_are_named_with_their_index(score: object, capacity: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        assign(score, capacity)  # type: ignore[arg-type]


def test_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="objective must be"):
        assign([[1.0]], [1], objective="fairness")  # type: ignore[arg-type]


def test_arguments_are_left_as_they_were() -> None:
    score, capacity = np.array([[0.5, np.nan]]), np.array([1, 1])
    kept = score.copy()
    assign(score, capacity, objective="placements")
    np.testing.assert_array_equal(score, kept)
    assert capacity.tolist() == [1, 1]
