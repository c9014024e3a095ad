"""Stability: student-proposing deferred acceptance with headcounts, and the blocking pairs of any matching.

Both sides like by the same rule: first whom they wished for more, in whole 1/UNIT, then the greater fit, which is the
score with weights (1, 0, 0). Deferred acceptance settles what is left by the draw of `draw`, so that every preference
is strict and its outcome is one, whatever the order of rows and of proposals; blocking pairs are counted without it,
because a draw wrongs nobody. Any eligible seat is liked better than none, and anybody eligible better than a free
seat: pairs that were not wished for come after those that were, and a fit of 0 is acceptable.

D. Gale, L. S. Shapley, «College admissions and the stability of marriage», American Mathematical Monthly 69, 1962; in
any order of proposals: D. G. McVitie, L. B. Wilson, «The stable marriage problem», Comm. ACM 14(7), 1971; with
headcounts: A. E. Roth, «The evolution of the labor market for medical interns and residents», J. Political Economy
92(6), 1984.

Nobody's whole list is ever written down. A full position has a cutoff, what it would have to like a student more than
to take it, and cutoffs only rise; so a student needs only the next few places whose cutoffs it beats today. Students
come in small batches, the first in the draw first, and the cutoffs that earlier ones leave keep later lists short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from talentbank.engine import draw
from talentbank.engine.assignment import Progress, teller
from talentbank.engine.compiled import compiled
from talentbank.engine.nudges import Nudges
from talentbank.engine.optimum import Tell
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import Ints, Problem, Wishes
from talentbank.engine.scoring import Terms
from talentbank.engine.sweep import each_block
from talentbank.engine.tables import (
    NEVER,
    grouped,
    indices,
    is_special,
    special_pairs,
    special_units,
    tables,
    units_of,
)

STEP = UNIT + 1
"""Liking counts a wish so many times, a fit once: no fit is more than UNIT."""

FIT = (1.0, 0.0, 0.0)
"""Weights under which the score is the fit."""

LIST = 16
"""Places that a student's list holds."""

FEWEST, MOST = 32, 2048
"""Students whose lists are made together: fewer after most came back for another, more after few did."""

FAR = 2**62
NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class Stable:
    """A stable matching of n students to m positions.

    position (n,): the position of each student, -1 for none; score (n,): that pair's score under the policy's own
    weights, in 1/UNIT, 0 for none; total: their sum. filled (m,): seats taken. proposals: how many were made; those
    that a cutoff was known to refuse were not.
    """

    position: Ints
    score: Ints
    total: int
    filled: Ints
    proposals: int

    @property
    def matched(self) -> int:
        """How many students were matched."""
        return int((self.position >= 0).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Blocking:
    """The blocking pairs of a matching: how many there are, how many of each student (n,) and of each position (m,),
    and the first of them by student and then position, None if there is none."""

    count: int
    student: Ints
    position: Ints
    first: tuple[int, int] | None


class Market(NamedTuple):
    """Who likes whom how much: wish · STEP + fit.

    fit: tables in which units_of is the fit. Of its special pairs, liked and wanted (s,) are what the student and the
    enterprise make of each. own: tables in which units_of is the score, asked only if `scored`, where it may be lower
    than own.fewest though the fit is not.
    """

    fit: Any
    own: Any
    scored: bool
    liked: Any
    wanted: Any


def deferred_acceptance(problem: Problem, policy: Policy, progress: Progress | None = None) -> Stable:
    """The stable matching that every student likes at least as well as any other stable one.

    Eligible is what `scoring.columns` says under the policy; its objective and its nudges play no part, as they are
    not what the sides like. Pinned students keep their seats and stand aside, as those seats do. Quotas are not
    respected: under them there may be no stable matching.
    progress hears the phase «proposals». Raises ValueError for a policy that does not go with the problem, and
    Stopped if progress returns False.
    """
    order = grouped(problem)
    market, held = _market(problem, policy, order)
    place = np.append(np.argsort(order), NEVER)[held]
    seats = problem.headcount[order] - np.bincount(place[place >= 0], minlength=problem.positions)
    state = _opened(
        turn=draw.lottery(policy.seed, "student", problem.student_ids),
        rank=draw.lottery(policy.seed, "position", problem.position_ids)[order],
        seats=seats,
    )
    proposals = _settle(market, state, np.flatnonzero(held < 0), teller(progress))
    position = np.where(held >= 0, held, np.append(order, NEVER)[state.seat])
    score = _scores(problem, policy, position)
    return Stable(
        position=position,
        score=score,
        total=int(score.sum()),
        filled=np.bincount(position[position >= 0], minlength=problem.positions).astype(np.int64),
        proposals=proposals,
    )


def blocking_pairs(
    problem: Problem, policy: Policy, position: ArrayLike, progress: Progress | None = None
) -> Blocking:
    """Count the pairs that a matching, position (n,), -1 for none, keeps apart against the wish of both.

    They are eligible under the policy; the student likes the position strictly more than what it has, or has nothing;
    the position has a free seat, or likes the student strictly more than somebody whom it holds. Strictly means by
    wish and fit, without the draw and without nudges. Nobody who is pinned is counted, neither as the one who envies
    nor as the one who is envied. A seat held is taken at its wish and fit even where that pair is not eligible.

    progress hears the phase «blocking». Raises ValueError for a matching or a policy that does not go with the
    problem, and Stopped if progress returns False.
    """
    tell = teller(progress)
    seats = _checked(problem, position)
    order = grouped(problem)
    market, held = _market(problem, policy, order)
    has, worst = _standing(problem, policy, seats, held)
    student, lowest = np.zeros(problem.students, np.int64), np.zeros(problem.students, np.int64)
    at_place = np.zeros(problem.positions, np.int64)
    low = 0
    for done, found in each_block(
        problem.students, lambda low, high: _blocking(market, low, high, has, worst[order], order)
    ):
        student[low:done], lowest[low:done], here = found
        at_place += here
        low = done
        tell("blocking", done / problem.students)
    by_position = np.empty_like(at_place)
    by_position[order] = at_place
    envious = np.flatnonzero(student)
    first = (int(envious[0]), int(lowest[envious[0]])) if len(envious) else None
    return Blocking(int(student.sum()), student, by_position, first)


def _market(problem: Problem, policy: Policy, order: Ints) -> tuple[Market, Ints]:
    """Who likes whom, and the position at which each student is pinned, (n,), -1 for not."""
    # under «score» a pair that scores 0 would not be matched, and nudges are no side's liking
    anyhow = replace(policy, objective="placements", nudges=())
    by_fit, terms = replace(policy, weights=FIT), Terms.of(problem, policy)
    special = special_pairs(problem, anyhow, terms, order, 0, 0, Nudges.of(problem, anyhow))
    scored = policy.weights[0] != 1 and policy.least_units > 0
    fit = tables(problem, by_fit, Terms.of(problem, by_fit), order, 0, special)
    own = tables(problem, policy, terms, order, 0, special) if scored else fit
    liked, wanted = _liking(problem, policy, special.student, order[special.place])
    pinned = np.full(problem.students, NEVER)
    pins = indices(problem, policy.pinned, "pinned")
    pinned[pins[:, 0]] = pins[:, 1]
    return Market(fit, own, scored, liked, wanted), pinned


def _liking(problem: Problem, policy: Policy, student: Ints, position: Ints) -> tuple[Ints, Ints]:
    """What the students and what the enterprises of some pairs make of each other."""
    by_fit = replace(policy, weights=FIT)
    fit, _, _ = special_units(problem, by_fit, Terms.of(problem, by_fit), student, position)
    asked = student * problem.positions + position
    liked, wanted = (_wished(w, asked, problem.positions) for w in (problem.by_student, problem.by_enterprise))
    return liked * STEP + fit, wanted * STEP + fit


def _wished(wishes: Wishes, asked: Ints, width: int) -> Ints:
    """What is wished of the pairs asked for, student · width + position, in 1/UNIT."""
    said = wishes.student * width + wishes.position
    order = np.argsort(said)
    at = np.searchsorted(said[order], asked)
    value = np.append(np.rint(UNIT * wishes.value[order]).astype(np.int64), 0)
    return np.where(np.append(said[order], NEVER)[at] == asked, value[at], 0)


def _scores(problem: Problem, policy: Policy, position: Ints) -> Ints:
    """The scores of a matching's pairs, (n,), in 1/UNIT."""
    rows = np.flatnonzero(position >= 0)
    score = np.zeros(problem.students, np.int64)
    _, score[rows], _ = special_units(problem, policy, Terms.of(problem, policy), rows, position[rows])
    return score


class State(NamedTuple):
    """How far the proposals are.

    turn (n,), rank (m,): places in the draw. place, theirs (n, LIST): each student's list, the one liked best first,
    with what the position makes of the student; next (n,): how far it has been used, length (n,): how long it is. No
    list has a place again: where a student was refused, the cutoff is too high for good. seat (n,), seats (m,),
    filled (m,). What a position holds is a skew heap, whoever it would let go first on top: top (m,), left, right,
    key (n,). cutoff (m,): a student must be liked more. waiting (n,): students who need a list, the next one last.
    """

    turn: Any
    rank: Any
    place: Any
    theirs: Any
    next: Any
    length: Any
    seat: Any
    seats: Any
    filled: Any
    top: Any
    left: Any
    right: Any
    key: Any
    cutoff: Any
    waiting: Any


def _opened(turn: Ints, rank: Ints, seats: Ints) -> State:
    n, m = len(turn), len(rank)
    return State(
        turn=turn,
        rank=rank,
        place=np.full((n, LIST), NEVER, np.int32),
        theirs=np.zeros((n, LIST), np.int64),
        next=np.zeros(n, np.int64),
        length=np.zeros(n, np.int64),
        seat=np.full(n, NOBODY),
        seats=seats,
        filled=np.zeros(m, np.int64),
        top=np.full(m, NOBODY),
        left=np.full(n, NOBODY),
        right=np.full(n, NOBODY),
        key=np.zeros(n, np.int64),
        cutoff=np.where(seats > 0, -1, FAR),
        waiting=np.empty(n, np.int64),
    )


def _settle(market: Market, state: State, students: Ints, tell: Tell) -> int:
    """Let these students propose until nobody has anywhere left to go. Returns how many proposals were made."""
    state.waiting[: len(students)] = _in_turn(state, students)
    left, size, share, proposals = len(students), MOST, 0.0, 0
    while left:
        tell("proposals", share)
        rows = state.waiting[max(0, left - size) : left][::-1].copy()
        _list(market, state, rows)
        stayed = left - len(rows)
        left, made = _propose(state, rows, stayed)
        proposals += made
        state.waiting[stayed:left] = _in_turn(state, state.waiting[stayed:left])
        size = max(FEWEST, size // 2) if 2 * (left - stayed) > len(rows) else min(MOST, size * 2)
        share = max(share, 1 - left / len(students))
    tell("proposals", 1)
    return proposals


def _in_turn(state: State, students: Ints) -> Ints:
    """Students with the first in the draw last."""
    return students[np.argsort(-state.turn[students])]


def _list(market: Market, state: State, rows: Ints) -> None:
    """Make a new list for some students."""
    size, low = state.place.shape[1], 0
    for high, found in each_block(len(rows), lambda low, high: _lists(market, state, rows[low:high], size)):
        block = rows[low:high]
        state.place[block], state.theirs[block], state.length[block] = found
        low = high
    state.next[rows] = 0


@compiled
def _lists(market: Market, state: State, rows: Any, size: int) -> Any:
    """The next best places of some students whose cutoffs they beat: places, what those make of them, and how many
    there are."""
    mine = np.full((len(rows), size), np.int64(-1))
    theirs = np.zeros((len(rows), size), np.int64)
    place = np.full((len(rows), size), np.int32(NEVER))
    _list_special(market, state, rows, mine, place, theirs)
    _list_plain(market, state, rows, mine, place, theirs)
    length = np.zeros(len(rows), np.int64)
    for x in range(len(rows)):
        while length[x] < size and place[x, length[x]] >= 0:
            length[x] += 1
    return place, theirs, length


@compiled
def _list_special(market: Market, state: State, rows: Any, mine: Any, place: Any, theirs: Any) -> None:
    t, n, m, last = market.fit, len(state.turn), len(state.rank), mine.shape[1] - 1
    for x in range(len(rows)):
        i = rows[x]
        for e in range(t.special_start[i], t.special_start[i + 1]):
            if t.special_weight[e] < 0:
                continue
            j = t.special_position[e]
            liked = market.liked[e] * m + m - 1 - state.rank[j]
            wanted = market.wanted[e] * n + n - 1 - state.turn[i]
            if liked > mine[x, last] and wanted > state.cutoff[j]:
                _insert(mine, place, theirs, x, liked, j, wanted)


@compiled
def _list_plain(market: Market, state: State, rows: Any, mine: Any, place: Any, theirs: Any) -> None:
    t, n, m, last = market.fit, len(state.turn), len(state.rank), mine.shape[1] - 1
    members = np.empty(len(rows), np.int64)
    for g in range(len(t.group_start) - 1):
        count = 0
        if t.group_start[g] < t.group_start[g + 1]:
            for x in range(len(rows)):
                if t.takes[rows[x], g]:
                    members[count] = x
                    count += 1
        for j in range(t.group_start[g], t.group_start[g + 1] if count else t.group_start[g]):
            later, cutoff = m - 1 - state.rank[j], state.cutoff[j]
            for y in range(count if cutoff < STEP * n else 0):
                x = members[y]
                i = rows[x]
                fit = units_of(t, i, j)
                liked = fit * m + later
                if fit < 0 or liked <= mine[x, last]:
                    continue
                wanted = fit * n + n - 1 - state.turn[i]
                if wanted > cutoff and _plain(market, i, j, fit):
                    _insert(mine, place, theirs, x, liked, j, wanted)


@compiled
def _plain(market: Market, i: int, j: int, fit: int) -> bool:
    """Whether a pair that salary and must-haves allow scores enough, and nothing else is said about it."""
    units = units_of(market.own, i, j) if market.scored else fit
    return units >= market.own.fewest and not is_special(market.fit, i, j)


@compiled
def _insert(mine: Any, place: Any, theirs: Any, x: int, liked: int, j: int, wanted: int) -> None:
    """Put a place in row x of the lists, where the worst one falls off."""
    at = mine.shape[1] - 1
    while at > 0 and mine[x, at - 1] < liked:
        mine[x, at], place[x, at], theirs[x, at] = mine[x, at - 1], place[x, at - 1], theirs[x, at - 1]
        at -= 1
    mine[x, at], place[x, at], theirs[x, at] = liked, j, wanted


@compiled
def _propose(s: State, rows: Any, left: int) -> Any:
    """Let some students propose down their lists, and whoever is let go for them. Whoever has used up a list that may
    not have been all joins those who wait, of whom there are `left`. Returns how many wait now, and the proposals."""
    made = 0
    for x in range(len(rows)):
        i = rows[x]
        while i >= 0:
            if s.next[i] == s.length[i]:
                if s.length[i] == s.place.shape[1]:
                    s.waiting[left] = i
                    left += 1
                break
            j, key = s.place[i, s.next[i]], s.theirs[i, s.next[i]]
            s.next[i] += 1
            made += 1
            if key <= s.cutoff[j]:
                continue
            out = NOBODY
            if s.filled[j] == s.seats[j]:
                out = s.top[j]
                s.seat[out] = NOBODY
                s.top[j] = _joined(s, s.left[out], s.right[out])
            else:
                s.filled[j] += 1
            s.seat[i], s.key[i], s.left[i], s.right[i] = j, key, NOBODY, NOBODY
            s.top[j] = _joined(s, s.top[j], i)
            if s.filled[j] == s.seats[j]:
                s.cutoff[j] = s.key[s.top[j]]
            i = out
    return left, made


@compiled
def _joined(s: State, a: int, b: int) -> int:
    """Two skew heaps as one (D. D. Sleator, R. E. Tarjan, «Self-adjusting heaps», SIAM J. Computing 15(1), 1986)."""
    if a < 0 or b < 0:
        return max(a, b)
    if s.key[b] < s.key[a]:
        a, b = b, a
    top = a
    while True:
        further = s.right[a]
        s.right[a] = s.left[a]
        if further < 0:
            s.left[a] = b
            return top
        if s.key[b] < s.key[further]:
            further, b = b, further
        s.left[a] = further
        a = further


def _checked(problem: Problem, position: ArrayLike) -> Ints:
    """The matching as whole numbers, if it is one."""
    given = np.asarray(position)
    if given.shape != (problem.students,) or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"position must be {problem.students} whole numbers, not {given.dtype} {given.shape}")
    bad = np.flatnonzero((given < -1) | (given >= problem.positions))
    if len(bad):
        raise ValueError(f"position[{bad[0]}] is {given[bad[0]]}: it must be from -1 to {problem.positions - 1}")
    seats = given.astype(np.int64)
    over = np.flatnonzero(np.bincount(seats[seats >= 0], minlength=problem.positions) > problem.headcount)
    if len(over):
        raise ValueError(f"position names {over[0]} more often than its headcount, {problem.headcount[over[0]]}")
    return seats


def _standing(problem: Problem, policy: Policy, seats: Ints, pinned: Ints) -> tuple[Ints, Ints]:
    """What students and positions must like more in order to change: has (n,), what they make of their own seat, -1
    for none and FAR for the pinned; worst (m,), what they make of whom they like least of those they hold, the pinned
    aside, -1 where a seat is free."""
    rows = np.flatnonzero((seats >= 0) & (pinned < 0))
    at = seats[rows]
    liked, wanted = _liking(problem, policy, rows, at)
    has = np.where(pinned >= 0, FAR, -1)
    has[rows] = liked
    worst = np.full(problem.positions, FAR)
    np.minimum.at(worst, at, wanted)
    free = np.bincount(seats[seats >= 0], minlength=problem.positions) < problem.headcount
    return has, np.where(free, -1, worst)


@compiled
def _blocking(market: Market, low: int, high: int, has: Any, worst: Any, order: Any) -> Any:
    """How many blocking pairs the block's students have, the lowest position of each one's, and how many there are at
    each place."""
    t = market.fit
    student, place = np.zeros(high - low, np.int64), np.zeros(len(worst), np.int64)
    lowest = np.full(high - low, len(worst))
    members = np.empty(high - low, np.int64)
    for i in range(low, high):
        for e in range(t.special_start[i], t.special_start[i + 1]):
            j = t.special_position[e]
            if t.special_weight[e] >= 0 and market.liked[e] > has[i] and market.wanted[e] > worst[j]:
                student[i - low] += 1
                place[j] += 1
                lowest[i - low] = min(lowest[i - low], order[j])
    for g in range(len(t.group_start) - 1):
        count = 0
        if t.group_start[g] < t.group_start[g + 1]:
            for i in range(low, high):
                if t.takes[i, g] and has[i] < UNIT:
                    members[count] = i
                    count += 1
        for j in range(t.group_start[g], t.group_start[g + 1] if count else t.group_start[g]):
            for x in range(count if worst[j] < UNIT else 0):
                i = members[x]
                fit = units_of(t, i, j)
                if fit > has[i] and fit > worst[j] and _plain(market, i, j, fit):
                    student[i - low] += 1
                    place[j] += 1
                    lowest[i - low] = min(lowest[i - low], order[j])
    return student, lowest, place
