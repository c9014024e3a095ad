"""What one more seat, course or subsidy brings: what the prices promise, against solving again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine import UNIT, Infeasible, Policy, Problem, Quota, pose, solve, whatif
from talentbank.engine.competency import Candidate, Opening, Requirement
from tests.engine import strategies


@st.composite
def markets(draw: st.DrawFn, *, nudged: bool = True) -> tuple[Problem, Policy]:
    """A market of a few students and positions, a policy, and now and then a pair that is pinned."""
    problem = draw(strategies.problems(students=6, positions=4, least=1))
    policy = draw(strategies.policies)
    if nudged:
        policy = replace(policy, nudges=draw(strategies.nudges(problem)))
    seat = solve(problem, policy).position
    if (seat >= 0).any() and draw(st.booleans()):
        i = draw(st.sampled_from(np.flatnonzero(seat >= 0).tolist()))
        policy = replace(policy, pinned=((problem.student_ids[i], problem.position_ids[seat[i]]),))
    return problem, policy


def more_seats(draw: st.DataObject, problem: Problem, most: int = 3) -> Problem:
    more = draw.draw(st.lists(st.integers(0, most), min_size=problem.positions, max_size=problem.positions))
    return whatif.with_seats(problem, np.array(more, np.int64))


def higher_levels(draw: st.DataObject, problem: Problem, result_of: Policy) -> Problem:
    free = [i for i, id_ in enumerate(problem.student_ids) if id_ not in dict(result_of.pinned)]
    students = draw.draw(st.lists(st.sampled_from(free), unique=True)) if free else []
    k = draw.draw(st.integers(0, len(problem.competencies) - 1))
    return whatif.with_level(problem, np.array(students, np.int64), k, verified=draw.draw(st.booleans()))


def better_pay(draw: st.DataObject, problem: Problem) -> Problem:
    positions = draw.draw(st.lists(st.booleans(), min_size=problem.positions, max_size=problem.positions))
    return whatif.with_pay(problem, np.array(positions), draw.draw(st.sampled_from([1, 10_000, 20_000])))


def changed_in_some_way(draw: st.DataObject, problem: Problem, policy: Policy) -> Problem:
    kind = draw.draw(st.sampled_from(["seats", "levels", "pay"]))
    if kind == "seats":
        return more_seats(draw, problem)
    return higher_levels(draw, problem, policy) if kind == "levels" else better_pay(draw, problem)


@given(market=markets(), data=st.data())
def test_solving_again_never_brings_less_than_nothing_nor_more_than_the_prices_promise(
    market: tuple[Problem, Policy], data: st.DataObject
) -> None:
    problem, policy = market
    found = whatif.try_out(problem, solve(problem, policy), changed_in_some_way(data, problem, policy))
    assert found.gained <= found.promised
    if policy.objective == "score" or not policy.nudges:
        assert found.gained >= 0


@given(market=markets(nudged=False), data=st.data())
def test_the_first_seat_more_in_a_position_brings_its_price_to_the_last_unit(
    market: tuple[Problem, Policy], data: st.DataObject
) -> None:
    problem, policy = market
    before = solve(problem, policy)
    j = data.draw(st.integers(0, problem.positions - 1))
    one = (np.arange(problem.positions) == j).astype(np.int64)
    found = whatif.try_out(problem, before, whatif.with_seats(problem, one))
    assert found.promised == before.price[j]
    assert found.gained == before.price[j]
    # a second seat brings no more than the first, so that two bring twice the price at most
    again = whatif.try_out(problem, before, whatif.with_seats(problem, 2 * one))
    assert found.gained <= again.gained <= again.promised <= 2 * before.price[j]


quotas = st.lists(
    st.sampled_from(
        [
            Quota(university="scu", at_most=1),
            Quota(university="swufe", at_least=1),
            Quota(category="design", at_most=1),
            Quota(category="operations", at_least=1),
            Quota(university="scu", category="design", at_most=1),
            Quota(enterprise="anker", at_most=2),
        ]
    ),
    max_size=3,
    unique_by=str,
).map(tuple)


@given(market=markets(nudged=False), quotas=quotas, data=st.data())
def test_under_quotas_the_prices_with_their_levies_still_bound_what_a_change_brings(
    market: tuple[Problem, Policy], quotas: tuple[Quota, ...], data: st.DataObject
) -> None:
    problem, policy = market
    policy = replace(policy, quotas=quotas)
    try:
        before = solve(problem, policy)
    except (Infeasible, ValueError):  # promises that can't be kept, or of whom nobody is
        return
    found = whatif.try_out(problem, before, changed_in_some_way(data, problem, policy))
    assert 0 <= found.gained <= found.promised


@given(market=markets(nudged=False), data=st.data())
def test_one_unmatched_student_brings_what_the_prices_say(
    market: tuple[Problem, Policy], data: st.DataObject
) -> None:
    problem, policy = market
    before = solve(problem, policy)
    free = np.flatnonzero(before.position < 0).tolist()
    if not free:
        return
    i, k = data.draw(st.sampled_from(free)), data.draw(st.integers(0, len(problem.competencies) - 1))
    changed = whatif.with_level(problem, np.array([i]), k, verified=True)
    gain = whatif.single_gains(problem, before, changed)
    found = whatif.try_out(problem, before, changed)
    assert gain[i] == found.gained == gain.sum()


def test_two_seats_and_three_people_by_hand() -> None:
    """Scores 1, 0.75 and 0.5 at two seats: one more brings 0.5, and two bring no more than one."""
    people = [Candidate(f"s{level}", claimed={"ads": level}) for level in (4, 3, 2)]
    shop = Opening("shop", "design", "meishan", 2, 90_000, (Requirement("ads", 4),))
    problem = pose(people, [shop])
    before = solve(problem, Policy(trust=0.0))
    one = whatif.try_out(problem, before, whatif.with_seats(problem, np.array([1])))
    assert (one.promised, one.gained) == (UNIT // 2, UNIT // 2)
    two = whatif.try_out(problem, before, whatif.with_seats(problem, np.array([2])))
    assert (two.promised, two.gained) == (UNIT, UNIT // 2)
    course = whatif.with_level(problem, np.array([1]), 0, verified=False)
    assert whatif.try_out(problem, before, course).gained == UNIT // 4
    assert whatif.people_and_score(3 * 1_000_001 - 5, 1_000_001) == (3, -5)
    with pytest.raises(ValueError, match="more"):
        whatif.with_seats(problem, np.array([-1]))
