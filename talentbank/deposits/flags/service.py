"""Reporting a position, deciding the report, and unblocking what was blocked."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.accounts import queries as accounts
from talentbank.audit import command
from talentbank.deposits.flags import queries
from talentbank.deposits.flags.models import Flag, FlagKind
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import Conflict, NotFound, Problems
from talentbank.extensions import changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor, Role

LONGEST = 1000
"""Characters of a report, of its answer, and of a reason to unblock."""


class Decision(StrEnum):
    """What the chamber does with a report: to uphold it is to block the position."""

    UPHOLD = "uphold"
    DISMISS = "dismiss"


@command(Action.FLAG_POSITION)
def make(actor: Actor, position_id: int, kind: str, words: str) -> Flag:
    """Report a position that the actor sees; the chamber is told.

    Raises NotFound for one that is not on show to the actor, Conflict for its own enterprise's, for a blocked one and
    while an earlier report of the actor's waits.
    """
    db.session.execute(select(Position.id).where(Position.id == position_id).with_for_update(read=True))
    position = queries.position(actor, position_id)
    problems = Problems()
    if kind not in set(FlagKind):
        problems.add("kind", _l("Choose what is wrong with the position."))
    _check("words", words, problems)
    problems.check()
    if position.state is PositionState.BLOCKED:
        raise Conflict(_l("This position is blocked already: nobody but its enterprise and the chamber sees it."))
    flag = Flag(
        position_id=position_id, user_id=actor.user_id, kind=FlagKind(kind), words=words.strip(), made_at=now()
    )
    db.session.add(flag)
    try:
        db.session.flush()
    except IntegrityError:  # the database lets one wait a person and position
        raise Conflict(_l("Your earlier report of this position still waits for the chamber's decision.")) from None
    notices.tell(
        [person.id for person in accounts.people_with(Role.CHAMBER)],
        "flag_made",
        f"flag:{flag.id}",
        title=position.title,
    )
    audit.record(actor, Action.FLAG_POSITION, flag, position=position_id, kind=kind)
    return flag


@command(Action.DECIDE_FLAG)
def decide(actor: Actor, flag_id: int, decision: str, answer: str) -> Flag:
    """Dismiss a report, or uphold it and block its position, once and with an answer.

    Upheld, all other reports of the position that wait are decided with it. Whoever reported is told, and the
    enterprise that its position is blocked, but never by whose report. Raises Conflict the second time.
    """
    flag = queries.flag(flag_id)
    position = _locked(flag.position_id)
    problems = Problems()
    if decision not in set(Decision):
        problems.add("decision", _l("Choose: dismiss the report, or block the position."))
    _check("answer", answer, problems)
    problems.check()
    upheld = Decision(decision) is Decision.UPHOLD
    said = {"upheld": upheld, "answer": answer.strip(), "decided_by": actor.user_id, "decided_at": now()}
    waiting = update(Flag).where(Flag.decided_at.is_(None)).values(**said)
    if changed_rows(waiting.where(Flag.id == flag_id)) != 1:
        raise Conflict(_l("This report has been decided already."))
    reporters = {flag_id: flag.user_id}
    if upheld:
        others = select(Flag.id, Flag.user_id).where(Flag.position_id == position.id, Flag.decided_at.is_(None))
        reporters |= dict(db.session.execute(others).all())
        changed_rows(waiting.where(Flag.id.in_(reporters)))
        _block(actor, position, flag_id)
    data = {"position": position.id, "title": position.title, "answer": answer.strip()}
    notices.tell_each("flag_decided", [(user, f"flag:{number}", data) for number, user in reporters.items()])
    audit.record(actor, Action.DECIDE_FLAG, flag, upheld=upheld, position=position.id, reports=sorted(reporters))
    db.session.refresh(flag, ["upheld", "answer", "decided_by", "decided_at"])
    return flag


@command(Action.DECIDE_FLAG)
def unblock(actor: Actor, position_id: int, reason: str) -> Position:
    """Give a blocked position back to its enterprise, closed; the reason stands in the audit trail."""
    position = _locked(position_id)
    if position.state is not PositionState.BLOCKED:
        raise Conflict(_l("This position is not blocked: look at it again."))
    problems = Problems()
    _check("reason", reason, problems)
    problems.check()
    _set(position, PositionState.CLOSED)
    audit.record(actor, Action.DECIDE_FLAG, position, state=position.state.value, reason=reason.strip())
    return position


def _block(actor: Actor, position: Position, flag_id: int) -> None:
    _set(position, PositionState.BLOCKED)
    people = accounts.people_of(position.enterprise_id)
    notices.tell(people, "position_blocked", f"flag:{flag_id}", position=position.id, title=position.title)
    audit.record(actor, Action.DECIDE_FLAG, position, state=position.state.value, report=flag_id)


def _set(position: Position, state: PositionState) -> None:
    position.state = state
    position.version += 1  # what somebody has open in a window is of before
    position.changed_at = now()


def _locked(position_id: int) -> Position:
    """A position that nobody else changes, and nobody reports, while this transaction lasts. Raises NotFound."""
    found = db.session.scalar(select(Position).where(Position.id == position_id).with_for_update())
    if found is None:
        raise NotFound(_l("There is no such position, or it is not on show."))
    return found


def _check(field: str, text: str, problems: Problems) -> None:
    if not text.strip():
        problems.add(field, _l("Write it in your own words."))
    elif len(text.strip()) > LONGEST:
        problems.add(field, _l("Write at most %(most)s characters.", most=LONGEST))
