"""Ties, decided by a draw that anybody can repeat.

Where several matchings share the best objective, students are asked in the order of a lottery: SHA-256 of the round's
published seed and their id. Each in turn takes, among the places that still allow the best objective given what those
before took, a seat rather than none, and among seats the one where the score, with its nudge, is highest, then the
one whose position comes first in the lottery. The outcome is one, whichever method found the objective (serial
dictatorship within the optimal matchings; A. Abdulkadiroğlu, T. Sönmez, Econometrica 66(3), 1998).

What allows the best objective is told by the prices: pairs of no reduced cost, with everybody who has a surplus
placed, every seat that has a price taken, and every quota that has one exhausted. Moving one student keeps that if
the others can move round in a circle.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from talentbank.engine.compiled import compiled
from talentbank.engine.forest import Forest
from talentbank.engine.problem import Ints

NOBODY = -1


@lru_cache(8)
def lottery(seed: str, kind: str, ids: tuple[str, ...]) -> Ints:
    """Each id's place in the draw, (n,): 0 is asked first. Ids are distinct."""
    keys = [hashlib.sha256(f"{seed}\n{kind}\n{id_}".encode()).digest() for id_ in ids]
    place = np.empty(len(keys), np.int64)
    place[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    place.flags.writeable = False
    return place


class Options(NamedTuple):
    """Pairs of no reduced cost: student and place (e,), of the students who are the first of their like.

    likeness (n,): whom each student is like in all that counts; held (h,): the pinned, who have no other option.
    """

    likeness: Any
    student: Any
    place: Any
    held: Any


class _Circle(NamedTuple):
    """The optimal places: those of students like s are start[s] to start[s + 1] of place, the one liked best first.

    Nodes are those of the forest: filled, lower and upper (V,) how many are below each and may be; open (V,): nodes
    without a price of their own, so that their number is free between the bounds; child_start, child: what stands
    under each. part (V,): nodes with different numbers never change people any more.
    """

    like: Any
    start: Any
    place: Any
    seat: Any
    parent: Any
    child_start: Any
    child: Any
    filled: Any
    lower: Any
    upper: Any
    open: Any
    part: Any
    first: Any
    after: Any
    before: Any
    through: Any
    onto: Any
    seen: Any
    queue: Any


def settle(
    options: Options, node: Ints, forest: Forest, potential: Ints, surplus: Ints, turn: Ints, rank: Ints
) -> Ints:
    """At which node each student is after the draw, (n,).

    node (n,): one optimal matching; potential (V,), surplus (n,): its duals; turn (n,) and rank (m,): places in the
    lottery. Weights are surplus + potential on the options, so that the highest weight is the highest potential.
    """
    n, m, nodes = len(node), len(rank), len(forest.parent)
    by_liking = np.concatenate([np.lexsort((rank, -potential[:m])), np.arange(m, forest.root)])
    idle = (surplus == -potential[forest.nowhere]) & (options.likeness == np.arange(n))
    idle[options.held] = False
    content = np.flatnonzero(idle)
    students = np.concatenate([options.student, content])
    places = np.concatenate([options.place, forest.nowhere[content]])
    start, place = _by_student(students, places, by_liking, n)
    family = np.argsort(forest.parent[:-1], kind="stable")
    circle = _Circle(
        like=options.likeness,
        start=start,
        place=place,
        seat=node.astype(np.int64),
        parent=forest.parent,
        child_start=np.searchsorted(forest.parent[family], np.arange(nodes + 1)),
        child=family,
        filled=forest.filled(node),
        lower=forest.lower,
        upper=forest.upper,
        open=potential == potential[forest.parent],
        part=np.zeros(nodes, np.int64),
        first=np.full(nodes, NOBODY, np.int64),
        after=np.full(n, NOBODY, np.int64),
        before=np.full(n, NOBODY, np.int64),
        through=np.empty(nodes, np.int64),
        onto=np.empty(nodes, np.int64),
        seen=np.zeros(nodes, np.int64),
        queue=np.empty(nodes, np.int64),
    )
    undecided = np.flatnonzero((np.diff(start) > 1)[options.likeness])
    _draw(circle, undecided[np.argsort(turn[undecided])])
    settled: Ints = circle.seat
    return settled


@compiled
def _by_student(students: Any, places: Any, by_liking: Any, n: int) -> Any:
    """Each student's places, the one liked best first and none twice: (n + 1,) starts and the places.

    Two counting sorts, by liking and then by student.
    """
    pairs = len(students)
    at = np.zeros(len(by_liking), np.int64)
    for e in range(pairs):
        at[places[e]] += 1
    total = 0
    for x in range(len(by_liking)):
        j = by_liking[x]
        at[j], total = total, total + at[j]
    by_place = np.empty(pairs, np.int32)
    for e in range(pairs):
        by_place[at[places[e]]] = students[e]
        at[places[e]] += 1
    start = np.zeros(n + 1, np.int64)
    for e in range(pairs):
        start[students[e] + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    place = np.empty(start[n], np.int32)
    free = start[:-1].copy()
    e = 0
    for x in range(len(by_liking)):
        j = by_liking[x]
        while e < at[j]:
            i = by_place[e]
            if free[i] == start[i] or place[free[i] - 1] != j:
                place[free[i]] = j
                free[i] += 1
            e += 1
    closed = np.zeros(n + 1, np.int64)
    for i in range(n):
        closed[i + 1] = closed[i] + free[i] - start[i]
        for x in range(free[i] - start[i]):
            place[closed[i] + x] = place[start[i] + x]
    return closed, place[: closed[n]].copy()


@compiled
def _enter(c: _Circle, i: int, at: int) -> None:
    c.seat[i] = at
    second = c.first[at]
    c.after[i], c.before[i] = second, NOBODY
    if second >= 0:
        c.before[second] = i
    c.first[at] = i


@compiled
def _leave(c: _Circle, i: int) -> None:
    left, right = c.before[i], c.after[i]
    if left >= 0:
        c.after[left] = right
    else:
        c.first[c.seat[i]] = right
    if right >= 0:
        c.before[right] = left


@compiled
def _note(c: _Circle, search: int, size: int, to: int, at: int, i: int) -> int:
    """A node that a search came to for the first time: from at, by moving i from there or along the forest."""
    if c.seen[to] == search:
        return size
    c.seen[to], c.onto[to], c.through[to], c.queue[size] = search, at, i, to
    return size + 1


@compiled
def _reach(c: _Circle, search: int, wanted: int, left: int) -> int:
    """Look for a way by which the one too many at `wanted` ends where one is missing.

    One too many at a node are one too many below what it stands under, if its number may rise, and one too many at
    whatever stands under the same, if that number may fall; or somebody moves to another place. Returns how many
    nodes were reached; if a way was found, the node left is one of them.
    """
    size, head = _note(c, search, 0, wanted, wanted, NOBODY), 0
    while head < size and c.seen[left] != search:
        at = c.queue[head]
        head += 1
        if c.parent[left] == at and c.open[left] and c.filled[left] > c.lower[left]:
            return _note(c, search, size, left, at, NOBODY)
        if c.parent[at] >= 0 and c.open[at] and c.filled[at] < c.upper[at]:
            size = _note(c, search, size, c.parent[at], at, NOBODY)
        for x in range(c.child_start[at], c.child_start[at + 1]):
            to = c.child[x]
            if c.open[to] and c.filled[to] > c.lower[to]:
                size = _note(c, search, size, to, at, NOBODY)
        i = c.first[at]
        while i >= 0 and c.seen[left] != search:
            for e in range(c.start[c.like[i]], c.start[c.like[i] + 1]):
                size = _note(c, search, size, c.place[e], at, i)
            i = c.after[i]
    return size


@compiled
def _move(c: _Circle, i: int, wanted: int) -> None:
    """Move i to the place wanted, and everybody on the way that was found."""
    left = c.seat[i]
    _leave(c, i)
    to = left
    while to != wanted:
        at, mover = c.onto[to], c.through[to]
        if mover >= 0:
            _leave(c, mover)
            _enter(c, mover, to)
        elif c.parent[at] == to:
            c.filled[at] += 1
        else:
            c.filled[to] -= 1
        to = at
    c.seat[i] = wanted


@compiled
def _draw(c: _Circle, order: Any) -> None:
    """Ask one after the other. What a search in vain has reached is closed: nobody leaves it any more."""
    search = 0
    for x in range(len(order)):
        _enter(c, order[x], c.seat[order[x]])
    for x in range(len(order)):
        i = order[x]
        moved = False
        for e in range(c.start[c.like[i]], c.start[c.like[i] + 1]):
            wanted, left = c.place[e], c.seat[i]
            if wanted == left:
                break
            if c.part[wanted] != c.part[left]:
                continue
            search += 1
            size = _reach(c, search, wanted, left)
            if c.seen[left] == search:
                _move(c, i, wanted)
                moved = True
                break
            apart = c.part[left]
            for q in range(size):
                if c.part[c.queue[q]] == apart:
                    c.part[c.queue[q]] = search
        if not moved:
            _leave(c, i)
