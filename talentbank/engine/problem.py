"""A matching problem as arrays: who takes part and what is asked for (DESIGN.md, section 4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talentbank.engine.competency import MAX_LEVEL, Candidate, Opening

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_SEATS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one side said about single pairs: student (w,) and position (w,) are indices, value (w,) is 0..1."""

    student: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    position: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    value: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class Problem:
    """n students, m positions and K competencies, checked once and never changed afterwards.

    claimed and verified (n, K) and required (m, K) are levels 0..5, 0 in required meaning «not asked for»; what
    counts as claimed is never below what was verified. share (m, K) sums to 1 along each row that asks for something.
    takes_category (n, C) and takes_city (n, T) say what a student accepts; category and city (m,) are columns of
    those. min_salary (n,) and max_salary (m,) are RMB a year, headcount (m,) seats. by_student and by_enterprise are
    wishes; ruled_out (w, 2) are pairs of indices that either side will not have. categories (C,) are the names by
    which quotas know the columns of takes_category, university (n,) and enterprise (m,) whom a student and a position
    belong to; each may be left out where no quota speaks of it.

    Raises ValueError naming the argument and the first bad index.
    """

    student_ids: tuple[str, ...]
    position_ids: tuple[str, ...]
    competencies: tuple[str, ...]
    claimed: NDArray[np.int8]
    verified: NDArray[np.int8]
    takes_category: Bools
    takes_city: Bools
    min_salary: Ints
    available: Bools
    required: NDArray[np.int8]
    share: NDArray[np.float64]
    must_have: Bools
    category: Ints
    city: Ints
    max_salary: Ints
    headcount: Ints
    by_student: Wishes = field(default_factory=Wishes)
    by_enterprise: Wishes = field(default_factory=Wishes)
    ruled_out: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    categories: tuple[str, ...] = ()
    university: tuple[str, ...] = ()
    enterprise: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self)
        for holder in (self, self.by_student, self.by_enterprise):
            for entry in fields(holder):
                value = getattr(holder, entry.name)
                if isinstance(value, np.ndarray) and value.flags.writeable:
                    kept = value.copy()
                    kept.flags.writeable = False
                    object.__setattr__(holder, entry.name, kept)

    @property
    def students(self) -> int:
        return len(self.student_ids)

    @property
    def positions(self) -> int:
        return len(self.position_ids)

    @cached_property
    def student_index(self) -> dict[str, int]:
        """Row of each student id."""
        return {id_: i for i, id_ in enumerate(self.student_ids)}

    @cached_property
    def position_index(self) -> dict[str, int]:
        """Column of each position id."""
        return {id_: j for j, id_ in enumerate(self.position_ids)}

    @cached_property
    def level_code(self) -> NDArray[np.uint8]:
        """claimed · 6 + verified, (n, K): the one number that a requirement's value depends on."""
        counted = np.maximum(self.claimed, self.verified)
        return (counted * (MAX_LEVEL + 1) + self.verified).astype(np.uint8)

    @cached_property
    def likeness(self) -> Ints:
        """For every student the first one with the same levels, wants and availability, (n,)."""
        takes = np.packbits(np.column_stack([self.takes_category, self.takes_city, self.available]), axis=1)
        floor = np.ascontiguousarray(self.min_salary)[:, None].view(np.uint8)
        rows = np.hstack([self.level_code, takes, floor])
        mixing = np.arange(1, rows.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = rows.astype(np.uint64) @ (mixing ^ (mixing >> np.uint64(29)))
        _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
        found: Ints = first[which]
        return np.where((rows == rows[found]).all(axis=1), found, np.arange(self.students))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything above, in hexadecimal; the same whatever the order of students and positions."""
        rows = sorted(range(self.students), key=self.student_ids.__getitem__)
        columns = sorted(range(self.positions), key=self.position_ids.__getitem__)
        ids = [
            [self.student_ids[i] for i in rows],
            [self.position_ids[j] for j in columns],
            self.competencies,
            self.categories,
            [self.university[i] for i in rows if self.university],
            [self.enterprise[j] for j in columns if self.enterprise],
        ]
        found = hashlib.sha256(json.dumps(ids, ensure_ascii=False).encode())
        for name in ("claimed", "verified", "takes_category", "takes_city", "min_salary", "available"):
            found.update(np.ascontiguousarray(getattr(self, name)[rows]).tobytes())
        for name in ("required", "share", "must_have", "category", "city", "max_salary", "headcount"):
            found.update(np.ascontiguousarray(getattr(self, name)[columns]).tobytes())
        for wishes in (self.by_student, self.by_enterprise):
            found.update(json.dumps(self._named(wishes.student, wishes.position, wishes.value)).encode())
        students, positions = self.ruled_out[:, 0], self.ruled_out[:, 1]
        found.update(json.dumps(self._named(students, positions, np.zeros(len(students)))).encode())
        return found.hexdigest()

    def _named(self, students: Ints, positions: Ints, values: NDArray[np.float64]) -> list[tuple[str, str, float]]:
        rows = zip(students.tolist(), positions.tolist(), values.tolist(), strict=True)
        return sorted((self.student_ids[i], self.position_ids[j], value) for i, j, value in rows)


def pose(candidates: Sequence[Candidate], openings: Sequence[Opening]) -> Problem:
    """The problem that values describe, in the order given."""
    codes = tuple(sorted({r.competency for o in openings for r in o.requirements}))
    column = {code: k for k, code in enumerate(codes)}
    n, m = len(candidates), len(openings)
    claimed = np.zeros((n, len(codes)), np.int8)
    verified = np.zeros_like(claimed)
    for levels, name in ((claimed, "claimed"), (verified, "verified")):
        found = [
            (i, column[code], level)
            for i, candidate in enumerate(candidates)
            for code, level in getattr(candidate, name).items()
            if code in column
        ]
        if found:
            rows, columns, values = zip(*found, strict=True)
            levels[list(rows), list(columns)] = values

    required = np.zeros((m, len(codes)), np.int8)
    must_have = np.zeros((m, len(codes)), np.bool_)
    share = np.zeros((m, len(codes)))
    for j, opening in enumerate(openings):
        for requirement in opening.requirements:
            k = column[requirement.competency]
            required[j, k] = requirement.level
            must_have[j, k] = requirement.must_have
            share[j, k] = opening.share(requirement)

    takes_category, category, names = _accepted([c.categories for c in candidates], [o.category for o in openings])
    takes_city, city, _ = _accepted([c.cities for c in candidates], [o.city for o in openings])
    return Problem(
        student_ids=tuple(c.id for c in candidates),
        position_ids=tuple(o.id for o in openings),
        competencies=codes,
        claimed=np.maximum(claimed, verified),
        verified=verified,
        takes_category=takes_category,
        takes_city=takes_city,
        min_salary=np.array([c.min_salary for c in candidates], np.int64),
        available=np.array([c.available for c in candidates], np.bool_),
        required=required,
        share=share,
        must_have=must_have,
        category=category,
        city=city,
        max_salary=np.array([o.max_salary for o in openings], np.int64),
        headcount=np.array([o.headcount for o in openings], np.int64),
        categories=names,
        university=tuple(c.university for c in candidates),
        enterprise=tuple(o.enterprise for o in openings),
    )


def _accepted(chosen: list[frozenset[str]], offered: list[str]) -> tuple[Bools, Ints, tuple[str, ...]]:
    """Who accepts which of the values offered, (n, V), the value of each position, (m,), and the values; empty means
    any."""
    values = sorted(set(offered))
    index = {value: v for v, value in enumerate(values)}
    known = {some: [not some or value in some for value in values] for some in set(chosen)}
    takes = np.array([known[some] for some in chosen], np.bool_).reshape(len(chosen), len(values))
    return takes, np.array([index[value] for value in offered], np.int64), tuple(values)


def _check(problem: Problem) -> None:
    n, m, k = problem.students, problem.positions, len(problem.competencies)
    categories, cities = problem.takes_category.shape[-1], problem.takes_city.shape[-1]
    shapes: dict[str, tuple[int, ...]] = {
        "claimed": (n, k),
        "verified": (n, k),
        "takes_category": (n, categories),
        "takes_city": (n, cities),
        "min_salary": (n,),
        "available": (n,),
        "required": (m, k),
        "share": (m, k),
        "must_have": (m, k),
        "category": (m,),
        "city": (m,),
        "max_salary": (m,),
        "headcount": (m,),
        "ruled_out": (len(problem.ruled_out), 2),
    }
    for name, shape in shapes.items():
        if getattr(problem, name).shape != shape:
            raise ValueError(f"{name} must have shape {shape}, not {getattr(problem, name).shape}")
    for name, length in (("categories", categories), ("university", n), ("enterprise", m)):
        if len(getattr(problem, name)) not in (0, length):
            raise ValueError(f"{name} must have {length} entries or none, not {len(getattr(problem, name))}")
    for name in ("student_ids", "position_ids", "categories"):
        _check_distinct(name, getattr(problem, name))
    for name in ("claimed", "verified", "required"):
        _check_range(name, getattr(problem, name), 0, MAX_LEVEL)
    _check_range("share", problem.share, 0, 1)
    _check_range("headcount", problem.headcount, 0, MOST_SEATS)
    _check_range("category", problem.category, 0, categories - 1)
    _check_range("city", problem.city, 0, cities - 1)
    _check_shares(problem)
    for name, wishes in (("by_student", problem.by_student), ("by_enterprise", problem.by_enterprise)):
        if not len(wishes.student) == len(wishes.position) == len(wishes.value):
            raise ValueError(f"{name} must name as many students as positions and values")
        _check_pairs(name, wishes.student, wishes.position, n, m)
        _check_once(name, wishes.student * max(m, 1) + wishes.position)
        _check_range(f"{name}.value", wishes.value, 0, 1)
    _check_pairs("ruled_out", problem.ruled_out[:, 0], problem.ruled_out[:, 1], n, m)


def _check_distinct(name: str, ids: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for at, id_ in enumerate(ids):
        if id_ in seen:
            raise ValueError(f"{name}[{at}] is {id_!r} a second time: ids are distinct")
        seen.add(id_)


def _check_range(name: str, array: NDArray[Any], least: float, most: float) -> None:
    """NaN is in no range."""
    bad = np.argwhere(~((array >= least) & (array <= most)))
    if len(bad):
        at = tuple(int(x) for x in bad[0])
        raise ValueError(f"{name}[{', '.join(map(str, at))}] is {array[at]}: it must be from {least} to {most}")


def _check_pairs(name: str, students: Ints, positions: Ints, n: int, m: int) -> None:
    _check_range(f"{name}.student", students, 0, n - 1)
    _check_range(f"{name}.position", positions, 0, m - 1)


def _check_once(name: str, pairs: Ints) -> None:
    _, first, which = np.unique(pairs, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[which] != np.arange(len(pairs)))
    if len(again):
        raise ValueError(f"{name}[{again[0]}] names a pair twice: each has one wish of a side")


def _check_shares(problem: Problem) -> None:
    """Shares sum to 1 where something is asked for; what isn't asked for has none and is no must-have."""
    sums = problem.share.sum(axis=1)
    bad = np.flatnonzero((np.abs(sums - 1) > 1e-9) & (problem.required > 0).any(axis=1))
    if len(bad):
        raise ValueError(f"share[{bad[0]}] sums to {sums[bad[0]]}: the shares of a position sum to 1")
    stray = np.argwhere((problem.required == 0) & ((problem.share > 0) | problem.must_have))
    if len(stray):
        j, k = (int(x) for x in stray[0])
        raise ValueError(f"share[{j}, {k}] weighs a competency that required[{j}, {k}] does not ask for")
