from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talentbank.engine import stability
from talentbank.engine.assignment import Stopped
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.draw import lottery
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.scoring import columns, fit_of
from talentbank.engine.stability import blocking_pairs, deferred_acceptance

Key = tuple[int, ...]
WEIGHTS = [(1.0, 0.0, 0.0), (0.5, 0.25, 0.25), (0.4, 0.6, 0.0), (0.0, 0.5, 0.5)]


@dataclass(frozen=True)
class Case:
    """A market with everything that a reader of the definitions needs, pair by pair."""

    candidates: list[Candidate]
    openings: list[Opening]
    problem: Problem
    policy: Policy

    @cached_property
    def eligible(self) -> np.ndarray:
        found = np.zeros((self.problem.students, self.problem.positions), bool)
        for j, rows, _ in columns(self.problem, self.policy):
            found[rows, j] = True
        return found

    @cached_property
    def fit(self) -> list[list[int]]:
        trust = self.policy.trust
        return [[round(fit_of(c, o, trust=trust).value * UNIT) for o in self.openings] for c in self.candidates]

    def liking(self, wishes: Wishes) -> list[list[Key]]:
        """What one side makes of each pair, without the draw: wish, then fit."""
        wish = np.zeros((self.problem.students, self.problem.positions), int)
        for i, j, value in zip(wishes.student, wishes.position, wishes.value, strict=True):
            wish[i, j] = round(value * UNIT)
        return [[(int(w), f) for w, f in zip(*rows, strict=True)] for rows in zip(wish, self.fit, strict=True)]

    @cached_property
    def liked(self) -> list[list[Key]]:
        return self.liking(self.problem.by_student)

    @cached_property
    def wanted(self) -> list[list[Key]]:
        return self.liking(self.problem.by_enterprise)

    @cached_property
    def pins(self) -> dict[int, int]:
        named = self.policy.pinned
        return {self.problem.student_index[i]: self.problem.position_index[j] for i, j in named}

    @cached_property
    def drawn(self) -> tuple[list[list[Key]], list[list[Key]]]:
        """The strict preferences: liked and wanted with the draw."""
        turn = lottery(self.policy.seed, "student", self.problem.student_ids)
        rank = lottery(self.policy.seed, "position", self.problem.position_ids)
        liked = [[(*key, -int(rank[j])) for j, key in enumerate(row)] for row in self.liked]
        return liked, [[(*key, -int(turn[i])) for key in row] for i, row in enumerate(self.wanted)]


def textbook(case: Case) -> tuple[list[int], int]:
    """Deferred acceptance as Gale and Shapley tell it, and how many proposals it takes."""
    liked, wanted = case.drawn
    n, m = case.problem.students, case.problem.positions
    seats = case.problem.headcount.tolist()
    for j in case.pins.values():
        seats[j] -= 1
    lists = [sorted(np.flatnonzero(case.eligible[i]).tolist(), key=lambda j, i=i: liked[i][j]) for i in range(n)]
    holds: list[list[int]] = [[] for _ in range(m)]
    free, made = [i for i in range(n) if i not in case.pins], 0
    while free:
        i = free.pop()
        if lists[i]:
            j = lists[i].pop()
            made += 1
            holds[j].append(i)
            if len(holds[j]) > seats[j]:
                out = min(holds[j], key=lambda x: wanted[x][j])
                holds[j].remove(out)
                free.append(out)
    position = [case.pins.get(i, -1) for i in range(n)]
    for j, held in enumerate(holds):
        for i in held:
            position[i] = j
    return position, made


def kept_apart(case: Case, position: list[int], liked: list[list[Key]], wanted: list[list[Key]]) -> list[Key]:
    """The blocking pairs of a matching, by their definition."""
    found: list[Key] = []
    for i, j in product(range(case.problem.students), range(case.problem.positions)):
        if i in case.pins or not case.eligible[i, j]:
            continue
        if position[i] >= 0 and not liked[i][j] > liked[i][position[i]]:
            continue
        holds = [x for x, at in enumerate(position) if at == j]
        if len(holds) < case.problem.headcount[j] or any(
            wanted[i][j] > wanted[x][j] for x in holds if x not in case.pins
        ):
            found.append((i, j))
    return found


levels = st.dictionaries(st.sampled_from("ab"), st.sampled_from([0, 1, 2, 5]))
candidate = st.builds(
    Candidate,
    id=st.just(""),
    categories=st.sampled_from([frozenset(), frozenset(), frozenset({"design"})]),
    cities=st.sampled_from([frozenset(), frozenset(), frozenset({"x"})]),
    min_salary=st.sampled_from([0, 0, 8]),
    claimed=levels,
    verified=levels,
    available=st.sampled_from([True, True, True, False]),
)
requirement = st.builds(
    Requirement,
    competency=st.sampled_from("ab"),
    level=st.sampled_from([1, 2, 5]),
    weight=st.sampled_from([1.0, 2.0]),
    must_have=st.sampled_from([False, False, False, True]),
)
opening = st.builds(
    Opening,
    id=st.just(""),
    category=st.sampled_from(["design", "operations"]),
    city=st.sampled_from("xy"),
    headcount=st.integers(0, 3),
    max_salary=st.sampled_from([9, 9, 7]),
    requirements=st.lists(requirement, min_size=1, max_size=2, unique_by=lambda r: r.competency).map(tuple),
)


@st.composite
def cases(draw: st.DrawFn, students: int = 6, positions: int = 5) -> Case:
    """Small markets with ties, wishes, pairs ruled out or banned, pins, and a lowest score."""
    candidates = [replace(c, id=f"s{i}") for i, c in enumerate(draw(st.lists(candidate, max_size=students)))]
    openings = [replace(o, id=f"p{j}") for j, o in enumerate(draw(st.lists(opening, max_size=positions)))]
    n, m = len(candidates), len(openings)
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    some = (lambda most: st.lists(pair, max_size=most, unique=True)) if n and m else (lambda _: st.just([]))
    problem = replace(
        pose(candidates, openings),
        by_student=draw(some(8).flatmap(wishes)),
        by_enterprise=draw(some(8).flatmap(wishes)),
        ruled_out=np.array(draw(some(2)), np.int64).reshape(-1, 2),
    )
    policy = Policy(
        objective=draw(st.sampled_from(["score", "placements"])),
        trust=draw(st.sampled_from([0.0, 0.5, 1.0])),
        min_score=draw(st.sampled_from([-1.0, 0.0, 0.0, 0.2, 0.5])),
        must_have_verified=draw(st.booleans()),
        weights=draw(st.sampled_from(WEIGHTS)),
        seed=draw(st.sampled_from(["", "a", "b"])),
        banned=tuple((f"s{i}", f"p{j}") for i, j in draw(some(2))),
    )
    case = Case(candidates, openings, problem, policy)
    seats, pinned = problem.headcount.tolist(), {}
    for i, j in draw(some(3)):
        if case.eligible[i, j] and i not in pinned and seats[j]:
            pinned[i], seats[j] = j, seats[j] - 1
    pins = tuple((f"s{i}", f"p{j}") for i, j in pinned.items())
    return Case(candidates, openings, problem, replace(policy, pinned=pins))


def wishes(pairs: list[tuple[int, int]]) -> st.SearchStrategy[Wishes]:
    values = st.lists(st.sampled_from([0.0, 1e-6, 0.25, 0.5, 1.0]), min_size=len(pairs), max_size=len(pairs))
    at = np.array(pairs, np.int64).reshape(-1, 2)
    return values.map(lambda drawn: Wishes(at[:, 0], at[:, 1], np.array(drawn, float)))


@contextmanager
def short_lists() -> Iterator[None]:
    """Lists so short and batches so small that a small market uses them up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stability, "LIST", 2)
        patch.setattr(stability, "FEWEST", 1)
        patch.setattr(stability, "MOST", 4)
        yield


@given(cases())
def test_outcome_is_that_of_the_textbook(case: Case) -> None:
    stable = deferred_acceptance(case.problem, case.policy)
    position, most = textbook(case)
    assert stable.position.tolist() == position
    assert stable.proposals <= most


@given(cases())
def test_outcome_does_not_hang_on_the_length_of_lists(case: Case) -> None:
    with short_lists():
        assert deferred_acceptance(case.problem, case.policy).position.tolist() == textbook(case)[0]


@given(cases())
def test_figures_are_those_of_the_pairs(case: Case) -> None:
    stable = deferred_acceptance(case.problem, case.policy)
    score = np.zeros((case.problem.students, case.problem.positions), int)
    for j, rows, units in columns(case.problem, case.policy):
        score[rows, j] = units
    placed = np.flatnonzero(stable.position >= 0)
    assert case.eligible[placed, stable.position[placed]].all()
    assert stable.score[placed].tolist() == score[placed, stable.position[placed]].tolist()
    assert stable.score.sum() == stable.score[placed].sum() == stable.total
    taken = np.bincount(stable.position[placed], minlength=case.problem.positions)
    assert stable.filled.tolist() == taken.tolist()
    assert (taken <= case.problem.headcount).all()
    assert stable.matched == len(placed)


@given(cases())
def test_deferred_acceptance_leaves_no_blocking_pair(case: Case) -> None:
    found = blocking_pairs(case.problem, case.policy, deferred_acceptance(case.problem, case.policy).position)
    assert (found.count, found.first) == (0, None)
    assert not found.student.any()
    assert not found.position.any()


@settings(max_examples=60)
@given(cases(students=4, positions=3))
def test_every_student_likes_it_as_well_as_any_stable_matching(case: Case) -> None:
    liked, wanted = case.drawn
    ours = deferred_acceptance(case.problem, case.policy).position.tolist()
    stable = [list(p) for p in all_matchings(case) if not kept_apart(case, list(p), liked, wanted)]
    assert ours in stable
    for other in stable:
        for i, (mine, theirs) in enumerate(zip(ours, other, strict=True)):
            assert theirs < 0 or (mine >= 0 and liked[i][mine] >= liked[i][theirs])


def all_matchings(case: Case) -> Iterator[tuple[int, ...]]:
    """Every matching of eligible pairs that keeps the pins."""
    for position in product(range(-1, case.problem.positions), repeat=case.problem.students):
        placed = [(i, j) for i, j in enumerate(position) if j >= 0]
        taken = np.bincount([j for _, j in placed], minlength=case.problem.positions)
        if (
            all(case.eligible[pair] for pair in placed)
            and all(position[i] == j for i, j in case.pins.items())
            and (taken <= case.problem.headcount).all()
        ):
            yield position


@given(cases(), st.randoms())
def test_outcome_does_not_hang_on_the_order_of_rows_and_columns(case: Case, random: object) -> None:
    rows, places = list(range(case.problem.students)), list(range(case.problem.positions))
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(places)  # type: ignore[attr-defined]
    row, place = np.argsort(rows), np.argsort(places)

    def moved(wishes: Wishes) -> Wishes:
        return Wishes(row[wishes.student], place[wishes.position], wishes.value)

    ruled_out = case.problem.ruled_out
    turned = replace(
        pose([case.candidates[i] for i in rows], [case.openings[j] for j in places]),
        by_student=moved(case.problem.by_student),
        by_enterprise=moved(case.problem.by_enterprise),
        ruled_out=np.column_stack([row[ruled_out[:, 0]], place[ruled_out[:, 1]]]),
    )
    before, after = (deferred_acceptance(problem, case.policy) for problem in (case.problem, turned))
    assert [places[j] if j >= 0 else -1 for j in after.position[row]] == before.position.tolist()
    assert (after.total, after.proposals) == (before.total, before.proposals)


@given(cases(), st.data())
def test_blocking_pairs_are_those_of_the_definition(case: Case, data: st.DataObject) -> None:
    """Of any matching, pairs held that are not eligible included."""
    position, left = [], case.problem.headcount.tolist()
    for _ in range(case.problem.students):
        j = data.draw(st.integers(-1, case.problem.positions - 1))
        position.append(j if j >= 0 and left[j] else -1)
        if position[-1] >= 0:
            left[j] -= 1
    found = blocking_pairs(case.problem, case.policy, position)
    expected = kept_apart(case, position, case.liked, case.wanted)
    assert found.count == len(expected)
    assert found.student.tolist() == [sum(i == x for x, _ in expected) for i in range(case.problem.students)]
    assert found.position.tolist() == [sum(j == y for _, y in expected) for j in range(case.problem.positions)]
    assert found.first == min(expected, default=None)


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_outcome_is_that_of_the_textbook_in_several_blocks(seed: int) -> None:
    case = crowd(seed, 300, 20)
    stable = deferred_acceptance(case.problem, case.policy)
    assert stable.position.tolist() == textbook(case)[0]
    with short_lists():
        assert deferred_acceptance(case.problem, case.policy).position.tolist() == stable.position.tolist()
    ours = np.where(np.random.default_rng(seed).random(300) < 0.2, -1, stable.position)
    found = blocking_pairs(case.problem, case.policy, ours)
    expected = kept_apart(case, ours.tolist(), case.liked, case.wanted)
    assert (found.count, found.first) == (len(expected), min(expected, default=None))


def crowd(seed: int, n: int, m: int) -> Case:
    """A market in which seats are scarce and a third of the students wish for the same few positions."""
    random = np.random.default_rng(seed)
    candidates = [
        Candidate(f"s{i}", claimed={"a": int(a), "b": int(b)})
        for i, (a, b) in enumerate(random.integers(0, 6, (n, 2)))
    ]
    openings = [
        Opening(f"p{j}", "design", "x", int(seats), 1, (Requirement("a", int(a), 2.0), Requirement("b", int(b))))
        for j, (a, b, seats) in enumerate(random.integers(1, 6, (m, 3)) * [1, 1, 2])
    ]
    who, where = random.choice(n, n // 3, replace=False), random.integers(0, min(m, 4), n // 3)
    wishes = Wishes(who, where, random.choice([0.25, 0.5, 1.0], n // 3))
    problem = replace(pose(candidates, openings), by_student=wishes, by_enterprise=wishes)
    return Case(candidates, openings, problem, Policy(weights=(0.5, 0.25, 0.25), min_score=0.1, seed=str(seed)))


def ranked(students: list[str], positions: list[str]) -> Problem:
    """A market of equal fits in which both sides rank the other; «BAC» likes B best. Students are A, B, ..."""
    ids, anybody = "ABCDEFGH", (Requirement("any", 1),)
    problem = pose(
        [Candidate(ids[i], claimed={"any": 1}) for i in range(len(students))],
        [Opening(ids[j], "any", "any", 1, 1, anybody) for j in range(len(positions))],
    )

    def said(order: Callable[[int, int], tuple[str, str]]) -> Wishes:
        pairs = list(product(range(len(students)), range(len(positions))))
        value = [1 - order(i, j)[0].index(order(i, j)[1]) / len(order(i, j)[0]) for i, j in pairs]
        return Wishes(np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), np.array(value))

    return replace(
        problem,
        by_student=said(lambda i, j: (students[i], ids[j])),
        by_enterprise=said(lambda i, j: (positions[j], ids[i])),
    )


def test_first_example_of_gale_and_shapley() -> None:
    """Three matchings are stable; whoever proposes gets their first choice, and the others their last."""
    problem = ranked(["ABC", "BCA", "CAB"], ["BCA", "CAB", "ABC"])
    stable = deferred_acceptance(problem, Policy())
    assert stable.position.tolist() == [0, 1, 2]
    assert stable.proposals == 3
    counts = {p: blocking_pairs(problem, Policy(), p).count for p in [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1)]}
    assert [count > 0 for count in counts.values()] == [False, False, False, True]


def test_second_example_of_gale_and_shapley() -> None:
    """One matching alone is stable, and nobody gets their first choice in it."""
    problem = ranked(["ABCD", "ADCB", "BACD", "DBCA"], ["DCAB", "BDAC", "DABC", "CBAD"])
    assert deferred_acceptance(problem, Policy()).position.tolist() == [2, 3, 0, 1]


def test_a_wish_comes_before_any_fit_and_fit_before_the_draw() -> None:
    wanted = (Requirement("a", 5),)
    strong, weak = Candidate("strong", claimed={"a": 5}), Candidate("weak", claimed={"a": 1})
    problem = pose([strong, weak], [Opening("p", "any", "any", 1, 1, wanted)])
    assert deferred_acceptance(problem, Policy()).position.tolist() == [0, -1]
    wished = replace(problem, by_enterprise=Wishes(np.array([1]), np.array([0]), np.array([0.001])))
    assert deferred_acceptance(wished, Policy()).position.tolist() == [-1, 0]


def test_a_pinned_student_keeps_the_seat_and_is_not_envied() -> None:
    """Even where the pair scores nothing, which objective «score» alone would not match."""
    strong, weak = Candidate("strong", claimed={"a": 5}), Candidate("weak")
    problem = pose([strong, weak], [Opening("p", "any", "any", 1, 1, (Requirement("a", 5),))])
    policy = Policy(pinned=(("weak", "p"),))
    assert deferred_acceptance(problem, policy).position.tolist() == [-1, 0]
    assert blocking_pairs(problem, policy, [-1, 0]).count == 0
    assert blocking_pairs(problem, Policy(), [-1, 0]).first == (0, 0)


def test_more_seats_than_people_are_as_good_as_enough() -> None:
    openings = [Opening("p", "any", "any", 2**31 - 1, 1, (Requirement("a", 5),))]
    stable = deferred_acceptance(pose([Candidate("s"), Candidate("t")], openings), Policy())
    assert stable.position.tolist() == [0, 0]


@pytest.mark.parametrize("phase", ["proposals", "blocking"])
def test_progress_rises_to_the_whole_and_can_stop(phase: str) -> None:
    case = crowd(1, 600, 20)
    heard: list[float] = []

    def run(progress: Callable[[str, float], bool | None]) -> list[int]:
        if phase == "blocking":
            return blocking_pairs(case.problem, case.policy, np.full(600, -1), progress).student.tolist()
        return deferred_acceptance(case.problem, case.policy, progress).position.tolist()

    def listen(name: str, share: float) -> None:
        assert name == phase
        heard.append(share)

    whole = run(listen)
    assert heard == sorted(heard)
    assert 0 <= heard[0] < heard[-1] == 1
    asked: list[float] = []
    with pytest.raises(Stopped):
        run(lambda _, share: asked.append(share) or len(asked) < 2)
    assert len(asked) == 2
    assert run(listen) == whole


@pytest.mark.parametrize(
    ("position", "sentence"),
    [
        ([0], r"position must be 2 whole numbers, not int64 \(1,\)"),
        ([0.5, 1.0], "position must be 2 whole numbers, not float64"),
        ([0, 2], r"position\[1\] is 2: it must be from -1 to 1"),
        ([-2, 0], r"position\[0\] is -2"),
        ([1, 1], "position names 1 more often than its headcount, 1"),
    ],
)
def test_what_is_no_matching_is_refused(position: list[float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        blocking_pairs(ranked(["AB", "BA"], ["AB", "BA"]), Policy(), position)


def test_a_pin_that_is_not_eligible_is_refused() -> None:
    problem = replace(ranked(["AB", "BA"], ["AB", "BA"]), ruled_out=np.array([[0, 1]]))
    for run in (deferred_acceptance, lambda *given: blocking_pairs(*given, [-1, -1])):
        with pytest.raises(ValueError, match=r"pinned\[0\] is \('A', 'B'\)"):
            run(problem, Policy(pinned=(("A", "B"),)))
