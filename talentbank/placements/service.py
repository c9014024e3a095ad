"""An accepted offer starts, both sides say from time to time that it goes on, and it ends.

Nobody's word ends what the other side says goes on. A side that says «left» ends the placement at once, unless the
other side has said after that last day that the person is still there. If the other side says so later, at a
check-in, the end no longer stands. Either way the placement goes on and shows both words («differs»), until one side
records a last day that the other has not spoken against.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from talentbank import audit, permissions
from talentbank.accounts import queries as accounts
from talentbank.audit import command
from talentbank.errors import Conflict, Invalid, Problems
from talentbank.extensions import SHANGHAI, db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor, Role
from talentbank.placements import queries
from talentbank.placements.models import CHECK_IN_DAYS, CheckIn, EndReason, Placement
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as offers_service
from talentbank.rounds.offers.models import OfferState

LONGEST_AGO = timedelta(days=366)
LONGEST_NOTE = 500


@command(Action.START_PLACEMENT)
def start(actor: Actor, offer_id: int, started_on: date | None) -> Placement:
    """Record that somebody who accepted one of the actor's positions has started there."""
    offer = offers.offer(actor, offer_id)
    if offer.state is not OfferState.ACCEPTED:
        raise Conflict(_l("Only an accepted offer can start: this one is not accepted."))
    if started_on is None or not today() - LONGEST_AGO <= started_on <= today():
        raise Invalid(errors={"started_on": _l("The first day is a date within the last year, today at the latest.")})
    last = db.session.scalar(select(func.max(Placement.ended_on)).where(Placement.student_id == offer.student_id))
    if last is not None and started_on <= last:
        sentence = _l("The student was in another position until %(day)s: a later day, please.", day=last.isoformat())
        raise Invalid(errors={"started_on": sentence})
    placement = Placement(offer_id=offer.id, student_id=offer.student_id, started_on=started_on, recorded_at=now())
    db.session.add(placement)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict(_l("This placement is recorded already.")) from None
    audit.record(actor, Action.START_PLACEMENT, placement, offer=offer.id, started_on=started_on.isoformat())
    return placement


@command(Action.CONFIRM_PLACEMENT)
def confirm(actor: Actor, placement_id: int) -> Placement:
    """The student confirms the first day that the enterprise recorded. Raises Conflict the second time."""
    placement = _locked(actor, placement_id)
    if placement.confirmed_at is not None:
        raise Conflict(_l("You have confirmed this first day already."))
    placement.confirmed_at = now()
    audit.record(actor, Action.CONFIRM_PLACEMENT, placement, started_on=placement.started_on.isoformat())
    return placement


@command(Action.CHECK_IN)
def check_in(
    actor: Actor,
    placement_id: int,
    day: int | None,
    still_there: bool | None,
    left_on: date | None = None,
    reason: str = "",
    note: str = "",
) -> CheckIn:
    """One side says after 90, 180 or 365 days whether the person is still there, once a day and side.

    left_on (the last day) and reason (a value of EndReason) are asked of who says «left» only. Raises Conflict before
    the day has come, the second time, and from the side that has recorded the end itself.
    """
    placement = _locked(actor, placement_id)
    words = queries.check_ins([placement_id]).get(placement_id, [])
    if day not in CHECK_IN_DAYS:
        raise Invalid(errors={"day": _l("Check-ins are after 90, 180 and 365 days: load the page again.")})
    _check_due(actor, placement, words, day)
    problems = Problems()
    if still_there is None:
        problems.add("still_there", _l("Say whether the person is still there."))
    if still_there is False:
        _check_end(actor, placement, words, problems, ("left_on", left_on), ("reason", reason))
    _check_note(problems, "note", note)
    problems.check()
    left = still_there is False
    word = CheckIn(
        placement_id=placement.id,
        day=day,
        by=actor.role,
        still_there=not left,
        left_on=left_on if left else None,
        reason=EndReason(reason) if left else None,
        note=note.strip(),
        user_id=actor.user_id,
        at=now(),
    )
    db.session.add(word)
    detail = {"day": day, "still_there": not left, "left_on": left_on.isoformat() if left and left_on else None}
    detail["undone"] = _go_on(actor, placement) if not left else None
    if left and left_on is not None:
        stands = not _spoken_against(actor, words, left_on)
        _write_end(actor, placement, left_on if stands else None, EndReason(reason), note)
    db.session.flush()
    audit.record(actor, Action.CHECK_IN, placement, **detail)
    return word


@command(Action.END_PLACEMENT)
def end(actor: Actor, placement_id: int, ended_on: date | None, reason: str, note: str = "") -> Placement:
    """Either side records the last day of a placement that goes on, at any time; reason: a value of EndReason.

    Raises Conflict if it has ended, or if the other side has said after that day that the person is still there.
    """
    placement = _locked(actor, placement_id)
    words = queries.check_ins([placement_id]).get(placement_id, [])
    if placement.ended_on is not None:
        raise Conflict(_l("This placement has ended already."))
    problems = Problems()
    _check_end(actor, placement, words, problems, ("ended_on", ended_on), ("end_reason", reason))
    _check_note(problems, "end_note", note)
    problems.check()
    if ended_on is None or _spoken_against(actor, words, ended_on):
        raise Conflict(
            _l("The other side has said after that day that the person is still there: agree on the last day first.")
        )
    _write_end(actor, placement, ended_on, EndReason(reason), note)
    audit.record(actor, Action.END_PLACEMENT, placement, ended_on=ended_on.isoformat(), reason=reason)
    return placement


def remind(actor: Actor) -> int:
    """Tell each side whose check-in waits, once a check-in; how many notices it was."""
    permissions.require(actor, Action.KEEP_TIME)
    words = _reminders(actor)
    return _remind(actor, words) if words else 0


def _reminders(actor: Actor) -> list[tuple[int, str, dict[str, Any]]]:
    """Whom to tell what of the check-ins that wait: user id, key and data."""
    rows = queries.due(actor)
    people = accounts.people_of_each({row.placement.offer.position.enterprise_id for row in rows})
    words: list[tuple[int, str, dict[str, Any]]] = []
    for row in rows:
        offer = row.placement.offer
        asked = [offer.student.user_id] if row.by is Role.STUDENT else people.get(offer.position.enterprise_id, [])
        key = f"placement:{row.placement.id}:{row.day}:{row.by.value}"
        data = {"placement": row.placement.id, "day": row.day, "title": offer.position.title}
        words += [(user_id, key, data) for user_id in asked]
    return words


@command(Action.KEEP_TIME)
def _remind(actor: Actor, words: Sequence[tuple[int, str, dict[str, Any]]]) -> int:
    told = notices.tell_each("check_in_due", words)
    audit.record(actor, Action.KEEP_TIME, "check_ins", due=len({key for _, key, _ in words}), told=told)
    return told


def _locked(actor: Actor, placement_id: int) -> Placement:
    """The placement as it is now, kept from others until this transaction ends."""
    db.session.execute(select(Placement.id).where(Placement.id == placement_id).with_for_update())
    return queries.placement(actor, placement_id)


def _check_due(actor: Actor, placement: Placement, words: list[CheckIn], day: int) -> None:
    due_on = placement.started_on + timedelta(days=day)
    if due_on > today():
        raise Conflict(_l("This check-in is on %(day)s: come back then.", day=due_on.isoformat()))
    if any(word.day == day and word.by is actor.role for word in words):
        raise Conflict(_l("Your side has answered this check-in already."))
    if placement.ended_on is not None and placement.ended_by is actor.role:
        raise Conflict(_l("Your side has recorded that this placement ended."))


def _check_end(
    actor: Actor,
    placement: Placement,
    words: list[CheckIn],
    problems: Problems,
    last: tuple[str, date | None],
    why: tuple[str, str],
) -> None:
    """A last day from the first to today, not before one's own word that the person is there; and a reason."""
    field, day = last
    if day is None or not placement.started_on <= day <= today():
        problems.add(field, _l("The last day lies between the first day and today."))
    elif any(word.by is actor.role and _there_after(word, day) for word in words):
        problems.add(field, _l("Your side has said after that day that the person is still there."))
    if why[1] not in set(EndReason):
        problems.add(why[0], _l("Choose the reason that weighs most."))


def _check_note(problems: Problems, field: str, note: str) -> None:
    if len(note.strip()) > LONGEST_NOTE:
        problems.add(field, _l("Use at most %(most)s characters.", most=LONGEST_NOTE))


def _there_after(word: CheckIn, day: date) -> bool:
    """Whether a word says, on a later day than this in Meishan, that the person is there."""
    return word.still_there and word.at.astimezone(SHANGHAI).date() > day


def _spoken_against(actor: Actor, words: list[CheckIn], day: date) -> bool:
    return any(word.by is not actor.role and _there_after(word, day) for word in words)


def _go_on(actor: Actor, placement: Placement) -> str | None:
    """Somebody says that the person is there: what the other side says of an earlier end no longer stands.

    Answers with the last day that was undone. One's own earlier word of an end is taken back by this. Where the
    student holds another offer by now, or another the seat, the end stands whatever is said.
    """
    if placement.ended_by is actor.role:
        placement.ended_by, placement.end_reason, placement.end_note = None, None, ""
    if placement.ended_on is None or placement.ended_on >= today() or not offers_service.hold_again(placement.offer):
        return None
    undone, placement.ended_on = placement.ended_on, None
    return undone.isoformat()


def _write_end(actor: Actor, placement: Placement, day: date | None, reason: EndReason, note: str) -> None:
    """What this side says of the end, unless one stands; day: None where the other side speaks against it."""
    if placement.ended_on is None:
        placement.ended_on, placement.end_reason = day, reason
        placement.end_note, placement.ended_by = note.strip(), actor.role
        if day is not None:
            offers_service.release(placement.offer)
            _tell_end(actor, placement, day)


def _tell_end(actor: Actor, placement: Placement, day: date) -> None:
    """Tell the other side what this one recorded, so that it can speak against it."""
    position = placement.offer.position
    student = [placement.offer.student.user_id]
    people = accounts.people_of(position.enterprise_id) if actor.role is Role.STUDENT else student
    key = f"placement:{placement.id}:{day.isoformat()}"
    notices.tell(people, "placement_ended", key, placement=placement.id, title=position.title, day=day.isoformat())
