"""Small problems and policies for hypothesis, and every matching that they allow, by brute force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st

from talentbank.engine import Policy, Problem, Quota, Wishes, pose
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


def scores_of(problem: Problem, policy: Policy) -> dict[tuple[int, int], int]:
    """Scores of all eligible pairs, in 1/UNIT."""
    return {
        (i, j): score
        for j, rows, units in columns(problem, policy)
        for i, score in zip(rows.tolist(), units.tolist(), strict=True)
    }


def matchings(problem: Problem, policy: Policy) -> Iterator[tuple[int, ...]]:
    """Every matching that headcounts, eligibility, pins and quotas allow: each student's position, -1 for none."""
    score = scores_of(problem, policy)
    least = 1 if policy.objective == "score" else 0  # a score of nothing is as good as no seat
    pins = {problem.student_index[s]: problem.position_index[p] for s, p in policy.pinned}
    options = [
        [pins[i]] if i in pins else [-1, *(j for j in range(problem.positions) if score.get((i, j), -1) >= least)]
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
    """People first where the policy says so, then the total."""
    score = scores_of(problem, policy)
    pairs = [(i, j) for i, j in enumerate(choice) if j >= 0]
    return len(pairs) * (policy.objective == "placements"), sum(score[pair] for pair in pairs)


def best(problem: Problem, policy: Policy) -> tuple[int, int] | None:
    """What the best matching is worth, None if there is none."""
    score = scores_of(problem, policy)
    placements = policy.objective == "placements"
    return max(
        (
            (
                len([j for j in choice if j >= 0]) * placements,
                sum(score[i, j] for i, j in enumerate(choice) if j >= 0),
            )
            for choice in matchings(problem, policy)
        ),
        default=None,
    )
