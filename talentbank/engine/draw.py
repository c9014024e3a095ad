"""Ties, decided by a draw that anybody can repeat.

Where several matchings share the best objective, students are asked in the order of a lottery: SHA-256 of the round's
published seed and their id. Each in turn takes, among the places that still allow the best objective given what those
before took, a seat rather than none, and among seats the one where the score is highest, then the one whose position
comes first in the lottery. The outcome is one, whichever method found the objective (serial dictatorship within the
optimal matchings; A. Abdulkadiroğlu, T. Sönmez, Econometrica 66(3), 1998).

What allows the best objective is told by the prices: pairs of no reduced cost, with everybody who has a surplus
placed and every seat that has a price taken. Moving one student keeps that if the others can move round in a circle.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from talentbank.engine.compiled import compiled
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

    likeness (n,): whom each student is like in all that counts.
    """

    likeness: Any
    student: Any
    place: Any


class _Circle(NamedTuple):
    """The optimal places: those of students like s are start[s] to start[s + 1] of place, the one liked best first;
    place m is «no seat». free (m + 1,): seats left; open (m + 1,): places that may have one left; part (m + 1,):
    places with different numbers never change people any more."""

    like: Any
    start: Any
    place: Any
    seat: Any
    free: Any
    open: Any
    part: Any
    first: Any
    after: Any
    before: Any
    through: Any
    onto: Any
    seen: Any
    queue: Any


def settle(options: Options, seat: Any, price: Ints, surplus: Ints, capacity: Ints, turn: Ints, rank: Ints) -> Ints:
    """Who sits where after the draw, (n,), -1 for nowhere.

    seat (n,): one optimal matching; turn (n,) and rank (m,): places in the lottery. Weights are surplus + price on
    the options, so that the highest score is the highest price.
    """
    n, m = len(seat), len(capacity)
    by_liking = np.append(np.lexsort((rank, -price)), m)
    content = np.flatnonzero((surplus == 0) & (options.likeness == np.arange(n)))
    start, place = _by_student(options.student, options.place, content, by_liking, n)
    filled = np.bincount(seat[seat >= 0], minlength=m)
    circle = _Circle(
        like=options.likeness,
        start=start,
        place=place,
        seat=np.where(seat >= 0, seat, m).astype(np.int64),
        free=np.append(capacity - filled, 0),
        open=np.append(price == 0, True),
        part=np.zeros(m + 1, np.int64),
        first=np.full(m + 1, NOBODY, np.int64),
        after=np.full(n, NOBODY, np.int64),
        before=np.full(n, NOBODY, np.int64),
        through=np.empty(m + 1, np.int64),
        onto=np.empty(m + 1, np.int64),
        seen=np.zeros(m + 1, np.int64),
        queue=np.empty(m + 1, np.int64),
    )
    undecided = np.flatnonzero((np.diff(start) > 1)[options.likeness])
    _draw(circle, undecided[np.argsort(turn[undecided])])
    place_of: Ints = np.where(circle.seat == m, NOBODY, circle.seat)
    return place_of


@compiled
def _by_student(students: Any, places: Any, content: Any, by_liking: Any, n: int) -> Any:
    """Each student's places, the one liked best first and none twice: (n + 1,) starts and the places.

    content: who may as well have no seat, place m. Two counting sorts, by liking and then by student.
    """
    m, pairs = len(by_liking) - 1, len(students)
    at = np.zeros(m + 1, np.int64)
    for e in range(pairs):
        at[places[e]] += 1
    total = 0
    for x in range(m):
        j = by_liking[x]
        at[j], total = total, total + at[j]
    by_place = np.empty(pairs, np.int32)
    for e in range(pairs):
        by_place[at[places[e]]] = students[e]
        at[places[e]] += 1
    start = np.zeros(n + 1, np.int64)
    for e in range(pairs):
        start[students[e] + 1] += 1
    for x in range(len(content)):
        start[content[x] + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    place = np.empty(start[n], np.int32)
    free = start[:-1].copy()
    e = 0
    for x in range(m):
        j = by_liking[x]
        while e < at[j]:
            i = by_place[e]
            if free[i] == start[i] or place[free[i] - 1] != j:
                place[free[i]] = j
                free[i] += 1
            e += 1
    for x in range(len(content)):
        place[free[content[x]]] = m
        free[content[x]] += 1
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
    """A place that a search came to for the first time: from at, by moving i (or a free seat) from there."""
    if c.seen[to] == search:
        return size
    c.seen[to], c.onto[to], c.through[to], c.queue[size] = search, at, i, to
    return size + 1


@compiled
def _reach(c: _Circle, search: int, wanted: int, left: int) -> int:
    """Look for a way by which whoever is in the way at `wanted` ends where a place is left.

    Returns how many places were reached; if it was found, the place left is one of them.
    """
    size, head, emptied = _note(c, search, 0, wanted, wanted, NOBODY), 0, False
    while head < size and c.seen[left] != search:
        at = c.queue[head]
        head += 1
        if not emptied and (c.free[at] > 0 or at == len(c.free) - 1):
            emptied = True
            if c.open[left]:
                return _note(c, search, size, left, at, NOBODY)
            for to in range(len(c.free)):
                if c.open[to]:
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
        else:
            c.free[at] -= 1
            c.free[to] += 1
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
