"""Writes the demo's rounds into the tables: one closed a year ago, one closed lately, one open now.

The closed ones are solved by the same solver as any round, so that `round verify` finds them whole; what people did
with their offers, and what became of the placements, the dice decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from talentbank.accounts.models import User
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student
from talentbank.demo.aftermath import Aftermath
from talentbank.demo.builder import Builder, address
from talentbank.demo.dice import Dice
from talentbank.demo.recipe import DemoPosition
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.engine.scoring import columns
from talentbank.extensions import db
from talentbank.permissions import Role
from talentbank.rounds import queries
from talentbank.rounds.models import (
    MustHaveOn,
    Objective,
    Others,
    Preference,
    Round,
    RoundPosition,
    RoundState,
    RoundStudent,
    Shortlisted,
    StoredSnapshot,
)
from talentbank.rounds.policy import RunPolicy, commitment
from talentbank.rounds.runs.models import MatchedPair, Method, Run, RunState
from talentbank.rounds.runs.service import keep_rows
from talentbank.rounds.runs.solving import solve
from talentbank.rounds.snapshot import Snapshot

WEIGHTS = (0.7, 0.2, 0.1)
MOST_RANKED = 8
RANKING = 0.6
"""The share of students who say what they prefer before a deadline; of the open round so far half of that."""
ONLY = 0.1
OFFER_DAYS = 7


@dataclass(frozen=True, slots=True)
class Held:
    """A round of the past: when it was published (days ago), for whom, and with how many positions."""

    name: str
    published: int
    cohort: int
    share: float
    positions: int


PAST = (
    Held("2025 年秋季匹配轮次", 400, 2025, 0.5, 26),
    Held("2026 年秋季匹配轮次", 62, 2026, 0.25, 22),
)
OPEN = "2026 年冬季匹配轮次"
OPENED, CLOSES = 4, 10
"""Days since the open round was opened, and until its deadline."""


class MarketBuilder:
    """Writes rounds into the tables; made: the builder that wrote the rest of the demo."""

    def __init__(self, made: Builder, seed: int) -> None:
        self._made = made
        self._dice = Dice(seed + 5)
        self._chamber = db.session.scalars(select(User).where(User.email == address(Role.CHAMBER))).one()
        self._star = db.session.scalars(
            select(Student.id).join(Student.user).where(User.email == address(Role.STUDENT))
        ).one()

    def build(self, planned: Sequence[DemoPosition], enterprises: Sequence[int]) -> None:
        """The rounds in the order of time. enterprises: the ids behind the plan's indices."""
        previous: Round | None = None
        for held in PAST:
            previous = self._past(held, planned, enterprises, previous)
        self._open(previous)

    def _past(
        self, held: Held, planned: Sequence[DemoPosition], enterprises: Sequence[int], previous: Round | None
    ) -> Round:
        published = self._made.at - timedelta(days=held.published)
        positions = self._positions(held, planned, enterprises, published)
        of_cohort = select(Student.id).where(Student.cohort == held.cohort, Student.id != self._star)
        placed = self._placed()
        cohort = [i for i in db.session.scalars(of_cohort.order_by(Student.id)) if i not in placed]
        chosen = self._dice.some_of(cohort, round(len(cohort) * held.share))
        ours = of_cohort.join(User, User.organisation_id == Student.university_id)
        seen = set(db.session.scalars(ours.where(User.email == address(Role.UNIVERSITY)))) - placed
        students = sorted(seen.union(chosen))
        round_ = self._round(held.name, published - timedelta(days=21), previous)
        self._enter(round_, students, {p.id: p.headcount for p in positions}, live=False)
        self._prefer(round_, students, [p.id for p in positions], RANKING)
        run = self._solve(round_, published)
        round_.state, round_.closes_at = RoundState.CLOSED, published - timedelta(days=7)
        round_.frozen_at, round_.told_at = published - timedelta(days=7), published - timedelta(hours=3)
        round_.published_at, round_.closed_at = published, published + timedelta(days=OFFER_DAYS)
        round_.selected_run_id = run.id
        db.session.flush()
        Aftermath(self._dice, self._made.at).follow(run, published, OFFER_DAYS)
        db.session.execute(
            update(Position).where(Position.id.in_([p.id for p in positions])).values(state=PositionState.CLOSED)
        )
        return round_

    def _placed(self) -> set[int]:
        return set(db.session.scalars(select(MatchedPair.student_id)))

    def _positions(
        self, held: Held, planned: Sequence[DemoPosition], enterprises: Sequence[int], published: datetime
    ) -> list[Position]:
        """Positions as enterprises deposit them, of that time; the first enterprise, to sign in as, has two."""
        chosen = [p for p in planned if p.enterprise == 0][:2]
        chosen += self._dice.some_of([p for p in planned if p.enterprise], held.positions - len(chosen))
        opens = (published - timedelta(days=40)).date()
        return self._made.deposit(chosen, enterprises, opens, (published + timedelta(days=14)).date())

    def _round(self, name: str, opened: datetime, previous: Round | None) -> Round:
        a, b, c = WEIGHTS
        round_ = Round(
            name=name,
            state=RoundState.OPEN,
            objective=Objective.SCORE,
            trust=0.5,
            min_score=0.0,
            must_have_on=MustHaveOn.CLAIMED,
            weight_fit=a,
            weight_student=b,
            weight_enterprise=c,
            most_ranked=MOST_RANKED,
            blind=True,
            offer_days=OFFER_DAYS,
            seed=f"{self._dice.below(2**31):032x}",
            officer_id=self._chamber.id,
            previous_id=previous.id if previous else None,
            created_at=opened - timedelta(days=3),
            opened_at=opened,
        )
        self._made.add([round_])
        return round_

    def _enter(self, round_: Round, students: Sequence[int], seats: dict[int, int], *, live: bool) -> None:
        numbers = self._dice.some_of(range(1, len(students) + 1), len(students))
        common = {"round_id": round_.id, "live": live, "version": 0}
        db.session.execute(
            insert(RoundStudent),
            [
                {**common, "student_id": student, "number": number, "others": Others.ANY}
                for student, number in zip(students, numbers, strict=True)
            ],
        )
        db.session.execute(
            insert(RoundPosition), [{**common, "position_id": p, "seats": free} for p, free in seats.items()]
        )

    def _prefer(self, round_: Round, students: Sequence[int], positions: Sequence[int], share: float) -> None:
        """Both sides say what they prefer: mostly what fits, and not everybody everything."""
        snapshot = self._snapshot(round_, students, positions)
        scores: dict[int, list[tuple[float, int]]] = {}
        wanted: dict[int, list[tuple[float, int]]] = {}
        problem = snapshot.problem(RunPolicy.read(round_.policy))
        for j, rows, units in columns(problem, snapshot.policy.terms(bound=False)):
            for i, score in zip(rows.tolist(), units.tolist(), strict=True):
                student, position = int(problem.student_ids[i]), int(problem.position_ids[j])
                scores.setdefault(student, []).append((-score * (1 + self._dice.below(30) / 100), position))
                wanted.setdefault(position, []).append((-score, student))
        said = [s for s in students if s in scores and (s == self._star or self._dice.happens(share))]
        ranked = [
            {"round_id": round_.id, "student_id": student, "position_id": position, "rank": rank}
            for student in said
            for rank, (_, position) in enumerate(sorted(scores[student])[: 2 + self._dice.below(4)], start=1)
        ]
        only = [student for student in said if self._dice.happens(ONLY)]
        listed = [
            {"round_id": round_.id, "position_id": position, "student_id": student, "rank": rank}
            for position in positions
            if position in wanted and self._dice.happens(share)
            for rank, (_, student) in enumerate(sorted(wanted[position])[: 1 + self._dice.below(4)], start=1)
        ]
        self._keep(round_, said, only, ranked, listed)

    def _keep(
        self,
        round_: Round,
        said: Sequence[int],
        only: Sequence[int],
        ranked: Sequence[dict[str, int]],
        listed: Sequence[dict[str, int]],
    ) -> None:
        for model, rows in ((Preference, ranked), (Shortlisted, listed)):
            if rows:
                db.session.execute(insert(model), list(rows))
        at = (round_.opened_at or self._made.at) + timedelta(days=2)
        ours = RoundStudent.round_id == round_.id
        saved = {"saved_at": at, "version": 1}
        db.session.execute(update(RoundStudent).where(ours, RoundStudent.student_id.in_(said)).values(**saved))
        db.session.execute(
            update(RoundStudent).where(ours, RoundStudent.student_id.in_(only)).values(others=Others.ONLY)
        )
        db.session.execute(
            update(RoundPosition)
            .where(
                RoundPosition.round_id == round_.id,
                RoundPosition.position_id.in_({row["position_id"] for row in listed}),
            )
            .values(**saved)
        )

    def _snapshot(self, round_: Round, students: Sequence[int], positions: Sequence[int]) -> Snapshot:
        people = db.session.scalars(
            select(Student).where(Student.id.in_(students)).options(catalogue.with_levels()).order_by(Student.id)
        ).all()
        asked = db.session.scalars(
            select(Position)
            .where(Position.id.in_(positions))
            .options(*deposits.whole_position())
            .order_by(Position.id)
        ).all()
        return Snapshot.freeze(
            round_.policy,
            [queries.entrant(student) for student in people],
            [queries.place(position, position.headcount) for position in asked],
            queries.said_by_students(round_.id),
            queries.said_by_positions(round_.id),
        )

    def _solve(self, round_: Round, published: datetime) -> Run:
        ids = [
            list(db.session.scalars(select(column).where(model.round_id == round_.id)))
            for model, column in ((RoundStudent, RoundStudent.student_id), (RoundPosition, RoundPosition.position_id))
        ]
        snapshot = self._snapshot(round_, *ids)
        policy = snapshot.policy
        frozen = published - timedelta(days=7)
        stored = StoredSnapshot.of(round_.id, snapshot, frozen, self._chamber.name)
        self._made.add([stored])
        solution = solve(snapshot, policy, Method.OPTIMUM, lambda *_: True)
        run = Run(
            round_id=round_.id,
            number=1,
            snapshot_id=stored.id,
            method=Method.OPTIMUM,
            made_at=frozen + timedelta(hours=1),
            made_by=self._chamber.name,
            policy=policy.text,
            commitment=commitment(stored.digest, policy.text),
            state=RunState.DONE,
            share=1.0,
            finished_at=frozen + timedelta(hours=1),
            students=stored.students,
            positions=stored.positions,
            **solution.figures | {"seconds": 0.0},
        )
        self._made.add([run])
        keep_rows(run.id, solution)
        return run

    def _open(self, previous: Round | None) -> None:
        """The round that goes on: everybody free is in it, and some have said what they prefer."""
        students = list(db.session.scalars(queries.joining_students().with_only_columns(Student.id)))
        seats = queries.joining_positions()
        round_ = self._round(OPEN, self._made.at - timedelta(days=OPENED), previous)
        round_.closes_at = self._made.at + timedelta(days=CLOSES)
        self._enter(round_, students, seats, live=True)
        self._prefer(round_, students, list(seats), RANKING / 2)
