"""Drafts: runs that the chamber shows to those whom they concern, for comment before one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from talentbank import audit
from talentbank.accounts.models import Organisation, User
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Round, RoundState, RoundStudent
from talentbank.rounds.runs import queries
from talentbank.rounds.runs.models import (
    DraftComment,
    DraftShowing,
    MatchedPair,
    PositionOutcome,
    Run,
    RunState,
)

LONGEST_SHOWING = timedelta(days=60)
LONGEST_COMMENT = 2000


@dataclass(frozen=True, slots=True)
class Placed:
    """A pair as an organisation sees it; number stands in for the student where the round is blind."""

    pair: MatchedPair
    number: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What of a draft concerns one organisation; outcomes is empty for a university, free for an enterprise."""

    run: Run
    round: Round
    showing: DraftShowing
    outcomes: list[PositionOutcome]
    placed: list[Placed]
    free: list[Student]
    comments: Sequence[DraftComment]


@command(Action.SHOW_DRAFT)
def show_draft(actor: Actor, round_id: int, number: int, until: datetime | None) -> DraftShowing:
    """Show a run that is done for comment until a moment; asked again, it moves the moment.

    Raises NotFound, Invalid, and Conflict where the run is not done or the round has its outcome.
    """
    round_, run = rounds.round_(round_id), queries.run(round_id, number)
    if until is None or not now() < until <= now() + LONGEST_SHOWING:
        days = LONGEST_SHOWING.days
        raise Invalid(
            errors={"until": _l("Comments end at a moment within the next %(days)s days, not yet past.", days=days)}
        )
    if run.state is not RunState.DONE or round_.state is not RoundState.SOLVED or round_.told_at is not None:
        raise Conflict(_l("Only a run that is done can be shown, and only before people are told the outcome."))
    showing = db.session.get(DraftShowing, run.id)
    if showing is None:
        showing = DraftShowing(run_id=run.id, shown_at=now())
        db.session.add(showing)
    showing.until, showing.ended_at = until, None
    data = {"run": run.id, "name": round_.name, "until": until.isoformat()}
    notices.tell(people_concerned(run), "draft_shown", f"run:{run.id}", **data)
    audit.record(actor, Action.SHOW_DRAFT, run, until=until.isoformat())
    return showing


@command(Action.SHOW_DRAFT)
def end_draft(actor: Actor, round_id: int, number: int) -> DraftShowing:
    """Show a draft no longer; its comments are kept."""
    run = queries.run(round_id, number)
    showing = db.session.get(DraftShowing, run.id)
    if showing is None or showing.ended_at is not None:
        raise Conflict(_l("This run is not shown for comment."))
    showing.ended_at = now()
    audit.record(actor, Action.SHOW_DRAFT, run, ended=True)
    return showing


@command(Action.COMMENT_DRAFT)
def comment(actor: Actor, run_id: int, words: str) -> DraftComment:
    """Say something about a draft that concerns the actor's organisation. Raises NotFound and Invalid."""
    run, _, _ = _shown(actor, run_id)
    if not words.strip() or len(words) > LONGEST_COMMENT:
        raise Invalid(errors={"words": _l("Write a comment of at most %(most)s characters.", most=LONGEST_COMMENT)})
    said = DraftComment(
        run_id=run.id,
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        words=words.strip(),
        at=now(),
    )
    db.session.add(said)
    audit.record(actor, Action.COMMENT_DRAFT, run, words=said.words)
    return said


def showing(run_id: int) -> DraftShowing | None:
    """Until when a run is shown, if it ever was."""
    return db.session.get(DraftShowing, run_id)


def comments(run_id: int) -> list[tuple[DraftComment, Organisation]]:
    """What all organisations said about a draft, the first word first."""
    rows = db.session.execute(
        select(DraftComment, Organisation)
        .join(Organisation, Organisation.id == DraftComment.organisation_id)
        .where(DraftComment.run_id == run_id)
        .options(joinedload(DraftComment.user))
        .order_by(DraftComment.id)
    )
    return [(said, organisation) for said, organisation in rows]


def shown_in(round_ids: Sequence[int]) -> dict[int, list[int]]:
    """The runs that are shown for comment at this moment, by round id."""
    rows = db.session.execute(
        select(Run.round_id, Run.id)
        .join(DraftShowing, DraftShowing.run_id == Run.id)
        .join(Round, Round.id == Run.round_id)
        .where(
            Run.round_id.in_(round_ids),
            Round.state == RoundState.SOLVED,
            DraftShowing.ended_at.is_(None),
            DraftShowing.until > now(),
        )
        .order_by(Run.id)
    )
    found: dict[int, list[int]] = {}
    for round_id, run_id in rows:
        found.setdefault(round_id, []).append(run_id)
    return found


def draft(actor: Actor, run_id: int) -> Draft:
    """What of a draft concerns the actor's organisation. Raises NotFound where nothing does, or it isn't shown."""
    run, round_, shown = _shown(actor, run_id)
    mine = (
        select(MatchedPair)
        .join(MatchedPair.position)
        .join(MatchedPair.student)
        .where(MatchedPair.run_id == run_id)
        .options(*queries.pair_parts())
        .order_by(MatchedPair.position_id, MatchedPair.student_id)
    )
    own: list[DraftComment] = [
        said for said, organisation in comments(run_id) if organisation.id == actor.organisation_id
    ]
    if actor.role is Role.ENTERPRISE:
        pairs = db.session.scalars(mine.where(Position.enterprise_id == actor.organisation_id)).all()
        outcomes = [o for o in queries.prices(run_id).values() if o.position.enterprise_id == actor.organisation_id]
        numbers = _numbers(run.round_id, [pair.student_id for pair in pairs]) if round_.blind else {}
        # within a position by number: the order of ids would tell who it is
        placed = [Placed(pair, numbers.get(pair.student_id)) for pair in pairs]
        placed.sort(key=lambda row: (row.pair.position_id, row.number or 0))
        return Draft(run, round_, shown, outcomes, placed, [], own)
    pairs = db.session.scalars(mine.where(Student.university_id == actor.organisation_id)).all()
    matched = {pair.student_id for pair in pairs}
    everybody = db.session.scalars(
        select(Student)
        .join(RoundStudent, RoundStudent.student_id == Student.id)
        .where(RoundStudent.round_id == run.round_id, Student.university_id == actor.organisation_id)
        .options(joinedload(Student.user))
        .order_by(Student.id)
    )
    free = [student for student in everybody if student.id not in matched]
    return Draft(run, round_, shown, [], [Placed(pair, None) for pair in pairs], free, own)


def _shown(actor: Actor, run_id: int) -> tuple[Run, Round, DraftShowing]:
    run, shown = db.session.get(Run, run_id), db.session.get(DraftShowing, run_id)
    if run is None or shown is None or shown.ended_at is not None or shown.until <= now():
        raise NotFound(_l("There is no draft here to comment on: it is shown no longer, or does not concern you."))
    round_ = rounds.round_(run.round_id)
    if round_.state is not RoundState.SOLVED or not _concerns(actor, run):
        raise NotFound(_l("There is no draft here to comment on: it is shown no longer, or does not concern you."))
    return run, round_, shown


def _concerns(actor: Actor, run: Run) -> bool:
    if actor.role is Role.ENTERPRISE:
        found = (
            select(PositionOutcome.position_id)
            .join(PositionOutcome.position)
            .where(PositionOutcome.run_id == run.id, Position.enterprise_id == actor.organisation_id)
        )
    else:
        found = (
            select(RoundStudent.student_id)
            .join(RoundStudent.student)
            .where(RoundStudent.round_id == run.round_id, Student.university_id == actor.organisation_id)
        )
    return db.session.scalar(found.limit(1)) is not None


def _numbers(round_id: int, student_ids: list[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(RoundStudent.student_id, RoundStudent.number).where(
            RoundStudent.round_id == round_id, RoundStudent.student_id.in_(student_ids)
        )
    )
    return dict(rows.all())


def people_concerned(run: Run) -> Sequence[int]:
    """Ids of those who could comment on a draft: people of its enterprises and universities."""
    enterprises = (
        select(Position.enterprise_id)
        .join(PositionOutcome, PositionOutcome.position_id == Position.id)
        .where(PositionOutcome.run_id == run.id)
    )
    universities = (
        select(Student.university_id)
        .join(RoundStudent, RoundStudent.student_id == Student.id)
        .where(RoundStudent.round_id == run.round_id)
    )
    either = User.organisation_id.in_(enterprises) | User.organisation_id.in_(universities)
    query = select(User.id).where(User.active, User.role.in_((Role.ENTERPRISE, Role.UNIVERSITY)), either)
    return db.session.scalars(query).all()
