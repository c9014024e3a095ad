"""Small problems and policies for hypothesis, and every matching that they allow, by brute force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st

from talentbank.engine import UNIT, Nudge, Policy, Problem, Quota, Wishes, pose
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.scoring import columns

CODES = ("ads", "seo", "copy")
CATEGORIES, CITIES = ("design", "operations"), ("chengdu", "meishan")
UNIVERSITIES, ENTERPRISES = ("scu", "swufe"), ("anker", "shein")

levels = st.dictionaries(st.sampled_from(CODES), st.integers(0, 5))
requirements = st.lists(
    st.builds(
        Requirement,
        competency=st.sampled_from(CODES),
        level=st.integers(1, 5),
        weight=st.sampled_from([1.0, 2.0, 0.7]),
        must_have=st.booleans() | st.just(value=False),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda r: r.competency,
).map(tuple)
some_categories = st.frozensets(st.sampled_from(CATEGORIES))


def candidates(most: int, least: int = 0) -> st.SearchStrategy[list[Candidate]]:
    drawn = st.builds(
        Candidate,
        id=st.just(""),
        categories=some_categories,
        cities=st.frozensets(st.sampled_from(CITIES)),
        min_salary=st.sampled_from([0, 0, 80_000]),
        claimed=levels,
        verified=levels,
        available=st.sampled_from([True, True, True, False]),
        university=st.sampled_from(UNIVERSITIES),
    )
    listed = st.lists(drawn, min_size=least, max_size=most)
    return listed.map(lambda found: [replace(one, id=f"s{i}") for i, one in enumerate(found)])


def openings(most: int, least: int = 0) -> st.SearchStrategy[list[Opening]]:
    drawn = st.builds(
        Opening,
        id=st.just(""),
        category=st.sampled_from(CATEGORIES),
        city=st.sampled_from(CITIES),
        headcount=st.integers(0, 3),
        max_salary=st.sampled_from([70_000, 90_000]),
        requirements=requirements,
        enterprise=st.sampled_from(ENTERPRISES),
    )
    listed = st.lists(drawn, min_size=least, max_size=most)
    return listed.map(lambda found: [replace(one, id=f"p{j}") for j, one in enumerate(found)])


@st.composite
def problems(draw: st.DrawFn, students: int = 5, positions: int = 4, least: int = 0) -> Problem:
    """Up to so many students and positions, with wishes on both sides and pairs that are ruled out."""
    problem = pose(draw(candidates(students, least)), draw(openings(positions, least)))
    n, m = problem.students, problem.positions
    if not n or not m:
        return problem
    pairs = st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), unique=True, max_size=4)

    def wishes() -> Wishes:
        chosen = np.array(draw(pairs), np.int64).reshape(-1, 2)
        value = draw(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=len(chosen), max_size=len(chosen)))
        return Wishes(chosen[:, 0], chosen[:, 1], np.array(value, np.float64))

    ruled_out = np.array(draw(pairs), np.int64).reshape(-1, 2)
    return replace(problem, by_student=wishes(), by_enterprise=wishes(), ruled_out=ruled_out)


policies = st.builds(
    Policy,
    objective=st.sampled_from(["score", "placements"]),
    trust=st.sampled_from([0.0, 0.5, 1.0]),
    min_score=st.sampled_from([0.0, 0.0, 0.4]),
    must_have_verified=st.booleans(),
    weights=st.sampled_from([(1.0, 0.0, 0.0), (0.6, 0.3, 0.1), (0.8, 0.0, 0.2)]),
    seed=st.sampled_from(["", "a", "2026"]),
)


def nudges(problem: Problem, least: int = 0) -> st.SearchStrategy[tuple[Nudge, ...]]:
    """Up to ten nudges of a problem's pairs, some of them again, and now and then of nobody."""
    if not problem.students or not problem.positions:
        return st.just(())
    drawn = st.builds(
        Nudge,
        student=st.sampled_from([*problem.student_ids, "nobody"]),
        position=st.sampled_from(problem.position_ids),
        amount=st.sampled_from([-1.0, -0.5, -0.25, -1e-6, 0.0, 0.1, 0.5, 1.0]),
    )
    return st.lists(drawn, min_size=least, max_size=10).map(tuple)


def scores_of(problem: Problem, policy: Policy) -> dict[tuple[int, int], int]:
    """Scores of all eligible pairs, in 1/UNIT."""
    return {
        (i, j): score
        for j, rows, units in columns(problem, policy)
        for i, score in zip(rows.tolist(), units.tolist(), strict=True)
    }


def weights_of(problem: Problem, policy: Policy) -> dict[tuple[int, int], int]:
    """Scores of all eligible pairs with the nudges on them, of which pinned students have none, in 1/UNIT."""
    found = scores_of(problem, policy)
    for nudge in policy.nudges:
        i, j = problem.student_index.get(nudge.student, -1), problem.position_index.get(nudge.position, -1)
        if (i, j) in found and nudge.student not in dict(policy.pinned):
            found[i, j] += round(UNIT * nudge.amount)
    return found


def matchings(problem: Problem, policy: Policy) -> Iterator[tuple[int, ...]]:
    """Every matching that headcounts, eligibility, pins and quotas allow: each student's position, -1 for none."""
    weight = weights_of(problem, policy)
    chosen = {pair for pair, units in weight.items() if units > 0 or policy.objective == "placements"}
    pins = {problem.student_index[s]: problem.position_index[p] for s, p in policy.pinned}
    options = [
        [pins[i]] if i in pins else [-1, *(j for j in range(problem.positions) if (i, j) in chosen)]
        for i in range(problem.students)
    ]
    for choice in product(*options):
        taken = np.bincount([j for j in choice if j >= 0], minlength=problem.positions)
        if (taken <= problem.headcount).all() and all(kept(problem, quota, choice) for quota in policy.quotas):
            yield choice


def kept(problem: Problem, quota: Quota, choice: tuple[int, ...]) -> bool:
    """Whether a matching is within a quota."""
    named = sum(
        (quota.university is None or problem.university[i] == quota.university)
        and (quota.enterprise is None or problem.enterprise[j] == quota.enterprise)
        and (quota.category is None or problem.categories[problem.category[j]] == quota.category)
        for i, j in enumerate(choice)
        if j >= 0
    )
    return quota.at_least <= named and (quota.at_most is None or named <= quota.at_most)


def worth(problem: Problem, policy: Policy, choice: tuple[int, ...]) -> tuple[int, int]:
    """People first where the policy says so, then the total with its nudges."""
    weight = weights_of(problem, policy)
    pairs = [(i, j) for i, j in enumerate(choice) if j >= 0]
    return len(pairs) * (policy.objective == "placements"), sum(weight[pair] for pair in pairs)


def best(problem: Problem, policy: Policy) -> tuple[int, int] | None:
    """What the best matching is worth, None if there is none."""
    weight = weights_of(problem, policy)
    placements = policy.objective == "placements"
    return max(
        (
            (
                len([j for j in choice if j >= 0]) * placements,
                sum(weight[i, j] for i, j in enumerate(choice) if j >= 0),
            )
            for choice in matchings(problem, policy)
        ),
        default=None,
    )
