from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talentbank.engine import dense, draw
from talentbank.engine.assignment import Result, Stopped, entry_prices, solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.explanation import CONDITIONS, Explanation, explain, scarcity
from talentbank.engine.policy import UNIT, Nudge, Policy, Quota
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.scoring import Obstacle, columns

Array = np.ndarray[Any, Any]
NEVER, OUT = -1, 2**61
CODES = ["a", "b", "c"]
levels = st.dictionaries(st.sampled_from(CODES), st.integers(0, 5))
candidate = st.builds(
    Candidate,
    id=st.just("s"),
    categories=st.frozensets(st.sampled_from(["operations", "design"])),
    cities=st.frozensets(st.sampled_from(["x", "y"])),
    min_salary=st.integers(0, 3),
    claimed=levels,
    verified=levels,
    available=st.sampled_from([True, True, True, False]),
    university=st.sampled_from(["u", "v", "w"]),
)
requirement = st.builds(
    Requirement,
    competency=st.sampled_from(CODES),
    level=st.integers(1, 5),
    weight=st.sampled_from([1.0, 1.0, 2.0, 0.7]),
    must_have=st.booleans(),
)
opening = st.builds(
    Opening,
    id=st.just("p"),
    category=st.sampled_from(["operations", "design"]),
    city=st.sampled_from(["x", "y"]),
    headcount=st.sampled_from([0, 1, 1, 2]),
    max_salary=st.integers(0, 3),
    requirements=st.lists(requirement, min_size=1, max_size=3, unique_by=lambda r: r.competency).map(tuple),
    enterprise=st.sampled_from(["e", "f"]),
)


@st.composite
def markets(draw: st.DrawFn) -> tuple[Problem, Policy]:
    """A few students and positions with everything that may be said about pairs; pins are such as can be kept."""
    students = draw(st.lists(candidate, min_size=1, max_size=5))
    positions = draw(st.lists(opening, min_size=1, max_size=3))
    n, m = len(students), len(positions)
    problem = pose(
        [replace(student, id=f"s{i}") for i, student in enumerate(students)],
        [replace(position, id=f"p{j}") for j, position in enumerate(positions)],
    )
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))

    def wishes() -> Wishes:
        pairs = np.array(draw(st.lists(pair, max_size=4, unique=True)), np.int64).reshape(-1, 2)
        value = draw(st.lists(st.sampled_from([0.25, 1.0]), min_size=len(pairs), max_size=len(pairs)))
        return Wishes(pairs[:, 0], pairs[:, 1], np.array(value, np.float64))

    ruled_out = np.array(draw(st.lists(pair, max_size=2)), np.int64).reshape(-1, 2)
    problem = replace(problem, by_student=wishes(), by_enterprise=wishes(), ruled_out=ruled_out)
    policy = Policy(
        objective=draw(st.sampled_from(["score", "placements"])),
        trust=draw(st.sampled_from([0.0, 0.5, 0.3, 1.0])),
        min_score=draw(st.sampled_from([0.0, 0.0, 0.4])),
        must_have_verified=draw(st.booleans()),
        weights=draw(st.sampled_from([(1.0, 0.0, 0.0), (0.6, 0.3, 0.1)])),
        seed=draw(st.sampled_from(["", "another"])),
        banned=tuple((f"s{i}", f"p{j}") for i, j in draw(st.lists(pair, max_size=1))),
        nudges=tuple(
            Nudge(f"s{i}", f"p{j}", amount)
            for i, j in draw(st.lists(pair, max_size=4))
            for amount in [draw(st.sampled_from([-1.0, -0.3, 0.2, 1.0]))]
        ),
    )
    seat = solve(problem, policy).position
    if (seat >= 0).any() and draw(st.booleans()):
        i = draw(st.sampled_from(np.flatnonzero(seat >= 0).tolist()))
        policy = replace(policy, pinned=((f"s{i}", f"p{seat[i]}"),))
    return problem, policy


def worth(problem: Problem, policy: Policy) -> int:
    """The optimal objective, pins aside."""
    result = solve(problem, policy)
    placed = np.flatnonzero(result.position >= 0)
    moved = int(moves(problem, policy)[placed, result.position[placed]].sum())
    return result.total + moved + result.bonus * result.matched


def moves(problem: Problem, policy: Policy) -> Array:
    """What nudges add to the weight of each pair, (n, m)."""
    found = np.zeros((problem.students, problem.positions), np.int64)
    for nudge in policy.nudges:
        if nudge.student not in dict(policy.pinned):
            at = problem.student_index[nudge.student], problem.position_index[nudge.position]
            found[at] += round(nudge.amount * UNIT)
    return found


def best_of(weight: Array, problem: Problem) -> tuple[int, Array]:
    """The optimum of weights (n, m): its value and who sits where."""
    seat = dense.optimum(weight, np.minimum(problem.headcount, problem.students)).seating.seat
    placed = np.flatnonzero(seat >= 0)
    return int(weight[placed, seat[placed]].sum()), seat


def weights(problem: Problem, policy: Policy, result: Result) -> Array:
    return dense.weights(problem, policy, result.bonus, result.pin)[0]


def raised(problem: Problem, students: Any, k: int) -> Problem:
    """The problem with competency k of these students one level higher, claimed and verified."""
    claimed, verified = problem.claimed.copy(), problem.verified.copy()
    for levels_ in (claimed, verified):
        levels_[students, k] = np.minimum(levels_[students, k] + 1, 5)
    return replace(problem, claimed=claimed, verified=verified)


def without(condition: Obstacle, problem: Problem, policy: Policy) -> tuple[Problem, Policy]:
    """The problem in which a condition holds nobody back."""
    changes: dict[Obstacle, dict[str, Any]] = {
        Obstacle.UNAVAILABLE: {"available": np.ones_like(problem.available)},
        Obstacle.CATEGORY: {"takes_category": np.ones_like(problem.takes_category)},
        Obstacle.CITY: {"takes_city": np.ones_like(problem.takes_city)},
        Obstacle.SALARY: {"min_salary": np.zeros_like(problem.min_salary)},
        Obstacle.MUST_HAVE: {"must_have": np.zeros_like(problem.must_have)},
        Obstacle.MIN_SCORE: {},
    }
    lowest = 0.0 if condition is Obstacle.MIN_SCORE else policy.min_score
    return replace(problem, **changes[condition]), replace(policy, min_score=lowest)


@settings(max_examples=25)
@given(markets())
def test_a_step_brings_what_solving_again_brings(market: tuple[Problem, Policy]) -> None:
    problem, policy = market
    result = solve(problem, policy)
    told, before = explain(problem, result), worth(problem, policy)
    for i in np.flatnonzero(~told.pinned).tolist():
        gains = [worth(raised(problem, i, k), policy) - before for k in range(len(problem.competencies))]
        if result.position[i] < 0:
            best = max(gains)
            assert told.step_gain[i] == best
            assert told.step[i] == (gains.index(best) if best > 0 else -1)
        elif told.step[i] >= 0:
            k = int(told.step[i])
            weight = weights(raised(problem, i, k), policy, result)[i]
            most = np.where(weight >= 0, weight - result.price, 0).max(initial=0) - result.surplus[i]
            assert 0 < told.step_gain[i] <= gains[k] <= most


@settings(max_examples=40)
@given(markets())
def test_a_condition_costs_what_solving_without_it_brings(market: tuple[Problem, Policy]) -> None:
    problem, policy = market
    result = solve(problem, policy)
    told, weight = explain(problem, result), weights(problem, policy, result)
    before, _ = best_of(weight, problem)
    freed = [weights(*without(condition, problem, policy), result) for condition in CONDITIONS]
    for i in range(problem.students):
        if result.position[i] >= 0:
            assert (told.condition[i], told.condition_gain[i], told.condition_position[i]) == (-1, 0, -1)
            continue
        gains = []
        for other in freed:
            changed = weight.copy()
            changed[i] = other[i]
            gains.append(best_of(changed, problem)[0] - before)
        assert told.condition_gain[i] == max(gains)
        assert told.condition[i] == (gains.index(max(gains)) if max(gains) > 0 else -1)


@settings(max_examples=40)
@given(markets())
def test_a_score_better_by_what_was_lacked_and_one_more_gets_the_seat(market: tuple[Problem, Policy]) -> None:
    problem, policy = market
    result = solve(problem, policy)
    told, weight = explain(problem, result), weights(problem, policy, result)
    assert (told.lacked >= 0).all()
    for i in np.flatnonzero(told.alternative >= 0).tolist():
        j, changed = told.alternative[i], weight.copy()
        moved = moves(problem, policy)[i, j]
        changed[i, j] = told.alternative_score[i] + moved + result.bonus + told.lacked[i] + 1
        assert best_of(changed, problem)[1][i] == j
        if result.position[i] < 0 and told.lacked[i] > 0:
            changed[i, j] -= 2
            assert best_of(changed, problem)[1][i] != j


def scores(problem: Problem, policy: Policy) -> Array:
    """Of all eligible pairs in 1/UNIT, (n, m), NEVER for the others."""
    score = np.full((problem.students, problem.positions), NEVER)
    for j, rows, units in columns(problem, policy):
        score[rows, j] = units
    return score


def cost_of(problem: Problem, result: Result) -> Array:
    """What a seat costs each student who is an outsider there, (n, m)."""
    cost = np.tile(entry_prices(problem, result), (problem.students, 1))
    cost[:, problem.headcount == 0] = OUT
    for quota, levy in zip(result.policy.quotas, result.levy, strict=True):
        for i, j in product(range(problem.students), range(problem.positions)):
            category = problem.categories[problem.category[j]]
            cost[i, j] += levy * (
                quota.university in (None, problem.university[i])
                and quota.enterprise in (None, problem.enterprise[j])
                and quota.category in (None, category)
            )
    return cost


def by_the_formulas(problem: Problem, result: Result) -> dict[str, list[int]]:
    """What `explain` says, read off whole matrices, one solved rule at a time."""
    policy, n, m = result.policy, problem.students, problem.positions
    pinned = {problem.student_index[student] for student, _ in policy.pinned}
    rank = draw.lottery(policy.seed, "position", problem.position_ids)
    plain, cost = scores(problem, policy), cost_of(problem, result)
    moved, lightest = moves(problem, policy), 1 if policy.objective == "score" else -OUT
    freed = [scores(*without(condition, problem, policy)) for condition in CONDITIONS]
    higher = [scores(raised(problem, slice(None), k), policy) for k in range(len(problem.competencies))]
    told: dict[str, list[int]] = {field.name: [] for field in fields(Explanation)}

    def note(names: list[str], values: list[int]) -> None:
        for name, value in zip(names, values, strict=True):
            told[name].append(int(value))

    for i in range(n):
        own, surplus = int(result.position[i]), int(result.surplus[i])
        told["pinned"].append(i in pinned)
        told["eligible"].append(int((plain[i] >= 0).sum()))
        gains = [int(units) + result.bonus - int(c) for units, c in zip(plain[i] + moved[i], cost[i], strict=True)]
        seats = [j for j in range(m) if i not in pinned and problem.headcount[j]]
        others = [(-gains[j], rank[j], j) for j in seats if plain[i, j] >= 0 and j != own]
        value, _, j = min(others, default=(0, 0, -1))
        note(
            ["alternative", "alternative_score", "lacked"],
            [j, plain[i, j], surplus + value] if others else [-1, 0, 0],
        )
        closed = [
            (cost[i, j] - freed[c][i, j] - moved[i, j] - result.bonus, c, rank[j], j)
            for c, j in product(range(len(CONDITIONS)), seats)
            if own < 0 and freed[c][i, j] >= 0 and plain[i, j] < 0
        ]
        value, c, _, j = min(closed, default=(0, -1, 0, -1))
        note(["condition_gain", "condition", "condition_position"], [-value, c, j] if value < 0 else [0, -1, -1])
        steps = [
            (
                plain[i, j] - units if j == own else cost[i, j] + surplus - units - moved[i, j] - result.bonus,
                k,
                rank[j],
                j,
            )
            for k, j in product(range(len(higher)), seats)
            if (units := higher[k][i, j]) >= max(policy.least_units, 0) and units + moved[i, j] >= lightest
        ]
        value, k, _, j = min(steps, default=(0, -1, 0, -1))
        note(["step_gain", "step", "step_position"], [-value, k, j] if value < 0 else [0, -1, -1])
    return told


def as_lists(told: Explanation) -> dict[str, list[int]]:
    return {field.name: getattr(told, field.name).tolist() for field in fields(Explanation)}


@given(markets())
def test_all_is_said_as_the_formulas_have_it(market: tuple[Problem, Policy]) -> None:
    problem, policy = market
    result = solve(problem, policy)
    assert as_lists(explain(problem, result)) == by_the_formulas(problem, result)


def crowd(n: int, m: int) -> Problem:
    """So many people that they go through the pairs in several blocks, in threads."""
    random = np.random.default_rng(7)

    def some(values: list[str]) -> frozenset[str]:
        return frozenset(value for value in values if random.random() < 0.6)

    def drawn() -> dict[str, int]:
        return {code: int(random.integers(0, 6)) for code in CODES}

    candidates = [
        Candidate(
            f"s{i}",
            some(["a", "b"]),
            some(["x", "y", "z"]),
            int(random.integers(0, 4)),
            drawn(),
            drawn(),
            university="uvw"[i % 3],
        )
        for i in range(n)
    ]
    openings = [
        Opening(
            f"p{j}",
            str(random.choice(["a", "b"])),
            str(random.choice(["x", "y", "z"])),
            int(random.integers(0, 2 * n // m)),
            int(random.integers(1, 5)),
            tuple(Requirement(c, int(random.integers(1, 6)), must_have=bool(random.random() < 0.3)) for c in CODES),
            enterprise="ef"[j % 2],
        )
        for j in range(m)
    ]
    return pose(candidates, openings)


@pytest.mark.parametrize("objective", ["score", "placements"])
def test_a_crowd_is_told_the_same_as_a_few(objective: str) -> None:
    problem = crowd(700, 12)
    result = solve(problem, Policy(objective=objective, min_score=0.5))  # type: ignore[arg-type]
    told = explain(problem, result)
    assert as_lists(told) == by_the_formulas(problem, result)
    assert told.eligible.sum() == result.eligible.sum()
    assert len(set(told.condition.tolist())) > 4


@pytest.mark.parametrize(
    "quotas",
    [
        (Quota(university="u", at_most=5), Quota(category="a", at_most=6)),
        (Quota(university="u", at_most=9), Quota(enterprise="f", at_least=28)),
        (Quota(university="w", category="b", at_most=2), Quota(university="u", enterprise="f", at_most=1)),
    ],
)
def test_levies_of_quotas_are_part_of_what_a_seat_costs(quotas: tuple[Quota, ...]) -> None:
    problem = crowd(60, 8)
    result = solve(problem, Policy(quotas=quotas))
    told = explain(problem, result)
    assert all(result.levy)
    assert as_lists(told) == by_the_formulas(problem, result)
    assert (told.lacked >= 0).all()


@settings(max_examples=40)
@given(markets(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(market: tuple[Problem, Policy], random: Any) -> None:
    problem, policy = market
    students, positions = list(range(problem.students)), list(range(problem.positions))
    random.shuffle(students)
    random.shuffle(positions)
    row, column = np.argsort(students), np.argsort(positions)

    def turned(wishes: Wishes) -> Wishes:
        return Wishes(row[wishes.student], column[wishes.position], wishes.value)

    of_students = ("claimed", "verified", "takes_category", "takes_city", "min_salary", "available")
    of_positions = ("required", "share", "must_have", "category", "city", "max_salary", "headcount")
    changed = replace(
        problem,
        student_ids=tuple(problem.student_ids[i] for i in students),
        position_ids=tuple(problem.position_ids[j] for j in positions),
        university=tuple(problem.university[i] for i in students),
        enterprise=tuple(problem.enterprise[j] for j in positions),
        by_student=turned(problem.by_student),
        by_enterprise=turned(problem.by_enterprise),
        ruled_out=np.column_stack([row[problem.ruled_out[:, 0]], column[problem.ruled_out[:, 1]]]),
        **{name: getattr(problem, name)[students] for name in of_students},
        **{name: getattr(problem, name)[positions] for name in of_positions},
    )
    told, again = (explain(p, solve(p, policy)) for p in (problem, changed))
    for field in fields(Explanation):
        expected, found = getattr(told, field.name)[students], getattr(again, field.name)
        if field.name in ("alternative", "condition_position", "step_position"):
            expected = np.append(column, -1)[expected]
        assert expected.tolist() == found.tolist(), field.name


def shop(**changes: Any) -> Opening:
    """Two seats for who does one thing on ten levels' worth, half claimed and half verified."""
    values = {"category": "operations", "city": "x", "headcount": 2, "max_salary": 5} | changes
    return Opening("shop", requirements=(Requirement("a", 5),), **values)


def skilled(id_: str, tenths: int, **changes: Any) -> Candidate:
    """Somebody who scores so many tenths at the shop."""
    return Candidate(id_, claimed={"a": (tenths + 1) // 2}, verified={"a": tenths // 2}, **changes)


def three(**changes: Any) -> Problem:
    return pose([skilled("ann", 9), skilled("bo", 7), skilled("cy", 6, **changes)], [shop()])


def test_the_one_left_out_has_to_beat_the_last_one_in() -> None:
    """0.9 and 0.7 have the seats; 0.6 lacks 0.1, and a level more makes it 0.8, which is 0.1 better than 0.7."""
    problem = three()
    result = solve(problem)
    told = explain(problem, result)
    assert result.position.tolist() == [0, 0, -1]
    assert (result.price.tolist(), entry_prices(problem, result).tolist()) == ([600_000], [700_000])
    assert told.eligible.tolist() == [1, 1, 1]
    assert told.alternative.tolist() == [-1, -1, 0]
    assert told.alternative_score[2] == 600_000
    assert told.lacked[2] == 100_000
    assert told.step.tolist() == [0, 0, 0]
    assert told.step_position.tolist() == [0, 0, 0]
    assert told.step_gain.tolist() == [100_000, 200_000, 100_000]
    assert told.condition.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"available": False}, Obstacle.UNAVAILABLE),
        ({"categories": frozenset({"design"})}, Obstacle.CATEGORY),
        ({"cities": frozenset({"y"})}, Obstacle.CITY),
        ({"min_salary": 6}, Obstacle.SALARY),
    ],
)
def test_the_condition_that_kept_the_best_one_out_is_named(changes: dict[str, Any], condition: Obstacle) -> None:
    problem = pose([skilled("ann", 9), skilled("bo", 7), skilled("di", 10, **changes)], [shop()])
    told = explain(problem, solve(problem))
    assert CONDITIONS[told.condition[2]] is condition
    assert (told.condition_gain[2], told.condition_position[2]) == (300_000, 0)
    assert (told.eligible[2], told.alternative[2], told.step[2]) == (0, -1, -1)


def test_two_conditions_at_once_are_not_put_down_to_either() -> None:
    problem = three(cities=frozenset({"y"}), min_salary=6)
    assert explain(problem, solve(problem)).condition[2] == -1


def test_what_was_ruled_out_is_no_condition_and_no_way_to_go() -> None:
    problem = pose([skilled("ann", 9), skilled("bo", 7)], [shop()])
    told = explain(problem, solve(problem, Policy(banned=(("bo", "shop"),))))
    assert (told.eligible[1], told.alternative[1], told.condition[1], told.step[1]) == (0, -1, -1, -1)


def test_a_level_may_reach_a_must_have() -> None:
    asked = (Requirement("a", 3, must_have=True), Requirement("b", 1))
    problem = pose([Candidate("ann", claimed={"a": 2, "b": 1})], [replace(shop(), requirements=asked)])
    told = explain(problem, solve(problem, Policy(trust=0.0)))
    assert CONDITIONS[told.condition[0]] is Obstacle.MUST_HAVE
    assert (told.step[0], told.step_gain[0], told.step_position[0]) == (0, UNIT, 0)


def test_a_must_have_two_levels_away_is_no_step() -> None:
    asked = (Requirement("a", 3, must_have=True), Requirement("b", 1))
    problem = pose([Candidate("ann", claimed={"a": 1, "b": 1})], [replace(shop(), requirements=asked)])
    assert explain(problem, solve(problem, Policy(trust=0.0))).step[0] == -1


def test_one_person_more_counts_the_bonus() -> None:
    problem = pose([skilled("ann", 9, min_salary=6)], [shop()])
    result = solve(problem, Policy(objective="placements"))
    assert explain(problem, result).condition_gain[0] == result.bonus + 900_000


def test_who_was_pinned_is_told_just_that() -> None:
    problem = three()
    told = explain(problem, solve(problem, Policy(pinned=(("cy", "shop"),))))
    assert told.pinned.tolist() == [False, False, True]
    assert (told.eligible[2], told.alternative[2], told.step[2], told.condition[2]) == (1, -1, -1, -1)
    assert told.lacked[1] == 200_000


def test_scarcity_is_what_the_seats_cost_by_what_they_ask_for() -> None:
    asked = (Requirement("a", 5, 3.0), Requirement("b", 5, 1.0))
    students = [Candidate(f"s{i}", claimed={"a": 5, "b": i}, verified={"a": 5, "b": i}) for i in (5, 4, 3)]
    problem = pose(students, [replace(shop(), requirements=asked)])
    # the one left out would bring 3/4 + 1/4 · 3/5 = 0.9, and two seats are taken at that price
    assert scarcity(problem, solve(problem)).tolist() == [1_350_000, 450_000]


@pytest.mark.parametrize(("students", "positions"), [(0, 0), (0, 2), (2, 0)])
def test_nobody_or_nothing_is_explained_too(students: int, positions: int) -> None:
    people = [skilled(f"s{i}", 5) for i in range(students)]
    problem = pose(people, [replace(shop(), id=f"p{j}") for j in range(positions)])
    result = solve(problem)
    told = explain(problem, result)
    assert told.alternative.tolist() == told.condition.tolist() == told.step.tolist() == [-1] * students
    assert scarcity(problem, result).tolist() == [0] * len(problem.competencies)


def test_progress_is_told_and_can_stop() -> None:
    problem = three()
    result = solve(problem)
    heard: list[tuple[str, float]] = []
    with pytest.raises(Stopped):
        explain(problem, result, lambda phase, share: bool(heard.append((phase, share))))  # type: ignore[func-returns-value]
    assert heard == [("explain", 1.0)]


def test_a_result_of_another_problem_is_refused() -> None:
    with pytest.raises(ValueError, match="result is of 3 students and 1 positions, not 1 and 1"):
        explain(pose([skilled("ann", 9)], [shop()]), solve(three()))
