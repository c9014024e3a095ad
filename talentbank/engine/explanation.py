"""Why everybody got what they got: what came next, what stood in the way, and what to learn (DESIGN.md, section 4).

One pass over all pairs reads it from a run's prices. Whoever changes one row of the market gains what that row is
worth at the prices that an outsider has to beat (`entry_prices`): with w' for the new weights, nudges included, an
unmatched student raises the objective by max(0, max_j w'_ij − entry_j), to the last unit, and one who sits at k by at
least max(w'_ik − w_ik, max_j≠k w'_ij − entry_j − u_i) (dual prices as what-ifs: D. Gale, «The Theory of Linear
Economic Models», 1960, chapter 5; both ends of the prices: L. S. Shapley, M. Shubik, «The assignment game I: The
core», Int. J. Game Theory 1, 1971).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from talentbank.engine import draw, forest
from talentbank.engine.assignment import Progress, Result, Stopped, entry_prices
from talentbank.engine.competency import MAX_LEVEL
from talentbank.engine.compiled import compiled
from talentbank.engine.nudges import Nudges
from talentbank.engine.policy import Policy
from talentbank.engine.problem import Bools, Ints, Problem
from talentbank.engine.scoring import CODES, NANO, Obstacle, Terms
from talentbank.engine.sweep import each_block
from talentbank.engine.tables import NEVER, Special, Tables, grouped, indices, lightest_of, tables

CONDITIONS = tuple(Obstacle)
"""What `Explanation.condition` counts: unavailable, category, city, salary, must_have, min_score."""

UNAVAILABLE, CATEGORY, CITY, SALARY, MUST_HAVE, MIN_SCORE = range(len(CONDITIONS))
CLEAR, SEVERAL = -1, -2
"""Nothing stands in the way of a pair, or more than one condition does."""

LOW = -(2**62)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What a run's prices say to each of n students; scores, gains and what was lacked in 1/UNIT of the objective.

    Under objective «placements» a gain of the result's `bonus` or more means that one person more is placed. Of
    equally good positions the one that comes first in the round's lottery is named, so that nothing hangs on the
    order of rows.

    pinned (n,): who was placed by hand. Of them nothing else is said: -1 and 0 throughout, but for `eligible`.
    eligible (n,): how many positions were open to the student.
    alternative (n,): among those with seats, the best by weight − entry price beside the one that the student has, -1
    if there is none; alternative_score (n,): the student's score there, without a nudge; lacked (n,): 0 or more, by
    how much that score, with it, falls short of surely getting a seat there, u_i + entry_j − w_ij. With lacked + 1
    more, and all else as it was, the student sits there.
    condition (n,): for the unmatched, which condition of CONDITIONS cost most: the one without which alone the
    student would bring most beyond an entry price, condition_gain (n,), at condition_position (n,). must_have means
    all must-haves of that position together. -1 if none alone opens a seat; of equal gains the first in CONDITIONS.
    What was ruled out or banned stays out.
    step (n,): which of problem.competencies, raised by one level both as claimed and as verified, brings most;
    step_gain (n,): what it adds to the objective (for who is matched: at least), at step_position (n,). A raised
    level may also reach a must-have or the lowest score that is matched. -1 if none brings anything; of equal gains
    the competency that comes first.
    """

    pinned: Bools
    eligible: Ints
    alternative: Ints
    alternative_score: Ints
    lacked: Ints
    condition: Ints
    condition_gain: Ints
    condition_position: Ints
    step: Ints
    step_gain: Ints
    step_position: Ints


def explain(
    problem: Problem, result: Result, progress: Progress | None = None, *, entry: Ints | None = None
) -> Explanation:
    """Explain a result to all its students, in one pass over all pairs.

    entry: entry_prices(problem, result), if they are at hand. A quota's levy is added to the price of each pair that
    the quota names; quotas bind many at once, so that with them gains are what the prices promise, and not exact.
    Raises ValueError for a result that is not of this problem, and Stopped if progress returns False.
    """
    n, m = problem.students, problem.positions
    if (len(result.position), len(result.price)) != (n, m):
        raise ValueError(
            f"result is of {len(result.position)} students and {len(result.price)} positions, not {n} and {m}"
        )
    if n == 0:
        return Explanation(np.zeros(0, np.bool_), *(np.zeros(0, np.int64) for _ in range(10)))
    order, terms, nudges = grouped(problem), Terms.of(problem, result.policy), Nudges.of(problem, result.policy)
    t = _tables(problem, result, terms, order, nudges)
    entry = entry_prices(problem, result) if entry is None else entry
    special = np.repeat(np.arange(n), np.diff(t.special_start)), order[t.special_position]
    s = _setting(problem, result, terms, order, entry, nudges.at(*special))
    found = _Found(
        *(np.full(n, start, np.int64) for start in _Found(0, NEVER, LOW, NEVER, 0, NEVER, NEVER, 0, NEVER))
    )
    for done, _ in each_block(n, lambda low, high: _explain(t, s, found, low, high)):
        if progress is not None and progress("explain", done / n) is False:
            raise Stopped
    position = np.append(order, NEVER)
    alternative = position[found.alternative]
    there = found.alternative >= 0
    cost = s.cost[s.kind[there], found.alternative[there]]
    score, lacked = np.zeros(n, np.int64), np.zeros(n, np.int64)
    score[there] = found.value[there] + cost - t.bonus - nudges.at(np.flatnonzero(there), alternative[there])
    lacked[there] = result.surplus[there] - found.value[there]
    return Explanation(
        pinned=t.held,
        eligible=found.eligible,
        alternative=alternative,
        alternative_score=score,
        lacked=lacked,
        condition=found.condition,
        condition_gain=found.condition_gain,
        condition_position=position[found.condition_place],
        step=found.step,
        step_gain=found.step_gain,
        step_position=position[found.step_place],
    )


def scarcity(problem: Problem, result: Result) -> NDArray[np.float64]:
    """What the round's prices say was scarce, (K,) in 1/UNIT: Σ_j price_j · filled_j · share_jk for each competency.

    A competency's part in what all the seats taken cost; each sum is rounded once.
    """
    paid = (result.price * result.filled)[:, None] * problem.share
    return np.array([fsum(column) for column in paid.T], np.float64).reshape(len(problem.competencies))


class _Setting(NamedTuple):
    """What the pass reads, positions at their internal places.

    cost (kinds, m): what a seat costs an outsider, by kind of student, of which there is one but for quotas; kind
    (n,). own (n,): everybody's place. rank (m,): places in the lottery. raised (CODES,): each level code with one
    level more. rise (m,): the most that a raised level adds, in 1/NANO. nudge (s,): what is added to the weight of
    each pair about which something is said. lightest: the lowest score with its nudge that is matched.
    """

    takes_category: Any
    takes_city: Any
    available: Any
    cost: Any
    kind: Any
    own: Any
    surplus: Any
    rank: Any
    raised: Any
    rise: Any
    nudge: Any
    lightest: int


class _Found(NamedTuple):
    """As in Explanation, (n,) each; value: the alternative's weight − what it costs."""

    eligible: Any
    alternative: Any
    value: Any
    condition: Any
    condition_gain: Any
    condition_place: Any
    step: Any
    step_gain: Any
    step_place: Any


class _Seen(NamedTuple):
    """The students of a block for whom a pair with the place that is looked at may tell something, in 1/NANO their
    fit and wishes, the nudge, what stands between (CLEAR or one condition), and the must-have that is missing: NEVER
    for none, SEVERAL for more than one. The first so many entries count."""

    student: Any
    nano: Any
    nudge: Any
    between: Any
    missing: Any


def _tables(problem: Problem, result: Result, terms: Terms, order: Ints, nudges: Nudges) -> Tables:
    """The run's tables, but with the worth of a level that a must-have is short of as its complement (−1 − value)
    instead of NEVER, and for special pairs what wishes add in 1/NANO, NEVER if the pair is ruled out."""
    value = np.where(terms.reached, terms.value, ~terms.value)
    told = Terms(terms.position, terms.competency, value, np.ones_like(terms.reached))
    said = _said(problem, result.policy, np.argsort(order), nudges)
    return tables(problem, result.policy, told, order, result.bonus, said)


def _setting(problem: Problem, result: Result, terms: Terms, order: Ints, entry: Ints, nudge: Ints) -> _Setting:
    policy, place = result.policy, np.append(np.argsort(order), NEVER)
    claimed, verified = np.divmod(np.arange(CODES), MAX_LEVEL + 1)
    raised = np.minimum(claimed + 1, MAX_LEVEL) * (MAX_LEVEL + 1) + np.minimum(verified + 1, MAX_LEVEL)
    rise = np.zeros(problem.positions, np.int64)
    np.maximum.at(rise, terms.position, (terms.value[:, raised] - terms.value).max(axis=1))
    cost, kind = _costs(problem, result, entry)
    return _Setting(
        takes_category=np.ascontiguousarray(problem.takes_category),
        takes_city=np.ascontiguousarray(problem.takes_city),
        available=problem.available,
        cost=np.ascontiguousarray(cost[:, order]),
        kind=kind,
        own=place[result.position],
        surplus=result.surplus,
        rank=draw.lottery(policy.seed, "position", problem.position_ids)[order],
        raised=raised,
        rise=rise[order],
        nudge=nudge,
        lightest=lightest_of(policy),
    )


def _said(problem: Problem, policy: Policy, place: Ints, nudges: Nudges) -> Special:
    """What is said about single pairs: their wishes in 1/NANO, NEVER where a side or the policy ruled them out, and 0
    where there is only a nudge."""
    width = max(problem.positions, 1)

    wishes = (problem.by_student, problem.by_enterprise)
    out = np.concatenate([problem.ruled_out, indices(problem, policy.banned, "banned")])
    never = out[:, 0] * width + place[out[:, 1]]
    wished = [wish.student * width + place[wish.position] for wish in wishes]
    nudged = nudges.student * width + place[nudges.position]
    keys = np.unique(np.concatenate([never, nudged, *wished]))
    nano = np.zeros(len(keys), np.int64)
    for weight, wish, pairs in zip(policy.weights[1:], wishes, wished, strict=True):
        np.add.at(nano, np.searchsorted(keys, pairs), np.rint(NANO * weight * wish.value).astype(np.int64))
    nano[np.isin(keys, never)] = NEVER
    held = np.unique(indices(problem, policy.pinned, "pinned")[:, 0])
    return Special(keys // width, keys % width, nano, held, np.zeros(problem.positions, np.int64))


def _costs(problem: Problem, result: Result, entry: Ints) -> tuple[Ints, Ints]:
    """What a seat costs an outsider, (kinds, m), and everybody's kind, (n,): students differ in it by the
    universities that quotas name, all others being of the last kind."""
    quotas = result.policy.quotas
    named = sorted({quota.university for quota in quotas if quota.university is not None})
    cost = np.tile(entry, (len(named) + 1, 1))
    if not named:
        kind = np.zeros(problem.students, np.int64)
    else:
        row = {university: u for u, university in enumerate(named)}
        kind = np.array([row.get(university, len(named)) for university in problem.university], np.int64)
    for quota, whom, levy in zip(quotas, forest.named(problem, quotas), result.levy, strict=True):
        payer = slice(None) if quota.university is None else named.index(quota.university)
        cost[payer, slice(None) if whom.positions is None else whom.positions] += levy
    return cost, kind


@compiled
def _explain(t: Tables, s: _Setting, found: _Found, low: int, high: int) -> None:
    """Go through the block's pairs place by place, and note for each student what is best of each kind."""
    special = t.special_start[low:high].copy()
    room = np.empty((7, high - low), np.int64)
    members, between, seen = room[0], room[1], _Seen(room[2], room[3], room[4], room[5], room[6])
    for g in range(len(t.group_start) - 1):
        first, last = t.group_start[g], t.group_start[g + 1]
        count = _members(s, g, low, high, members, between) if first < last else 0
        for j in range(first, last if count else first):
            size = _score(t, s, j, low, members[:count], between, special, seen)
            rising = _judge(t, s, found, j, seen, size)
            if rising:
                _raise(t, s, found, j, seen, rising)


@compiled
def _members(s: _Setting, g: int, low: int, high: int, members: Any, between: Any) -> int:
    """The block's students who may be told something about a group, how many, and what stands between: what is
    closed by one condition concerns only the unmatched."""
    category, city = g // s.takes_city.shape[1], g % s.takes_city.shape[1]
    count = 0
    for i in range(low, high):
        in_category, in_city = s.takes_category[i, category], s.takes_city[i, city]
        if in_category and in_city:
            between[count] = CLEAR if s.available[i] else UNAVAILABLE
        elif s.own[i] < 0 and s.available[i] and (in_category or in_city):
            between[count] = CITY if in_category else CATEGORY
        else:
            continue
        members[count] = i
        count += 1
    return count


@compiled
def _score(t: Tables, s: _Setting, j: int, low: int, members: Any, closed: Any, special: Any, seen: _Seen) -> int:
    """Score the members at a place, and see who of them is to be told something; how many."""
    size, top, asked = 0, t.top[j], t.asked[j]
    for x in range(len(members)):
        i, between = members[x], closed[x]
        unmatched = s.own[i] < 0
        if t.floor[i] > top:
            if between != CLEAR or not unmatched:
                continue
            between = SALARY
        nano, nudge = 0, 0
        if t.special_start[i] < t.special_start[i + 1]:
            at, end = special[i - low], t.special_start[i + 1]
            while at < end and t.special_position[at] < j:
                at += 1
            special[i - low] = at
            if at < end and t.special_position[at] == j:
                nano, nudge = t.special_weight[at], s.nudge[at]
                if nano < 0:
                    continue
        missing = NEVER
        for r in range(asked):
            value = t.value[j, r, t.code[i, t.column[j, r]]]
            if value < 0:
                value = ~value
                missing = r if missing == NEVER else SEVERAL
            nano += value
        if missing != NEVER:
            if between != CLEAR or not (unmatched or missing >= 0):
                continue
            between = MUST_HAVE
        seen.student[size], seen.nano[size], seen.nudge[size] = i, nano, nudge
        seen.between[size], seen.missing[size] = between, missing
        size += 1
    return size


@compiled
def _judge(t: Tables, s: _Setting, found: _Found, j: int, seen: _Seen, size: int) -> int:
    """Note alternatives and conditions. Who may gain more by a step here than elsewhere comes first in `seen`
    afterwards; how many those are."""
    rising, rank, seats = 0, s.rank[j], t.capacity[j] > 0
    for x in range(size):
        i, between = seen.student[x], seen.between[x]
        units = (seen.nano[x] + 500) // 1000
        low = units < t.fewest
        if between == CLEAR and not low:
            found.eligible[i] += 1
        if t.held[i] or not seats:
            continue
        value = units + seen.nudge[x] + t.bonus - s.cost[s.kind[i], j]
        closed = (MIN_SCORE if between == CLEAR else SEVERAL) if low else between
        if closed == CLEAR:
            best = found.value[i]
            if j != s.own[i] and (value > best or (value == best and rank < s.rank[found.alternative[i]])):
                found.value[i], found.alternative[i] = value, j
        elif closed >= 0 and s.own[i] < 0 and value > 0 and value >= found.condition_gain[i]:
            known = found.condition[i]
            if (
                value > found.condition_gain[i]
                or closed < known
                or (closed == known and rank < s.rank[found.condition_place[i]])
            ):
                found.condition_gain[i], found.condition[i], found.condition_place[i] = value, closed, j
        if between == CLEAR or (between == MUST_HAVE and seen.missing[x] >= 0):
            most = (seen.nano[x] + s.rise[j] + 500) // 1000 - units
            if most + (0 if j == s.own[i] else value - s.surplus[i]) >= found.step_gain[i]:
                seen.student[rising], seen.nano[rising], seen.nudge[rising] = i, seen.nano[x], seen.nudge[x]
                seen.missing[rising] = seen.missing[x]
                rising += 1
    return rising


@compiled
def _raise(t: Tables, s: _Setting, found: _Found, j: int, seen: _Seen, size: int) -> None:
    """Raise each level by one that the place asks for, or of a must-have that is missing the one."""
    for x in range(size):
        i, nano, extra, missing = seen.student[x], seen.nano[x], seen.nudge[x] + t.bonus, seen.missing[x]
        due = (nano + 500) // 1000 + extra if j == s.own[i] else s.cost[s.kind[i], j] + s.surplus[i]
        for r in range(max(missing, 0), missing + 1 if missing >= 0 else t.asked[j]):
            k = t.column[j, r]
            code = t.code[i, k]
            now, then = t.value[j, r, code], t.value[j, r, s.raised[code]]
            if then < 0:
                continue
            units = (nano - (now if now >= 0 else ~now) + then + 500) // 1000
            gain = units + extra - due
            best, known = found.step_gain[i], found.step[i]
            if units < t.fewest or units + seen.nudge[x] < s.lightest or gain <= 0 or gain < best:
                continue
            if gain > best or k < known or (k == known and s.rank[j] < s.rank[found.step_place[i]]):
                found.step_gain[i], found.step[i], found.step_place[i] = gain, k, j
