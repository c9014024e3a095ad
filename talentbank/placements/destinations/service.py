"""Students and their universities record where graduates went; the student's word stands.

A destination can be recorded from 1 September before the year of graduation on. In China employers come and
three-party agreements are signed in the last year of study, so early contracts are normal, though the degree follows
in June; whatever somebody does before that year is no first destination. What is recorded early can be mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.errors import Conflict, NotFound, Problems
from talentbank.extensions import db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor, Role
from talentbank.placements.destinations import queries
from talentbank.placements.destinations.models import NOWHERE, WORK, Destination, DestinationKind
from talentbank.placements.destinations.queries import Graduate

LONGEST_AGO = timedelta(days=5 * 365 + 2)
"""Five years, with as many leap days as they can have."""

LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says of a graduate: the kind, where, and since when.

    kind: a value of DestinationKind. Where and since when are not kept of kinds that have neither.
    """

    kind: str
    employer: str = ""
    since: date | None = None


def hindrance(actor: Actor, graduate: Graduate) -> object:
    """Why this actor can't record anything of a graduate now, in a sentence; None if it can."""
    if graduate.placed is not None:
        return _l("The bank has this employment on record and counts it already: nothing more is needed.")
    if graduate.opens_on is None:
        return _l("The profile does not say the year of graduation: the student writes it there first.")
    if today() < graduate.opens_on:
        return _l(
            "This can be recorded from %(day)s on, when the last year of study begins.",
            day=graduate.opens_on.isoformat(),
        )
    if actor.role is not Role.STUDENT and graduate.confirmed:
        return _l("The student has recorded or confirmed this: only the student can change it.")
    return None


@command(Action.RECORD_DESTINATION)
def record_own(actor: Actor, word: Word, version: int) -> Destination:
    """The student says what it does; that counts at once, in place of what the university recorded.

    version: of the record that the form showed, 0 for none. Raises Conflict if it was changed since.
    """
    graduate = _own(actor)
    return _write(actor, graduate, word, version)


@command(Action.RECORD_DESTINATION)
def confirm(actor: Actor, version: int) -> Destination:
    """The student confirms what the university recorded. Raises Conflict if that changed or nothing waits."""
    graduate = _own(actor)
    _check_open(actor, graduate)
    _check_version(graduate, version)
    if not graduate.waiting:
        raise Conflict(_l("There is nothing that waits for your confirmation."))
    found = db.session.get_one(Destination, graduate.student_id)
    found.confirmed_at, found.version = now(), version + 1
    audit.record(actor, Action.RECORD_DESTINATION, f"destination:{found.student_id}", confirmed=found.kind.value)
    return found


@command(Action.RECORD_DESTINATION)
def record(actor: Actor, student_id: int, word: Word, version: int) -> Destination:
    """The university says what one of its students does, and tells the student, who confirms or corrects it.

    version: as of record_own. Raises NotFound for another's student, Conflict over what the student said itself.
    """
    _lock(Student.id == student_id)
    graduate = queries.graduate(actor, student_id)
    found = _write(actor, graduate, word, version)
    notices.tell([graduate.user_id], "destination", f"destination:{student_id}:{found.version}")
    return found


def _lock(whose: ColumnElement[bool]) -> None:
    """Keep a student's record from others until this transaction ends, also where there is none yet."""
    db.session.execute(select(Student.id).where(whose).with_for_update())


def _own(actor: Actor) -> Graduate:
    _lock(Student.user_id == actor.user_id)
    graduate = queries.own(actor)
    if graduate is None:
        raise NotFound(_l("You have no profile yet: make it first."))
    return graduate


def _write(actor: Actor, graduate: Graduate, word: Word, version: int) -> Destination:
    _check_open(actor, graduate)
    kind = _checked(word)
    _check_version(graduate, version)
    found = db.session.merge(
        Destination(
            student_id=graduate.student_id,
            kind=kind,
            employer="" if kind in NOWHERE else word.employer.strip(),
            since=None if kind in NOWHERE else word.since,
            source=actor.role,
            recorded_by=actor.user_id,
            recorded_at=now(),
            confirmed_at=now() if actor.role is Role.STUDENT else None,
            version=version + 1,
        )
    )
    db.session.flush()
    audit.record(
        actor,
        Action.RECORD_DESTINATION,
        f"destination:{found.student_id}",
        kind=kind.value,
        employer=found.employer,
        since=found.since.isoformat() if found.since else None,
    )
    return found


def _check_open(actor: Actor, graduate: Graduate) -> None:
    sentence = hindrance(actor, graduate)
    if sentence is not None:
        raise Conflict(sentence)


def _check_version(graduate: Graduate, version: int) -> None:
    if graduate.version != version:
        raise Conflict(_l("This was changed from another window meanwhile: load it again, then change it."))


def _checked(word: Word) -> DestinationKind:
    """The kind, if all that it asks for is there."""
    problems = Problems()
    if word.kind not in set(DestinationKind):
        problems.add("kind", _l("Choose what fits best."))
    works = word.kind in WORK
    if works and not word.employer.strip():
        problems.add("employer", _l("Write the employer, or the name of the business."))
    if len(word.employer.strip()) > LONGEST_NAME:
        problems.add("employer", _l("Use at most %(most)s characters.", most=LONGEST_NAME))
    if works and word.since is None:
        problems.add("since", _l("Write since when: the first day, or the day of signing."))
    if word.since is not None and not today() - LONGEST_AGO <= word.since <= today():
        problems.add("since", _l("The day lies within the last five years, today at the latest."))
    problems.check()
    return DestinationKind(word.kind)
