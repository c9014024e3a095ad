"""The matcher: exact in whole numbers, proven, the same whatever the order of the rows."""

import gzip
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from talentbank.engine import UNIT, Policy, Problem, Result, Stopped, Wishes, assign, entry_prices, solve
from talentbank.engine import assignment as matcher
from tests.benchmarks.instances import CASES, market
from tests.engine.strategies import best, matchings, policies, problems, scores_of, worth

ORLIB = Path(__file__).parent / "orlib"


@pytest.fixture(params=["one matrix", "the few that matter"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two ways that a market can go."""
    if request.param == "the few that matter":
        monkeypatch.setattr(matcher, "SMALL", -1)
        monkeypatch.setattr(matcher.optimum, "FIRST_PAIRS", 1)


@st.composite
def middling(draw: st.DrawFn) -> tuple[Problem, Policy]:
    """Markets of some dozens, with wishes, under any policy."""
    seed = draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    n, m = draw(st.integers(2, 90)), draw(st.integers(2, 25))
    problem = market(n, m, m + draw(st.integers(0, 60)), seed)
    if draw(st.booleans()):
        problem = replace(problem, claimed=np.minimum(problem.claimed, 1), verified=np.minimum(problem.verified, 1))
    count = draw(st.integers(0, n))
    pairs = random.permutation(n * m)[:count]
    wishes = Wishes(pairs // m, pairs % m, random.choice([0.2, 0.6, 1.0], count))
    return replace(problem, by_student=wishes), draw(policies)


def check_proof(problem: Problem, policy: Policy, result: Result) -> None:
    """Feasible, and paid for: the conditions of DESIGN.md section 4, in whole numbers."""
    score = scores_of(problem, policy)
    matched = np.flatnonzero(result.position >= 0)
    assert all(score[i, int(result.position[i])] == result.score[i] for i in matched)
    assert result.filled.tolist() == np.bincount(result.position[matched], minlength=problem.positions).tolist()
    assert (result.filled <= problem.headcount).all()
    assert result.total == result.score.sum()
    assert min(result.price.min(initial=0), result.surplus.min(initial=0)) >= 0
    for (i, j), units in score.items():
        if units or policy.objective == "placements":
            assert result.surplus[i] + result.price[j] >= units + result.bonus
    paid = int(result.surplus.sum()) + int((result.price * problem.headcount).sum())
    assert paid == result.total + result.bonus * result.matched
    assert result.certificate == 0


@pytest.mark.usefixtures("way")
@settings(max_examples=60)
@given(problems(), policies)
def test_no_matching_is_better_by_brute_force(problem: Problem, policy: Policy) -> None:
    result = solve(problem, policy)
    assert worth(problem, policy, tuple(result.position.tolist())) == best(problem, policy)
    check_proof(problem, policy, result)


@settings(max_examples=40)
@given(middling())
def test_both_ways_give_the_same_pairs_prices_and_counts(drawn: tuple[Problem, Policy]) -> None:
    problem, policy = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matcher, "SMALL", 10**9)
        dense = solve(problem, policy)
        patch.setattr(matcher, "SMALL", -1)
        sparse = solve(problem, policy)
    check_proof(problem, policy, sparse)
    for name in ("position", "score", "price", "surplus", "filled", "eligible"):
        assert getattr(dense, name).tolist() == getattr(sparse, name).tolist(), name


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_totals_are_those_of_linear_sum_assignment_at_middle_sizes(seed: int) -> None:
    problem = market(200, 40, 120, seed)
    score = np.zeros((problem.students, problem.positions), np.int64)
    for (i, j), units in scores_of(problem, Policy()).items():
        score[i, j] = units
    column = np.repeat(np.arange(problem.positions), problem.headcount)
    rows, columns = linear_sum_assignment(score[:, column], maximize=True)
    assert solve(problem).total == score[rows, column[columns]].sum()


@pytest.mark.usefixtures("way")
@settings(max_examples=40)
@given(problems(students=6, positions=5), policies, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_changes_nothing(problem: Problem, policy: Policy, random: Any) -> None:
    rows, columns = list(range(problem.students)), list(range(problem.positions))
    random.shuffle(rows)
    random.shuffle(columns)
    turned = shuffled(problem, rows, columns)
    assert turned.digest == problem.digest
    first, second = solve(problem, policy), solve(turned, policy)
    at = np.append(np.argsort(columns), -1) if columns else np.array([-1])
    assert at[first.position[rows]].tolist() == second.position.tolist()
    assert first.price[columns].tolist() == second.price.tolist()
    assert first.surplus[rows].tolist() == second.surplus.tolist()
    assert first.eligible[columns].tolist() == second.eligible.tolist()


def shuffled(problem: Problem, rows: list[int], columns: list[int]) -> Problem:
    """The same problem in another order."""
    row_of, column_of = np.argsort(rows).astype(np.int64), np.argsort(columns).astype(np.int64)
    changed: dict[str, Any] = {
        "student_ids": tuple(problem.student_ids[i] for i in rows),
        "university": tuple(problem.university[i] for i in rows),
        "position_ids": tuple(problem.position_ids[j] for j in columns),
        "enterprise": tuple(problem.enterprise[j] for j in columns),
        "ruled_out": np.column_stack([row_of[problem.ruled_out[:, 0]], column_of[problem.ruled_out[:, 1]]]),
    }
    for side in ("by_student", "by_enterprise"):
        wishes = getattr(problem, side)
        changed[side] = Wishes(row_of[wishes.student], column_of[wishes.position], wishes.value)
    for entry in fields(problem):
        value = getattr(problem, entry.name)
        if entry.name not in changed and isinstance(value, np.ndarray):
            of_students = entry.name in (
                "claimed",
                "verified",
                "takes_category",
                "takes_city",
                "min_salary",
                "available",
            )
            changed[entry.name] = value[rows if of_students else columns]
    return replace(problem, **changed)


@given(problems(), policies)
def test_the_draw_gives_each_in_turn_the_best_that_the_optimum_still_allows(problem: Problem, policy: Policy) -> None:
    """Serial dictatorship over all optimal matchings, in the order of the lottery, by brute force."""
    optimal = best(problem, policy)
    left = [choice for choice in matchings(problem, policy) if worth(problem, policy, choice) == optimal]
    score = scores_of(problem, policy)
    turn = matcher.draw.lottery(policy.seed, "student", problem.student_ids)
    rank = matcher.draw.lottery(policy.seed, "position", problem.position_ids)
    for i in np.argsort(turn).tolist():
        liked = max(
            {choice[i] for choice in left},
            key=lambda j, i=i: (j >= 0, score.get((i, j), 0), -rank[j] if j >= 0 else 0),
        )
        left = [choice for choice in left if choice[i] == liked]
    assert left == [tuple(solve(problem, policy).position.tolist())]


def test_nobody_gains_by_an_early_id() -> None:
    """Two who are alike and one seat: each wins under about half of the seeds."""
    problem = market(2, 1, 1)
    alike = replace(problem, **CASES["all alike on both sides"](problem))
    wins = [int(solve(alike, Policy(seed=str(seed))).position[0] == 0) for seed in range(100)]
    assert 30 < sum(wins) < 70


@pytest.mark.usefixtures("way")
@settings(max_examples=40)
@given(problems(least=1), policies)
def test_prices_are_what_one_seat_more_adds_and_entry_prices_what_one_less_takes(
    problem: Problem, policy: Policy
) -> None:
    """Least and greatest duals (G. Demange, D. Gale, M. Sotomayor 1986); beyond a seat for everybody nothing adds."""

    def objective(headcount: np.ndarray) -> int:
        changed = replace(problem, headcount=headcount)
        result = solve(changed, policy)
        return result.total + before.bonus * result.matched

    before = solve(problem, policy)
    reached = objective(problem.headcount)
    entry = entry_prices(problem, before)
    for j in range(problem.positions):
        step = np.eye(problem.positions, dtype=np.int64)[j]
        assert objective(problem.headcount + step) - reached == before.price[j]
        if problem.headcount[j]:
            assert reached - objective(problem.headcount - step) == entry[j]
        assert entry[j] >= before.price[j]


@pytest.mark.parametrize(("size", "seed"), [((8, 4, 8), 244), ((12, 5, 12), 240), ((30, 8, 30), 268)])
def test_entry_prices_stand_on_pairs_that_the_draw_took_from_beyond_the_few(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int, int], seed: int
) -> None:
    base = market(*size, seed)
    levels = {name: np.minimum(getattr(base, name), 1) for name in ("claimed", "verified")}
    problem = replace(base, **CASES["everyone eligible"](base), **levels)
    monkeypatch.setattr(matcher, "SMALL", -1)
    monkeypatch.setattr(matcher.optimum, "FIRST_PAIRS", 1)
    result = solve(problem)
    fewer = [solve(replace(problem, headcount=problem.headcount - one)) for one in np.eye(size[1], dtype=np.int64)]
    assert entry_prices(problem, result).tolist() == [result.total - other.total for other in fewer]


@settings(max_examples=30)
@given(problems(students=6, positions=5, least=1), policies, st.data())
def test_a_what_if_from_a_result_is_what_it_is_from_the_start(
    problem: Problem, policy: Policy, data: st.DataObject
) -> None:
    other = data.draw(policies)
    pairs = st.tuples(st.sampled_from(problem.student_ids), st.sampled_from(problem.position_ids or ("",)))
    if problem.positions:
        other = replace(other, banned=tuple(data.draw(st.lists(pairs, max_size=3))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matcher, "SMALL", -1)
        patch.setattr(matcher.optimum, "FIRST_PAIRS", data.draw(st.sampled_from([1, 2, 16])))
        first = solve(problem, policy)
        again, anew = solve(problem, other, near=first), solve(problem, other)
    for name in ("position", "score", "price", "surplus", "filled", "eligible"):
        assert getattr(again, name).tolist() == getattr(anew, name).tolist(), name
    assert (again.total, again.certificate) == (anew.total, 0)


@settings(max_examples=15)
@given(middling(), st.sampled_from([(0.5, 0.5, 0.0), (0.9, 0.1, 0.0), (0.2, 0.8, 0.0)]))
def test_other_weights_from_a_result_are_as_exact(drawn: tuple[Problem, Policy], weights: tuple[float, ...]) -> None:
    problem, policy = drawn
    other = replace(policy, weights=weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matcher, "SMALL", -1)
        patch.setattr(matcher.optimum, "FIRST_PAIRS", 2)
        again, anew = solve(problem, other, near=solve(problem, policy)), solve(problem, other)
    assert again.position.tolist() == anew.position.tolist()
    assert again.price.tolist() == anew.price.tolist()
    assert again.eligible.tolist() == anew.eligible.tolist()


@given(problems(least=1), policies, st.data())
def test_pinned_pairs_hold_and_banned_ones_never_do(problem: Problem, policy: Policy, data: st.DataObject) -> None:
    eligible = sorted(scores_of(problem, policy))
    seats = problem.headcount.tolist()
    pins, bans = [], []
    for i, j in data.draw(st.permutations(eligible))[:4]:
        if seats[j] and i not in dict(pins):
            pins.append((i, j))
            seats[j] -= 1
        elif (i, j) not in pins:
            bans.append((i, j))
    named = [tuple((problem.student_ids[i], problem.position_ids[j]) for i, j in some) for some in (pins, bans)]
    policy = replace(policy, pinned=named[0], banned=named[1])
    result = solve(problem, policy)
    assert all(result.position[i] == j for i, j in pins)
    assert not any(result.position[i] == j for i, j in bans)
    assert worth(problem, policy, tuple(result.position.tolist())) == best(problem, policy)
    assert result.certificate == 0


@pytest.mark.parametrize("case", CASES)
def test_odd_markets_are_proven_too(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = market(120, 30, 70)
    problem = replace(base, **CASES[case](base))
    monkeypatch.setattr(matcher, "SMALL", -1)
    monkeypatch.setattr(matcher.optimum, "FEWEST", 2)
    result = solve(problem)
    check_proof(problem, Policy(), result)
    assert result.total == solve(problem, near=result).total


@pytest.mark.parametrize("name", ["assign200", "assign500", "assignp1500"])
def test_published_problems_have_their_published_optima(name: str) -> None:
    """J. E. Beasley, OR-Library; minimised there."""
    numbers = np.array(gzip.decompress((ORLIB / f"{name}.txt.gz").read_bytes()).split(), np.int64)
    n, rest = int(numbers[0]), numbers[1:]
    score = np.full((n, n), np.nan)
    if len(rest) == n * n:
        score = 10_000.0 - rest.reshape(n, n)
    else:
        i, j, cost = rest.reshape(-1, 3).T
        score[i - 1, j - 1] = 10_000 - cost
    result = assign(score, np.ones(n, np.int64))
    optima = dict(line.split() for line in (ORLIB / "optima.txt").read_text().splitlines())
    assert (result.matched, result.certificate) == (n, 0)
    assert 10_000 * n - result.total == int(optima[name])


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 5), st.integers(0, 4)),
        elements=st.one_of(st.just(float("nan")), st.sampled_from([-1.0, -0.25, 0.0, 0.25, 0.5, 1.0])),
    ),
    st.integers(1, 50),
    st.sampled_from(["score", "placements"]),
)
def test_scaling_scores_scales_total_and_prices(score: np.ndarray, by: int, objective: Any) -> None:
    capacity = np.arange(score.shape[1]) % 3
    one, many = assign(score, capacity, objective=objective), assign(score * by, capacity, objective=objective)
    assert many.position.tolist() == one.position.tolist()
    assert many.total == pytest.approx(one.total * by, abs=1e-9)
    if objective == "score":
        assert many.price.tolist() == pytest.approx((one.price * by).tolist(), abs=1e-9)


@pytest.mark.parametrize("small", [-1, 10**9])
@given(
    score=hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 5), st.integers(0, 4)),
        elements=st.one_of(st.just(float("nan")), st.integers(-(10**6), 10**6).map(lambda x: x / UNIT)),
    ),
    objective=st.sampled_from(["score", "placements"]),
)
def test_the_small_door_leads_to_the_same(small: int, score: np.ndarray, objective: Any) -> None:
    capacity = np.arange(1, score.shape[1] + 1) % 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matcher, "SMALL", small)
        result = assign(score, capacity, objective=objective)
    column = np.repeat(np.arange(score.shape[1]), capacity)
    weight = np.nan_to_num(np.maximum(score + result.bonus, 0))[:, column]
    rows, columns = linear_sum_assignment(weight, maximize=True)
    assert result.total + result.bonus * result.matched == pytest.approx(weight[rows, columns].sum(), abs=1e-6)
    assert result.certificate == 0
    if objective == "score":
        matched = np.flatnonzero(result.position >= 0)
        assert (score[matched, result.position[matched]] > 0).all()


def test_the_example_of_the_handbook() -> None:
    """Two seats, three students: the price is what the one left out would bring."""
    result = assign([[0.9], [0.7], [0.6]], [2])
    assert result.position.tolist() == [0, 0, -1]
    assert result.price.tolist() == [0.6]
    assert result.surplus.tolist() == pytest.approx([0.3, 0.1, 0.0])


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nobody_or_nothing_gives_an_empty_matching(shape: tuple[int, int]) -> None:
    result = assign(np.zeros(shape), np.ones(shape[1], dtype=int))
    assert result.position.tolist() == [-1] * shape[0]
    assert result.price.tolist() == [0] * shape[1]
    assert (result.total, result.certificate, result.matched) == (0, 0, 0)


def test_progress_tells_every_phase_and_never_goes_back() -> None:
    told: list[tuple[str, float]] = []
    solve(market(900, 900, 950), progress=lambda phase, share: told.append((phase, share)))
    phases = [phase for phase, _ in told]
    assert list(dict.fromkeys(phases)) == ["prices", "pairs", "seats", "check", "draw"]
    assert all(0 <= share <= 1 for _, share in told)
    assert told[-1] == ("draw", 1)


def test_progress_can_stop_at_any_word_and_leaves_no_result() -> None:
    problem = market(900, 900, 950)
    words = 0

    def count(_: str, __: float) -> None:
        nonlocal words
        words += 1

    whole = solve(problem, progress=count)
    for last in range(0, words, 7):
        heard = iter(range(words))
        with pytest.raises(Stopped):
            solve(problem, progress=lambda *_, last=last, heard=heard: next(heard) < last)
    assert solve(problem).position.tolist() == whole.position.tolist()


def test_a_result_of_another_problem_is_refused_to_begin_with() -> None:
    with pytest.raises(ValueError, match="near is a result of 90 students and 30 positions"):
        solve(market(100, 30, 60), near=solve(market(90, 30, 60)))


def test_arguments_are_left_as_they_were() -> None:
    score, capacity = np.array([[0.5, np.nan]]), np.array([1, 1])
    kept = score.copy()
    assign(score, capacity, objective="placements")
    np.testing.assert_array_equal(score, kept)
    assert capacity.tolist() == [1, 1]
    headcount = np.array([3])
    replace(market(5, 1, 2), headcount=headcount)
    headcount[0] = 4


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
        ([[1e300]], [1], "score is too large"),
    ],
)
def test_bad_scores_are_named_with_their_index(score: Any, capacity: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        assign(score, capacity)


def test_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="objective must be"):
        assign([[1.0]], [1], objective="fairness")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trust": float("nan")}, "trust must be between 0 and 1, not nan"),
        ({"weights": (0.5, 0.25, 0.125)}, "weights must sum to 1, not to 0.875"),
        ({"weights": (1.0, float("inf"), 0.0)}, r"weights\[1\] is inf"),
        ({"weights": (1.0, 0.0)}, "weights must be three numbers"),
        ({"min_score": float("inf")}, "min_score must be a finite number"),
        ({"pinned": (("s0", "nowhere"),)}, r"pinned\[0\] is \('s0', 'nowhere'\): there is no such"),
        ({"banned": (("nobody", "p0"),)}, r"banned\[0\] is \('nobody', 'p0'\): there is no such"),
        ({"pinned": (("s0", "p0"), ("s0", "p1"))}, r"pinned\[1\] is .*: pinned twice"),
        ({"pinned": (("s0", "p0"),), "banned": (("s0", "p0"),)}, r"pinned\[0\] is .*: pinned twice, banned as well"),
        ({"pinned": (("s0", "p0"),), "min_score": 2.0}, r"pinned\[0\] is .*: that pair is not eligible"),
    ],
)
def test_bad_policies_are_refused_by_name(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        solve(market(20, 5, 10), Policy(**changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"headcount": np.array([1, -2])}, r"headcount\[1\] is -2"),
        ({"headcount": np.array([1])}, r"headcount must have shape \(2,\), not \(1,\)"),
        ({"claimed": np.full((3, 40), 6, np.int8)}, r"claimed\[0, 0\] is 6: it must be from 0 to 5"),
        ({"share": np.full((2, 40), np.nan)}, r"share\[0, 0\] is nan"),
        ({"share": np.zeros((2, 40))}, r"share\[0\] sums to 0.0"),
        ({"student_ids": ("a", "b", "a")}, r"student_ids\[2\] is 'a' a second time"),
        ({"category": np.array([0, 9])}, r"category\[1\] is 9"),
        ({"ruled_out": np.array([[0, 0], [7, 0]])}, r"ruled_out.student\[1\] is 7"),
        ({"by_student": Wishes(np.array([0]), np.array([0]), np.array([1.5]))}, r"by_student.value\[0\] is 1.5"),
        (
            {"by_enterprise": Wishes(np.array([0, 0]), np.array([1, 1]), np.ones(2))},
            r"by_enterprise\[1\] names .* twice",
        ),
        ({"university": ("scu",)}, "university must have 3 entries or none, not 1"),
    ],
)
def test_bad_problems_are_refused_by_name_and_index(changes: dict[str, Any], sentence: str) -> None:
    problem = market(3, 2, 3)
    with pytest.raises(ValueError, match=sentence):
        replace(problem, **changes)


@given(problems(least=1))
def test_any_change_of_what_counts_changes_the_digest(problem: Problem) -> None:
    assume(problem.positions)
    changed = [
        replace(problem, headcount=problem.headcount + 1),
        replace(problem, min_salary=problem.min_salary + 1),
        replace(problem, claimed=5 - problem.claimed),
        replace(problem, by_student=Wishes(np.array([0]), np.array([0]), np.array([0.123]))),
        replace(problem, enterprise=("other",) * problem.positions),
    ]
    assert len({problem.digest, *(other.digest for other in changed)}) == len(changed) + 1
