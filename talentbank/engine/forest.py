"""Where students can be and how many may be there: positions, groups of positions under quotas, and «no seat».

Quotas are laminar if those on positions are nested or disjoint and the others name a university alone. Then every
student is at one place, a position or the «nowhere» of the university, places stand under groups, groups under larger
ones and all under a root, and each node bounds how many are below it. That is a flow, and its duals are potentials:
what it costs to be at a node, all in all. A node's own price is its potential less that of what it stands under.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from talentbank.engine.policy import Quota
from talentbank.engine.problem import Bools, Ints, Problem

NOBODY = -1


class Forest(NamedTuple):
    """V nodes: m positions, then one nowhere or one for each university under a quota, then groups, and the root.

    parent (V,): what a node stands under, later than itself; -1 for the root. lower, upper (V,): bounds on how many
    are below a node; promise and limit (V,): whether those are bounds at all. at_least, at_most (V,): the quota that
    made them, -1 for none; for a nowhere the other way round, since whoever is not placed is there. nowhere (n,): the
    node of each student who has no seat.
    """

    parent: Ints
    lower: Ints
    upper: Ints
    promise: Bools
    limit: Bools
    at_least: Ints
    at_most: Ints
    nowhere: Ints

    @property
    def root(self) -> int:
        return len(self.parent) - 1

    @property
    def groups(self) -> int:
        """The first node that is a group."""
        return int(self.nowhere.max(initial=0)) + 1

    def filled(self, node: Ints) -> Ints:
        """How many students are below each node, (V,), from the place of each."""
        found = np.bincount(node, minlength=len(self.parent))
        for v in range(self.root):
            if found[v]:
                found[self.parent[v]] += found[v]
        return found


def seats_only(students: int, capacity: Ints) -> Forest:
    """The forest without quotas: every position and the one nowhere stand under the root."""
    m = len(capacity)
    none = np.full(m + 2, NOBODY, np.int64)
    parent = np.full(m + 2, m + 1, np.int64)
    parent[m + 1] = NOBODY
    return Forest(
        parent=parent,
        lower=np.zeros(m + 2, np.int64),
        upper=np.append(capacity, [students + 1, students + 1]),
        promise=np.zeros(m + 2, np.bool_),
        limit=np.arange(m + 2) < m,
        at_least=none,
        at_most=none,
        nowhere=np.full(students, m, np.int64),
    )


class Named(NamedTuple):
    """Whom a quota names: students (n,) and positions (m,), None for all of them."""

    students: Bools | None
    positions: Bools | None


def named(problem: Problem, quotas: Sequence[Quota]) -> list[Named]:
    """Whom each quota names. Raises ValueError for a name that the problem does not have."""
    categories = problem.categories or tuple(str(c) for c in range(problem.takes_category.shape[1]))
    labels = {
        "university": problem.university,
        "enterprise": problem.enterprise,
        "category": tuple(categories[c] for c in problem.category.tolist()),
    }
    found = []
    for at, quota in enumerate(quotas):
        masks: dict[str, Bools] = {}
        for kind, values in labels.items():
            name = getattr(quota, kind)
            if name is None:
                continue
            masks[kind] = np.array([value == name for value in values], np.bool_)
            if not masks[kind].any():
                raise ValueError(f"quotas[{at}] names the {kind} {name!r}, which nobody has")
        on_positions = [masks[kind] for kind in ("enterprise", "category") if kind in masks]
        found.append(Named(masks.get("university"), np.logical_and.reduce(on_positions) if on_positions else None))
    return found


def laminar(whom: Sequence[Named]) -> bool:
    """Whether quotas are a flow: each on students or on positions alone, those on positions nested or disjoint."""
    if any(some.students is not None and some.positions is not None for some in whom):
        return False
    sets = [some.positions for some in whom if some.positions is not None]
    for a, one in enumerate(sets):
        for other in sets[:a]:
            both = one & other
            if both.any() and (both != one).any() and (both != other).any():
                return False
    return True


def planted(students: int, capacity: Ints, quotas: Sequence[Quota], whom: Sequence[Named]) -> Forest:
    """The forest of laminar quotas; whom: as `named` tells, positions in the order of capacity."""
    m = len(capacity)
    universities = _merged(quotas, [(at, some.students) for at, some in enumerate(whom) if some.students is not None])
    groups = _merged(quotas, [(at, some.positions) for at, some in enumerate(whom) if some.positions is not None])
    groups.sort(key=lambda group: int(group.members.sum()))
    first, total = m + 1 + len(universities), m + 2 + len(universities) + len(groups)
    parent = np.full(total, total - 1, np.int64)
    parent[-1] = NOBODY
    for g in range(len(groups) - 1, -1, -1):
        inside = np.flatnonzero(groups[g].members)
        parent[inside] = first + g
        for smaller in range(g):
            if (groups[smaller].members & groups[g].members).any():
                parent[first + smaller] = first + g
    lower, upper = np.zeros(total, np.int64), np.full(total, students + 1, np.int64)
    at_least, at_most = np.full(total, NOBODY, np.int64), np.full(total, NOBODY, np.int64)
    upper[:m] = capacity
    for g, group in enumerate(groups):
        _bound(group, lower, upper, at_least, at_most, first + g)
    nowhere = np.full(students, m, np.int64)
    for u, group in enumerate(universities):
        node, size = m + 1 + u, int(group.members.sum())
        nowhere[group.members] = node
        if group.limit >= 0 and group.most < size:
            lower[node], at_least[node] = size - group.most, group.limit
        if group.promise >= 0:
            upper[node], at_most[node] = size - group.least, group.promise
    return Forest(
        parent=parent,
        lower=lower,
        upper=upper,
        promise=at_least >= 0,
        limit=(at_most >= 0) | (np.arange(total) < m),
        at_least=at_least,
        at_most=at_most,
        nowhere=nowhere,
    )


class _Group(NamedTuple):
    members: Any
    least: int
    most: int
    promise: int
    limit: int


def _merged(quotas: Sequence[Quota], sets: Sequence[tuple[int, Bools]]) -> list[_Group]:
    """Quotas on the same members as one, with the index of the quota that binds on either side."""
    found: dict[bytes, _Group] = {}
    for at, members in sets:
        quota, key = quotas[at], members.tobytes()
        group = found.get(key, _Group(members, 0, 2**62, NOBODY, NOBODY))
        if quota.at_least > group.least:
            group = group._replace(least=quota.at_least, promise=at)
        if quota.at_most is not None and quota.at_most < group.most:
            group = group._replace(most=quota.at_most, limit=at)
        found[key] = group
    return list(found.values())


def _bound(group: _Group, lower: Ints, upper: Ints, at_least: Ints, at_most: Ints, node: int) -> None:
    if group.promise >= 0:
        lower[node], at_least[node] = group.least, group.promise
    if group.limit >= 0:
        upper[node], at_most[node] = min(group.most, int(upper[node])), group.limit
