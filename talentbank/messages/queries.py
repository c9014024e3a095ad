"""Reads of threads, within what the actor may see; and who may write in one, and know the student's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from talentbank.accounts import queries as accounts
from talentbank.accounts.models import Standing, User
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.messages.models import Message
from talentbank.permissions import Actor, Role
from talentbank.rounds.models import LIVE, Round, RoundPosition, RoundState, RoundStudent
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run

PER_PAGE = 25
IN_THREAD = 50
"""Messages on a page of a thread."""

NO_SUCH_THREAD = _l("There is no such conversation, or it is not yours.")

UNKNOWN = (False, None)
"""What an enterprise knows of a student who has not written and holds no offer of it: neither name nor number."""

WAITING, UNREAD = "waiting", "unread"
"""What a list of threads can be narrowed to."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A student and an enterprise about a position, as far as the actor may see them.

    wrote: the student has written; offered: the student holds an offer of the position, open or accepted.
    shown: the position is on show. named: the enterprise may know who the student is; number: by which it knows the
    student until then.
    """

    position: Position
    student: Student
    wrote: bool
    offered: bool
    shown: bool
    named: bool
    number: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A thread in a list, by its last message; unread: the other side's messages that nobody here has read."""

    last: Message
    unread: int
    named: bool
    number: int | None

    def waits_for(self, role: Role) -> bool:
        """Whether the last word is the other side's."""
        return self.last.from_student is (role is Role.ENTERPRISE)


def _people() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Message.position).joinedload(Position.enterprise),
        joinedload(Message.student).joinedload(Student.user),
        joinedload(Message.student).joinedload(Student.university),
    )


def own_student_id(actor: Actor) -> int | None:
    """The id of the actor's own profile; None for who has none."""
    if actor.role is not Role.STUDENT:
        return None
    return db.session.scalar(select(Student.id).where(Student.user_id == actor.user_id))


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """The messages that an actor may read: one's own, or one's enterprise's; nobody else reads any."""
    if actor.role is Role.STUDENT:
        return Message.student_id.in_(select(Student.id).where(Student.user_id == actor.user_id))
    if actor.role is Role.ENTERPRISE:
        own = select(Position.id).where(Position.enterprise_id == actor.organisation_id)
        return Message.position_id.in_(own)
    return false()


def _unread_by(role: Role) -> ColumnElement[bool]:
    """The other side's messages that are not read."""
    return and_(Message.from_student.is_(role is Role.ENTERPRISE), Message.read_at.is_(None))


def _of(position_id: int, student_id: int) -> ColumnElement[bool]:
    return and_(Message.position_id == position_id, Message.student_id == student_id)


def thread(actor: Actor, position_id: int, student_id: int) -> Thread:
    """The thread of a student about a position, also one that could begin. Raises NotFound.

    A student has one about each position that is on show, or of which the student holds an offer, or where there
    are messages already. An enterprise has one where there are messages, or with whom one of its offers is held who
    is named to it: an address with a student's id would else tell who stands behind the number of a blind round.
    """
    if actor.role is Role.STUDENT:
        side = Student.user_id == actor.user_id
    elif actor.role is Role.ENTERPRISE:
        side = Position.enterprise_id == actor.organisation_id
    else:
        side = false()
    held = (Offer.position_id == position_id, Offer.student_id == student_id, offers.holds_seat())
    row = db.session.execute(
        select(
            Position,
            Student,
            exists().where(_of(position_id, student_id)),
            exists().where(_of(position_id, student_id), Message.from_student),
            exists().where(*held),
            deposits.on_show(),
        )
        .select_from(Position)
        .join(Student, Student.id == student_id)
        .where(Position.id == position_id, side)
        .options(joinedload(Position.enterprise), joinedload(Student.user), joinedload(Student.university))
    ).one_or_none()
    if row is None:
        raise NotFound(NO_SUCH_THREAD)
    position, student, begun, wrote, offered, shown = row
    if not (begun or offered or (shown and actor.role is Role.STUDENT)):
        raise NotFound(NO_SUCH_THREAD)
    pair = (position_id, student_id)
    named, number = (True, None) if wrote else _known([pair]).get(pair, UNKNOWN)
    if actor.role is Role.ENTERPRISE and not (begun or named):
        raise NotFound(NO_SUCH_THREAD)
    return Thread(position, student, wrote, offered, shown, named, number)


def messages(found: Thread, page: int) -> Pagination:
    """A page of a thread's messages, the newest first."""
    query = (
        select(Message)
        .where(_of(found.position.id, found.student.id))
        .options(joinedload(Message.author))
        .order_by(Message.id.desc())
    )
    return db.paginate(query, page=page, per_page=IN_THREAD, error_out=False)


def why_not(actor: Actor, found: Thread) -> Any:
    """Why nothing can be written in a thread now, as a lazy sentence; None if it can."""
    if found.position.state is PositionState.BLOCKED:
        return _l("The chamber has blocked this position: nothing more can be written about it.")
    if found.position.enterprise.standing is Standing.REFUSED:
        return _l("The chamber has refused this enterprise: nothing more can be written to it or by it.")
    if actor.role is Role.ENTERPRISE and not (found.wrote or found.offered):
        return _l("You can write once the student has written, or while the student holds your offer.")
    return None


def blind_round(position_id: int, student_id: int) -> Round | None:
    """The blind round in which the position's enterprise knows this student by number only, if there is one.

    None once an offer of the position is accepted: the enterprise knows the name then.
    """
    accepted = exists().where(
        Offer.position_id == position_id,
        Offer.student_id == student_id,
        Offer.stored_state == OfferState.ACCEPTED,
    )
    return db.session.scalar(
        select(Round)
        .join(RoundStudent, RoundStudent.round_id == Round.id)
        .join(RoundPosition, RoundPosition.round_id == Round.id)
        .where(
            RoundStudent.student_id == student_id,
            RoundPosition.position_id == position_id,
            Round.blind,
            Round.state.in_((*LIVE, RoundState.PUBLISHED)),
            ~accepted,
        )
        .order_by(Round.id.desc())
        .limit(1)
    )


def _known(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[bool, int | None]]:
    """Whether the offers of pairs (position id, student id) let the enterprise know the name, and the number."""
    query = (
        select(Offer)
        .where(
            Offer.position_id.in_({position for position, _ in pairs}),
            Offer.student_id.in_({student for _, student in pairs}),
        )
        .options(joinedload(Offer.run).joinedload(Run.round))
        .order_by(Offer.id)
    )
    known: dict[tuple[int, int], tuple[bool, int | None]] = {}
    for offer in db.session.scalars(query):
        pair = (offer.position_id, offer.student_id)
        known[pair] = (known.get(pair, UNKNOWN)[0] or offer.names_student, offer.number)
    return known


def threads(actor: Actor, state: str, position_id: int | None, page: int) -> tuple[Pagination, list[Row]]:
    """A page of the actor's threads: those whose last word is the other side's first, then the newest.

    state: WAITING narrows to those, UNREAD to threads with something unread.
    """
    mine = _seen_by(actor) if position_id is None else and_(_seen_by(actor), Message.position_id == position_id)
    unread = func.sum(case((_unread_by(actor.role), 1), else_=0))
    lasts = select(func.max(Message.id)).where(mine).group_by(Message.position_id, Message.student_id)
    if state == UNREAD:
        lasts = lasts.having(unread > 0)
    theirs = Message.from_student.is_(actor.role is Role.ENTERPRISE)
    query = (
        select(Message).where(Message.id.in_(lasts)).options(*_people()).order_by(theirs.desc(), Message.id.desc())
    )
    if state == WAITING:
        query = query.where(theirs)
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    pairs = [(message.position_id, message.student_id) for message in found.items]
    counts = {
        (position, student): (waiting, wrote)
        for position, student, waiting, wrote in db.session.execute(
            select(
                Message.position_id, Message.student_id, unread, func.sum(case((Message.from_student, 1), else_=0))
            )
            .where(
                Message.position_id.in_({position for position, _ in pairs}),
                Message.student_id.in_({student for _, student in pairs}),
            )
            .group_by(Message.position_id, Message.student_id)
        )
    }
    known = _known(pairs)
    rows = []
    for pair, last in zip(pairs, found.items, strict=True):
        waiting, wrote = counts[pair]
        named, number = (True, None) if wrote else known.get(pair, UNKNOWN)
        rows.append(Row(last, waiting, named, number))
    return found, rows


def unread(actor: Actor) -> int:
    """How many messages wait to be read by the actor's side."""
    return (
        db.session.scalar(select(func.count()).select_from(Message).where(_seen_by(actor), _unread_by(actor.role)))
        or 0
    )


def unread_in(actor: Actor, position_id: int, student_id: int) -> list[int]:
    """The ids of a thread's messages that the actor's side has not read; none in a thread that is not the actor's."""
    query = select(Message.id).where(_of(position_id, student_id), _seen_by(actor), _unread_by(actor.role))
    return list(db.session.scalars(query.order_by(Message.id)))


def written_since(user_id: int, ago: timedelta) -> int:
    """How many messages somebody has written within the last so long; who else writes as the same person waits."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    query = select(func.count()).select_from(Message).where(Message.author_id == user_id, Message.at > now() - ago)
    return db.session.scalar(query) or 0


def just_said(user_id: int, position_id: int, student_id: int, words: str, ago: timedelta) -> bool:
    """Whether somebody has written the same in a thread within the last so long."""
    same = and_(Message.author_id == user_id, Message.words == words, Message.at > now() - ago)
    return bool(db.session.scalar(select(exists().where(_of(position_id, student_id), same))))


def told(found: Thread, *, student: bool) -> Sequence[int]:
    """The ids of those who hear of a message: the student, or the enterprise's active people."""
    return [found.student.user_id] if student else accounts.people_of(found.position.enterprise_id)
