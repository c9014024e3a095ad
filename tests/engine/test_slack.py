"""Promises that can't be kept: by how many people they fall short at least, checked by trying every smaller miss."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talentbank.engine.assignment import solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import Policy, Quota
from talentbank.engine.problem import Problem, pose
from talentbank.engine.promises import Infeasible
from talentbank.engine.slack import shortfalls

ASKS = (Requirement("a", 3),)


def market(students: list[tuple[str, bool]], seats: list[tuple[str, str, int]]) -> Problem:
    """Students by university and whether they take design only; positions by enterprise, category and seats. One of
    each that nobody can be matched with lets quotas speak of every university, enterprise and category."""
    people = [
        Candidate(f"s{i}", frozenset({"design"}) if design else frozenset(), claimed={"a": 2}, university=university)
        for i, (university, design) in enumerate(students)
    ]
    people += [Candidate(f"gone {u}", claimed={"a": 2}, university=u, available=False) for u in "uv"]
    openings = [Opening(f"p{j}", c, "x", n, 0, ASKS, enterprise=e) for j, (e, c, n) in enumerate(seats)]
    openings += [
        Opening(f"none {e}{c}", c, "x", 0, 0, ASKS, enterprise=e) for e, c in product("ef", ("design", "others"))
    ]
    return pose(people, openings)


quota = st.builds(
    Quota,
    university=st.sampled_from([None, "u", "v"]),
    enterprise=st.sampled_from([None, "e", "f"]),
    category=st.sampled_from(["design", "others"]),
    at_least=st.integers(0, 3),
    at_most=st.sampled_from([None, 3, 4]),
)
markets = st.builds(
    market,
    st.lists(st.tuples(st.sampled_from("uv"), st.booleans()), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.sampled_from("ef"), st.sampled_from(["design", "others"]), st.integers(0, 2)),
        min_size=1,
        max_size=3,
    ),
)


def kept(problem: Problem, quotas: tuple[Quota, ...], missed: tuple[int, ...]) -> bool:
    less = tuple(
        replace(quota, at_least=max(0, quota.at_least - short)) for quota, short in zip(quotas, missed, strict=True)
    )
    try:
        solve(problem, Policy(quotas=less))
    except Infeasible:
        return False
    return True


@settings(max_examples=40)
@given(markets, st.lists(quota, min_size=1, max_size=3).map(tuple))
def test_with_the_shortfalls_taken_off_all_can_be_kept_and_no_smaller_miss_would_do(
    problem: Problem, quotas: tuple[Quota, ...]
) -> None:
    found = shortfalls(problem, Policy(quotas=quotas))
    assert kept(problem, quotas, found)
    smaller = product(*(range(q.at_least + 1) for q in quotas))
    better = [missed for missed in smaller if (sum(missed), missed) < (sum(found), found)]
    assert not [missed for missed in better if kept(problem, quotas, missed)]


def test_a_promise_of_more_weight_is_kept_first() -> None:
    problem = market([("u", True)], [("e", "design", 1)])
    quotas = (
        Quota(university="u", at_least=1),
        Quota(university="v", at_least=1),
        Quota(category="others", at_least=1),
    )
    assert shortfalls(problem, Policy(quotas=quotas)) == (0, 1, 1)
    apart = market([("u", False)], [("e", "design", 1), ("f", "others", 1)])
    both = (Quota(category="design", at_least=1), Quota(category="others", at_least=1))
    assert shortfalls(apart, Policy(quotas=both)) == (0, 1), "of equal ways the one in which the first misses least"
    assert shortfalls(apart, Policy(quotas=both), [1.0, 2.0]) == (1, 0)


def test_pinned_people_count_and_pins_that_break_a_limit_are_refused() -> None:
    problem = market([("u", False), ("u", False)], [("e", "design", 2)])
    held = (("s0", "p0"),)
    assert shortfalls(problem, Policy(pinned=held, quotas=(Quota(category="design", at_least=3),))) == (1,)
    limit = (Quota(category="design", at_most=0), Quota(category="others", at_least=1))
    with pytest.raises(Infeasible):
        shortfalls(problem, Policy(pinned=held, quotas=limit))


def test_weights_go_with_the_quotas() -> None:
    problem = market([("u", False)], [("e", "design", 1)])
    with pytest.raises(ValueError, match="weights must be 1 numbers above 0"):
        shortfalls(problem, Policy(quotas=(Quota(category="design", at_least=1),)), [0.0])
