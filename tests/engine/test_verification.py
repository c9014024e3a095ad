"""A proof is accepted only where it is one, and whatever is wrong with a result is named."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talentbank.engine import reading, verification
from talentbank.engine.assignment import Result, solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import UNIT, Pair, Policy, Quota
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.promises import Infeasible
from talentbank.engine.scoring import columns
from talentbank.engine.verification import Fault, Kind, Verdict, verify

CODES = ["a", "b", "c"]
CATEGORIES = ["design", "operations"]
levels = st.dictionaries(st.sampled_from(CODES), st.integers(0, 5))
candidates = st.lists(
    st.builds(
        Candidate,
        id=st.just("s"),
        categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=1),
        cities=st.frozensets(st.sampled_from(["x", "y"]), max_size=1),
        min_salary=st.integers(0, 3),
        claimed=levels,
        verified=levels,
        available=st.sampled_from([True, True, True, False]),
        university=st.sampled_from(["north", "south"]),
    ),
    max_size=7,
).map(lambda drawn: [replace(candidate, id=f"s{i}") for i, candidate in enumerate(drawn)])
openings = st.lists(
    st.builds(
        Opening,
        id=st.just("p"),
        category=st.sampled_from(CATEGORIES),
        city=st.sampled_from(["x", "y"]),
        headcount=st.sampled_from([0, 1, 1, 2, 2**31 - 1]),
        max_salary=st.integers(1, 4),
        requirements=st.lists(
            st.builds(
                Requirement,
                competency=st.sampled_from(CODES),
                level=st.integers(1, 5),
                weight=st.sampled_from([1.0, 1.0, 0.3]),
                must_have=st.sampled_from([False, False, False, True]),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda requirement: requirement.competency,
        ).map(tuple),
        enterprise=st.sampled_from(["shop", "studio"]),
    ),
    max_size=4,
).map(lambda drawn: [replace(opening, id=f"p{j}") for j, opening in enumerate(drawn)])


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small markets, with wishes of both sides and pairs that are ruled out."""
    problem = pose(draw(candidates), draw(openings))
    pairs = [(i, j) for i in range(problem.students) for j in range(problem.positions)]
    if not pairs:
        return problem
    some = st.lists(st.sampled_from(pairs), max_size=5, unique=True)

    def wishes() -> Wishes:
        chosen = np.array(draw(some), np.int64).reshape(-1, 2)
        value = draw(st.lists(st.floats(0, 1), min_size=len(chosen), max_size=len(chosen)))
        return Wishes(chosen[:, 0], chosen[:, 1], np.array(value, np.float64))

    ruled_out = np.array(draw(some), np.int64).reshape(-1, 2)
    return replace(problem, by_student=wishes(), by_enterprise=wishes(), ruled_out=ruled_out)


def named(problem: Problem, pairs: Iterable[tuple[int, int]]) -> tuple[Pair, ...]:
    return tuple((problem.student_ids[i], problem.position_ids[j]) for i, j in pairs)


def scores(problem: Problem, policy: Policy) -> np.ndarray:
    """All scores by the plain reading, (n, m), -1 for an ineligible pair."""
    found = np.full((problem.students, problem.positions), -1)
    for j, rows, units in columns(problem, policy):
        found[rows, j] = units
    return found


@st.composite
def rounds(draw: st.DrawFn, quotas: bool = False) -> tuple[Problem, Policy]:
    """Markets under policies with bans and pins that go with them, and with quotas of one kind if asked."""
    problem = draw(problems())
    pairs = [(i, j) for i in range(problem.students) for j in range(problem.positions)]
    policy = Policy(
        objective=draw(st.sampled_from(["score", "placements"])),
        trust=draw(st.floats(0, 1)),
        min_score=draw(st.sampled_from([-1.0, 0.0, 0.3])),
        must_have_verified=draw(st.booleans()),
        weights=draw(st.sampled_from([(1.0, 0.0, 0.0), (0.6, 0.3, 0.1), (0.0, 0.5, 0.5)])),
        banned=named(problem, draw(st.lists(st.sampled_from(pairs), max_size=3))) if pairs else (),
    )
    left, pinned = problem.headcount.copy(), {}
    free = np.argwhere(scores(problem, policy) >= 1).tolist()
    for i, j in draw(st.lists(st.sampled_from(free), max_size=2)) if free else ():
        if i not in pinned and left[j]:
            pinned[i] = j
            left[j] -= 1
    whose, known = draw(
        st.sampled_from(
            [
                ("university", set(problem.university)),
                ("enterprise", set(problem.enterprise)),
                ("category", set(problem.categories)),
            ]
        )
    )
    bounds = [(0, 1), (1, None), (1, 2), (0, 0), (0, 2)]
    return problem, replace(
        policy,
        pinned=named(problem, pinned.items()),
        quotas=tuple(
            Quota(**{whose: name}, at_least=low, at_most=high)
            for name in draw(st.lists(st.sampled_from(sorted(known)), unique=True))
            for low, high in [draw(st.sampled_from(bounds))]
        )
        if quotas and known and problem.students
        else (),
    )


def seated(problem: Problem, result: Result, position: np.ndarray) -> Result:
    """A result with other pairs, its books kept in order."""
    score = scores(problem, replace(result.policy, pinned=()))
    matched = position >= 0
    own = np.zeros_like(result.score)
    own[matched] = np.maximum(score[matched, position[matched]], 0)
    filled = np.bincount(position[matched], minlength=problem.positions)
    return replace(result, position=position, score=own, total=int(own.sum()), filled=filled)


def kinds(verdict: Verdict) -> set[Kind]:
    return {fault.kind for fault in verdict.faults}


@given(rounds())
def test_whatever_is_solved_is_proven(instance: tuple[Problem, Policy]) -> None:
    problem, policy = instance
    result = solve(problem, policy)
    verdict = verify(problem, result)
    assert [str(fault) for fault in verdict.faults] == []
    assert verdict.proven
    placed = len(policy.pinned)
    assert verdict.objective == result.total + result.bonus * result.matched + result.pin * placed == verdict.bound


@given(rounds(quotas=True))
def test_whatever_is_solved_under_quotas_is_proven(instance: tuple[Problem, Policy]) -> None:
    problem, policy = instance
    try:
        result = solve(problem, policy)
    except Infeasible:
        return
    verdict = verify(problem, result)
    assert [str(fault) for fault in verdict.faults] == []
    assert verdict.proven


@given(rounds(quotas=True))
def test_pairs_are_scored_as_the_plain_reading_has_them(instance: tuple[Problem, Policy]) -> None:
    """However students and positions are shared out."""
    problem, policy = instance
    expected = scores(problem, policy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", 2)
        patch.setattr(reading, "SHARE", 1)
        found, times = np.full_like(expected, -1), np.zeros_like(expected)
        pairs = reading.Pairs(problem, policy)
        for share in pairs.shares():
            for column in pairs.columns(share):
                found[column.student, column.position] = np.maximum(column.score, -1)
                times[column.student, column.position] += 1
    np.testing.assert_array_equal(found, expected)
    assert times.max(initial=0) <= 1


@given(rounds(), st.data())
def test_another_matching_is_proven_only_if_it_is_as_good(
    instance: tuple[Problem, Policy], data: st.DataObject
) -> None:
    problem, policy = instance
    result = solve(problem, policy)
    n, m = problem.students, problem.positions
    drawn = data.draw(st.lists(st.integers(-1, m - 1), min_size=n, max_size=n))
    changed = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    position = np.where(changed, np.array(drawn, np.int64), result.position)
    other = seated(problem, result, position)
    matched = np.flatnonzero(position >= 0)
    feasible = (
        (other.filled <= problem.headcount).all()
        and (scores(problem, policy)[matched, position[matched]] >= (policy.objective == "score")).all()
        and set(policy.pinned) <= set(named(problem, [(i, position[i]) for i in matched]))
    )
    verdict = verify(problem, other)
    as_good = other.total == result.total and (policy.objective == "score" or len(matched) == result.matched)
    assert (verdict.count == 0) == feasible
    assert verdict.proven == (feasible and as_good)


@settings(max_examples=50)
@given(rounds(), st.data())
def test_whoever_is_dropped_leaves_a_gap_of_what_the_pair_weighed(
    instance: tuple[Problem, Policy], data: st.DataObject
) -> None:
    problem, policy = instance
    result = solve(problem, policy)
    free = [i for i in np.flatnonzero(result.position >= 0) if problem.student_ids[i] not in dict(policy.pinned)]
    if free:
        i = data.draw(st.sampled_from(free))
        position = result.position.copy()
        position[i] = -1
        verdict = verify(problem, seated(problem, result, position))
        assert verdict.count == 0
        assert verdict.gap == result.score[i] + result.bonus
        assert not verdict.proven


@settings(max_examples=50)
@given(rounds(), st.data())
def test_no_price_can_be_another(instance: tuple[Problem, Policy], data: st.DataObject) -> None:
    """A raised one leaves a gap; a lowered one, as prices are the least, leaves pairs unpaid or is below 0."""
    problem, policy = instance
    result = solve(problem, policy)
    open_to = np.flatnonzero(problem.headcount)
    if len(open_to):
        j = data.draw(st.sampled_from(open_to.tolist()))
        raised, lowered = result.price.copy(), result.price.copy()
        raised[j] += 1
        lowered[j] -= 1
        above, below = (verify(problem, replace(result, price=price)) for price in (raised, lowered))
        assert (above.count, above.gap) == (0, problem.headcount[j])
        assert not below.proven
        assert kinds(below) & {Kind.UNPAID, Kind.NEGATIVE}


def market() -> Problem:
    """Two seats in a shop and one in a studio for five people, of whom the last won't design."""
    students = [
        Candidate("ann", claimed={"a": 5, "b": 4}, university="north"),
        Candidate("bo", claimed={"a": 4, "b": 5}, university="north"),
        Candidate("cy", claimed={"a": 3, "b": 2}, university="south"),
        Candidate("di", claimed={"a": 2}, university="south"),
        Candidate("ed", claimed={"a": 1, "b": 5}, categories=frozenset({"operations"})),
    ]
    positions = [
        Opening("shop", "operations", "x", 2, 1, (Requirement("a", 5),), enterprise="mall"),
        Opening("studio", "design", "x", 1, 1, (Requirement("b", 5),), enterprise="house"),
        Opening("idle", "design", "x", 0, 1, (Requirement("c", 1),), enterprise="none"),
    ]
    return pose(students, positions)


def policy(**changes: object) -> Policy:
    return Policy(**({"trust": 0.0} | changes))  # type: ignore[arg-type]


def ruled(result: Result, **changes: object) -> Result:
    """The same result under a changed policy."""
    return replace(result, policy=replace(result.policy, **changes))  # type: ignore[arg-type]


def levied(result: Result, levy: int, *quotas: Quota) -> Result:
    """The same result under quotas, with one levy for each."""
    return replace(ruled(result, quotas=quotas), levy=(levy,) * len(quotas))


def at(array: np.ndarray, index: int, value: int) -> np.ndarray:
    changed = array.copy()
    changed[index] = value
    return changed


def test_the_market_by_hand() -> None:
    """Ann and Cy in the shop, Bo in the studio. One more seat in the shop would bring Di, who scores 0.4 there; one
    more in the studio would bring Ann, who scores 0.2 less there, and Di to the shop in her place."""
    result = solve(market(), policy())
    assert result.position.tolist() == [0, 1, 0, -1, -1]
    assert result.price.tolist() == [400_000, 200_000, 0]
    assert verify(market(), result) == Verdict((), 0, 2_600_000, 2_600_000)


Change = Callable[[Result], Result]
WRONG: list[tuple[str, Change]] = [
    ("surplus must be 5 whole numbers of up to 63 bits", lambda r: replace(r, surplus=r.surplus[1:])),
    ("price must be 3 whole numbers of up to 63 bits", lambda r: replace(r, price=r.price / 2)),
    ("levy must be 0 whole numbers of up to 63 bits", lambda r: replace(r, levy=(7,))),
    (
        "price brings sums about a pair to 9,223,372,036,855,575,808: more than 62 bits hold",
        lambda r: replace(r, price=at(r.price, 1, -(2**63))),
    ),
    ("position[3] is 3: there is no such position", lambda r: replace(r, position=at(r.position, 3, 3))),
    ("position[3] is -2: there is no such position", lambda r: replace(r, position=at(r.position, 3, -2))),
    ("position[4] is 1: that pair is not eligible", lambda r: replace(r, position=at(r.position, 4, 1))),
    (
        "position[3] is 1: that pair weighs nothing, which objective «score» leaves unmatched",
        lambda r: replace(r, position=at(r.position, 3, 1)),
    ),
    (
        "score[2] differs by -1,500 from what the problem gives",
        lambda r: replace(r, score=r.score + np.array([0, 0, -1_500, 0, 0])),
    ),
    ("score[3] differs by 5 from what the problem gives", lambda r: replace(r, score=at(r.score, 3, 5))),
    ("total differs by 1,000 from the sum of the scores", lambda r: replace(r, total=r.total + 1_000)),
    (
        "headcount[0] is 1 below the number of those who are matched there",
        lambda r: seated(market(), r, at(r.position, 3, 0)),
    ),
    (
        "filled[1] differs by -1 from the number of those who are matched there",
        lambda r: replace(r, filled=at(r.filled, 1, 0)),
    ),
    (
        "eligible[1] differs by 1 from the number of those who are",
        lambda r: replace(r, eligible=at(r.eligible, 1, 5)),
    ),
    ("bonus is 8, though the policy asks for none", lambda r: replace(r, bonus=8)),
    ("pin is 8, though the policy asks for none", lambda r: replace(r, pin=8)),
    ("price[2] is -1: it must be 0 or more", lambda r: replace(r, price=at(r.price, 2, -1))),
    ("surplus[4] is -2: it must be 0 or more", lambda r: replace(r, surplus=at(r.surplus, 4, -2))),
    (
        "surplus[3] + price[0] is 1,250 below the weight of that pair",
        lambda r: replace(r, price=at(r.price, 0, 398_750)),
    ),
    (
        "surplus[0] + price[0] is 3 below the weight of that pair",
        lambda r: replace(r, surplus=at(r.surplus, 0, int(r.surplus[0]) - 3)),
    ),
    ("certificate is 9: an optimum violates nothing", lambda r: replace(r, certificate=9)),
    ("gap is 9, which is not what prices, surpluses and levies leave open", lambda r: replace(r, gap=9)),
    ("position[1] is 1: that pair is not eligible", lambda r: ruled(r, banned=(("bo", "studio"),))),
    ("position[2] is 0: that pair is not eligible", lambda r: ruled(r, min_score=0.7)),
    ("pinned[1] is not matched", lambda r: ruled(r, pinned=(("bo", "studio"), ("di", "shop")))),
    ("pinned[0] is not matched", lambda r: ruled(r, pinned=(("bo", "shop"),))),
    ("pinned[0] is not matched", lambda r: ruled(r, pinned=(("zoe", "shop"),))),
    ("bonus is 6,000,001 too small to outweigh all that it comes before", lambda r: ruled(r, objective="placements")),
    (
        "pin is 6,000,001 too small to outweigh all that it comes before",
        lambda r: ruled(r, pinned=(("bo", "studio"),)),
    ),
    ("quotas[0].at_least is missed by 1", lambda r: levied(r, 0, Quota("south", at_least=2))),
    (
        "quotas[1].at_most is exceeded by 1",
        lambda r: levied(r, 0, Quota("south", at_most=1), Quota(enterprise="mall", at_most=1)),
    ),
    ("levy[0] is -2, but quotas[0] sets no bound on that side", lambda r: levied(r, -2, Quota("south", at_most=1))),
    ("levy[0] is 2, but quotas[0] sets no bound on that side", lambda r: levied(r, 2, Quota("south", at_least=1))),
    (
        "surplus[1] + price[1] + levy[0] is 6 below the weight of that pair",
        lambda r: levied(r, -6, Quota(category="design", at_least=1)),
    ),
]


@pytest.mark.parametrize(("sentence", "change"), WRONG)
def test_what_is_wrong_is_named(sentence: str, change: Change) -> None:
    verdict = verify(market(), change(solve(market(), policy())))
    assert not verdict.proven
    assert sentence in map(str, verdict.faults)


@pytest.mark.parametrize(
    ("argument", "objective", "pinned"),
    [("bonus", "placements", ()), ("pin", "score", (("di", "shop"),)), ("pin", "placements", (("di", "shop"),))],
)
def test_a_bonus_is_large_enough_or_named(argument: str, objective: str, pinned: tuple[Pair, ...]) -> None:
    """Too small by one already breaks the order of what comes first."""
    result = solve(market(), policy(objective=objective, pinned=pinned))
    assert verify(market(), result).proven
    smaller = verify(market(), replace(result, **{argument: getattr(result, argument) - 1}))
    assert Fault(Kind.BONUS, argument, (), 1) in smaller.faults


def test_a_pinned_student_pays_for_nothing_but_the_pinned_pair() -> None:
    """Bo, who would be worth more in the studio, is paid for in the shop, and by no unit more."""
    result = solve(market(), policy(pinned=(("bo", "shop"),)))
    surplus = at(result.surplus, 1, int(result.surplus[1]) - 1)
    verdict = verify(market(), replace(result, surplus=surplus))
    assert verdict.faults == (Fault(Kind.UNPAID, "surplus", (1, 0), 1),)


def test_a_pinned_pair_may_score_nothing() -> None:
    problem = pose([Candidate("s")], [Opening("p", "any", "x", 1, 1, (Requirement("a", 1),))])
    result = solve(problem, policy(pinned=(("s", "p"),)))
    assert result.position.tolist() == [0]
    assert verify(problem, result).proven


def test_what_a_pinned_student_might_bring_elsewhere_is_owed_by_nobody() -> None:
    """All of Bo's surplus may stand in the price of the one seat in the studio instead: Bo can't go to the shop."""
    result = solve(market(), policy(pinned=(("bo", "studio"),)))
    price = at(result.price, 1, int(result.price[1] + result.surplus[1]))
    moved = replace(result, price=price, surplus=at(result.surplus, 1, 0))
    assert verify(market(), moved) == verify(market(), result)
    assert verify(market(), moved).proven


def test_a_pair_that_cannot_be_matched_is_owed_nothing_at_any_bonus() -> None:
    students = [Candidate("in", claimed={"a": 5}), Candidate("banned", claimed={"a": 5}), Candidate("unable")]
    problem = pose(students, [Opening("p", "any", "x", 3, 1, (Requirement("a", 5, must_have=True),))])
    result = solve(problem, policy(objective="placements", banned=(("banned", "p"),)))
    assert result.surplus.tolist() == [UNIT + result.bonus, 0, 0]
    assert verify(problem, replace(result, bonus=2**52, surplus=np.array([UNIT + 2**52, 0, 0]))).proven


@pytest.mark.parametrize(
    ("quota", "pairs"),
    [
        (Quota("south", at_least=1), {(2, 0), (2, 1), (3, 0)}),
        (Quota(enterprise="house", at_least=1), {(0, 1), (1, 1), (2, 1)}),
        (Quota(category="operations", at_least=1), {(0, 0), (2, 0), (3, 0)}),
        (Quota("north", enterprise="house", at_least=1), {(0, 1), (1, 1)}),
        (Quota("south", "mall", "operations", at_least=1), {(2, 0), (3, 0)}),
        (Quota("south", "mall", "design", at_least=1), set()),
    ],
    ids=str,
)
def test_a_levy_counts_for_the_pairs_that_its_quota_names_and_no_others(
    quota: Quota, pairs: set[tuple[int, int]]
) -> None:
    """A subsidy of 1 leaves unpaid those whom the quota names of the six pairs that are just paid for; Di, who scores
    nothing at the idle position, is never matched there, at any subsidy."""
    result = solve(market(), policy())
    verdict = verify(market(), levied(result, -1, quota))
    unpaid = {fault for fault in verdict.faults if fault.kind == Kind.UNPAID}
    assert unpaid == {Fault(Kind.UNPAID, "surplus", (*pair, 0), 1) for pair in pairs}


def test_a_person_placed_is_owed_the_bonus_too() -> None:
    result = solve(market(), policy(objective="placements"))
    i = int(np.argmax(result.surplus))
    verdict = verify(market(), replace(result, surplus=at(result.surplus, i, int(result.surplus[i]) - 1)))
    assert Fault(Kind.UNPAID, "surplus", (i, int(result.position[i])), 1) in verdict.faults


def test_levies_prove_a_matching_that_a_limit_has_cost_score() -> None:
    """One at most from the north: Bo, who is the better one in the studio, or Ann, has to go, and Di comes in."""
    result = solve(market(), policy(quotas=(Quota("north", at_most=1),)))
    verdict = verify(market(), result)
    assert verdict.proven
    assert verdict.objective < 2_600_000
    assert result.levy[0] > 0
    free = verify(market(), replace(result, levy=(0,)))
    assert Kind.UNPAID in kinds(free)


def test_prices_of_seats_without_end_are_summed_exactly() -> None:
    """A price times a headcount may leave 63 bits where the price should have been 0."""
    problem = replace(market(), headcount=np.array([2, 1, 2**31 - 1]))
    result = solve(problem, policy())
    verdict = verify(problem, replace(result, price=at(result.price, 2, 2**50)))
    assert verdict.gap == 2**50 * (2**31 - 1)
    assert not verdict.proven


def test_narrow_whole_numbers_are_read_as_well() -> None:
    result = solve(market(), policy())
    names = ("position", "score", "price", "surplus", "filled", "eligible")
    narrow = {name: getattr(result, name).astype(np.int32) for name in names}
    assert verify(market(), replace(result, **narrow)).proven


def test_of_many_faults_a_hundred_are_listed_one_of_each_kind_first() -> None:
    students = [Candidate(f"s{i}", claimed={"a": 5}) for i in range(150)]
    problem = pose(students, [Opening("p", "any", "x", 150, 1, (Requirement("a", 5),))])
    result = solve(problem, policy())
    wrong = replace(result, score=np.zeros(150, np.int64), surplus=np.zeros(150, np.int64), total=3)
    verdict = verify(problem, wrong)
    assert verdict.count == 150 + 150 + 1
    assert len(verdict.faults) == verification.MOST
    assert [fault.kind for fault in verdict.faults[:3]] == [Kind.SCORE, Kind.TOTAL, Kind.UNPAID]


@pytest.mark.parametrize(("students", "positions"), [(0, 0), (0, 2), (2, 0)])
def test_an_empty_market_is_proven(students: int, positions: int) -> None:
    problem = pose(
        [Candidate(str(i)) for i in range(students)],
        [Opening(str(j), "any", "x", 1, 1, (Requirement("a", 1),)) for j in range(positions)],
    )
    assert verify(problem, solve(problem, policy(objective="placements"))) == Verdict((), 0, 0, 0)


def test_every_kind_has_a_sentence() -> None:
    assert set(verification.SENTENCES) == set(Kind)
    assert str(Fault(Kind.UNPAID, "surplus", (3, 7), 1_250)) == (
        "surplus[3] + price[7] is 1,250 below the weight of that pair"
    )
