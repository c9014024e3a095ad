"""Quotas: limits and promises to universities, enterprises and categories, laminar or crossing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talentbank.engine import Infeasible, Policy, Problem, Quota, pose, solve, verify
from talentbank.engine import assignment as solver
from talentbank.engine.competency import Candidate, Opening, Requirement
from tests.engine.strategies import (
    CATEGORIES,
    ENTERPRISES,
    UNIVERSITIES,
    best,
    kept,
    nudges,
    policies,
    problems,
    scores_of,
    worth,
)

bounds = st.tuples(st.integers(0, 2), st.none() | st.integers(0, 3)).map(
    lambda b: (b[0], b[1] if b[1] is None else max(b))
)


def quotas(**names: tuple[str, ...]) -> st.SearchStrategy[Quota]:
    return st.builds(
        lambda b, **chosen: Quota(at_least=b[0], at_most=b[1], **chosen),
        bounds,
        **{kind: st.sampled_from(values) for kind, values in names.items()},
    )


laminar = st.one_of(
    st.lists(quotas(university=UNIVERSITIES) | quotas(enterprise=ENTERPRISES), max_size=3),
    st.lists(quotas(category=CATEGORIES) | quotas(enterprise=ENTERPRISES, category=CATEGORIES), max_size=3),
).map(tuple)
crossing = st.tuples(quotas(university=UNIVERSITIES, enterprise=ENTERPRISES), quotas(category=CATEGORIES))


def known(problem: Problem, some: tuple[Quota, ...]) -> tuple[Quota, ...]:
    """Those that name somebody who is there."""
    return tuple(
        quota
        for quota in some
        if (quota.university is None or quota.university in problem.university)
        and (quota.enterprise is None or quota.enterprise in problem.enterprise)
        and (quota.category is None or quota.category in problem.categories)
        and any(
            (quota.enterprise in (None, enterprise)) and quota.category in (None, problem.categories[category])
            for enterprise, category in zip(problem.enterprise, problem.category.tolist(), strict=True)
        )
    )


def check_is_best(problem: Problem, policy: Policy) -> None:
    expected = best(problem, policy)
    if expected is None:
        with pytest.raises(Infeasible) as refused:
            solve(problem, policy)
        check_is_smallest(problem, policy, refused.value)
        return
    result = solve(problem, policy)
    choice = tuple(result.position.tolist())
    assert all(kept(problem, quota, choice) for quota in policy.quotas)
    assert (
        np.bincount(result.position[result.position >= 0], minlength=problem.positions) <= problem.headcount
    ).all()
    assert worth(problem, policy, choice) == expected
    assert result.total == sum(scores_of(problem, policy)[i, j] for i, j in enumerate(choice) if j >= 0)
    assert (result.certificate, result.gap) == (0, 0)
    verdict = verify(problem, result)
    assert verdict.faults == ()
    assert verdict.gap >= 0


def check_is_smallest(problem: Problem, policy: Policy, refused: Infeasible) -> None:
    """The promises named can't be met together, and can be without any one of them."""
    promises = set(refused.promises)
    alone = [q if at in promises else replace(q, at_least=0) for at, q in enumerate(policy.quotas)]
    assert best(problem, replace(policy, quotas=tuple(alone))) is None
    for at in promises:
        fewer = [replace(q, at_least=0) if k == at else q for k, q in enumerate(alone)]
        assert best(problem, replace(policy, quotas=tuple(fewer))) is not None
    for at in promises:
        assert f"quotas[{at}]" in str(refused)


@settings(max_examples=150)
@given(problems(least=1), policies, laminar)
def test_laminar_quotas_give_the_best_of_all_matchings_within_them(
    problem: Problem, policy: Policy, some: tuple[Quota, ...]
) -> None:
    check_is_best(problem, replace(policy, quotas=known(problem, some)))


@settings(max_examples=60)
@given(problems(least=1), policies, crossing)
def test_crossing_quotas_give_the_best_of_all_matchings_within_them(
    problem: Problem, policy: Policy, some: tuple[Quota, ...]
) -> None:
    check_is_best(problem, replace(policy, quotas=known(problem, some)))


@settings(max_examples=60)
@given(problems(least=1), policies, laminar | crossing, st.data())
def test_pins_hold_and_nudges_count_within_quotas(
    problem: Problem, policy: Policy, some: tuple[Quota, ...], data: st.DataObject
) -> None:
    before = solve(problem, policy)
    matched = np.flatnonzero(before.position >= 0)[: data.draw(st.integers(0, 2))]
    pairs = tuple((problem.student_ids[i], problem.position_ids[before.position[i]]) for i in matched)
    nudged = replace(policy, nudges=data.draw(nudges(problem)), quotas=known(problem, some), pinned=pairs)
    check_is_best(problem, nudged)


@settings(max_examples=60)
@given(problems(least=1), policies, laminar)
def test_levies_and_prices_pay_for_every_pair_and_for_nothing_else(
    problem: Problem, policy: Policy, some: tuple[Quota, ...]
) -> None:
    policy = replace(policy, quotas=known(problem, some))
    if best(problem, policy) is None:
        return
    result = solve(problem, policy)
    paid = int(result.surplus.sum()) + int((result.price * problem.headcount).sum())
    for quota, levy in zip(policy.quotas, result.levy, strict=True):
        assert levy <= 0 or quota.at_most is not None
        assert levy >= 0 or quota.at_least > 0
        paid += levy * (quota.at_most or 0 if levy > 0 else quota.at_least)
    assert paid == result.total + result.bonus * result.matched
    assert (result.price >= 0).all()
    assert (result.surplus >= 0).all()


@settings(max_examples=40)
@given(problems(students=6, positions=5, least=1), policies)
def test_quotas_that_bind_nobody_change_nothing(problem: Problem, policy: Policy) -> None:
    """The flow and the shortest augmenting paths are two methods; the draw and the least prices make them one."""
    loose = tuple(Quota(university=name, at_most=9) for name in sorted(set(problem.university)))
    free, bound = solve(problem, policy), solve(problem, replace(policy, quotas=loose))
    assert bound.position.tolist() == free.position.tolist()
    assert bound.price.tolist() == free.price.tolist()
    assert bound.surplus.tolist() == free.surplus.tolist()
    assert bound.levy == (0,) * len(loose)


@given(problems(least=1), policies, laminar, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_under_quotas(
    problem: Problem, policy: Policy, some: tuple[Quota, ...], random: object
) -> None:
    policy = replace(policy, quotas=known(problem, some))
    if best(problem, policy) is None:
        return
    rows = list(range(problem.students))
    random.shuffle(rows)  # type: ignore[attr-defined]
    turned = turned_round(problem, rows)
    first, second = solve(problem, policy), solve(turned, policy)
    assert first.position[rows].tolist() == second.position.tolist()
    assert first.levy == second.levy
    assert first.price.tolist() == second.price.tolist()


def turned_round(problem: Problem, rows: list[int]) -> Problem:
    """The same problem with its students in another order."""
    back = np.argsort(rows)
    names = ("claimed", "verified", "takes_category", "takes_city", "min_salary", "available")
    wishes = {
        side: replace(getattr(problem, side), student=back[getattr(problem, side).student])
        for side in ("by_student", "by_enterprise")
    }
    ruled_out = problem.ruled_out.copy()
    ruled_out[:, 0] = back[ruled_out[:, 0]]
    return replace(
        problem,
        student_ids=tuple(problem.student_ids[i] for i in rows),
        university=tuple(problem.university[i] for i in rows),
        ruled_out=ruled_out,
        **{name: getattr(problem, name)[rows] for name in names},
        **wishes,
    )


def one_skill(students: dict[str, int], seats: dict[str, int]) -> Problem:
    """Students with a level of one competency, all of one university, and positions of an enterprise each."""
    candidates = [Candidate(id, claimed={"ads": level}, university="scu") for id, level in students.items()]
    asked = (Requirement("ads", 5),)
    openings = [Opening(id, "operations", "meishan", n, 90_000, asked, enterprise=id) for id, n in seats.items()]
    return pose(candidates, openings)


def test_a_limit_has_a_levy_and_a_promise_a_subsidy() -> None:
    problem = one_skill({"a": 5, "b": 4, "c": 2}, {"anker": 3, "shein": 3})
    limited = solve(problem, Policy(trust=0, quotas=(Quota(university="scu", at_most=2),)))
    assert limited.matched == 2
    assert limited.levy == (400_000,), "the third would have added 0.4"
    promised = solve(problem, Policy(trust=0, quotas=(Quota(enterprise="anker", at_least=2),)))
    assert promised.filled.tolist()[0] >= 2
    assert promised.levy == (0,), "it costs nothing where positions are alike"


def test_promises_that_cant_be_met_together_are_named_and_the_others_are_not() -> None:
    problem = one_skill({"a": 5, "b": 4, "c": 2}, {"anker": 2, "shein": 2, "temu": 3})
    quotas = (
        Quota(enterprise="anker", at_least=2),
        Quota(enterprise="temu", at_most=1),
        Quota(enterprise="shein", at_least=2),
    )
    with pytest.raises(
        Infeasible, match=r"quotas\[0\]: at least 2 with anker; quotas\[2\]: at least 2 with shein"
    ) as refused:
        solve(problem, Policy(quotas=quotas))
    assert refused.value.promises == (0, 2)


@pytest.mark.parametrize("pinned", ["a", "b", "c"])
@pytest.mark.parametrize("objective", ["score", "placements"])
def test_no_draw_takes_the_seat_of_who_is_pinned(pinned: str, objective: str) -> None:
    problem = one_skill({"a": 4, "b": 4, "c": 4}, {"anker": 1})
    policy = Policy(pinned=((pinned, "anker"),), quotas=(Quota(university="scu", at_most=1),), objective=objective)  # type: ignore[arg-type]
    result = solve(problem, policy)
    assert result.position.tolist() == [0 if name == pinned else -1 for name in "abc"]
    assert verify(problem, result).proven


def test_pinned_pairs_that_break_a_limit_are_refused() -> None:
    problem = one_skill({"a": 5, "b": 4}, {"anker": 2})
    policy = Policy(pinned=(("a", "anker"), ("b", "anker")), quotas=(Quota(university="scu", at_most=1),))
    with pytest.raises(Infeasible, match="pinned pairs alone break a limit"):
        solve(problem, policy)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "university, enterprise or category must be named"),
        ({"university": "scu", "at_least": -1}, "at_least is -1"),
        ({"university": "scu", "at_least": 2, "at_most": 1}, "at_most is 1: it must be 2 or more"),
    ],
)
def test_bad_quotas_are_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Quota(**values)  # type: ignore[arg-type]


def test_a_quota_on_nobody_is_named() -> None:
    problem = one_skill({"a": 5}, {"anker": 1})
    with pytest.raises(ValueError, match=r"quotas\[0\] names the university 'nowhere', which nobody has"):
        solve(problem, Policy(quotas=(Quota(university="nowhere", at_most=1),)))


def test_large_markets_keep_quotas_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Column generation under quotas: the same as with every pair in the graph at once."""
    random = np.random.default_rng(7)
    candidates = [
        Candidate(
            f"s{i}",
            claimed={code: int(random.integers(0, 6)) for code in ("ads", "seo", "copy")},
            university=f"u{i % 3}",
        )
        for i in range(150)
    ]
    openings = [
        Opening(
            f"p{j}",
            "operations" if j % 2 else "design",
            "meishan",
            3,
            90_000,
            tuple(Requirement(code, int(random.integers(1, 6))) for code in ("ads", "seo", "copy")),
            enterprise=f"e{j % 5}",
        )
        for j in range(40)
    ]
    problem = pose(candidates, openings)
    quotas = (
        Quota(university="u0", at_most=20),
        Quota(university="u1", at_least=48),
        Quota(enterprise="e1", at_most=7),
        Quota(enterprise="e2", at_least=24),
    )
    for objective in ("score", "placements"):
        policy = Policy(objective=objective, quotas=quotas, seed="x")  # type: ignore[arg-type]
        few = solve(problem, policy)
        monkeypatch.setattr(solver.optimum, "FIRST_PAIRS", 40)
        every = solve(problem, policy)
        monkeypatch.undo()
        assert few.position.tolist() == every.position.tolist()
        assert (few.total, few.levy, few.certificate) == (every.total, every.levy, 0)
        assert any(few.levy)
