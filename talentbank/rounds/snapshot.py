"""A round's frozen input: who takes part and what both sides prefer, as canonical JSON with its SHA-256.

What people change afterwards does not reach a snapshot. A snapshot and a policy are all that a result hangs on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import UNIT
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.scoring import Fit, columns, fit_of
from talentbank.rounds.policy import RunPolicy


@dataclass(frozen=True, slots=True)
class Said:
    """What one side said: ids ranked, the first choice first, ids ruled out, and whether it takes only the ranked."""

    ranked: tuple[int, ...] = ()
    ruled_out: frozenset[int] = frozenset()
    only: bool = False

    def rules_out(self, other: int) -> bool:
        """Whether this side will not have somebody or something."""
        return other in self.ruled_out or (self.only and other not in self.ranked)

    def wanted(self, other: int) -> float:
        """1 for the first choice, falling linearly to 0 below the last one named; 0 where nothing was said."""
        return 1 - self.ranked.index(other) / len(self.ranked) if other in self.ranked else 0.0

    def choice(self, other: int) -> int | None:
        """Which choice it is, 1 for the first; None if not ranked."""
        return self.ranked.index(other) + 1 if other in self.ranked else None


SAID_NOTHING = Said()


@dataclass(frozen=True)
class Snapshot:
    """Policy, students and positions of a round with what they prefer; text is what was stored, byte by byte."""

    text: str

    @classmethod
    def freeze(
        cls,
        policy: Mapping[str, Any],
        candidates: Iterable[Candidate],
        openings: Iterable[Opening],
        students: Mapping[int, Said] | None = None,
        positions: Mapping[int, Said] | None = None,
    ) -> Snapshot:
        """Write everything down, in the order of ids; students and positions: what each said, by id."""
        by_student, by_position = students or {}, positions or {}
        content = {
            "policy": dict(policy),
            "students": [
                _of_candidate(c) | _of_said(by_student.get(int(c.id), SAID_NOTHING))
                for c in sorted(candidates, key=lambda c: int(c.id))
            ],
            "positions": [
                _of_opening(o) | _of_said(by_position.get(int(o.id), SAID_NOTHING))
                for o in sorted(openings, key=lambda o: int(o.id))
            ],
        }
        return cls(json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content

    @property
    def policy(self) -> RunPolicy:
        """The round's policy when it was frozen: what its runs begin from."""
        return RunPolicy.read(self._content["policy"])

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The students, in the order of their ids."""
        return [_to_candidate(c) for c in self._content["students"]]

    @cached_property
    def openings(self) -> list[Opening]:
        """The positions, in the order of their ids; headcount is what was still free."""
        return [_to_opening(o) for o in self._content["positions"]]

    def candidate(self, student_id: int) -> Candidate | None:
        """A student of the round, None for anybody else."""
        return next((c for c in self.candidates if c.id == str(student_id)), None)

    def opening(self, position_id: int) -> Opening | None:
        """A position of the round, None for any other."""
        return next((o for o in self.openings if o.id == str(position_id)), None)

    @cached_property
    def said_by_student(self) -> dict[int, Said]:
        """What each student said about positions, by student id."""
        return {row["id"]: _to_said(row) for row in self._content["students"]}

    @cached_property
    def said_by_position(self) -> dict[int, Said]:
        """What each position's enterprise said about students, by position id."""
        return {row["id"]: _to_said(row) for row in self._content["positions"]}

    @property
    def student_ids(self) -> list[int]:
        """Who took part."""
        return [int(c.id) for c in self.candidates]

    @property
    def seats(self) -> int:
        """Free seats of all positions."""
        return sum(opening.headcount for opening in self.openings)

    def problem(self, policy: RunPolicy) -> Problem:
        """What a run of this snapshot solves: without those who left, and without the seats that are gone."""
        gone, lost = set(policy.gone), dict(policy.lost)
        candidates = [replace(c, available=c.available and int(c.id) not in gone) for c in self.candidates]
        openings = [replace(o, headcount=max(0, o.headcount - lost.get(int(o.id), 0))) for o in self.openings]
        return _with_preferences(pose(candidates, openings), self.said_by_student, self.said_by_position)

    def fits(self, student_id: int, policy: RunPolicy | None = None) -> dict[int, Fit]:
        """A student's fit to every position of the round under a policy, by position id."""
        candidate = self.candidate(student_id)
        scoring = (policy or self.policy).scoring
        return {int(o.id): fit_of(candidate, o, **scoring) for o in self.openings} if candidate else {}

    def ruled_out_by(self, student_id: int, position_id: int) -> str:
        """Which side ruled a pair out: «student», «enterprise» or neither, ""."""
        if self.said_by_student.get(student_id, SAID_NOTHING).rules_out(position_id):
            return "student"
        if self.said_by_position.get(position_id, SAID_NOTHING).rules_out(student_id):
            return "enterprise"
        return ""

    def scores(self, position_id: int, policy: RunPolicy | None = None) -> dict[int, float]:
        """The score of each student who could be matched with a position, by student id."""
        opening = self.opening(position_id)
        if opening is None:
            return {}
        problem = _with_preferences(pose(self.candidates, [opening]), self.said_by_student, self.said_by_position)
        _, rows, units = next(columns(problem, (policy or self.policy).terms(bound=False)))
        return {int(problem.student_ids[i]): u / UNIT for i, u in zip(rows.tolist(), units.tolist(), strict=True)}


def _with_preferences(problem: Problem, students: Mapping[int, Said], positions: Mapping[int, Said]) -> Problem:
    row = {int(id_): i for i, id_ in enumerate(problem.student_ids)}
    column = {int(id_): j for j, id_ in enumerate(problem.position_ids)}
    liked = [(row[s], column[p], said.wanted(p)) for s, said in students.items() for p in said.ranked if p in column]
    wanted = [
        (row[s], column[p], said.wanted(s))
        for p, said in positions.items()
        if p in column
        for s in said.ranked
        if s in row
    ]
    out = {(row[s], column[p]) for s, said in students.items() for p in said.ruled_out if p in column}
    out |= {(row[s], column[p]) for p, said in positions.items() if p in column for s in said.ruled_out if s in row}
    for s, said in students.items():
        if said.only:
            out |= {(row[s], j) for p, j in column.items() if p not in said.ranked}
    return replace(
        problem,
        by_student=_wishes(liked),
        by_enterprise=_wishes(wanted),
        ruled_out=np.array(sorted(out), np.int64).reshape(len(out), 2),
    )


def _wishes(said: list[tuple[int, int, float]]) -> Wishes:
    student, position, value = zip(*sorted(said), strict=True) if said else ((), (), ())
    return Wishes(np.array(student, np.int64), np.array(position, np.int64), np.array(value, np.float64))


def _of_said(said: Said) -> dict[str, Any]:
    return {"ranked": list(said.ranked), "ruled_out": sorted(said.ruled_out), "only": said.only}


def _to_said(row: Mapping[str, Any]) -> Said:
    """Snapshots of old say nothing."""
    return Said(tuple(row.get("ranked", ())), frozenset(row.get("ruled_out", ())), row.get("only", False))


def _of_candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": int(candidate.id),
        "categories": sorted(candidate.categories),
        "cities": sorted(candidate.cities),
        "min_salary": candidate.min_salary,
        "claimed": dict(candidate.claimed),
        "verified": {code: level for code, level in candidate.verified.items() if level},
        "university": candidate.university,
    }


def _to_candidate(content: dict[str, Any]) -> Candidate:
    return Candidate(
        id=str(content["id"]),
        categories=frozenset(content["categories"]),
        cities=frozenset(content["cities"]),
        min_salary=content["min_salary"],
        claimed=content["claimed"],
        verified=content["verified"],
        university=content.get("university", ""),  # snapshots of old have none
    )


def _of_opening(opening: Opening) -> dict[str, Any]:
    return {
        "id": int(opening.id),
        "category": opening.category,
        "city": opening.city,
        "headcount": opening.headcount,
        "max_salary": opening.max_salary,
        "requirements": [[r.competency, r.level, r.weight, r.must_have] for r in opening.requirements],
        "enterprise": opening.enterprise,
    }


def _to_opening(content: dict[str, Any]) -> Opening:
    return Opening(
        id=str(content["id"]),
        category=content["category"],
        city=content["city"],
        headcount=content["headcount"],
        max_salary=content["max_salary"],
        requirements=tuple(Requirement(*row) for row in content["requirements"]),
        enterprise=content.get("enterprise", ""),
    )
